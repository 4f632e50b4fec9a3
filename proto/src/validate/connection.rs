//! A connection's fields, and the references to its secrets.

use std::path::{Component, Path};

use super::{Findings, Rules, host::host};
use crate::v1::{
    OnExisting, OracleServiceCloudConnection, SecretReference, secret_reference::Place,
};

/// Checks `connection`, whose fields are named below `path` (empty for the input itself).
pub fn connection(
    findings: &mut Findings,
    path: &str,
    connection: &OracleServiceCloudConnection,
    rules: Rules,
) {
    let at = |field: &str| {
        if path.is_empty() {
            field.to_owned()
        } else {
            format!("{path}.{field}")
        }
    };
    findings.sandbox(&at("sandbox"), &connection.sandbox);
    findings.name(&at("name"), &connection.name);
    findings.description(&at("description"), &connection.description);
    host(findings, &at("host"), &connection.host, rules);
    username(findings, &at("username"), &connection.username);
    secret_reference(findings, &at("password"), connection.password.as_ref());
    findings.known_word::<OnExisting>(&at("onExisting"), connection.on_existing);
}

fn username(findings: &mut Findings, field: &str, username: &str) {
    let expected = "a user's name of 1 to 255 characters";
    let chars = username.chars().count();
    if username.trim().is_empty() {
        findings.note(
            field,
            if chars == 0 { "nothing" } else { "only spaces" },
            expected,
        );
    } else if chars > 255 {
        findings.note(field, format!("{chars} characters"), expected);
    } else if username.chars().any(char::is_control) {
        findings.note(field, "a control character", expected);
    }
}

/// Checks that a secret is given by reference, and that the reference is well formed.
/// Whether something stands there is only known where it is resolved.
pub fn secret_reference(findings: &mut Findings, field: &str, reference: Option<&SecretReference>) {
    let expected = r#"{"env": "NAME"} or {"file": "path"}"#;
    match reference.and_then(|reference| reference.place.as_ref()) {
        None => findings.note(field, "nothing", expected),
        Some(Place::Env(name)) => {
            let is_name = !name.is_empty()
                && !name.starts_with(|first: char| first.is_ascii_digit())
                && name
                    .bytes()
                    .all(|each| each.is_ascii_alphanumeric() || each == b'_');
            if !is_name {
                // A password put here by mistake would be shown by its value.
                findings.note(
                    format!("{field}.env"),
                    "something that is no name of a variable",
                    "letters, digits and `_`",
                );
            }
        }
        Some(Place::File(path)) => {
            let is_below = !path.is_empty()
                && !path.contains('\0')
                && Path::new(path)
                    .components()
                    .all(|each| matches!(each, Component::Normal(_)));
            if !is_below {
                findings.note(
                    format!("{field}.file"),
                    "a path that leads out of the secrets folder",
                    "a path below the worker's secrets folder",
                );
            }
        }
    }
}

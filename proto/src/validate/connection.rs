//! A connection's fields, and the references to its secrets.

use std::path::{Component, Path};

use super::{Findings, Rules, host::host};
use crate::v1::{
    OnExisting, OracleServiceCloudConnection, SecretReference, secret_reference::Place,
};

/// What a secret in an input looks like.
pub const SECRET_REFERENCE: &str =
    r#"{"env": "NAME"}, {"file": "path"} or {"vault": {"path": "…", "key": "…"}}"#;

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
    let expected = SECRET_REFERENCE;
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
        Some(Place::Vault(secret)) => {
            if !is_vault_path(&secret.path) {
                findings.note(
                    format!("{field}.vault.path"),
                    "something that is no path of a secret",
                    "a path below the mount such as `osc/emea`",
                );
            }
            if secret.key.is_empty() || secret.key.chars().any(char::is_control) {
                findings.note(
                    format!("{field}.vault.key"),
                    "something that is no key of a secret",
                    "the name of one of the secret's values",
                );
            }
        }
    }
}

/// Whether `path` can only mean a secret below a mount of Vault's: it is put into a URL, and held
/// against the paths that inputs may read, so it must mean the same to both.
#[must_use]
pub fn is_vault_path(path: &str) -> bool {
    !path
        .chars()
        .any(|each| each.is_control() || "\\%?#*".contains(each))
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_vault_has_one_meaning() {
        for (path, is_good) in [
            ("osc", true),
            ("osc/emea 2", true),
            ("", false),
            ("/osc", false),
            ("osc/", false),
            ("osc//emea", false),
            ("osc/../admin", false),
            ("osc/./emea", false),
            ("..", false),
            ("osc/%2e%2e/admin", false),
            ("osc?version=1", false),
            ("osc#a", false),
            ("osc\\..\\admin", false),
            ("osc/*", false),
            ("osc\nadmin", false),
        ] {
            assert_eq!(is_vault_path(path), is_good, "{path:?}");
        }
    }
}

//! A connection's fields, and the references to its secrets.

use std::path::{Component, Path};

use serde_json::Value;

use super::{findings::Findings, host::host, limits::Rules};
use crate::{
    v1::{
        Connection, OnExisting, OracleServiceCloudConnection, SecretReference,
        secret_reference::Place,
    },
    wording::{SECRET_REFERENCE, shown},
};

/// What a parameter of a connection looks like.
const PARAM: &str = r#"a text, a number, true or false, or a reference such as {"env": "NAME"}"#;

/// Most parameters of a way of authentication; no documented one has more than seven.
const MAX_PARAMS: usize = 64;

/// Longest text of a parameter that is no secret, in characters.
const MAX_PARAM_CHARS: usize = 4_096;

/// Checks `connection` as far as possible without the catalogue, which knows the parameters of
/// its source and which of them are secret.
pub fn any_connection(findings: &mut Findings, path: &str, connection: &Connection) {
    let at = |field: &str| below(path, field);
    findings.sandbox(&at("sandbox"), &connection.sandbox);
    findings.name(&at("name"), &connection.name);
    findings.description(&at("description"), &connection.description);
    source(findings, &at("source"), &connection.source);
    findings.path(&at("auth"), &connection.auth);
    findings.known_word::<OnExisting>(&at("onExisting"), connection.on_existing);
    let params = connection.params.as_ref().map(|params| &params.0);
    let params = params.into_iter().flatten();
    let at_most = params.clone().count();
    findings.at_most(&at("params"), at_most, MAX_PARAMS, "parameters");
    for (name, value) in params {
        if let Err((below, found, expected)) = param(value) {
            let field = at(&format!("params.{}", shown(name)));
            findings.note(format!("{field}{below}"), found, expected);
        }
    }
}

fn source(findings: &mut Findings, field: &str, source: &str) {
    let is_name = source
        .bytes()
        .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == b'-');
    if source.is_empty() || !is_name || source.len() > 100 {
        let found = match source {
            "" => "nothing".to_owned(),
            source => format!("`{}`", shown(source)),
        };
        let expected = "a source's name as `aep-flow sources` lists it: lower-case letters, \
                        digits and `-`";
        findings.note(field, found, expected);
    }
}

/// Reads `value` as that of a parameter: a reference to a secret, or nothing for a value that is
/// sent as it is.
///
/// # Errors
/// What is wrong: which part of it, what was found and what was expected. What was found never
/// shows the value.
pub fn param(value: &Value) -> Result<Option<SecretReference>, (&'static str, String, String)> {
    let wrong = |found: &str| Err(("", found.to_owned(), PARAM.to_owned()));
    match value {
        Value::Bool(_) | Value::Number(_) => Ok(None),
        Value::Null => wrong("null"),
        Value::Array(_) => wrong("a list"),
        Value::String(text) if text.chars().count() > MAX_PARAM_CHARS => Err((
            "",
            format!("{} characters", text.chars().count()),
            format!("at most {MAX_PARAM_CHARS} characters"),
        )),
        Value::String(text) if text.chars().any(char::is_control) => Err((
            "",
            "a control character".to_owned(),
            "a text without control characters".to_owned(),
        )),
        Value::String(_) => Ok(None),
        Value::Object(_) => {
            // By the way every input is read, so that a misspelt place is named.
            let reference: SecretReference =
                crate::read::from_json(value.to_string().as_bytes())
                    .map_err(|error| ("", error.found, SECRET_REFERENCE.to_owned()))?;
            let mut findings = Findings::default();
            secret_reference(&mut findings, "", Some(&reference));
            match findings.into_result() {
                Ok(()) => Ok(Some(reference)),
                Err(found) => {
                    let first = found.into_iter().next().unwrap_or_default();
                    let below = match first.field.as_str() {
                        ".env" => ".env",
                        ".file" => ".file",
                        ".vault.path" => ".vault.path",
                        ".vault.key" => ".vault.key",
                        _ => "",
                    };
                    Err((below, first.found, first.expected))
                }
            }
        }
    }
}

fn below(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// Checks `connection`, whose fields are named below `path` (empty for the input itself).
pub fn connection(
    findings: &mut Findings,
    path: &str,
    connection: &OracleServiceCloudConnection,
    rules: Rules,
) {
    let at = |field: &str| below(path, field);
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
/// Whether it leads to a secret is known only when it is resolved.
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
    use serde_json::json;

    #[test]
    fn a_connection_to_any_source_is_checked_without_the_catalogue() {
        let found = |change: fn(&mut Value)| {
            let mut value = json!({
                "name": "SFSC", "source": "salesforce-service-cloud",
                "auth": "OAuth2 Client Credential",
                "params": {"clientId": "3MVG9", "port": 8765, "enableSsl": true,
                           "clientSecret": {"env": "SFSC_SECRET"}},
            });
            change(&mut value);
            let input: Connection = crate::read::from_json(value.to_string().as_bytes()).unwrap();
            let mut findings = Findings::default();
            any_connection(&mut findings, "connection", &input);
            let all = findings.into_result().err().unwrap_or_default();
            let all = all.into_iter().map(|each| (each.field, each.found));
            all.collect::<Vec<_>>()
        };
        assert_eq!(found(|_| ()), []);
        type Case = (&'static str, &'static str, fn(&mut Value));
        let cases: [Case; 9] = [
            ("source", "nothing", |input| input["source"] = json!("")),
            ("source", "`Salesforce CRM`", |input| {
                input["source"] = json!("Salesforce CRM")
            }),
            ("params.clientId", "null", |input| {
                input["params"]["clientId"] = Value::Null
            }),
            ("params.clientId", "a list", |input| {
                input["params"]["clientId"] = json!(["hunter2"])
            }),
            ("params.clientId", "4097 characters", |input| {
                input["params"]["clientId"] = json!("a".repeat(4_097))
            }),
            ("params.clientId", "a control character", |input| {
                input["params"]["clientId"] = json!("a\u{7}")
            }),
            ("params.clientSecret", "an unknown field", |input| {
                input["params"]["clientSecret"] = json!({"keyring": "x"})
            }),
            ("params.clientSecret", "nothing", |input| {
                input["params"]["clientSecret"] = json!({})
            }),
            (
                "params.clientSecret.env",
                "something that is no name of a variable",
                |input| input["params"]["clientSecret"] = json!({"env": "hunter2!"}),
            ),
        ];
        for (field, expected, change) in cases {
            let field = format!("connection.{field}");
            assert_eq!(found(change), [(field, expected.to_owned())]);
        }
    }

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

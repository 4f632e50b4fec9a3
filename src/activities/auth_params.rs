//! The parameters of a base connection: references resolved, types as the platform wants them,
//! and what a marker keeps of them.

use std::collections::BTreeMap;

use aep_flow_ensure::Intent;
use aep_flow_proto::{
    v1::{SecretReference, Violation, secret_reference::Place},
    validate::{Findings, Rules},
};
use aep_platform::ParamValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{failure::ActivityFailure, platform::Platform};
use crate::{
    catalog::entry::{Param, ValueType},
    connection::{self, CheckedConnection, Parameter, ParameterInput},
};

/// What the names and hashes of all parameters may take in a marker, in characters. The platform
/// keeps 1,000 of a description, of which the caller may have 500.
const MOST_IN_MARKER: usize = 350;

/// How the input's fields are named in what is said of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fields {
    /// `params.host`.
    InParams,
    /// `host`: an input that has a field for each.
    OnTop,
}

impl Fields {
    pub(super) fn of(self, given: &str) -> String {
        match self {
            Self::InParams => format!("params.{given}"),
            Self::OnTop => given.to_owned(),
        }
    }
}

/// Checks that each secret may go where the connection sends it. Nothing is read.
///
/// # Errors
/// As [`ActivityFailure::secret`].
pub(super) fn permit(
    platform: &Platform,
    checked: &CheckedConnection<'_>,
    fields: Fields,
) -> Result<(), ActivityFailure> {
    let destination = checked.destination();
    for each in &checked.params {
        if let ParameterInput::Reference(reference) = &each.value {
            let permitted = platform.secrets.permit(reference, &destination);
            permitted.map_err(|error| {
                ActivityFailure::secret(&field(fields, &each.name, reference), &error)
            })?;
        }
    }
    Ok(())
}

/// What `auth.params` is to be.
///
/// # Errors
/// As [`ActivityFailure::secret`], and `InvalidInput` for a secret that cannot be what the parameter is.
pub(super) async fn resolve(
    platform: &Platform,
    given: &[Parameter<'_>],
    fields: Fields,
) -> Result<BTreeMap<String, ParamValue>, ActivityFailure> {
    let mut params = BTreeMap::new();
    for each in given {
        let value = match &each.value {
            ParameterInput::Plain(value) => ParamValue::Plain(value.clone()),
            ParameterInput::Reference(reference) => {
                let field = field(fields, &each.name, reference);
                let secret = platform.secrets.resolve(reference).await;
                let secret = secret.map_err(|error| ActivityFailure::secret(&field, &error))?;
                typed(
                    platform.rules,
                    each.known.as_ref().ok().copied(),
                    &field,
                    secret,
                )
                .map_err(|violation| ActivityFailure::invalid(vec![violation]))?
            }
        };
        params.insert(each.name.clone(), value);
    }
    Ok(params)
}

/// The same without what is referred to, for a request that is not sent.
pub(super) fn unread(given: &[Parameter<'_>]) -> BTreeMap<String, ParamValue> {
    let params = given.iter().map(|each| {
        let value = match &each.value {
            ParameterInput::Plain(value) => ParamValue::Plain(value.clone()),
            ParameterInput::Reference(_) => ParamValue::Secret(SecretString::default()),
        };
        (each.name.clone(), value)
    });
    params.collect()
}

/// The field of a reference in the input.
fn field(fields: Fields, name: &str, reference: &SecretReference) -> String {
    format!("{}.{}", fields.of(name), place(reference))
}

fn place(reference: &SecretReference) -> &'static str {
    match reference.place {
        Some(Place::File(_)) => "file",
        Some(Place::Vault(_)) => "vault",
        Some(Place::Env(_)) | None => "env",
    }
}

/// What was referred to, as what the parameter is; nothing that is said of it shows it.
fn typed(
    rules: Rules,
    param: Option<&Param>,
    field: &str,
    secret: SecretString,
) -> Result<ParamValue, Violation> {
    let wrong = |expected: &str| Violation {
        field: field.to_owned(),
        found: "something else".to_owned(),
        expected: expected.to_owned(),
    };
    let Some(param) = param else {
        return Ok(ParamValue::Secret(secret));
    };
    let text = secret.expose_secret();
    match param.value_type {
        ValueType::Integer if text.parse::<i64>().is_ok() => Ok(ParamValue::SecretLiteral(secret)),
        ValueType::Integer => Err(wrong("a whole number there")),
        ValueType::Boolean if text.parse::<bool>().is_ok() => Ok(ParamValue::SecretLiteral(secret)),
        ValueType::Boolean => Err(wrong("`true` or `false` there")),
        ValueType::String => {
            let mut findings = Findings::default();
            connection::address(&mut findings, field, param, text, rules);
            match findings.into_result() {
                Ok(()) => Ok(ParamValue::Secret(secret)),
                Err(_) => Err(wrong("a host or an address that the platform may call")),
            }
        }
    }
}

/// The intent with the fingerprint of the parameters: by their bare names, and what nobody may
/// see under the worker's `key`.
pub(super) fn fingerprint(
    mut intent: Intent,
    params: &BTreeMap<String, ParamValue>,
    key: Option<&[u8]>,
) -> Intent {
    let length: usize = params
        .keys()
        .map(|name| name.len() + "= 12345678".len())
        .sum();
    let is_word = |name: &String| {
        name.bytes()
            .all(|each| each.is_ascii_alphanumeric() || b"_-.".contains(&each))
    };
    if length > MOST_IN_MARKER || !params.keys().all(is_word) {
        // A mismatch then can't say which one differs. No documented way has so many.
        let mut plain = String::new();
        let mut hidden = String::new();
        for (name, value) in params {
            match value {
                ParamValue::Plain(value) => {
                    plain.push_str(
                        &Value::from(vec![name.clone().into(), value.clone()]).to_string(),
                    );
                }
                ParamValue::Secret(secret) | ParamValue::SecretLiteral(secret) => {
                    hidden.push_str(name);
                    hidden.push('\0');
                    hidden.push_str(secret.expose_secret());
                    hidden.push('\0');
                }
            }
        }
        let hidden = SecretString::from(hidden);
        return intent.field("params", &plain).secret_field(
            "secrets",
            hidden.expose_secret().as_bytes(),
            key,
        );
    }
    for (name, value) in params {
        intent = match value {
            ParamValue::Plain(Value::String(text)) => intent.field(name, text),
            ParamValue::Plain(value) => intent.field(name, &value.to_string()),
            ParamValue::Secret(secret) | ParamValue::SecretLiteral(secret) => {
                intent.secret_field(name, secret.expose_secret().as_bytes(), key)
            }
        };
    }
    intent
}

#[cfg(test)]
mod tests {
    use aep_flow_ensure::ResourceKind;

    use super::*;

    const KEY: Option<&[u8]> = Some(b"key");

    fn intent() -> Intent {
        Intent::new(
            ResourceKind::BaseConnection,
            &["org", "prod", "spec"],
            "OSC",
        )
    }

    fn plain(text: &str) -> ParamValue {
        ParamValue::Plain(Value::from(text))
    }

    fn secret(text: &str) -> ParamValue {
        ParamValue::Secret(text.to_owned().into())
    }

    /// The fields of a marker with their hashes, in their order.
    fn fields(intent: &Intent) -> Vec<String> {
        let marker = intent.marker().to_string();
        let words = marker.trim_end_matches(']').split(' ');
        let mut fields: Vec<String> = words
            .skip_while(|word| !word.starts_with("k="))
            .skip(1)
            .map(str::to_owned)
            .collect();
        fields.sort();
        fields
    }

    fn params(given: &[(&str, ParamValue)]) -> BTreeMap<String, ParamValue> {
        let given = given.iter();
        given
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn an_oracle_service_cloud_keeps_the_fingerprint_it_always_had() {
        let before = intent()
            .field("host", "acme.custhelp.com")
            .field("username", "svc_aep")
            .secret_field("password", b"hunter2", KEY);
        let now = params(&[
            ("host", plain("acme.custhelp.com")),
            ("username", plain("svc_aep")),
            ("password", secret("hunter2")),
        ]);
        let now = fields(&fingerprint(intent(), &now, KEY));
        assert_eq!(now, fields(&before));
        assert_eq!(now.len(), 3);
    }

    #[test]
    fn what_was_referred_to_is_held_to_the_same_and_not_shown() {
        use crate::catalog::entry::Format;
        let said = |value_type, format, text: &str| {
            let param = Param {
                name: "p".to_owned(),
                description: "P.".to_owned(),
                secret: true,
                optional: false,
                value_type,
                format,
                example: None,
            };
            let secret = SecretString::from(text.to_owned());
            match typed(Rules::default(), Some(&param), "params.p.env", secret) {
                Ok(ParamValue::Secret(_)) => "a text".to_owned(),
                Ok(ParamValue::SecretLiteral(_)) => "a literal".to_owned(),
                Ok(ParamValue::Plain(_)) => "shown".to_owned(),
                Err(violation) => {
                    let said = format!("{violation:?}");
                    assert!(!said.contains(text), "{said}");
                    violation.expected
                }
            }
        };
        let host = Some(Format::Host);
        assert_eq!(said(ValueType::String, None, "hunter2"), "a text");
        assert_eq!(said(ValueType::Integer, None, "5432"), "a literal");
        assert!(said(ValueType::Integer, None, "hunter2").contains("whole number"));
        assert_eq!(said(ValueType::Boolean, None, "true"), "a literal");
        assert!(said(ValueType::Boolean, None, "hunter2").contains("`true`"));
        assert_eq!(said(ValueType::String, host, "db.example.com"), "a text");
        assert!(said(ValueType::String, host, "127.0.0.1").contains("may call"));
    }

    #[test]
    fn what_is_too_much_for_a_marker_is_told_by_two_hashes() {
        let many = |last: &str, password: &str| {
            let mut many: BTreeMap<String, ParamValue> = (0..40)
                .map(|each| (format!("aRatherLongName{each}"), plain("x")))
                .collect();
            many.insert("last".to_owned(), plain(last));
            many.insert("password".to_owned(), secret(password));
            fields(&fingerprint(intent(), &many, KEY))
        };
        let marker = many("a", "hunter2");
        assert_eq!(marker.len(), 2);
        assert_ne!(marker[0], many("b", "hunter2")[0]);
        assert_eq!(marker[1], many("b", "hunter2")[1]);
        assert_ne!(marker[1], many("a", "hunter3")[1]);
        let odd = fingerprint(intent(), &params(&[("a b]", plain("x"))]), KEY);
        assert!(fields(&odd)[0].starts_with("params="));
    }
}

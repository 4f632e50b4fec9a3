//! What the platform itself says of a source, before anything is created: its connection
//! specification is read, and wins over the catalogue.
//!
//! Source: Flow Service API reference, `GET /connectionSpecs/{id}`, read 2026-11: `authSpec[].spec`
//! is a JSON Schema of `auth.params`.

use aep_flow_proto::{read::shown, v1::Violation, validate};
use aep_platform::{
    AdobeCode, AuthParams, Chain, Class, ConnectionSpec, ConnectionSpecId, Sandbox,
};

use super::{auth_params::Fields, failure::ActivityFailure, platform::Platform};
use crate::connection::{CheckedConnection, Parameter, ParameterInput};

/// What the platform and the catalogue agree on.
#[derive(Debug)]
pub(super) struct Agreed {
    /// Version of the specification that is offered.
    pub(super) version: String,
    /// Where they differ and it does no harm.
    pub(super) warnings: Vec<String>,
}

impl Agreed {
    /// What the catalogue alone says.
    pub(super) fn by_catalogue(checked: &CheckedConnection<'_>) -> Self {
        Self {
            version: checked.source.connection_spec.version.clone(),
            warnings: Vec::new(),
        }
    }
}

/// Compares a connection with what the platform offers.
///
/// # Errors
/// `PlatformRejected` if the platform no longer has the source, `InvalidInput` for what it does
/// not take, and whatever a read can end with. Without the right to read it, the catalogue holds.
pub(super) async fn check(
    platform: &Platform,
    sandbox: &Sandbox,
    checked: &CheckedConnection<'_>,
    fields: Fields,
) -> Result<Agreed, ActivityFailure> {
    let source = checked.source;
    let id: ConnectionSpecId = super::read_id("source", &source.connection_spec.id)?;
    let gone =
        |error| ActivityFailure::spec_gone(&source.title, source.deprecation_notice(), error);
    match platform.connection_spec(sandbox, &id).await {
        Ok(Some(spec)) => compare(checked, &spec, fields).map_err(ActivityFailure::invalid),
        Ok(None) => Err(gone(None)),
        Err(error) => {
            let code = error.code();
            match error.class() {
                Class::NotFound => Err(gone(Some(error))),
                _ if code.is_some_and(AdobeCode::refuses_connection_spec) => Err(gone(Some(error))),
                Class::PermissionDenied if checked.found_by_catalogue().is_empty() => {
                    let mut agreed = Agreed::by_catalogue(checked);
                    agreed.warnings.push(format!(
                        "whether the platform offers {} as the catalogue has it was not checked: \
                         {}",
                        source.title,
                        Chain(&error)
                    ));
                    Ok(agreed)
                }
                Class::PermissionDenied => {
                    Err(ActivityFailure::invalid(checked.found_by_catalogue()))
                }
                _ => Err(ActivityFailure::from(error)),
            }
        }
    }
}

fn compare(
    checked: &CheckedConnection<'_>,
    spec: &ConnectionSpec,
    fields: Fields,
) -> Result<Agreed, Vec<Violation>> {
    let mut agreed = Agreed::by_catalogue(checked);
    if let Some(version) = spec.version.as_ref().filter(|it| **it != agreed.version) {
        agreed.warnings.push(format!(
            "the platform offers {} by version {} of its specification, not {}: that one is used",
            checked.source.title,
            shown(version),
            agreed.version
        ));
        agreed.version.clone_from(version);
    }
    let name = &checked.auth.spec_name;
    let Some(auth) = spec.auth_spec(name) else {
        let offered = spec.auth_specs.iter();
        let offered: Vec<String> = offered.map(|it| format!("`{}`", shown(&it.name))).collect();
        return Err(vec![Violation {
            field: "auth".to_owned(),
            found: format!("`{}`, which the platform does not offer", shown(name)),
            expected: if offered.is_empty() {
                "another source: the platform offers no way of authentication for this one"
                    .to_owned()
            } else {
                format!("one that it offers: {}", offered.join(", "))
            },
        }]);
    };
    let Some(known) = &auth.params else {
        // There is no schema, so the catalogue has the only word.
        let found = checked.found_by_catalogue();
        return if found.is_empty() {
            Ok(agreed)
        } else {
            Err(found)
        };
    };
    let mut violations = Vec::new();
    for given in &checked.params {
        match parameter(given, known, fields) {
            ParameterVerdict::Taken => {}
            ParameterVerdict::Warned => agreed.warnings.push(format!(
                "the platform's specification of {} does not name the parameter `{}`",
                checked.source.title, given.name
            )),
            ParameterVerdict::Refused(violation) => violations.push(violation),
        }
    }
    for required in &known.required {
        if !checked.params.iter().any(|given| given.name == *required) {
            let field = fields.of(&shown(required));
            let known = checked.missing.iter().find(|each| each.field == field);
            violations.push(known.cloned().unwrap_or_else(|| Violation {
                field,
                found: "nothing".to_owned(),
                expected: "a value: the platform requires this parameter".to_owned(),
            }));
        }
    }
    if violations.is_empty() {
        Ok(agreed)
    } else {
        Err(violations)
    }
}

enum ParameterVerdict {
    Taken,
    Warned,
    Refused(Violation),
}

fn parameter(given: &Parameter<'_>, known: &AuthParams, fields: Fields) -> ParameterVerdict {
    let refused = |found: &str, expected: String| {
        ParameterVerdict::Refused(Violation {
            field: fields.of(&shown(&given.name)),
            found: found.to_owned(),
            expected,
        })
    };
    match (known.known.get(&given.name), &given.known) {
        (Some(true), _) if matches!(given.value, ParameterInput::Plain(_)) => refused(
            "a literal secret",
            format!("a reference such as {}", validate::SECRET_REFERENCE),
        ),
        (Some(_), _) => ParameterVerdict::Taken,
        (None, Err(violation)) => ParameterVerdict::Refused(violation.clone()),
        (None, Ok(_)) if known.is_closed => {
            let names: Vec<String> = known
                .known
                .keys()
                .map(|it| format!("`{}`", shown(it)))
                .collect();
            refused(
                "a parameter that the platform does not take",
                format!("those that it takes: {}", names.join(", ")),
            )
        }
        (None, Ok(_)) => ParameterVerdict::Warned,
    }
}

//! `auth` of a base connection: what its connection spec requires, what is shown of it, and whether
//! the source accepts it.
//!
//! Source: `authSpec` of a connection spec is a JSON Schema (Flow Service API reference); the
//! sources error messages (1304, 1312, 1415), read 2026-11. The documents name no error for a
//! parameter that the spec doesn't have. 1312 is this emulator's guess.

use serde_json::{Map, Value};

use super::common;
use crate::backdrop::Backdrop;
use crate::config::{ShownSecrets, SourceSettings, UnknownParams};
use crate::json::text;
use crate::mask::{self, MASK};
use crate::problem::Problem;
use crate::source;
use crate::store::Entity;

/// The parameters of `auth`, if the connection spec accepts them.
pub(super) fn check(spec: &Value, body: &Value, unknown: UnknownParams) -> Result<Value, Problem> {
    let name = common::required(body, "/auth/specName")?;
    let Some(auth_spec) = auth_spec(spec, name) else {
        return Err(Problem::flow(
            1415,
            400,
            format!("Auth spec {name} is not valid for this connection spec."),
        ));
    };
    let Some(params) = body.pointer("/auth/params").and_then(Value::as_object) else {
        return Err(Problem::missing_field("auth.params"));
    };
    let required = auth_spec["spec"]["required"].as_array();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        match params.get(name) {
            None | Some(Value::Null) => return Err(missing(name)),
            Some(Value::String(text)) if text.is_empty() => return Err(missing(name)),
            Some(_) => {}
        }
    }
    let properties = &auth_spec["spec"]["properties"];
    for (name, value) in params {
        match properties.get(name) {
            Some(property) => check_type(name, text(property, "/type"), value)?,
            None if unknown == UnknownParams::Refused => {
                let message =
                    format!("Parameter auth.params.{name} is not known to this auth spec.");
                return Err(Problem::flow(1312, 400, message));
            }
            None => {}
        }
    }
    Ok(Value::Object(params.clone()))
}

fn missing(name: &str) -> Problem {
    Problem::missing_field(&format!("auth.params.{name}"))
}

fn check_type(name: &str, kind: &str, value: &Value) -> Result<(), Problem> {
    let (fits, wanted) = match kind {
        "string" => (value.is_string(), "a string"),
        "number" => (value.is_number(), "a number"),
        "integer" => (value.is_i64() || value.is_u64(), "an integer"),
        "boolean" => (value.is_boolean(), "a boolean"),
        _ => (true, ""),
    };
    if fits || value.is_null() {
        Ok(())
    } else {
        Err(common::wrong_type(&format!("auth.params.{name}"), wanted))
    }
}

/// Whether the source accepts these parameters.
pub(super) fn lets_in(
    settings: &SourceSettings,
    spec: &Value,
    body: &Value,
    params: &Value,
) -> bool {
    let is_secret = secrecy(spec, text(body, "/auth/specName"));
    let none = Map::new();
    let params = params.as_object().unwrap_or(&none);
    source::lets_in(&settings.accounts, params, is_secret)
}

/// Whether the source accepts the credentials of this connection.
pub(super) fn can_log_in(
    settings: &SourceSettings,
    backdrop: &Backdrop,
    connection: &Entity,
) -> bool {
    let spec = backdrop.connection_spec(connection.text("/connectionSpec/id"));
    let params = connection.hidden.get("params");
    params.is_some_and(|params| {
        lets_in(
            settings,
            spec.unwrap_or(&Value::Null),
            &connection.body,
            params,
        )
    })
}

/// The parameters as a read shows them: secrets are masked or left out.
pub(super) fn shown(spec: &Value, auth_name: &str, params: &Value, shown: ShownSecrets) -> Value {
    let is_secret = secrecy(spec, auth_name);
    let mut visible = Map::new();
    for (name, value) in params.as_object().into_iter().flatten() {
        match (is_secret(name), shown) {
            (false, _) => visible.insert(name.clone(), value.clone()),
            (true, ShownSecrets::Masked) => visible.insert(name.clone(), Value::from(MASK)),
            (true, ShownSecrets::Absent) => None,
        };
    }
    Value::Object(visible)
}

/// Which parameters of an auth spec are secret. A parameter that the spec doesn't have is judged by
/// its name.
fn secrecy<'s>(spec: &'s Value, auth_name: &str) -> impl Fn(&str) -> bool + 's {
    let properties = auth_spec(spec, auth_name).map(|auth| &auth["spec"]["properties"]);
    move |name| match properties.and_then(|properties| properties.get(name)) {
        Some(property) => property["format"] == "password",
        None => mask::is_secret_name(name),
    }
}

fn auth_spec<'s>(spec: &'s Value, name: &str) -> Option<&'s Value> {
    spec["authSpec"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|auth| auth["name"] == name)
}

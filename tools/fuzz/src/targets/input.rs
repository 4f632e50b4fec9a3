//! What must hold for each input that a caller sends.

use aep_flow_proto::v1::Violation;
use serde::Serialize;
use serde_json::Value;

use crate::oracle::{CANARY, assert_fit};

#[track_caller]
pub(super) fn assert_fit_violation(violation: &Violation, secret: bool) {
    assert!(!violation.field.is_empty(), "a violation of no field");
    assert_fit(
        &format!(
            "{}: {}, {}",
            violation.field, violation.found, violation.expected
        ),
        secret,
    );
}

/// Whether `input` holds the canary, and only in places where somebody put a password by mistake:
/// in place of the reference, or inside it under an unknown name.
pub(super) fn has_only_secret_canaries(input: &[u8]) -> bool {
    let Ok(root) = serde_json::from_slice::<Value>(input) else {
        return false;
    };
    let mut places = Vec::new();
    walk(&root, &mut Vec::new(), &mut places);
    // Of a field that is given twice, the parser above keeps only the last.
    let count = String::from_utf8_lossy(input).matches(CANARY).count();
    count > 0
        && places.len() == count
        && places.iter().all(|place| {
            let at = place.iter().position(|name| name == "password");
            at.is_some_and(|at| {
                place[at + 1..]
                    .iter()
                    .all(|name| !["env", "file", "vault"].contains(&name.as_str()))
            })
        })
}

fn walk(value: &Value, path: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    match value {
        Value::String(text) if text.contains(CANARY) => {
            let times = text.matches(CANARY).count();
            places.extend(std::iter::repeat_n(path.clone(), times));
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                path.push(index.to_string());
                walk(value, path, places);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push(name.clone());
                walk(value, path, places);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The message as JSON, if it can be written as JSON.
pub(super) fn to_json(message: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(message).ok()
}

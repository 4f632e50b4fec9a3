//! Applies a PATCH to a dataset: a JSON merge or a JSON Patch, depending on its content type.

use serde_json::{Map, Value};

use crate::call::Call;
use crate::json_patch;
use crate::problem::Problem;

/// The fields that a caller may set.
pub(super) const FIELDS: &[&str] = &[
    "name",
    "description",
    "schemaRef",
    "fileDescription",
    "tags",
    "enableErrorDiagnostics",
    "observableSchema",
    "dataSourceId",
];

/// The dataset after the call. Other fields than the caller's do not change: a merge skips them,
/// and a patch that names one is refused.
pub(crate) fn changed(call: &Call, mut dataset: Value) -> Result<Value, Problem> {
    let sent = call.json()?;
    let kind = call.header("content-type").unwrap_or_default();
    if kind.starts_with("application/json-patch+json") {
        let refused = |error: json_patch::PatchError| Problem::bad_request(error.to_string());
        for operation in json_patch::parse(&sent).map_err(refused)? {
            let field = operation.path.split('/').nth(1).unwrap_or_default();
            if !FIELDS.contains(&field) {
                let detail = format!("{} can't be changed", operation.path);
                return Err(Problem::bad_request(detail));
            }
            json_patch::apply(&mut dataset, &operation).map_err(refused)?;
        }
        return Ok(dataset);
    }
    let Value::Object(mut changes) = sent else {
        return Err(Problem::bad_request("The body must be an object"));
    };
    changes.retain(|field, _| FIELDS.contains(&field.as_str()));
    merge(&mut dataset, Value::Object(changes));
    Ok(dataset)
}

/// Merges objects member by member. A null removes a member; any other value replaces the old one.
fn merge(old: &mut Value, new: Value) {
    let Value::Object(changes) = new else {
        *old = new;
        return;
    };
    if !old.is_object() {
        *old = Value::Object(Map::new());
    }
    let Some(members) = old.as_object_mut() else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_descends_into_objects_and_null_removes() {
        for (old, new, expected) in [
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 3}}),
                json!({"a": {"b": 3, "c": 2}}),
            ),
            (json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (
                json!({"a": 1}),
                json!({"a": {"b": null, "c": 1}}),
                json!({"a": {"c": 1}}),
            ),
            (json!({}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
        ] {
            let mut merged = old.clone();
            merge(&mut merged, new.clone());
            assert_eq!(merged, expected, "{old} with {new}");
        }
    }
}

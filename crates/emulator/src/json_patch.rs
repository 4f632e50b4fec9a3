//! JSON Patch as far as Flow Service and Catalog accept it: add, replace, remove.

use serde_json::Value;

/// Why a patch is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// It is no JSON Patch, or it doesn't fit this resource.
    #[error("JSON Patch is not valid: {0}.")]
    Invalid(String),
    /// An operation other than these three.
    #[error("Operation type {0} is not supported.")]
    UnknownOperation(String),
}

/// One operation of a patch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PatchOperation {
    pub(crate) verb: Verb,
    pub(crate) path: String,
    pub(crate) value: Value,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Replace,
    Remove,
}

/// Parses the body of a PATCH. The case of `op` doesn't matter: the documents write it in three
/// ways.
pub(crate) fn parse(body: &Value) -> Result<Vec<PatchOperation>, PatchError> {
    let Some(operations) = body.as_array() else {
        return Err(invalid("the body must be an array"));
    };
    operations.iter().map(parse_one).collect()
}

fn parse_one(operation: &Value) -> Result<PatchOperation, PatchError> {
    let Some(name) = operation["op"].as_str() else {
        return Err(invalid("field op is missing"));
    };
    let verb = match name.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => {
            return Err(PatchError::UnknownOperation(name.to_owned()));
        }
    };
    let path = match operation["path"].as_str() {
        Some(path) if path.starts_with('/') && path.len() > 1 => path.to_owned(),
        _ => return Err(invalid("field path is missing or no JSON pointer")),
    };
    let value = match (verb, operation.get("value")) {
        (Verb::Remove, _) => Value::Null,
        (Verb::Add | Verb::Replace, Some(value)) => value.clone(),
        (Verb::Add | Verb::Replace, None) => return Err(invalid("field value is missing")),
    };
    Ok(PatchOperation { verb, path, value })
}

/// Applies one operation.
pub(crate) fn apply(body: &mut Value, operation: &PatchOperation) -> Result<(), PatchError> {
    let missing = || invalid(&format!("path {} doesn't exist", operation.path));
    let (parent, key) = operation.path.rsplit_once('/').ok_or_else(missing)?;
    let key = key.replace("~1", "/").replace("~0", "~");
    match body.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(fields) => match operation.verb {
            Verb::Add => {
                fields.insert(key, operation.value.clone());
            }
            Verb::Replace if fields.contains_key(&key) => {
                fields.insert(key, operation.value.clone());
            }
            // A description that was never sent may be replaced. The tutorials do it.
            Verb::Replace if parent.is_empty() => {
                fields.insert(key, operation.value.clone());
            }
            Verb::Replace => return Err(missing()),
            Verb::Remove => {
                fields.remove(&key).ok_or_else(missing)?;
            }
        },
        Value::Array(items) => {
            let index = if key == "-" {
                Some(items.len())
            } else {
                key.parse().ok()
            };
            let index: usize = index.ok_or_else(missing)?;
            match operation.verb {
                Verb::Add if index <= items.len() => items.insert(index, operation.value.clone()),
                Verb::Replace if index < items.len() => items[index] = operation.value.clone(),
                Verb::Remove if index < items.len() => {
                    items.remove(index);
                }
                Verb::Add | Verb::Replace | Verb::Remove => return Err(missing()),
            }
        }
        _ => return Err(missing()),
    }
    Ok(())
}

fn invalid(reason: &str) -> PatchError {
    PatchError::Invalid(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(mut body: Value, operations: Value) -> Result<Value, PatchError> {
        for operation in parse(&operations)? {
            apply(&mut body, &operation)?;
        }
        Ok(body)
    }

    #[test]
    fn operations_of_any_case_are_applied_in_order() {
        let body = json!({"name": "a", "list": [1, 2]});
        let operations = json!([
            {"op": "REPLACE", "path": "/name", "value": "b"},
            {"op": "Add", "path": "/list/-", "value": 3},
            {"op": "remove", "path": "/list/0"},
        ]);
        assert_eq!(
            patched(body, operations),
            Ok(json!({"name": "b", "list": [2, 3]}))
        );
    }

    #[test]
    fn an_invalid_patch_is_refused() {
        for (operations, is_known) in [
            (json!({"op": "add"}), true),
            (json!([{"op": "move", "path": "/a", "value": 1}]), false),
            (json!([{"op": "add", "path": "/a"}]), true),
            (json!([{"op": "replace", "path": "/x/y", "value": 1}]), true),
            (json!([{"op": "remove", "path": "/x"}]), true),
        ] {
            let error = patched(json!({"a": 1}), operations.clone()).unwrap_err();
            assert_eq!(
                matches!(error, PatchError::Invalid(_)),
                is_known,
                "{operations}: {error}"
            );
        }
    }
}

//! Reads values out of JSON.

use serde_json::Value;

/// The string at a JSON pointer, or an empty string.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

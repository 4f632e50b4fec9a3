//! Reads values out of JSON.

use std::borrow::Cow;

use serde_json::Value;

/// The string at a JSON pointer, or an empty string.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The value at a path with dots.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(value, |value, segment| value.get(segment))
}

/// A value as text: a string without its quotes, anything else as JSON.
pub(crate) fn plain(value: &Value) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(value.to_string()),
    }
}

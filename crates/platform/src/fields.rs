//! Reads fields out of JSON leniently: a field of another type than documented counts as absent.
//!
//! Adobe's documents disagree on types and spellings of many fields, and a list must not become
//! unreadable because one entity in it is odd. Only an id is required.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;

use crate::ids::{Etag, IdError};
use crate::response::UnreadableResponse;

/// An entity as Adobe returned it. `Debug` shows nothing of it, as it may hold a source's secrets.
#[derive(Clone, PartialEq)]
pub struct Raw(Value);

impl Raw {
    pub(crate) fn new(value: Value) -> Self {
        Self(value)
    }

    /// The JSON. Do not log it.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// A field by JSON pointer, such as `/params/tableName`.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Raw(..)")
    }
}

/// The field as text; a number or boolean becomes its text.
pub(crate) fn text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The field as a whole number, also if it is a text.
pub(crate) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The field as a time in milliseconds since 1970: as a number, or as a date-time with its offset
/// from UTC. Absent if it is neither, as a wrong time is worse than none.
pub(crate) fn time_ms(value: &Value, pointer: &str) -> Option<i64> {
    let of_text = || {
        let time: Timestamp = value.pointer(pointer)?.as_str()?.trim().parse().ok()?;
        Some(time.as_millisecond())
    };
    integer(value, pointer)
        .or_else(of_text)
        .filter(|ms| *ms > 0)
}

/// The field as a flag, also if it is a text.
pub(crate) fn flag(value: &Value, pointer: &str) -> Option<bool> {
    match value.pointer(pointer)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The field as an id, if it is one.
pub(crate) fn id<I: FromStr<Err = IdError>>(value: &Value, pointer: &str) -> Option<I> {
    value.pointer(pointer)?.as_str()?.parse().ok()
}

/// The ids in a list; other entries are left out.
pub(crate) fn ids<I: FromStr<Err = IdError>>(value: &Value, pointer: &str) -> Vec<I> {
    list(value, pointer)
        .iter()
        .filter_map(|entry| entry.as_str()?.parse().ok())
        .collect()
}

/// The list at a place, empty if there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The id, without which nothing is an entity.
pub(crate) fn required_id<I: FromStr<Err = IdError>>(
    value: &Value,
    pointer: &str,
) -> Result<I, UnreadableResponse> {
    let text = value
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| UnreadableResponse::shape(format!("`{pointer}` is missing")))?;
    text.parse()
        .map_err(|error: IdError| UnreadableResponse::shape(format!("`{pointer}` is {error}")))
}

/// `etag`, as all examples spell it, or `eTag`, as the reference does for runs.
pub(crate) fn etag(value: &Value) -> Option<Etag> {
    id(value, "/etag").or_else(|| id(value, "/eTag"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_a_number_or_a_date_time() {
        let ms = 1_590_792_069_173_i64;
        let cases = [
            (json!(ms), Some(ms)),
            (json!(ms.to_string()), Some(ms)),
            (json!("2020-05-29T22:41:09.173Z"), Some(ms)),
            (json!("2020-05-30T00:41:09.173+02:00"), Some(ms)),
            (json!("2020-05-29T22:41:09.173+0000"), Some(ms)),
            (json!("2020-05-29 22:41:09Z"), Some(ms - 173)),
            // Nobody says by which clock.
            (json!("2020-05-29T22:41:09.173"), None),
            (json!("2020-05-29"), None),
            (json!("yesterday"), None),
            (json!(0), None),
            (json!(-1), None),
            (json!(null), None),
            (json!({}), None),
        ];
        for (shown, expected) in cases {
            let entity = json!({"createdDate": shown});
            assert_eq!(time_ms(&entity, "/createdDate"), expected, "{shown}");
        }
    }
}

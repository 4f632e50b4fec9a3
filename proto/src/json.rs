//! JSON as messages: `google.protobuf.Struct` and `google.protobuf.Value`, kept as they came.
//!
//! What the platform says of a column is handed on verbatim, so whole numbers stay whole
//! and keys keep one order, both of which the usual types for `Struct` lose. Only the
//! binary encoding, which has no whole numbers, is exact to 2^53 alone.

use prost::{
    DecodeError,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// A JSON object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Map<String, Value>);

impl Object {
    /// The text under `key`, if there is one and it is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }
}

impl From<Map<String, Value>> for Object {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

// The wire form is the well-known type's own; only it knows its fields.
impl prost::Message for Object {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        to_wire(&self.0).encode_raw(buffer);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut field = pbjson_types::Struct::default();
        field.merge_field(tag, wire_type, buffer, context)?;
        self.0.extend(from_wire(field));
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        to_wire(&self.0).encoded_len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Any JSON value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Anything(pub Value);

impl From<Value> for Anything {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

// As for an object.
impl prost::Message for Anything {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        value_to_wire(&self.0).encode_raw(buffer);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let mut value = value_to_wire(&self.0);
        value.merge_field(tag, wire_type, buffer, context)?;
        self.0 = value_from_wire(value);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        value_to_wire(&self.0).encoded_len()
    }

    fn clear(&mut self) {
        self.0 = Value::Null;
    }
}

fn to_wire(map: &Map<String, Value>) -> pbjson_types::Struct {
    map.iter()
        .map(|(key, value)| (key.clone(), value_to_wire(value)))
        .collect()
}

fn value_to_wire(value: &Value) -> pbjson_types::Value {
    use pbjson_types::value::Kind;
    Kind::into(match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => Kind::ListValue(pbjson_types::ListValue {
            values: list.iter().map(value_to_wire).collect(),
        }),
        Value::Object(map) => Kind::StructValue(to_wire(map)),
    })
}

fn from_wire(object: pbjson_types::Struct) -> Map<String, Value> {
    object
        .fields
        .into_iter()
        .map(|(key, value)| (key, value_from_wire(value)))
        .collect()
}

fn value_from_wire(value: pbjson_types::Value) -> Value {
    use pbjson_types::value::Kind;
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::NumberValue(number)) => number_from_wire(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => {
            Value::Array(list.values.into_iter().map(value_from_wire).collect())
        }
        Some(Kind::StructValue(object)) => Value::Object(from_wire(object)),
    }
}

fn number_from_wire(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // A whole number came from one: the wire has no other way to say it.
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
    let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    match whole {
        Some(whole) => Value::from(whole),
        None => Number::from_f64(number).map_or(Value::Null, Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn both_encodings_give_the_object_back() {
        let text = r#"{"a":[1,true,null,{"b":"c"}],"half":0.5,"least":-9007199254740992}"#;
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        let bytes = object.encode_to_vec();
        assert_eq!(bytes.len(), object.encoded_len());
        assert_eq!(Object::decode(bytes.as_slice()).unwrap(), object);
    }

    #[test]
    fn any_value_is_given_back_by_both_encodings() {
        for text in [
            "null",
            "true",
            "12",
            "0.5",
            r#""a""#,
            r#"["a",1]"#,
            r#"{"a":[1]}"#,
        ] {
            let value: Anything = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            let bytes = value.encode_to_vec();
            assert_eq!(bytes.len(), value.encoded_len());
            assert_eq!(Anything::decode(bytes.as_slice()).unwrap(), value);
        }
    }

    #[test]
    fn json_keeps_every_digit() {
        let text = r#"{"id":18446744073709551615}"#;
        let object: Object = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }
}

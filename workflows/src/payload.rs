//! A wrapper that turns any message of the contract into a Temporal payload.
//!
//! Reads `json/plain`, `json/protobuf` and `binary/protobuf`; writes `json/plain`, so
//! that a caller in any language decodes it without our stubs.

use aep_flow_proto::read::{self, ReadError};
use prost::{Message as ProtoMessage, Name};
use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::{
    data_converters::{
        PayloadConversionError, SerializationContext, TemporalDeserializable, TemporalSerializable,
    },
    protos::temporal::api::common::v1::Payload,
};

const ENCODING: &str = "encoding";
const MESSAGE_TYPE: &str = "messageType";

/// A message of the contract, as a payload holds it.
///
/// A payload that cannot be read is kept as an error. If decoding failed instead, a workflow
/// task would be retried for ever, and an activity would fail without a type. The code that
/// reads the message decides what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message<T>(Result<T, ReadError>);

impl<T> Message<T> {
    /// The message, or what is wrong with the payload.
    ///
    /// # Errors
    /// The payload was none of the three encodings, or did not fit the message.
    pub fn read(self) -> Result<T, ReadError> {
        self.0
    }
}

/// How long a message is as JSON.
pub fn json_bytes<T: Serialize>(message: &T) -> usize {
    let mut counted = Counted(0);
    // Sending reports a message that cannot be written.
    let _ = serde_json::to_writer(&mut counted, message);
    counted.0
}

/// Counts what is written to it.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<T> From<T> for Message<T> {
    fn from(message: T) -> Self {
        Self(Ok(message))
    }
}

impl<T: Serialize + 'static> TemporalSerializable for Message<T> {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        let message = self
            .0
            .as_ref()
            .map_err(|error| PayloadConversionError::EncodingError(Box::new(error.clone())))?;
        let data = serde_json::to_vec(message)
            .map_err(|error| PayloadConversionError::EncodingError(Box::new(error)))?;
        Ok(Payload {
            metadata: [(ENCODING.to_owned(), b"json/plain".to_vec())].into(),
            data,
            external_payloads: Vec::new(),
        })
    }
}

impl<T> TemporalDeserializable for Message<T>
where
    T: DeserializeOwned + ProtoMessage + Name + Default + 'static,
{
    fn from_payload(
        _: &SerializationContext<'_>,
        payload: Payload,
    ) -> Result<Self, PayloadConversionError> {
        Ok(Self(decode(&payload)))
    }

    fn from_payloads(
        context: &SerializationContext<'_>,
        payloads: Vec<Payload>,
    ) -> Result<Self, PayloadConversionError> {
        match <[Payload; 1]>::try_from(payloads) {
            Ok([payload]) => Self::from_payload(context, payload),
            Err(payloads) => Ok(Self(Err(ReadError {
                field: String::new(),
                found: format!("{} arguments", payloads.len()),
                expected: "one argument, a JSON object".to_owned(),
            }))),
        }
    }
}

fn decode<T>(payload: &Payload) -> Result<T, ReadError>
where
    T: DeserializeOwned + ProtoMessage + Name + Default,
{
    let whole = |found: String, expected: &str| ReadError {
        field: String::new(),
        found,
        expected: expected.to_owned(),
    };
    let encoding = payload.metadata.get(ENCODING).map(Vec::as_slice);
    let named = payload
        .metadata
        .get(MESSAGE_TYPE)
        .map(|name| String::from_utf8_lossy(name));
    if let Some(name) = named
        && name != T::full_name()
    {
        return Err(whole(
            format!("a message of type {}", read::shown(&name)),
            &T::full_name(),
        ));
    }
    match encoding {
        Some(b"json/plain" | b"json/protobuf") => read::from_json(&payload.data),
        Some(b"binary/protobuf") => T::decode(payload.data.as_slice()).map_err(|error| {
            whole(
                format!("bytes that are no protobuf message ({error})"),
                &T::full_name(),
            )
        }),
        Some(b"binary/null") | None => Err(whole("nothing".to_owned(), "a JSON object")),
        Some(other) => Err(whole(
            format!(
                "the encoding `{}`",
                read::shown(&String::from_utf8_lossy(other))
            ),
            "json/plain, json/protobuf or binary/protobuf",
        )),
    }
}

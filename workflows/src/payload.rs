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
pub struct Message<T>(Content<T>);

/// What a payload holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content<T> {
    /// The message.
    Whole(T),
    /// What this version knows of the message, and the first field or word that it does not know.
    InPart(T, ReadError),
    /// Nothing of the message, and why.
    Unreadable(ReadError),
}

impl<T> Message<T> {
    pub(crate) fn into_content(self) -> Content<T> {
        self.0
    }

    /// The message, or what is wrong with the payload: for what a caller wrote, whose misspelt
    /// field must not do nothing, and for what nothing may be lost of.
    ///
    /// # Errors
    /// The payload was none of the three encodings, or did not fit the message.
    pub fn read(self) -> Result<T, ReadError> {
        match self.0 {
            Content::Whole(message) => Ok(message),
            Content::InPart(_, error) | Content::Unreadable(error) => Err(error),
        }
    }

    /// What this version knows of the message: for what a worker wrote, which may be of a later
    /// version.
    ///
    /// # Errors
    /// The payload was none of the three encodings, or a field had another type.
    pub fn read_known(self) -> Result<T, ReadError> {
        match self.0 {
            Content::Whole(message) | Content::InPart(message, _) => Ok(message),
            Content::Unreadable(error) => Err(error),
        }
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
        Self(Content::Whole(message))
    }
}

impl<T: Serialize + 'static> TemporalSerializable for Message<T> {
    fn to_payload(&self, _: &SerializationContext<'_>) -> Result<Payload, PayloadConversionError> {
        let message = match &self.0 {
            Content::Whole(message) => message,
            Content::InPart(_, error) | Content::Unreadable(error) => {
                return Err(unconvertible(error.clone()));
            }
        };
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
            Err(payloads) => Ok(Self(Content::Unreadable(as_a_whole(
                format!("{} arguments", payloads.len()),
                "one argument, a JSON object",
            )))),
        }
    }
}

/// An error by which a workflow task fails, and is tried again by any worker.
pub(crate) fn unconvertible(error: ReadError) -> PayloadConversionError {
    PayloadConversionError::EncodingError(Box::new(error))
}

fn as_a_whole(found: String, expected: &str) -> ReadError {
    ReadError {
        field: String::new(),
        found,
        expected: expected.to_owned(),
        may_be_newer: false,
    }
}

fn decode<T>(payload: &Payload) -> Content<T>
where
    T: DeserializeOwned + ProtoMessage + Name + Default,
{
    let unreadable = |found, expected: &str| Content::Unreadable(as_a_whole(found, expected));
    let encoding = payload.metadata.get(ENCODING).map(Vec::as_slice);
    let named = payload
        .metadata
        .get(MESSAGE_TYPE)
        .map(|name| String::from_utf8_lossy(name));
    if let Some(name) = named
        && name != T::full_name()
    {
        let found = format!("a message of type {}", read::shown(&name));
        return unreadable(found, &T::full_name());
    }
    match encoding {
        Some(b"json/plain" | b"json/protobuf") => from_json(&payload.data),
        Some(b"binary/protobuf") => match T::decode(payload.data.as_slice()) {
            Ok(message) => Content::Whole(message),
            Err(error) => unreadable(
                format!("bytes that are no protobuf message ({error})"),
                &T::full_name(),
            ),
        },
        Some(b"binary/null") | None => unreadable("nothing".to_owned(), "a JSON object"),
        Some(other) => unreadable(
            format!(
                "the encoding `{}`",
                read::shown(&String::from_utf8_lossy(other))
            ),
            "json/plain, json/protobuf or binary/protobuf",
        ),
    }
}

fn from_json<T: DeserializeOwned>(json: &[u8]) -> Content<T> {
    let error = match read::from_json(json) {
        Ok(message) => return Content::Whole(message),
        Err(error) => error,
    };
    let known = error
        .may_be_newer
        .then(|| read::known_from_json(json).ok())
        .flatten();
    match known {
        Some(message) => Content::InPart(message, error),
        None => Content::Unreadable(error),
    }
}

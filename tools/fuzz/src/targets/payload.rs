//! A caller's payload in each encoding: its name in the first line, then the data.

use std::collections::HashMap;

use aep_flow_proto::v1;
use aep_flow_workflows::payload::Message;
use prost::Name;
use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::{
    data_converters::{
        GenericPayloadConverter as _, PayloadConverter, SerializationContext,
        SerializationContextData,
    },
    protos::temporal::api::common::v1::Payload,
};

use super::input::{has_only_secret_canaries, to_json};
use crate::oracle::{CANARY, assert_fit};

pub(super) fn check(input: &[u8]) {
    let cut = input.iter().position(|byte| *byte == b'\n');
    let (encoding, data) = match cut {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[][..]),
    };
    // The line is `encoding messageType`, or the encoding alone.
    let mut words = encoding.splitn(2, |byte| *byte == b' ');
    let mut metadata = HashMap::new();
    if let Some(encoding) = words.next() {
        metadata.insert("encoding".to_owned(), encoding.to_vec());
    }
    if let Some(name) = words.next() {
        metadata.insert("messageType".to_owned(), name.to_vec());
    }
    let payload = Payload {
        metadata,
        data: data.to_vec(),
        external_payloads: Vec::new(),
    };
    // The line's words are nobody's secret, and an error shows them.
    let is_in_line = String::from_utf8_lossy(encoding).contains(CANARY);
    let secret = !is_in_line && has_only_secret_canaries(data);
    each::<v1::IngestOracleServiceCloudInput>(&payload, secret);
    each::<v1::OracleServiceCloudConnection>(&payload, secret);
    each::<v1::CreateDataflowInput>(&payload, secret);
    each::<v1::EnsureSchemaInput>(&payload, secret);
    each::<v1::CreateMappingSetInput>(&payload, secret);
    each::<v1::GetFlowRunsInput>(&payload, secret);
    each::<v1::ResolveInput>(&payload, secret);
}

fn each<T>(payload: &Payload, secret: bool)
where
    T: prost::Message + Name + Default + DeserializeOwned + Serialize + PartialEq + 'static,
{
    let converter = PayloadConverter::default();
    let data = SerializationContextData::None;
    let context = SerializationContext::new(&data, &converter);
    let read: Message<T> = converter
        .from_payload(&context, payload.clone())
        .expect("a bad payload is a message that says so, or a workflow task is tried for ever");
    match read.read() {
        Err(error) => assert_fit(&format!("{error}\n{error:?}"), secret),
        Ok(message) => {
            let bytes = message.encode_to_vec();
            let decoded = T::decode(bytes.as_slice());
            assert!(decoded.as_ref() == Ok(&message), "binary round trip");
            // The validation refuses an unknown number of an enum, which JSON can't express, before
            // anything is written.
            if let Some(json) = to_json(&message) {
                let again: Result<T, _> = aep_flow_proto::read::from_json(&json);
                assert!(again.as_ref() == Ok(&message), "JSON round trip");
            }
        }
    }
}

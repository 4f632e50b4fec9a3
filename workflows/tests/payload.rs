//! Messages through payloads: every encoding, round trips, and what a Python caller wrote.

#![expect(clippy::unwrap_used, reason = "a helper of tests is no test to clippy")]

use aep_flow_proto::{
    json::Anything,
    v1::{
        Continued, ExploreTableResult, FieldMapping, Frequency, IngestOracleServiceCloudInput,
        IngestResult, IngestSourceInput, IngestedTable, OnExisting, OracleServiceCloudConnection,
        ResolveInput, ResolveResult, RowFilter, Schedule, SecretReference, Table, VaultSecret,
        secret_reference::Place,
    },
};
use aep_flow_workflows::payload::Message;
use proptest::prelude::*;
use prost::{Message as _, Name as _};
use serde_json::{Value, json};
use temporalio_common::{
    data_converters::{
        GenericPayloadConverter, PayloadConverter, SerializationContext, SerializationContextData,
        TemporalDeserializable, TemporalSerializable,
    },
    protos::temporal::api::common::v1::Payload,
};

fn to_payload<T: TemporalSerializable + 'static>(message: &T) -> Payload {
    let converter = PayloadConverter::default();
    let data = SerializationContextData::None;
    converter
        .to_payload(&SerializationContext::new(&data, &converter), message)
        .unwrap()
}

fn from_payload<T: TemporalDeserializable + 'static>(payload: Payload) -> T {
    let converter = PayloadConverter::default();
    let data = SerializationContextData::None;
    converter
        .from_payload(&SerializationContext::new(&data, &converter), payload)
        .unwrap()
}

fn payload(encoding: &str, data: impl Into<Vec<u8>>) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), encoding.as_bytes().to_vec())].into(),
        data: data.into(),
        external_payloads: Vec::new(),
    }
}

fn read(payload: Payload) -> Result<IngestOracleServiceCloudInput, String> {
    from_payload::<Message<IngestOracleServiceCloudInput>>(payload)
        .read()
        .map_err(|error| error.to_string())
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        ".{0,12}".prop_map(Place::Env),
        ".{0,12}".prop_map(Place::File),
        (".{0,12}", ".{0,12}").prop_map(|(path, key)| Place::Vault(VaultSecret { path, key }))
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let schedule = (
        ".{0,8}",
        0..=5i32,
        any::<Option<u32>>(),
        any::<Option<bool>>(),
    )
        .prop_map(|(start_time, frequency, interval, backfill)| Schedule {
            start_time,
            frequency: Frequency::try_from(frequency).unwrap_or_default().into(),
            interval,
            backfill,
        });
    let words = (".{0,8}", ".{0,8}", ".{0,8}", ".{0,8}");
    let mapping = words.prop_map(|(source, destination, expression, r#type)| FieldMapping {
        source,
        destination,
        expression,
        r#type,
    });
    let filter = (".{0,8}", -9i64..9).prop_map(|(column, value)| RowFilter {
        column,
        value: Some(Anything(value.into())),
        ..RowFilter::default()
    });
    (
        ".{0,12}",
        prop::collection::vec(".{0,8}", 0..3),
        ".{0,8}",
        prop::collection::vec(mapping, 0..3),
        prop::option::of(schedule),
        ".{0,8}",
        prop::collection::vec(".{0,8}", 0..3),
        prop::option::of(filter),
    )
        .prop_map(
            |(table, columns, delta_column, mapping, schedule, dataset, except, filter)| Table {
                table,
                columns,
                delta_column,
                mapping,
                schedule,
                dataset,
                except,
                filter,
                ..Table::default()
            },
        )
}

fn input() -> impl Strategy<Value = IngestOracleServiceCloudInput> {
    let connection = (
        ".{0,12}",
        ".{0,12}",
        prop::option::of(prop::option::of(place())),
        0..=3i32,
    )
        .prop_map(
            |(name, host, password, on_existing)| OracleServiceCloudConnection {
                name,
                host,
                password: password.map(|place| SecretReference { place }),
                on_existing: OnExisting::try_from(on_existing).unwrap_or_default().into(),
                ..OracleServiceCloudConnection::default()
            },
        );
    (
        prop::option::of(connection),
        prop::collection::vec(table(), 0..3),
        any::<bool>(),
        any::<(u32, u32, u32, u32, u32)>(),
        prop::option::of(".{0,12}"),
    )
        .prop_map(
            |(connection, tables, wait_for_first_run, numbers, continued)| {
                IngestOracleServiceCloudInput {
                    connection,
                    tables,
                    wait_for_first_run,
                    tables_at_once: numbers.0,
                    step_deadline_seconds: numbers.1,
                    first_run_deadline_seconds: numbers.2,
                    decision_deadline_seconds: numbers.3,
                    continue_after_events: numbers.4,
                    continued: continued.map(|last_error| Continued {
                        last_error,
                        ..Continued::default()
                    }),
                }
            },
        )
}

proptest! {
    #[test]
    fn any_message_comes_back_from_each_encoding(message in input()) {
        let written = to_payload(&Message::from(message.clone()));
        prop_assert_eq!(written.metadata.get("encoding").map(Vec::as_slice), Some(&b"json/plain"[..]));
        prop_assert_eq!(read(written.clone()), Ok(message.clone()));
        prop_assert_eq!(read(payload("json/protobuf", written.data)), Ok(message.clone()));
        prop_assert_eq!(read(payload("binary/protobuf", message.encode_to_vec())), Ok(message));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for encoding in ["json/plain", "json/protobuf", "binary/protobuf", "binary/null", "zip"] {
            let _ = read(payload(encoding, bytes.clone()));
        }
    }
}

#[test]
fn what_python_wrote_is_read_field_by_field() {
    let read = read(payload(
        "json/plain",
        include_bytes!("fixtures/ingest.json"),
    ))
    .unwrap();
    let connection = read.connection.unwrap();
    assert_eq!(
        connection.name,
        "Oracle Service Cloud, EMEA – Müller & Söhne 🚀"
    );
    assert_eq!(connection.on_existing(), OnExisting::AdoptOurs);
    assert_eq!(
        connection.password.unwrap().place,
        Some(Place::Env("OSC_PASSWORD".to_owned()))
    );
    let contacts = &read.tables[0];
    assert_eq!(contacts.columns, ["id", "emails.address", "updatedTime"]);
    let schedule = contacts.schedule.as_ref().unwrap();
    assert_eq!(
        (schedule.frequency(), schedule.interval, schedule.backfill),
        (Frequency::Hour, Some(1), Some(true))
    );
    assert_eq!(read.tables[1].table, "Incidents");

    let read: Message<OracleServiceCloudConnection> = from_payload(payload(
        "json/plain",
        include_bytes!("fixtures/connection.json"),
    ));
    let place = read.read().unwrap().password.unwrap().place;
    assert_eq!(place, Some(Place::File("osc/password".to_owned())));
}

#[test]
fn columns_keep_what_no_message_names() {
    let fixture: Value = serde_json::from_slice(include_bytes!("fixtures/columns.json")).unwrap();
    let read: Message<ExploreTableResult> = from_payload(payload(
        "json/plain",
        include_bytes!("fixtures/columns.json"),
    ));
    let written = to_payload(&Message::from(read.read().unwrap()));
    let written: Value = serde_json::from_slice(&written.data).unwrap();
    assert_eq!(written, fixture);
}

#[test]
fn a_result_shows_empty_lists_to_callers_without_stubs() {
    let result = IngestResult {
        base_connection_id: "4267c2ab".to_owned(),
        tables: vec![IngestedTable {
            table: "Contacts".to_owned(),
            ..IngestedTable::default()
        }],
        warnings: Vec::new(),
    };
    let written: Value = serde_json::from_slice(&to_payload(&Message::from(result)).data).unwrap();
    assert_eq!(written["warnings"], json!([]));
    assert_eq!(written["tables"][0]["flowSpecId"], json!(""));
    assert_eq!(written["baseConnectionId"], json!("4267c2ab"));
}

#[test]
fn what_cannot_be_read_says_why_and_does_not_fail_decoding() {
    let typed = |name: &str| {
        let mut payload = payload("binary/protobuf", Vec::new());
        payload
            .metadata
            .insert("messageType".to_owned(), name.as_bytes().to_vec());
        payload
    };
    let cases = [
        (
            payload("json/plain", *b"{\"tabels\":[]}"),
            "tabels: found an unknown field, expected `tables`",
        ),
        // The table that stands alone is no mistake, whatever else is.
        (
            payload(
                "json/plain",
                *b"{\"tables\":{\"table\":\"A\"},\"conection\":{}}",
            ),
            "conection: found an unknown field, expected `connection`",
        ),
        (
            payload("binary/null", *b""),
            "the input: found nothing, expected a JSON object",
        ),
        (
            payload("binary/plain", *b"x"),
            "the input: found the encoding `binary/plain`",
        ),
        (
            typed("aep.flow.v1.Table"),
            "the input: found a message of type aep.flow.v1.Table",
        ),
        (
            payload("binary/protobuf", *b"\xff"),
            "the input: found bytes that are no protobuf message",
        ),
    ];
    for (payload, expected) in cases {
        let error = read(payload).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(read(typed(&IngestOracleServiceCloudInput::full_name())).is_ok());
}

#[test]
fn two_arguments_are_one_too_many() {
    let converter = PayloadConverter::default();
    let data = SerializationContextData::None;
    let two = vec![payload("json/plain", *b"{}"), payload("json/plain", *b"{}")];
    let read: Message<OracleServiceCloudConnection> = converter
        .from_payloads(&SerializationContext::new(&data, &converter), two)
        .unwrap();
    assert_eq!(
        read.read().unwrap_err().to_string(),
        "the input: found 2 arguments, expected one argument, a JSON object"
    );
}

#[test]
fn an_error_does_not_grow_with_the_name_of_an_encoding_or_of_a_message() {
    let long = "n".repeat(100_000);
    let named = Payload {
        metadata: [
            ("encoding".to_owned(), b"json/plain".to_vec()),
            ("messageType".to_owned(), long.clone().into_bytes()),
        ]
        .into(),
        data: b"{}".to_vec(),
        external_payloads: Vec::new(),
    };
    for payload in [payload(&long, "{}"), named] {
        let error = read(payload).unwrap_err();
        assert!(error.len() < 1000, "{} bytes", error.len());
    }
}

/// What one run hands over to the next, with every field that a worker of another version reads.
/// The caller's own fields are left out where they have their default.
fn handed_over() -> Value {
    json!({
        "continued": {
            "baseConnectionId": "4267c2ab",
            "tables": [{
                "isDone": false,
                "made": {
                    "table": "", "sourceConnectionId": "s", "schemaId": "x", "datasetId": "d",
                    "targetConnectionId": "t", "mappingSetId": "m", "flowId": "f",
                    "flowSpecId": "fs",
                },
                "failed": {
                    "table": "Contacts", "step": "CreateDataflow", "type": "PlatformRejected",
                    "message": "no", "adobeCode": "FLOW-1413-400", "requestId": "r",
                    "field": "tables[0].columns[2]",
                },
                "warnings": ["w"],
                "open": [{
                    "step": "CreateDataflow",
                    "call": {"activityId": "7", "since": "2026-11-24T12:00:03Z", "runId": "run"},
                    "decision": {
                        "table": "Contacts", "step": "CreateDataflow", "kind": "dataflow",
                        "name": "OSC - Contacts", "message": "out of time",
                        "since": "2026-11-24T12:00:03Z", "until": "2026-12-01T12:00:03Z",
                        "candidates": [{"kind": "flow", "id": "4267"}],
                    },
                    "details": {
                        "adobeCode": "", "httpStatus": 504, "requestId": "r", "nextStep": "n",
                        "field": "", "violations": [{"field": "a", "found": "b", "expected": "c"}],
                        "created": [{"kind": "flow", "id": "4267"}], "outcomeUnknown": true,
                        "attempt": 3,
                    },
                }],
                "firstRunSince": "2026-11-24T12:00:03Z",
                "place": 2,
            }],
            "warnings": ["w"],
            "lastError": "NotFound: gone",
            "failing": [{
                "step": "EnsureSchema", "table": "Contacts", "attempt": 2, "type": "RateLimited",
                "since": "2026-11-24T12:00:03Z", "nextTry": "2026-11-24T12:00:13Z",
                "nextTryReason": "Retry-After",
            }],
            "attempts": [{
                "step": "EnsureSchema", "table": "Contacts", "activityId": "5", "attempt": 2,
                "time": "2026-11-24T12:00:03Z", "type": "RateLimited", "adobeCode": "429050",
                "httpStatus": 429, "requestId": "r", "message": "m",
                "nextTry": "2026-11-24T12:00:13Z", "nextTryReason": "Retry-After",
            }],
            "attemptsTotal": 4,
            "activities": 17,
            "connectionSpec": {"id": "ba5126ec", "version": "1.0"},
            "deprecated": true,
        },
    })
}

#[test]
fn what_a_run_hands_over_keeps_its_words() {
    let expected = handed_over();
    let handed = payload("json/plain", expected.to_string());
    let read: Message<IngestSourceInput> = from_payload(handed);
    let written = to_payload(&Message::from(read.read().unwrap()));
    let written: Value = serde_json::from_slice(&written.data).unwrap();
    assert_eq!(written, expected);
}

#[test]
fn a_decision_keeps_its_words() {
    let input = json!({"adopt": "4267", "table": "Contacts", "step": "CreateDataflow"});
    let read: Message<ResolveInput> = from_payload(payload("json/plain", input.to_string()));
    let written: Value =
        serde_json::from_slice(&to_payload(&Message::from(read.read().unwrap())).data).unwrap();
    assert_eq!(written, input);
    let result = ResolveResult {
        table: "Contacts".to_owned(),
        step: "CreateDataflow".to_owned(),
        id: "4267".to_owned(),
        outcome: "adopted".to_owned(),
    };
    let written: Value = serde_json::from_slice(&to_payload(&Message::from(result)).data).unwrap();
    let expected = json!({
        "table": "Contacts", "step": "CreateDataflow", "id": "4267", "outcome": "adopted",
    });
    assert_eq!(written, expected);
}

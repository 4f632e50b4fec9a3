//! What a history shows to who has no key: no input, no result, no failure, no memory.

use std::collections::BTreeSet;

use aep_emulator::{Action, CannedAnswer, CutAt, DEFAULT_SOURCE_USERNAME, Rule};
use aep_flow_proto::names::{FailureType, ORACLE_SERVICE_CLOUD, Phase, SearchAttribute};
use aep_flow_proto::v1::IngestOracleServiceCloudInput;
use aep_flow_testkit::platform::{counts, the, whole_chain};
use aep_flow_testkit::{eventually, input, table, within};
use prost::{Message as _, Name as _};
use temporalio_client::WorkflowDescribeOptions;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};

use super::keyed::{Keyed, NEW, OLD, key_of, payload, payloads, pending, query, result, start};

/// A gateway's answer that passes by itself.
fn unavailable() -> Action {
    let text = "the platform's own words";
    Action::Refuse(CannedAnswer::gateway(503, "503000", text))
}

fn shows(events: &[HistoryEvent], word: &str) -> bool {
    let bytes: Vec<u8> = events
        .iter()
        .flat_map(|event| event.encode_to_vec())
        .collect();
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

#[tokio::test]
async fn nothing_of_an_ingestion_stands_there_in_clear() {
    let keyed = Keyed::new(NEW).await;
    let emulator = &keyed.world.emulator;
    let route = "/connections/{id}/explore";
    emulator.add_fault(Rule::new("GET", route, unavailable()).nth([1, 2]));
    emulator.add_fault(
        Rule::new("POST", "/flows", Action::ApplyThenDrop { at: CutAt::Start }).nth([1]),
    );
    let worker = keyed.worker();
    let handle = keyed.start(&input(&[table("Contacts")])).await;
    let made = result(&handle).await.unwrap();
    assert_eq!(counts(emulator), whole_chain(1));
    let flow = the(emulator, "flows", "")["id"].clone();
    assert_eq!(made["tables"][0]["flowId"], flow);

    let events = keyed.stranger(&handle).history().await;
    let all = payloads(&events).await;
    let clear: Vec<_> = all
        .iter()
        .filter(|(_, payload)| key_of(payload).is_none())
        .map(|(_, payload)| String::from_utf8_lossy(&payload.data))
        .collect();
    // The SDK's own marker, which is below the codec.
    let marker = r#"{"id":"search-attributes-from-the-start","deprecated":false}"#;
    assert_eq!(clear, [marker]);
    let places: BTreeSet<&str> = all.iter().map(|(place, _)| *place).collect();
    // The input, what activities were asked and answered, what failed, what was signalled.
    for place in [
        "WorkflowExecutionStartedEventAttributes.input",
        "ActivityTaskScheduledEventAttributes.input",
        "ActivityTaskCompletedEventAttributes.result",
        "Failure.encoded_attributes",
        "ApplicationFailureInfo.details",
        "WorkflowExecutionSignaledEventAttributes.input",
        "WorkflowExecutionCompletedEventAttributes.result",
        "UserMetadata.summary",
    ] {
        assert!(
            places.iter().any(|seen| seen.ends_with(place)),
            "{place}: {places:#?}"
        );
    }
    for word in [
        "acme.custhelp.com",
        DEFAULT_SOURCE_USERNAME,
        "osc.txt",
        "Contacts",
        "platform's own words",
        "tried again",
        "the answer",
        flow.as_str().unwrap(),
    ] {
        assert!(!shows(&events, word), "{word}");
    }
    // What is known to stand there.
    for word in ["CreateDataflow", "Unavailable", "Encoded failure"] {
        assert!(shows(&events, word), "{word}");
    }

    // With the key it is read: the status, what the UI shows, and each attempt's own words.
    let status = query(&handle, "status").await;
    let status: serde_json::Value = serde_json::from_slice(&status.data).unwrap();
    assert_eq!(status["attemptsTotal"], 3, "{status:#}");
    let message = status["attempts"][0]["message"].to_string();
    assert!(message.contains("platform's own words"), "{message}");
    for name in ["status", "__temporal_workflow_metadata"] {
        let answer = query(&keyed.stranger(&handle).handle, name).await;
        assert_eq!(key_of(&answer).as_deref(), Some("new"), "{name}");
    }
    let opened = within(
        "the history",
        handle.fetch_history(Default::default()).into_events(),
    );
    let opened = opened.await.unwrap();
    let failed = opened.iter().find_map(|event| match &event.attributes {
        Some(Attributes::ActivityTaskStartedEventAttributes(started)) => {
            started.last_failure.as_ref()
        }
        _ => None,
    });
    let message = &failed.unwrap().message;
    assert!(message.contains("platform's own words"), "{message}");
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn what_an_activity_remembers_is_hidden_and_not_lost() {
    let keyed = Keyed::new(NEW).await;
    // Refused before anything was created. An attempt that knows so sends its create at once; one
    // that knows nothing waits for the quiet period, and needs a third.
    let first = Rule::new("POST", "/sourceConnections", unavailable()).nth([1]);
    keyed.world.emulator.add_fault(first);
    let held = Rule::new("GET", "/connections", unavailable());
    keyed.world.emulator.add_fault(held);
    let worker = keyed.worker();
    let handle = keyed.start(&input(&[table("Contacts")])).await;

    // While the first step is being retried.
    let told = eventually("a failed attempt", async || {
        let told = pending(&handle).await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert!(told[0].contains("platform's own words"), "{told:?}");
    let stranger = keyed.stranger(&handle).handle;
    assert_eq!(pending(&stranger).await, ["Encoded failure"]);
    let described = stranger.describe(WorkflowDescribeOptions::default());
    let described = described.await.unwrap();
    let memory = &described.raw().pending_activities[0].heartbeat_details;
    let memory = &memory
        .as_ref()
        .expect("what the attempt remembers")
        .payloads;
    assert_eq!(key_of(&memory[0]).as_deref(), Some("new"));

    keyed.world.emulator.clear_faults();
    let again = Rule::new("POST", "/sourceConnections", unavailable()).nth([1]);
    keyed.world.emulator.add_fault(again);
    result(&handle).await.unwrap();
    let retried = keyed.stranger(&handle).retried().await;
    let attempts = retried
        .iter()
        .find(|(step, _)| step == "CreateSourceConnection");
    assert_eq!(
        attempts.map(|(_, attempts)| *attempts),
        Some(2),
        "{retried:?}"
    );
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn a_failed_ingestion_keeps_its_reason_for_who_has_the_key() {
    let keyed = Keyed::new(OLD).await;
    let worker = keyed.worker();
    let mut bad = input(&[table("Contacts")]);
    bad["connection"]["host"] = "not a host of acme.custhelp.com".into();
    let handle = keyed.start(&bad).await;
    let failed = result(&handle).await.unwrap_err();
    let shown = format!("{failed:?}");
    assert!(shown.contains("connection.host"), "{shown}");

    let events = keyed.stranger(&handle).history().await;
    for word in ["connection.host", "acme.custhelp.com"] {
        assert!(!shows(&events, word), "{word}");
    }
    assert!(shows(&events, "InvalidInput"));
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn each_encoding_of_an_input_is_read_under_it() {
    let keyed = Keyed::new(NEW).await;
    let worker = keyed.worker();
    let json = input(&[table("Contacts")]);
    let message: IngestOracleServiceCloudInput = serde_json::from_value(json.clone()).unwrap();
    let json = json.to_string().into_bytes();
    for (encoding, data) in [
        ("json/plain", json.clone()),
        ("json/protobuf", json),
        ("binary/protobuf", message.encode_to_vec()),
    ] {
        let mut input = payload(encoding, data);
        let name = IngestOracleServiceCloudInput::full_name();
        input
            .metadata
            .insert("messageType".to_owned(), name.into_bytes());
        let workflow = "IngestOracleServiceCloud";
        let handle = start(&keyed.client, workflow, encoding, "aep-flow", input).await;
        let made = result(&handle).await.unwrap();
        assert_eq!(
            made["tables"][0]["table"], "Contacts",
            "{encoding}: {made:#}"
        );
    }
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn search_attributes_are_in_clear_and_of_few_kinds() {
    let keyed = Keyed::new(NEW).await;
    let route = "/connections/{id}/explore";
    keyed
        .world
        .emulator
        .add_fault(Rule::new("GET", route, unavailable()).nth([1]));
    let worker = keyed.worker();
    let handle = keyed.start(&input(&[table("Contacts")])).await;
    let made = result(&handle).await.unwrap();

    let id = made["baseConnectionId"].as_str().unwrap();
    let phases = [
        Phase::Connecting,
        Phase::Ingesting,
        Phase::NeedsDecision,
        Phase::Done,
        Phase::Failed,
    ]
    .map(Phase::as_str);
    let mut seen = BTreeSet::new();
    for event in keyed.stranger(&handle).history().await {
        let Some(Attributes::UpsertWorkflowSearchAttributesEventAttributes(upserted)) =
            event.attributes
        else {
            continue;
        };
        for (name, value) in upserted.search_attributes.unwrap().indexed_fields {
            if !name.starts_with("Aep") {
                continue;
            }
            let attribute = SearchAttribute::ALL
                .into_iter()
                .find(|each| each.as_str() == name)
                .unwrap_or_else(|| panic!("{name} is not ours"));
            let value: serde_json::Value = serde_json::from_slice(&value.data).unwrap();
            let text = value.as_str().unwrap_or_default();
            // Every value that ever stands there is one of a list, or an id that the platform
            // gave. Secrets are resolved in activities alone; none of these comes out of one.
            let is_known = match attribute {
                SearchAttribute::Sandbox => text == "prod",
                SearchAttribute::Source => text == ORACLE_SERVICE_CLOUD,
                SearchAttribute::Phase => phases.contains(&text),
                SearchAttribute::ConnectionId => text == id,
                SearchAttribute::LastFailure => {
                    FailureType::ALL.iter().any(|each| each.as_str() == text)
                        || value.as_array().is_some_and(Vec::is_empty)
                }
                SearchAttribute::NeedsDecision | SearchAttribute::Deprecated => value.is_boolean(),
            };
            assert!(is_known, "{name}: {value}");
            seen.insert(name);
        }
    }
    // All but the one for decisions, of which there were none.
    assert_eq!(seen.len(), SearchAttribute::ALL.len() - 1, "{seen:?}");
    keyed.world.end(worker).await;
}

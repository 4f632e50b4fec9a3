//! Workers and workflows of two versions on one task queue, as while workers are replaced.
//!
//! `tests/fixtures/0.1.0` has the messages of version 0.1.0, and payloads that it recorded; its
//! file `commit` says which commit that is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aep_flow_proto::names::activity;
use aep_flow_proto::read::{self, ReadError};
use aep_flow_proto::v1;
use aep_flow_testkit::logs::FAILED_ATTEMPT;
use aep_flow_testkit::platform::counts;
use aep_flow_testkit::{World, eventually, input, table};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::de::DeserializeSeed as _;
use serde_json::{Value, json};
use temporalio_client::{WorkflowDescribeOptions, WorkflowTerminateOptions};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::relay::relay;

const FILES: [&str; 6] = [
    "common",
    "failure",
    "connection",
    "explore",
    "chain",
    "ingest",
];

/// What version 0.1.0 reads.
struct Version010(DescriptorPool);

impl Version010 {
    fn new() -> Self {
        let files = FILES.map(|name| format!("aep/flow/v1/{name}.proto"));
        let descriptors = protox::compile(files, [folder()]).unwrap();
        Self(DescriptorPool::from_file_descriptor_set(descriptors).unwrap())
    }

    /// Reads strictly, as its workers do.
    fn read(&self, message: &str, json: &[u8]) -> Result<(), String> {
        let name = format!("aep.flow.v1.{message}");
        let message = self.0.get_message_by_name(&name).unwrap();
        let mut json = serde_json::Deserializer::from_slice(json);
        let read: Result<DynamicMessage, _> = message.deserialize(&mut json);
        read.map(drop).map_err(|error| format!("{name}: {error}"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0")
}

/// The message that is the input of an activity.
fn input_of(activity: &str) -> &'static str {
    match activity {
        activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION => "OracleServiceCloudConnection",
        activity::CREATE_BASE_CONNECTION => "Connection",
        activity::TEST_BASE_CONNECTION => "TestBaseConnectionInput",
        activity::EXPLORE_TABLES => "ExploreTablesInput",
        activity::EXPLORE_TABLE => "ExploreTableInput",
        activity::CREATE_SOURCE_CONNECTION => "CreateSourceConnectionInput",
        activity::ENSURE_SCHEMA => "EnsureSchemaInput",
        activity::ENSURE_DATASET => "EnsureDatasetInput",
        activity::CREATE_TARGET_CONNECTION => "CreateTargetConnectionInput",
        activity::CREATE_MAPPING_SET => "CreateMappingSetInput",
        activity::CREATE_DATAFLOW => "CreateDataflowInput",
        activity::FIND_DATAFLOW => "FindDataflowInput",
        activity::GET_FLOW_RUNS => "GetFlowRunsInput",
        activity::FIND_SEARCH_ATTRIBUTES => "FindSearchAttributesInput",
        other => panic!("{other} is no activity of version 0.1.0"),
    }
}

/// Reads `json` as this version does, and writes it again.
fn rewritten(message: &str, json: &[u8]) -> Result<Vec<u8>, ReadError> {
    macro_rules! by_name {
        ($($name:ident)*) => {
            match message {
                $(stringify!($name) => {
                    let read: v1::$name = read::from_json(json)?;
                    Ok(serde_json::to_vec(&read).unwrap())
                })*
                other => panic!("{other} is not read by name"),
            }
        };
    }
    by_name! {
        OracleServiceCloudConnection Connection ExploreTablesInput ExploreTableInput
        CreateSourceConnectionInput EnsureSchemaInput EnsureDatasetInput
        CreateTargetConnectionInput CreateMappingSetInput CreateDataflowInput GetFlowRunsInput
        FindSearchAttributesInput IngestOracleServiceCloudInput IngestSourceInput ResolveInput
        BaseConnection ExploreTablesResult ExploreTableResult SourceConnection Schema Dataset
        TargetConnection MappingSet Dataflow GetFlowRunsResult FindSearchAttributesResult
        IngestResult ResolveResult FailedAttempt FailureDetails IngestFailure
    }
}

#[test]
fn what_version_0_1_0_recorded_is_read_and_it_reads_the_same_from_us() {
    let earlier = Version010::new();
    let recorded = std::fs::read(folder().join("payloads.json")).unwrap();
    let recorded: BTreeMap<String, Vec<Value>> = serde_json::from_slice(&recorded).unwrap();
    assert!(recorded.len() > 30);
    for (message, payloads) in recorded {
        for payload in payloads {
            let json = serde_json::to_vec(&payload).unwrap();
            earlier.read(&message, &json).unwrap();
            let ours = rewritten(&message, &json).unwrap_or_else(|error| panic!("{error}"));
            earlier.read(&message, &ours).unwrap();
        }
    }
}

#[tokio::test]
async fn what_our_workflows_send_is_read_by_version_0_1_0() {
    let earlier = Version010::new();
    let world = World::new().await;
    let worker = world.worker();
    let mut input = input(&[table("Contacts"), table("Accounts")]);
    input["waitForFirstRun"] = true.into();
    let run = world.start(&input).await;
    run.end().await.unwrap();
    let mut seen = BTreeSet::new();
    for event in run.history().await {
        let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = event.attributes
        else {
            continue;
        };
        let activity = scheduled.activity_type.unwrap().name;
        let json = &scheduled.input.unwrap().payloads[0].data;
        earlier.read(input_of(&activity), json).unwrap();
        let text = String::from_utf8_lossy(json);
        assert!(
            !text.contains("\"\"") && !text.contains("UNSPECIFIED"),
            "{activity} is sent defaults: {text}"
        );
        seen.insert(activity);
    }
    // The whole chain, the first run and the search attributes.
    assert_eq!(seen.len(), 10, "{seen:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn a_run_that_a_later_version_handed_over_waits_for_a_worker_of_it() {
    let world = World::new().await;
    for (target, message) in [
        ("temporalio_sdk::workflow_future", "Workflow task failed"),
        (
            "temporalio_sdk_core::worker::workflow",
            "Failing workflow task",
        ),
    ] {
        world.expect((target, message));
    }
    let worker = world.worker();
    let mut input = input(&[table("Contacts")]);
    input["continued"] = json!({"baseConnectionId": "b", "news": 1});
    let run = world.start(&input).await;
    let failed = eventually("a failed workflow task", async || {
        let history = run.history().await;
        history
            .into_iter()
            .find_map(|event| match event.attributes? {
                Attributes::WorkflowTaskFailedEventAttributes(failed) => failed.failure,
                _ => None,
            })
    })
    .await;
    assert!(failed.message.contains("continued.news"), "{failed:?}");
    let options = WorkflowTerminateOptions::default();
    run.handle.terminate(options).await.unwrap();

    // Of a caller the same field is misspelt.
    input["continued"] = Value::Null;
    input["news"] = 1.into();
    let failed = world.ingest(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput");
    world.end(worker).await;
}

#[tokio::test]
async fn an_activity_that_a_later_version_asked_for_is_left_to_a_worker_of_it() {
    let world = World::new().await;
    world.expect(FAILED_ATTEMPT);
    let worker = world.worker();
    let mut connection = input(&[])["connection"].take();
    connection["news"] = 1.into();
    relay(&world, connection, async |handle| {
        let failure = eventually("an attempt that is retried", async || {
            let options = WorkflowDescribeOptions::default();
            let described = handle.describe(options).await.unwrap();
            let pending = described.raw_description.pending_activities;
            pending.first()?.last_failure.clone()
        })
        .await;
        let expected = "a later version wrote the input: news: found";
        assert!(failure.message.contains(expected), "{failure:?}");
        let options = WorkflowTerminateOptions::default();
        handle.terminate(options).await.unwrap();
    })
    .await;
    assert!(counts(&world.emulator).is_empty());
    world.end(worker).await;
}

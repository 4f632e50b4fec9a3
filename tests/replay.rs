//! Replays recorded histories against today's workflows.
//!
//! A change that would break an ingestion that is under way turns this red. Recorded by
//! `cargo run -p xtask -- histories`; a history is never edited.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test itself does"
)]

use std::path::{Path, PathBuf};

use aep_flow_proto::{
    names,
    v1::{ExploreTablesInput, IngestOracleServiceCloudInput, IngestResult},
};
use aep_flow_workflows::{
    activities::Declared, ingest::IngestOracleServiceCloud, payload::Message,
};
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::{enums::v1::EventType, history::v1::History};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkflowContext, WorkflowResult,
    workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions},
};

fn histories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 9, "histories are missing: {files:?}");
    files
}

async fn read(file: &Path) -> History {
    let bytes = std::fs::read(file).unwrap();
    let events = WorkflowHistory::from_json(&bytes)
        .unwrap()
        .into_events()
        .await
        .unwrap();
    History { events }
}

fn replayer() -> WorkflowReplayer {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<IngestOracleServiceCloud>()
        .unwrap()
        .build();
    WorkflowReplayer::new(options).unwrap()
}

#[tokio::test]
async fn every_recorded_history_replays() {
    for file in histories() {
        let history = read(&file).await;
        if let Err(error) = replayer().replay_workflow(history.into()).await {
            panic!("{}: {error}", file.display());
        }
    }
}

#[tokio::test]
async fn every_head_of_a_history_replays() {
    // A worker that takes over in the middle sees just this much.
    let mut heads = 0;
    for file in histories() {
        let history = read(&file).await;
        for (index, event) in history.events.iter().enumerate() {
            if event.event_type() != EventType::WorkflowTaskStarted
                || index + 1 == history.events.len()
            {
                continue;
            }
            let head = History {
                events: history.events[..=index].to_vec(),
            };
            if let Err(error) = replayer().replay_workflow(head.into()).await {
                panic!("{} up to event {}: {error}", file.display(), index + 1);
            }
            heads += 1;
        }
    }
    assert!(heads > 30, "only {heads} heads");
}

/// The ingestion as it must not be changed: another first step.
#[workflow]
#[derive(Debug, Default)]
pub struct Changed;

#[workflow_methods]
impl Changed {
    #[run(name = names::workflow::INGEST_ORACLE_SERVICE_CLOUD)]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        _: Message<IngestOracleServiceCloudInput>,
    ) -> WorkflowResult<Message<IngestResult>> {
        let options = ActivityOptions::start_to_close_timeout(std::time::Duration::from_secs(9));
        let input = Message::from(ExploreTablesInput::default());
        let _ = ctx
            .execute_activity(Declared::explore_tables, input, options)
            .await;
        Ok(Message::from(IngestResult::default()))
    }
}

#[tokio::test]
async fn a_changed_workflow_is_caught() {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<Changed>()
        .unwrap()
        .build();
    for file in histories() {
        let history = read(&file).await;
        let replayer = WorkflowReplayer::new(options.clone()).unwrap();
        let result = replayer.replay_workflow(history.into()).await;
        let error = result
            .expect_err(&format!("{} replayed", file.display()))
            .to_string();
        assert!(
            error.contains("nondeterministic"),
            "{}: {error}",
            file.display()
        );
    }
}

//! Replays recorded histories against today's workflows.
//!
//! A change that would break an ingestion that is under way turns this red. Recorded by
//! `cargo run -p xtask -- histories`; a history is never edited.

#![expect(unreachable_pub, reason = "the macros ask for public workflows")]

use std::path::{Path, PathBuf};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aep_flow::{config::Environment, telemetry};
use aep_flow_proto::{
    names,
    v1::{ExploreTablesInput, IngestOracleServiceCloudInput, IngestResult, IngestSourceInput},
};
use aep_flow_workflows::{
    activities::Declared,
    ingest::{IngestOracleServiceCloud, IngestSource},
    payload::Message,
};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::{enums::v1::EventType, history::v1::History};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkflowContext, WorkflowResult,
    opentelemetry::OpenTelemetryPlugin,
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
    assert!(files.len() >= 18, "histories are missing: {files:?}");
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

/// Counts the spans that would be sent.
#[derive(Debug)]
struct Counting(Arc<AtomicUsize>);

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(batch.len(), Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_replay_makes_no_span_anew() {
    let exported = Arc::new(AtomicUsize::new(0));
    let exporter = Counting(Arc::clone(&exported));
    let provider = telemetry::tracer_provider(exporter, &Environment::default());
    let spans = || {
        provider.force_flush().unwrap();
        exported.load(Ordering::SeqCst)
    };
    let tracing = OpenTelemetryPlugin::builder().tracer(provider.tracer("replay"));
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<IngestOracleServiceCloud>()
        .unwrap()
        .register_workflow::<IngestSource>()
        .unwrap()
        .worker_plugin(tracing.build())
        .build();
    let mut heads = 0;
    for file in histories() {
        let history = read(&file).await;
        // A worker that takes over in the middle goes on from there, and makes spans for what it adds.
        let first = history
            .events
            .iter()
            .position(|event| event.event_type() == EventType::WorkflowTaskStarted);
        let head = History {
            events: history.events[..=first.unwrap()].to_vec(),
        };
        let replayer = WorkflowReplayer::new(options.clone()).unwrap();
        replayer.replay_workflow(history.into()).await.unwrap();
        assert_eq!(spans(), heads, "{}", file.display());
        let replayer = WorkflowReplayer::new(options.clone()).unwrap();
        replayer.replay_workflow(head.into()).await.unwrap();
        assert!(spans() > heads, "{}", file.display());
        heads = spans();
    }
}

fn replayer() -> WorkflowReplayer {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<IngestOracleServiceCloud>()
        .unwrap()
        .register_workflow::<IngestSource>()
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

async fn another_first_step<W>(ctx: &WorkflowContext<W>) -> WorkflowResult<Message<IngestResult>> {
    let options = ActivityOptions::start_to_close_timeout(std::time::Duration::from_secs(9));
    let input = Message::from(ExploreTablesInput::default());
    let _ = ctx
        .execute_activity(Declared::explore_tables, input, options)
        .await;
    Ok(Message::from(IngestResult::default()))
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
        another_first_step(ctx).await
    }
}

/// The same of any source.
#[workflow]
#[derive(Debug, Default)]
pub struct ChangedSource;

#[workflow_methods]
impl ChangedSource {
    #[run(name = names::workflow::INGEST_SOURCE)]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        _: Message<IngestSourceInput>,
    ) -> WorkflowResult<Message<IngestResult>> {
        another_first_step(ctx).await
    }
}

#[tokio::test]
async fn a_changed_workflow_is_caught() {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<Changed>()
        .unwrap()
        .register_workflow::<ChangedSource>()
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

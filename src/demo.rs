//! The whole job on this machine: a Temporal server, an emulated platform, a worker, one ingestion.
//!
//! Everything runs on free ports of the loopback interface and ends with [`run`], also when that
//! is interrupted. Of the user's files and variables it reads only where a Temporal server is, and
//! it writes only a fetched server (see [`aep_flow_devserver`]).

mod retries;
mod stage;
mod summary;
mod watch;

use std::future::Future;

use aep_flow_devserver::{self as devserver, DevServerError, Report};
use aep_flow_proto::names;
use aep_flow_proto::v1::IngestResult;
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use aep_flow_workflows::payload::Message;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowStartError};
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowStartOptions,
};

use crate::config::{Config, Environment};
use crate::temporal::ConnectError;
use crate::worker::WorkerError;

pub use retries::Retry;
pub use summary::Summary;

use stage::Stage;

/// Name of the base connection that the demo creates.
pub(crate) const CONNECTION_NAME: &str = "Oracle Service Cloud, demo";

/// What the demo is to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Leaves all of it running after the ingestion, until the interruption.
    pub keep: bool,
    /// The configuration's way to Temporal, for a server that runs already; the rest of the
    /// demo's configuration is its own.
    pub temporal: crate::config::Temporal,
    /// The keys that the demo's payloads are encrypted with, if it is to show that.
    pub codec: crate::config::Codec,
    /// Where a server is looked for.
    pub environment: Environment,
}

/// How the demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The ingestion went through, and what was kept was ended when asked.
    Done,
    /// Interrupted before the ingestion was through.
    Interrupted,
}

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No Temporal server.
    #[error("no Temporal server for the demo")]
    Server(#[source] DevServerError),
    /// No emulated platform.
    #[error("the emulated platform does not start")]
    Emulator(#[source] aep_emulator::EmulatorError),
    /// No folder for the demo's secret.
    #[error("no temporary folder for the demo")]
    Folder(#[source] std::io::Error),
    /// The worker ended before the ingestion did.
    #[error("the worker ended early")]
    Worker(#[source] WorkerError),
    /// The worker's task ended without a word.
    #[error("the worker ended early, without a reason")]
    WorkerGone,
    /// No connection to the server.
    #[error("no connection to the Temporal server")]
    Connect(#[source] ConnectError),
    /// The server did not take the workflow.
    #[error("the workflow was not started")]
    Start(#[source] Box<WorkflowStartError>),
    /// The ingestion failed.
    #[error("the ingestion failed")]
    Failed(#[source] Box<WorkflowGetResultError>),
    /// The result is not one.
    #[error("the ingestion's result can't be read: {found}")]
    Result {
        /// What was found.
        found: String,
    },
}

impl DemoError {
    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::Server(cause) => cause.next_step(),
            Self::Connect(cause) => cause.next_step(),
            Self::Folder(_) => "set TMPDIR to a folder that can be written".to_owned(),
            Self::Emulator(_)
            | Self::Worker(_)
            | Self::WorkerGone
            | Self::Start(_)
            | Self::Failed(_)
            | Self::Result { .. } => {
                "run it once more with RUST_LOG=info, and look at what the worker says".to_owned()
            }
        }
    }
}

/// Runs the demo to its end, or until `interrupted`.
///
/// `report` receives progress; `show` gets the summary once the ingestion has ended, which with
/// [`Options::keep`] is long before this returns. Whatever happens, everything that was started
/// has ended when this returns. A Temporal server that ran before keeps running, with the demo's
/// workflow in it.
///
/// # Errors
///
/// [`DemoError`].
pub async fn run(
    options: Options,
    interrupted: impl Future<Output = ()>,
    report: &dyn Report,
    show: impl FnOnce(&Summary),
) -> Result<Ended, DemoError> {
    tokio::pin!(interrupted);
    // What has been started is kept outside of the part that is dropped by an interruption, so
    // that it can be ended in order.
    let mut stage = Stage::default();
    let summary = tokio::select! {
        summary = perform(&options, &mut stage, report) => Some(summary),
        () = &mut interrupted => None,
    };
    let ended = match summary {
        None => {
            report.say("interrupted; ending what was started");
            Ok(Ended::Interrupted)
        }
        Some(Err(error)) => Err(error),
        Some(Ok(summary)) => {
            show(&summary);
            if options.keep {
                report.say("everything stays up until Ctrl-C");
                tokio::select! {
                    error = stage.work() => Err(error),
                    () = &mut interrupted => Ok(Ended::Done),
                }
            } else {
                Ok(Ended::Done)
            }
        }
    };
    let cleared = stage.clear().await.map_err(DemoError::Server);
    if ended.is_ok() {
        cleared?;
    }
    ended
}

async fn perform(
    options: &Options,
    stage: &mut Stage,
    report: &dyn Report,
) -> Result<Summary, DemoError> {
    let surroundings = devserver::Surroundings::read(|name| options.environment.get(name));
    let config = stage.set_up(options, &surroundings, report).await?;
    let client = crate::temporal::connect(&config)
        .await
        .map_err(DemoError::Connect)?;
    let handle = start(&client, &config).await?;
    report.say(&format!("workflow: {}", handle.info().workflow_id));

    let result = async {
        tokio::join!(
            handle.get_result(WorkflowGetResultOptions::default()),
            watch::until_closed(&handle, report),
        )
        .0
    };
    let result = tokio::select! {
        result = result => result.map_err(|error| DemoError::Failed(Box::new(error)))?,
        error = stage.work() => return Err(error),
    };
    let result: IngestResult = result.read_known().map_err(|error| DemoError::Result {
        found: error.to_string(),
    })?;
    // The history is for the reader's eyes; without it the result is still worth showing.
    let retries = retries::of(&handle).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the workflow's history can't be read");
        Vec::new()
    });
    Ok(stage.summary(options, &config, &handle, result, retries))
}

type Handle = WorkflowHandle<Client, IngestOracleServiceCloud>;

async fn start(client: &Client, config: &Config) -> Result<Handle, DemoError> {
    let id = names::ingest_workflow_id(&config.aep.sandbox, CONNECTION_NAME);
    let start = WorkflowStartOptions::new(config.worker.task_queue.as_str(), id)
        // On a server that ran before, an interrupted demo may have left one behind.
        .id_conflict_policy(WorkflowIdConflictPolicy::TerminateExisting)
        .static_summary("aep-flow demo")
        .build();
    let input = Message::from(stage::input());
    let started = client
        .start_workflow(IngestOracleServiceCloud::run, input, start)
        .await
        .map_err(|error| DemoError::Start(Box::new(error)))?;
    // By the workflow's type, which can be named, and not by that of its run.
    Ok(Handle::new(client.clone(), started.info().clone()))
}

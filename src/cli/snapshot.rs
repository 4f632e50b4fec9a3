//! The state of a workflow: what the server knows, and what the workflow reports.

use std::time::{Duration, SystemTime};

use aep_flow_proto::names::workflow;
use aep_flow_proto::v1::IngestStatus;
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryOptions,
};
use temporalio_common::protos::proto_ts_to_system_time;
use temporalio_common::protos::temporal::api::{
    enums::v1::{PendingActivityState, PendingWorkflowTaskState},
    failure::v1::{Failure, failure::FailureInfo},
    workflow::v1::PendingActivityInfo,
    workflowservice::v1::DescribeWorkflowExecutionResponse,
};

use super::command_error::CommandError;
use super::rpc;

/// A handle of an ingestion. Both workflow types answer the same queries.
pub(super) type Handle = WorkflowHandle<Client, IngestOracleServiceCloud>;

// A worker answers queries, so an answer may never come.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

// No worker polls for a task that waits longer than this.
const TAKEN_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// The state of a workflow at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    pub(super) workflow_id: String,
    pub(super) run_id: String,
    pub(super) workflow_type: String,
    pub(super) task_queue: String,
    #[serde(serialize_with = "serialize_status")]
    pub(super) status: WorkflowExecutionStatus,
    pub(super) started_at: Option<Timestamp>,
    pub(super) closed_at: Option<Timestamp>,
    /// What the workflow reports; nothing without a worker, or for another workflow type.
    pub(super) ingest: Option<IngestStatus>,
    pub(super) pending_activities: Vec<Pending>,
    /// Whether a task has been waiting with no worker to take it.
    pub(super) waits_for_worker: bool,
}

/// An activity that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pending {
    /// Activity type.
    pub(super) activity: String,
    /// `running`, `scheduled`, `waiting` for its next attempt, or `paused`.
    pub(super) state: &'static str,
    /// Counted from 1.
    pub(super) attempt: i32,
    pub(super) last_failure: Option<LastFailure>,
    /// When the next attempt is due, while it waits for that.
    pub(super) next_try: Option<Timestamp>,
}

/// Why the previous attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastFailure {
    /// Failure type; empty for one without.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

#[cfg(test)]
impl Snapshot {
    /// A running workflow, for tests.
    pub(super) fn running(ingest: Option<IngestStatus>) -> Self {
        Self {
            workflow_id: "ingest/prod/OSC".to_owned(),
            run_id: "r".to_owned(),
            workflow_type: "IngestOracleServiceCloud".to_owned(),
            task_queue: "aep-flow".to_owned(),
            status: WorkflowExecutionStatus::Running,
            started_at: None,
            closed_at: None,
            ingest,
            pending_activities: Vec::new(),
            waits_for_worker: false,
        }
    }
}

impl Snapshot {
    pub(super) fn is_running(&self) -> bool {
        is_open(self.status)
    }
}

/// Whether a workflow of this status may still do something.
pub(super) fn is_open(status: WorkflowExecutionStatus) -> bool {
    matches!(
        status,
        WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused
    )
}

/// A status in Temporal's words: `Running`, `Completed`, `Failed`, …
pub(super) fn serialize_status<S: Serializer>(
    status: &WorkflowExecutionStatus,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{status:?}"))
}

/// The same in lower case, for a sentence or a table.
pub(super) fn status_word(status: WorkflowExecutionStatus) -> String {
    format!("{status:?}").to_lowercase()
}

/// The workflow with that id, and its state.
pub(super) async fn find(
    client: &Client,
    workflow_id: &str,
) -> Result<(Handle, Snapshot), CommandError> {
    let handle = client.get_workflow_handle::<IngestOracleServiceCloud>(workflow_id);
    match take(&handle).await {
        Ok(snapshot) => Ok((handle, snapshot)),
        Err(error) => Err(rpc::about_workflow(error, workflow_id, client)),
    }
}

/// Asks server and workflow.
pub(super) async fn take(handle: &Handle) -> Result<Snapshot, WorkflowInteractionError> {
    let described = handle.describe(WorkflowDescribeOptions::default()).await?;
    let mut snapshot = Snapshot {
        workflow_id: described.id().to_owned(),
        run_id: described.run_id().to_owned(),
        workflow_type: described.workflow_type().to_owned(),
        task_queue: described.task_queue().to_owned(),
        status: described.status(),
        started_at: described.start_time().and_then(timestamp),
        closed_at: described.close_time().and_then(timestamp),
        ingest: None,
        pending_activities: described
            .raw()
            .pending_activities
            .iter()
            .map(pending)
            .collect(),
        waits_for_worker: waits_for_worker(described.raw(), Timestamp::now()),
    };
    let is_ours = workflow::is_ingestion(&snapshot.workflow_type);
    // Without a worker the query would time out; once the workflow has ended, its result says
    // more.
    if is_ours && snapshot.is_running() && !snapshot.waits_for_worker {
        snapshot.ingest = ask(handle).await;
    }
    Ok(snapshot)
}

/// What the workflow reports; nothing if no worker answers in time.
pub(super) async fn ask(handle: &Handle) -> Option<IngestStatus> {
    let query = handle.query(
        IngestOracleServiceCloud::status,
        (),
        WorkflowQueryOptions::default(),
    );
    match tokio::time::timeout(QUERY_TIMEOUT, query).await {
        Ok(Ok(message)) => message.read_known().ok(),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the query was not answered");
            None
        }
        Err(_) => None,
    }
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

fn pending(info: &PendingActivityInfo) -> Pending {
    let next_try = info
        .next_attempt_schedule_time
        .as_ref()
        .and_then(proto_ts_to_system_time)
        .and_then(timestamp);
    let state = match PendingActivityState::try_from(info.state) {
        Ok(PendingActivityState::Started | PendingActivityState::CancelRequested) => "running",
        Ok(PendingActivityState::Paused | PendingActivityState::PauseRequested) => "paused",
        Ok(PendingActivityState::Scheduled | PendingActivityState::Unspecified) | Err(_) => {
            if next_try.is_some() {
                "waiting"
            } else {
                "scheduled"
            }
        }
    };
    Pending {
        activity: info
            .activity_type
            .as_ref()
            .map(|activity| activity.name.clone())
            .unwrap_or_default(),
        state,
        attempt: info.attempt,
        last_failure: info.last_failure.as_ref().map(last_failure),
        next_try,
    }
}

fn last_failure(failure: &Failure) -> LastFailure {
    let kind = match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => info.r#type.clone(),
        Some(FailureInfo::TimeoutFailureInfo(_)) => "Timeout".to_owned(),
        _ => String::new(),
    };
    LastFailure {
        kind,
        message: failure.message.clone(),
    }
}

fn waits_for_worker(described: &DescribeWorkflowExecutionResponse, now: Timestamp) -> bool {
    let is_old = |time: Option<SystemTime>| {
        time.and_then(timestamp)
            .is_some_and(|time| now.duration_since(time) > TAKEN_WITHIN)
    };
    if let Some(task) = &described.pending_workflow_task
        && task.state == PendingWorkflowTaskState::Scheduled as i32
        && is_old(
            task.scheduled_time
                .as_ref()
                .and_then(proto_ts_to_system_time),
        )
    {
        return true;
    }
    let activities = &described.pending_activities;
    !activities.is_empty()
        && activities.iter().all(|activity| {
            activity.state == PendingActivityState::Scheduled as i32
                && activity.next_attempt_schedule_time.is_none()
                && is_old(
                    activity
                        .scheduled_time
                        .as_ref()
                        .and_then(proto_ts_to_system_time),
                )
        })
}

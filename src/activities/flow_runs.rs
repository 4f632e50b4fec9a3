//! The runs of a dataflow.

use aep_flow_proto::v1::{FlowRun, GetFlowRunsInput, GetFlowRunsResult};
use aep_platform::{FlowId, RunStatus};
use jiff::Timestamp;

use super::{failure::ActivityFailure, platform::Platform};

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

pub(super) async fn get(
    platform: &Platform,
    input: GetFlowRunsInput,
) -> Result<GetFlowRunsResult, ActivityFailure> {
    let flow_id = super::read_id::<FlowId>("flowId", &input.flow_id)?;
    let limit = match input.limit {
        0 => DEFAULT_LIMIT,
        limit @ 1..=MAX_LIMIT => limit,
        other => {
            return Err(ActivityFailure::field(
                "limit",
                other.to_string(),
                format!("1 to {MAX_LIMIT}"),
            ));
        }
    };
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let runs = sandbox.list_flow_runs(&flow_id, limit as usize).await?;
    Ok(GetFlowRunsResult {
        runs: runs.into_iter().map(run).collect(),
    })
}

fn run(run: aep_platform::FlowRun) -> FlowRun {
    FlowRun {
        id: run.id.to_string(),
        finished: run.status.is_final(),
        status: word(run.status),
        started_at: instant(run.started_at_ms),
        completed_at: instant(run.completed_at_ms),
        input_records: count(run.input_records),
        output_records: count(run.output_records),
        failed_records: count(run.failed_records),
        errors: run
            .errors
            .into_iter()
            .map(|error| match error.code {
                Some(code) => format!("{code}: {}", error.message),
                None => error.message,
            })
            .collect(),
    }
}

fn word(status: RunStatus) -> String {
    match status {
        RunStatus::Scheduled => "scheduled".to_owned(),
        RunStatus::InProgress => "inprogress".to_owned(),
        RunStatus::Success => "success".to_owned(),
        RunStatus::PartialSuccess => "partialsuccess".to_owned(),
        RunStatus::Failed => "failed".to_owned(),
        RunStatus::Other(word) => word,
    }
}

fn instant(milliseconds: Option<i64>) -> String {
    milliseconds
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .map_or_else(String::new, |instant| instant.to_string())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact to 2^53, as the contract says"
)]
fn count(records: Option<i64>) -> Option<f64> {
    // The platform writes -1 where it does not know.
    records
        .filter(|records| *records >= 0)
        .map(|records| records as f64)
}

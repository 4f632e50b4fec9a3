//! Waits for the first run of a dataflow, by timers on the server.

use std::time::Duration;

use aep_flow_proto::{
    names::{self, FailureType},
    v1::{FailureDetails, FlowRun, GetFlowRunsInput},
    validate,
};
use temporalio_workflow::TimerResult;

use super::{Kind, now, table::TableRun};
use crate::{activities::Declared, step_error::StepError};

/// First and longest pause between two looks at a dataflow's runs. A look adds eleven events to
/// the history, so the pauses grow.
const LOOK_FIRST: Duration = Duration::from_secs(2);
const LOOK_LONGEST: Duration = Duration::from_secs(300);

impl<K: Kind> TableRun<'_, K> {
    /// Waits until one run of the dataflow has ended.
    pub(super) async fn first_run(
        &self,
        flow_id: &str,
        deadline: Duration,
    ) -> Result<FlowRun, StepError> {
        let asked = now(self.ctx);
        // The previous run of the workflow may have begun to wait.
        let started = self.ctx.state_mut(|this| {
            let since = this.first_run_since.entry(self.index);
            *since.or_insert(asked)
        });
        // A run cannot come before its start time, which may be days away.
        let begins = match self.table().schedule.as_ref().map(validate::start_time) {
            Some(Ok(validate::StartTime::At(start))) if start > started => start,
            _ => started,
        };
        let until_begin = Duration::try_from(begins.duration_since(asked)).unwrap_or_default();
        let mut pause = until_begin + LOOK_FIRST;
        let mut longer = LOOK_FIRST;
        loop {
            if self.ctx.timer(pause).await == TimerResult::Cancelled {
                return Err(StepError::Cancelled);
            }
            let input = GetFlowRunsInput {
                sandbox: self.setup.connection.sandbox.clone(),
                flow_id: flow_id.to_owned(),
                limit: 0,
            };
            let found = self.step(Declared::get_flow_runs, input).await?;
            if let Some(run) = found.runs.into_iter().rev().find(|run| run.finished) {
                return if matches!(run.status.as_str(), "failed" | "partialfailure") {
                    Err(run_failed(flow_id, &run))
                } else {
                    Ok(run)
                };
            }
            let waited = now(self.ctx).duration_since(begins);
            if Duration::try_from(waited).is_ok_and(|waited| waited >= deadline) {
                return Err(StepError::failed(
                    names::activity::GET_FLOW_RUNS,
                    FailureType::Unavailable,
                    format!(
                        "no run of the dataflow {flow_id} ended within {} s",
                        deadline.as_secs()
                    ),
                    FailureDetails {
                        next_step:
                            "look at the runs of the dataflow: it exists and continues to run"
                                .to_owned(),
                        ..FailureDetails::default()
                    },
                ));
            }
            longer = (longer * 2).min(LOOK_LONGEST);
            pause = longer.min(deadline);
        }
    }
}

fn run_failed(flow_id: &str, run: &FlowRun) -> StepError {
    let errors = if run.errors.is_empty() {
        "no reason given".to_owned()
    } else {
        run.errors.join("; ")
    };
    StepError::failed(
        names::activity::GET_FLOW_RUNS,
        FailureType::PlatformRejected,
        format!(
            "run {} of the dataflow {flow_id} ended as {}: {errors}",
            run.id, run.status
        ),
        FailureDetails {
            next_step: "fix what the run's errors name; a recurring dataflow runs again by itself"
                .to_owned(),
            ..FailureDetails::default()
        },
    )
}

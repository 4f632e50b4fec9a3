//! Runs the activities of an ingestion, and records their failed attempts.

use std::time::Duration;

use prost::Name;
use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::ActivityDefinition;
use temporalio_workflow::TimerResult;

use super::{IngestContext, Kind, now};
use crate::{
    limits,
    patience::Patience,
    payload::{self, Message},
    step_error::StepError,
};

/// The timer that leads to another workflow task.
const NEXT_TASK: Duration = Duration::from_secs(1);

/// Runs one activity as a step of `table`, which is empty for the base connection.
pub(super) async fn run<K: Kind, A, I, O>(
    ctx: &IngestContext<K>,
    table: &str,
    activity: A,
    input: I,
    patience: impl Into<Patience>,
    summary: &str,
) -> Result<O, StepError>
where
    A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
    I: Serialize + 'static,
    O: DeserializeOwned + prost::Message + Name + Default + 'static,
{
    let id = begin(ctx, table, activity.name());
    run_as(ctx, &id, activity, input, patience, summary).await
}

/// Records that an activity begins as a step of `table`, and returns its id.
pub(super) fn begin<K: Kind>(ctx: &IngestContext<K>, table: &str, activity: &str) -> String {
    ctx.state_mut(|this| this.attempts.begin(activity, table))
}

/// Runs the activity that has its id from [`begin`].
pub(super) async fn run_as<K: Kind, A, I, O>(
    ctx: &IngestContext<K>,
    id: &str,
    activity: A,
    input: I,
    patience: impl Into<Patience>,
    summary: &str,
) -> Result<O, StepError>
where
    A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
    I: Serialize + 'static,
    O: DeserializeOwned + prost::Message + Name + Default + 'static,
{
    let bytes = payload::json_bytes(&input);
    let result = if bytes > limits::MAX_PAYLOAD_BYTES {
        // If it were sent, the workflow task would fail for ever.
        Err(StepError::too_large(activity.name(), bytes))
    } else {
        take_turn(ctx, bytes).await?;
        ctx.state_mut(|this| this.handover.add_activity());
        let result = execute(ctx, id, activity, input, patience.into(), summary).await;
        ctx.state_mut(|this| this.handover.remove_activity());
        result
    };
    recorded(ctx, id, result)
}

/// Runs one activity that checks what a person wants to adopt for a step of `table`.
pub(super) async fn check<K: Kind, A, I, O>(
    ctx: &IngestContext<K>,
    table: &str,
    activity: A,
    input: I,
    patience: Patience,
    summary: &str,
) -> Result<O, StepError>
where
    A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
    I: Serialize + 'static,
    O: DeserializeOwned + prost::Message + Name + Default + 'static,
{
    let id = ctx.state_mut(|this| this.attempts.begin_check(activity.name(), table));
    run_as(ctx, &id, activity, input, patience, summary).await
}

/// Runs one activity to its end. The server retries it as `patience` allows.
///
/// No other activity of the workflow has the same `id`. Temporal's UI shows `summary` beside the
/// activity.
async fn execute<K: Kind, A, I, O>(
    ctx: &IngestContext<K>,
    id: &str,
    activity: A,
    input: I,
    patience: Patience,
    summary: &str,
) -> Result<O, StepError>
where
    A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
    I: 'static,
    O: DeserializeOwned + prost::Message + Name + Default + 'static,
{
    let name = activity.name().to_owned();
    let mut options = patience.options(summary);
    options.activity_id = Some(id.to_owned());
    let result = ctx
        .execute_activity(activity, Message::from(input), options)
        .await
        .map_err(|error| StepError::of(&name, error))?;
    result
        .read()
        .map_err(|error| StepError::Unreadable(payload::unconvertible(error)))
}

/// Waits until `bytes` fit into the one message that a workflow task sends.
async fn take_turn<K: Kind>(ctx: &IngestContext<K>, bytes: usize) -> Result<(), StepError> {
    loop {
        let task = ctx.history_length();
        if ctx.state_mut(|this| this.sent.has_room(task, bytes)) {
            return Ok(());
        }
        if ctx.timer(NEXT_TASK).await == TimerResult::Cancelled {
            return Err(StepError::Cancelled);
        }
    }
}

fn recorded<K: Kind, O>(
    ctx: &IngestContext<K>,
    id: &str,
    result: Result<O, StepError>,
) -> Result<O, StepError> {
    match &result {
        Ok(_) => ctx.state_mut(|this| this.attempts.record_success(id)),
        Err(StepError::Failed(failed)) => {
            let now = format!("{:.0}", now(ctx));
            ctx.state_mut(|this| this.attempts.record_failure(id, failed, &now));
        }
        Err(StepError::Cancelled | StepError::Unreadable(_)) => {}
    }
    result
}

//! Runs the activities of an ingestion, and keeps what is known of their failed attempts.

use std::time::Duration;

use prost::Name;
use serde::{Serialize, de::DeserializeOwned};
use temporalio_common::ActivityDefinition;
use temporalio_workflow::TimerResult;

use super::{Context, Kind, now};
use crate::{
    limits,
    payload::{self, Message},
    step::{self, Patience, StepError},
};

/// How soon there is another workflow task.
const NEXT_TASK: Duration = Duration::from_secs(1);

/// Runs one activity as a step of `table`, which is empty for the base connection.
pub(super) async fn run<K: Kind, A, I, O>(
    ctx: &Context<K>,
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

/// Notes that an activity begins as a step of `table`; gives the id that it is to have.
pub(super) fn begin<K: Kind>(ctx: &Context<K>, table: &str, activity: &str) -> String {
    ctx.state_mut(|this| this.attempts.begin(activity, table))
}

/// Runs the activity that [`begin`] gave that id.
pub(super) async fn run_as<K: Kind, A, I, O>(
    ctx: &Context<K>,
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
        // Were it sent, the workflow's task would fail for ever.
        Err(StepError::too_large(activity.name(), bytes))
    } else {
        take_turn(ctx, bytes).await?;
        ctx.state_mut(|this| this.leaving.activity_begins());
        let result = step::run(ctx, id, activity, input, patience.into(), summary).await;
        ctx.state_mut(|this| this.leaving.activity_ended());
        result
    };
    noted(ctx, id, result)
}

/// Runs one activity that checks what a person wants to adopt for a step of `table`.
pub(super) async fn check<K: Kind, A, I, O>(
    ctx: &Context<K>,
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

/// Waits until so many bytes fit into what this workflow task sends. All of it is one message.
async fn take_turn<K: Kind>(ctx: &Context<K>, bytes: usize) -> Result<(), StepError> {
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

fn noted<K: Kind, O>(
    ctx: &Context<K>,
    id: &str,
    result: Result<O, StepError>,
) -> Result<O, StepError> {
    match &result {
        Ok(_) => ctx.state_mut(|this| this.attempts.went_through(id)),
        Err(StepError::Failed(failed)) => {
            let now = format!("{:.0}", now(ctx));
            ctx.state_mut(|this| this.attempts.gave_up(id, failed, &now));
        }
        Err(StepError::Cancelled | StepError::Unreadable(_)) => {}
    }
    result
}

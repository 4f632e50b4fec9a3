//! Runs the activities of an ingestion, and keeps what is known of their failed attempts.

use prost::Name;
use serde::de::DeserializeOwned;
use temporalio_common::ActivityDefinition;

use super::{Context, now};
use crate::{
    payload::Message,
    step::{self, Patience, StepError},
};

/// Runs one activity as a step of `table`, which is empty for the base connection.
pub(super) async fn run<A, I, O>(
    ctx: &Context,
    table: &str,
    activity: A,
    input: I,
    patience: impl Into<Patience>,
    summary: &str,
) -> Result<O, StepError>
where
    A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
    I: 'static,
    O: DeserializeOwned + prost::Message + Name + Default + 'static,
{
    let id = ctx.state_mut(|this| this.attempts.begin(activity.name(), table));
    let result = step::run(ctx, &id, activity, input, patience.into(), summary).await;
    noted(ctx, &id, result)
}

/// Runs one activity that checks what a person wants to adopt for a step of `table`.
pub(super) async fn check<A, I, O>(
    ctx: &Context,
    table: &str,
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
    let id = ctx.state_mut(|this| this.attempts.begin_check(activity.name(), table));
    let result = step::run(ctx, &id, activity, input, patience, summary).await;
    noted(ctx, &id, result)
}

fn noted<O>(ctx: &Context, id: &str, result: Result<O, StepError>) -> Result<O, StepError> {
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

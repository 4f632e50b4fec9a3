//! What every activity's attempt has in common: reading the input, heartbeats, and turning
//! an error into a failure.

use std::{future::Future, sync::Arc, time::Duration};

use aep_flow_workflows::payload::Message;
use jiff::Timestamp;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::{
    failure::{self, Failed},
    memory::Memory,
};
use crate::ensure::Past;

/// Shortest pause between two heartbeats, so that a short activity sends none: each that
/// reaches the server is an action to pay for.
const HEARTBEAT_AT_LEAST: Duration = Duration::from_secs(4);

/// One attempt at an activity.
#[derive(Clone)]
pub(super) struct Attempt {
    ctx: Arc<ActivityContext>,
}

impl Attempt {
    /// What is known of earlier attempts to create a resource of `kind`.
    pub(super) fn past(&self, kind: &str) -> Past {
        Memory::past(
            earlier(&self.ctx).as_ref(),
            self.ctx.info().attempt,
            kind,
            Timestamp::now(),
        )
    }
}

/// Whether an activity creates something, so that its attempts must know of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Creates,
}

/// Runs `body` on what `input` holds.
pub(super) async fn run<I, O, F, Fut>(
    effect: Effect,
    ctx: ActivityContext,
    input: Message<I>,
    body: F,
) -> Result<Message<O>, ActivityError>
where
    F: FnOnce(Attempt, I) -> Fut,
    Fut: Future<Output = Result<O, Failed>>,
{
    let ctx = Arc::new(ctx);
    let attempt = Attempt {
        ctx: Arc::clone(&ctx),
    };
    let result = match input.read() {
        Err(error) => Err(Failed::unreadable(&error)),
        Ok(input) => tokio::select! {
            result = body(attempt, input) => result,
            () = ctx.cancelled() => return Err(ActivityError::Cancelled { details: None }),
            never = keep_alive(&ctx) => match never {},
        },
    };
    match result {
        Ok(output) => Ok(Message::from(output)),
        Err(failed) => {
            failure::log(ctx.info(), &failed);
            if effect == Effect::Creates && failed.kind().is_retryable() {
                let attempt = ctx.info().attempt;
                let memory = match failed.memory() {
                    Some((kind, past)) => Memory::of(attempt, kind, past),
                    None => Memory::carried(earlier(&ctx), attempt, Timestamp::now()),
                };
                remember(&ctx, memory).await;
            }
            Err(ActivityError::application(failed.into_failure()))
        }
    }
}

fn earlier(ctx: &ActivityContext) -> Option<Memory> {
    ctx.heartbeat_details().deserialize().ok().flatten()
}

/// The heartbeat's details travel with the failure that is about to be reported, so what
/// is put there now cannot be lost while the failure itself is not.
async fn remember(ctx: &ActivityContext, memory: Memory) {
    if let Err(error) = ctx.record_heartbeat(memory).await {
        // The next attempt then takes this one for one that may have created something.
        tracing::warn!(%error, "what this attempt knows could not be recorded");
    }
}

async fn keep_alive(ctx: &ActivityContext) -> std::convert::Infallible {
    let Some(timeout) = ctx
        .info()
        .heartbeat_timeout
        .filter(|timeout| !timeout.is_zero())
    else {
        return std::future::pending().await;
    };
    // Two in a row may get lost before the server gives this attempt up.
    let pause = (timeout / 3).max(HEARTBEAT_AT_LEAST.min(timeout / 2));
    loop {
        tokio::time::sleep(pause).await;
        remember(ctx, Memory::in_flight()).await;
    }
}

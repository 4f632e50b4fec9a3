//! What every activity's attempt has in common: reading the input, heartbeats, and turning
//! an error into a failure.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use aep_flow_ensure::{
    Intent, Memory, Past, ResourceKind,
    crash::{self, Point},
};
use aep_flow_proto::v1::EarlierCall;
use aep_flow_workflows::{
    limits::MAX_PAYLOAD_BYTES,
    payload::{self, Message},
};
use jiff::Timestamp;
use serde::Serialize;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::Instrument as _;

use super::{
    dry_run::DryRun,
    failure::{self, ActivityFailure},
    next_try::NextTry,
    observe,
    report::Reports,
};
use crate::panics;

/// Shortest pause between two heartbeats, so that a short activity sends none: each that
/// reaches the server is an action to pay for.
const HEARTBEAT_AT_LEAST: Duration = Duration::from_secs(4);

/// One attempt at an activity: its number, and what the one before it left.
#[derive(Debug, Clone)]
pub struct Attempt {
    number: u32,
    earlier: Option<Memory>,
    /// What names the call over all its attempts: workflow, run, activity.
    call: [String; 3],
    /// When the server was asked for it.
    begun: Option<Timestamp>,
    /// When the server began this attempt, and when this process received it.
    started: Option<(Timestamp, Instant)>,
    /// Where to note what it would create, if it is to create nothing.
    dry_run: Option<DryRun>,
}

impl Attempt {
    /// The first attempt of a call that no server keeps.
    pub fn first() -> Self {
        Self {
            number: 1,
            earlier: None,
            call: Default::default(),
            begun: None,
            started: None,
            dry_run: None,
        }
    }

    /// The first attempt of a call that a server keeps.
    #[cfg(test)]
    pub(super) fn of_call(call: [&str; 3]) -> Self {
        Self {
            call: call.map(str::to_owned),
            begun: Some(Timestamp::UNIX_EPOCH),
            ..Self::first()
        }
    }

    /// One that creates nothing, and notes in `dry_run` what it would create.
    pub fn of_dry_run(dry_run: DryRun) -> Self {
        Self {
            dry_run: Some(dry_run),
            ..Self::first()
        }
    }

    /// Where to note what would be created, if nothing is to be.
    pub(super) fn dry_run(&self) -> Option<&DryRun> {
        self.dry_run.as_ref()
    }

    fn of(ctx: &ActivityContext) -> Self {
        let info = ctx.info();
        let run = info
            .workflow_run_id
            .as_ref()
            .or(info.activity_run_id.as_ref());
        Self {
            number: info.attempt,
            earlier: ctx.heartbeat_details().deserialize().ok().flatten(),
            call: [
                info.workflow_id.clone().unwrap_or_default(),
                run.cloned().unwrap_or_default(),
                info.activity_id.clone(),
            ],
            begun: info
                .scheduled_time
                .and_then(|time| Timestamp::try_from(time).ok()),
            started: info
                .started_time
                .and_then(|time| Timestamp::try_from(time).ok())
                .map(|time| (time, Instant::now())),
            dry_run: None,
        }
    }

    /// Says in the marker that this call creates the resource, or the one that it continues.
    pub(super) fn sign(&self, intent: Intent, continues: Option<&EarlierCall>) -> Intent {
        if self.begun.is_none() {
            return intent;
        }
        let [workflow, run, activity] = &self.call;
        let activity = continues.map_or(activity, |earlier| &earlier.activity_id);
        let run = continues
            .map(|earlier| &earlier.run_id)
            .filter(|run| !run.is_empty())
            .unwrap_or(run);
        intent.by(&[workflow, run, activity])
    }

    /// When the server was asked for this call.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        self.begun
    }

    /// Whether no attempt of this call came before it.
    pub(super) fn is_first(&self) -> bool {
        self.number <= 1 && self.earlier.is_none()
    }

    /// The time, by the server's clock: attempts may run on machines whose clocks differ.
    pub(super) fn now(&self) -> Timestamp {
        self.started
            .and_then(|(at, here)| at.checked_add(here.elapsed()).ok())
            .unwrap_or_else(Timestamp::now)
    }

    /// What is known of earlier attempts to create a resource of `kind`.
    pub(super) fn past(&self, kind: ResourceKind) -> Past {
        Memory::past(self.earlier.as_ref(), self.number, kind, self.now())
    }

    /// What the next attempt must know after this failure.
    fn leave(&self, failed: &ActivityFailure) -> Memory {
        match failed.memory() {
            Some((kind, past)) => Memory::of(self.number, Some(*kind), past),
            None => Memory::carried(self.earlier.clone(), self.number, self.now()),
        }
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
    reports: &Reports,
    effect: Effect,
    ctx: ActivityContext,
    input: Message<I>,
    body: F,
) -> Result<Message<O>, ActivityError>
where
    O: Serialize,
    F: FnOnce(Attempt, I) -> Fut,
    Fut: Future<Output = Result<O, ActivityFailure>>,
{
    let span = observe::begin(ctx.info());
    let attempt = attempt(reports, effect, &ctx, input, body).instrument(span);
    // The SDK would put what the panic carries into the failure, which a history keeps.
    panics::caught(attempt)
        .await
        .unwrap_or_else(|place| Err(ActivityError::application(ActivityFailure::panicked(place))))
}

async fn attempt<I, O, F, Fut>(
    reports: &Reports,
    effect: Effect,
    ctx: &ActivityContext,
    input: Message<I>,
    body: F,
) -> Result<Message<O>, ActivityError>
where
    O: Serialize,
    F: FnOnce(Attempt, I) -> Fut,
    Fut: Future<Output = Result<O, ActivityFailure>>,
{
    let attempt = Attempt::of(ctx);
    let activity = ctx.info().activity_type.as_str();
    let result: Result<O, ActivityFailure> = match input.read() {
        Err(error) => Err(ActivityFailure::unreadable(error)),
        Ok(input) => tokio::select! {
            result = body(attempt.clone(), input) => result,
            () = ctx.cancelled() => {
                observe::cancelled(activity);
                return Err(ActivityError::Cancelled { details: None });
            }
            never = keep_alive(ctx) => match never {},
        },
    };
    if effect == Effect::Creates {
        crash::here(Point::BeforeReport, None);
    }
    let result = result.and_then(fitting);
    match result {
        Ok(output) => {
            observe::completed(activity);
            Ok(Message::from(output))
        }
        Err(failed) => {
            let info = ctx.info();
            observe::failed(activity, &failed);
            failure::log(&failed);
            reports.slow_down(&failed);
            let next = NextTry::of(&failed, info.attempt, info.retry_policy.as_ref());
            if let Some(next) = &next {
                reports.send(ctx, &failed, next, attempt.now()).await;
            }
            if effect == Effect::Creates && failed.kind().is_retryable() {
                remember(ctx, attempt.leave(&failed)).await;
            }
            let failure = failed.into_failure(info.attempt, next.as_ref());
            Err(ActivityError::application(failure))
        }
    }
}

/// The output, unless it does not fit into a payload: the SDK would report a failure that is
/// retried again and again.
fn fitting<O: Serialize>(output: O) -> Result<O, ActivityFailure> {
    match payload::json_bytes(&output) {
        bytes if bytes > MAX_PAYLOAD_BYTES => Err(ActivityFailure::too_large(bytes)),
        _ => Ok(output),
    }
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

#[cfg(test)]
mod tests {
    use aep_flow_proto::{
        names::FailureType,
        v1::{ExploreTablesResult, TableEntry},
    };

    use super::*;

    #[test]
    fn what_does_not_fit_into_a_payload_is_final() {
        let tables = |count| ExploreTablesResult {
            tables: vec![TableEntry::default(); count],
        };
        assert!(fitting(tables(1_000)).is_ok());
        let failed = fitting(tables(50_000)).unwrap_err();
        assert_eq!(failed.kind(), FailureType::PlatformRejected);
        assert!(!failed.kind().is_retryable());
    }
}

//! What every activity's attempt has in common: reading the input, heartbeats, and turning
//! an error into a failure.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aep_flow_ensure::{
    EnsureError, Ensured, Intent, Memory, Past, Pasts, ResourceKind, Rules,
    crash::{self, Point},
};
use aep_flow_proto::{names, v1::EarlierCall};
use aep_flow_workflows::{
    limits::{MAX_PAYLOAD_BYTES, START_TO_CLOSE, STEP_DEADLINE},
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
    open_creates::OpenCreates,
    report::Reports,
};
use crate::panics;

/// How many heartbeats are sent within the timeout. Two in a row may get lost, and the third still
/// arrives in time. Each that reaches the server is an action to pay for.
pub(crate) const HEARTBEATS: u32 = 4;

/// How long the SDK holds a heartbeat back after the one before it. It would otherwise take up to
/// 0.8 of the timeout, so that the loss of one heartbeat ended the attempt.
pub(crate) const HEARTBEAT_THROTTLE: Duration = Duration::from_millis(500);

/// One attempt at an activity: its number, and what is known of the creates so far.
#[derive(Debug, Clone)]
pub struct Attempt {
    number: u32,
    /// Whether no attempt of this call came before it.
    is_first: bool,
    /// What this attempt and those before it know of their creates.
    pasts: Arc<Mutex<Pasts>>,
    /// What names the call over all its attempts: workflow, run, activity.
    call: [String; 3],
    /// When the server was asked for it.
    begun: Option<Timestamp>,
    /// When the server began this attempt, and when this process received it.
    started: Option<(Timestamp, Instant)>,
    /// The time for all attempts of a step of an ingestion, where it is shorter than one may take:
    /// the SDK gives the earlier of the two ends.
    step_deadline: Option<Duration>,
    /// Where to note what it would create, if it is to create nothing.
    dry_run: Option<DryRun>,
    /// What the server keeps of its creates, if it is a server's.
    open_creates: Option<OpenCreates>,
    /// Whether the attempt before it left nothing, and so may have sent any create.
    follows_silence: bool,
}

impl Attempt {
    /// The first attempt of a call that no server keeps.
    pub fn first() -> Self {
        Self {
            number: 1,
            is_first: true,
            pasts: Arc::new(Mutex::new(Pasts::clean())),
            call: Default::default(),
            begun: None,
            step_deadline: None,
            started: None,
            dry_run: None,
            open_creates: None,
            follows_silence: false,
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
        let started = info
            .started_time
            .and_then(|time| Timestamp::try_from(time).ok());
        let earlier: Option<Memory> = ctx.heartbeat_details().deserialize().ok().flatten();
        // A reset sets the number back to 1, and leaves the time when the activity was asked for.
        let was_reset = info.current_attempt_scheduled_time > info.scheduled_time;
        let is_first = info.attempt <= 1 && !was_reset && earlier.is_none();
        let now = started.unwrap_or_else(Timestamp::now);
        let pasts = Pasts::of(earlier.as_ref(), info.attempt, is_first, now);
        let follows_silence = pasts == Pasts::open_since(now);
        Self {
            number: info.attempt,
            is_first,
            pasts: Arc::new(Mutex::new(pasts)),
            call: [
                info.workflow_id.clone().unwrap_or_default(),
                run.cloned().unwrap_or_default(),
                info.activity_id.clone(),
            ],
            begun: info
                .scheduled_time
                .and_then(|time| Timestamp::try_from(time).ok()),
            started: started.map(|time| (time, Instant::now())),
            step_deadline: info
                .workflow_type
                .as_deref()
                .filter(|name| names::workflow::is_ingestion(name))
                .and_then(|_| info.deadline?.duration_since(info.scheduled_time?).ok())
                .filter(|deadline| *deadline < START_TO_CLOSE),
            dry_run: None,
            open_creates: Some(OpenCreates::of(ctx)),
            follows_silence,
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
        let workflow = continues
            .and_then(|earlier| earlier.workflow_id.as_ref())
            .unwrap_or(workflow);
        intent.by(&[workflow, run, activity])
    }

    /// What names this call, for one that settles its creates.
    pub(super) fn as_earlier(&self) -> EarlierCall {
        let [workflow, run, activity] = self.call.clone();
        EarlierCall {
            activity_id: activity,
            run_id: run,
            workflow_id: Some(workflow),
            ..EarlierCall::default()
        }
    }

    /// What the server keeps of this attempt's creates.
    pub(super) fn open_creates(&self) -> Option<&OpenCreates> {
        self.open_creates.as_ref()
    }

    /// What is known of the creates of `kind` before this attempt sends one: those of its own call,
    /// and those that a call which has gone away left open on the server. What an attempt that was
    /// killed may have sent is kept there now.
    pub(super) async fn past_of(
        &self,
        intent: &Intent,
        open_creates: &OpenCreates,
    ) -> Result<Past, ActivityFailure> {
        let kind = intent.kind();
        let past = self.past(kind);
        if self.follows_silence {
            open_creates.keep(self.now(), |each, _| each == kind).await;
        }
        if self.is_first && past == Past::Clean && open_creates.has(intent).await? {
            self.set_open(kind);
            return Ok(self.past(kind));
        }
        Ok(past)
    }

    /// When the server was asked for this call.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        self.begun
    }

    /// Refuses a step whose deadline comes before what it has to wait for, while nothing is created
    /// yet.
    pub(super) fn check_deadline(&self, rules: Rules) -> Result<(), ActivityFailure> {
        let needed = rules.shortest_step();
        match self.step_deadline {
            Some(deadline) if self.is_first && deadline <= needed => Err(ActivityFailure::field(
                STEP_DEADLINE,
                deadline.as_secs().to_string(),
                format!(
                    "more than {}: after a create this worker waits until lists show all older \
                     resources (`ensure.list_lag`, {} s)",
                    needed.as_secs(),
                    rules.list_lag.as_secs()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The time, by the server's clock: attempts may run on machines whose clocks differ.
    pub(super) fn now(&self) -> Timestamp {
        self.started
            .and_then(|(at, here)| at.checked_add(here.elapsed()).ok())
            .unwrap_or_else(Timestamp::now)
    }

    /// Begins where the call that this one continues ended, before anything else can fail.
    pub(super) fn begin_after(&self, earlier: Option<&EarlierCall>) -> Result<(), ActivityFailure> {
        // A call that only settles sends no create, so none of its own can be open.
        let earlier = earlier.filter(|earlier| self.is_first && !earlier.only_settle());
        let Some(earlier) = earlier else {
            return Ok(());
        };
        let since = earlier.since.parse();
        // What cannot be read says nothing of when.
        *self.pasts() = Pasts::open_since(*since.as_ref().unwrap_or(&self.now()));
        since.map(|_| ()).map_err(|error: jiff::Error| {
            let found = format!("`{}`", earlier.since);
            ActivityFailure::field("continues.since", found, error.to_string())
        })
    }

    /// What is known of the creates of `kind`.
    pub(super) fn past(&self, kind: ResourceKind) -> Past {
        self.pasts().of_kind(kind)
    }

    /// Records that a create of `kind` is about to be sent.
    pub(super) fn record_create(&self, kind: ResourceKind) {
        self.set_open(kind);
        if let Some(open_creates) = &self.open_creates {
            open_creates.record_sent(kind);
        }
    }

    fn set_open(&self, kind: ResourceKind) {
        let since = self.now();
        self.pasts().set(kind, Past::Open { since, looks: 0 });
    }

    /// Has the server keep what this attempt leaves unsettled.
    async fn keep_open_creates(&self, is_cancelled: bool) {
        let Some(open_creates) = &self.open_creates else {
            return;
        };
        let is_unsettled = |kind, is_sent| match self.past(kind) {
            Past::Open { .. } => is_sent || is_cancelled,
            // Somebody may have created another, and no attempt follows that would find out.
            Past::Made { .. } => is_cancelled,
            Past::Clean | Past::Taken { .. } => false,
        };
        open_creates.keep(self.now(), is_unsettled).await;
    }

    /// Records how the protocol for a resource of `kind` ended.
    pub(super) fn record_end<F>(
        &self,
        kind: ResourceKind,
        ended: &Result<Ensured, EnsureError<F>>,
    ) {
        let now = self.now();
        self.pasts().record(kind, ended, now);
    }

    fn pasts(&self) -> MutexGuard<'_, Pasts> {
        // What a panic left behind is still what was recorded last.
        self.pasts.lock().unwrap_or_else(PoisonError::into_inner)
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
    let attempt = async {
        let attempt = Attempt::of(&ctx);
        // The SDK would put what a panic carries into the failure, which a history keeps.
        let ended = panics::caught(work(effect, &ctx, &attempt, input, body)).await;
        let ended = ended.unwrap_or_else(|place| Err(ActivityFailure::panicked(place).into()));
        // The caller may be gone by now, or before the next attempt.
        let is_cancelled = matches!(ended, Err(NoResult::Cancelled));
        attempt.keep_open_creates(is_cancelled).await;
        report(reports, effect, &ctx, &attempt, ended).await
    };
    attempt.instrument(span).await
}

/// Why an attempt gives no result.
enum NoResult {
    Cancelled,
    Failed(Box<ActivityFailure>),
}

impl From<ActivityFailure> for NoResult {
    fn from(failed: ActivityFailure) -> Self {
        Self::Failed(Box::new(failed))
    }
}

/// The input, or why it can't be read: a field is misspelt only if a caller wrote it.
pub(super) fn read<I>(ctx: &ActivityContext, input: Message<I>) -> Result<I, ActivityFailure> {
    let sender = ctx.info().workflow_type.as_deref();
    input.read().map_err(|error| {
        match error.may_be_newer && sender.is_some_and(names::workflow::is_ours) {
            true => ActivityFailure::of_later_version(&error),
            false => ActivityFailure::unreadable(error),
        }
    })
}

/// Does the work of one attempt, until the server cancels it.
async fn work<I, O, F, Fut>(
    effect: Effect,
    ctx: &ActivityContext,
    attempt: &Attempt,
    input: Message<I>,
    body: F,
) -> Result<O, NoResult>
where
    O: Serialize,
    F: FnOnce(Attempt, I) -> Fut,
    Fut: Future<Output = Result<O, ActivityFailure>>,
{
    let input = read(ctx, input)?;
    let result = tokio::select! {
        result = body(attempt.clone(), input) => result,
        () = ctx.cancelled() => return Err(NoResult::Cancelled),
        never = keep_alive(ctx) => match never {},
    };
    if effect == Effect::Creates {
        crash::here(Point::BeforeReport, None);
    }
    Ok(result.and_then(fitting)?)
}

/// Reports how an attempt ended: to the log, to metrics, to whoever shows it, and to the server.
async fn report<O>(
    reports: &Reports,
    effect: Effect,
    ctx: &ActivityContext,
    attempt: &Attempt,
    ended: Result<O, NoResult>,
) -> Result<Message<O>, ActivityError> {
    let info = ctx.info();
    let activity = info.activity_type.as_str();
    let mut failed = match ended {
        Ok(output) => {
            observe::completed(activity);
            return Ok(Message::from(output));
        }
        Err(NoResult::Cancelled) => {
            observe::cancelled(activity);
            return Err(ActivityError::Cancelled { details: None });
        }
        Err(NoResult::Failed(failed)) => *failed,
    };
    if effect == Effect::Creates && attempt.pasts().is_open() {
        failed = failed.while_open();
    }
    observe::failed(activity, &failed);
    failure::log(&failed);
    reports.slow_down(&failed);
    let next = NextTry::of(&failed, info.attempt, info.retry_policy.as_ref());
    if let Some(next) = &next {
        reports.send(ctx, &failed, next, attempt.now()).await;
    }
    if effect == Effect::Creates && failed.kind().is_retryable() {
        let memory = Memory::left_by(attempt.number, &attempt.pasts());
        remember(ctx, memory).await;
    }
    let failure = failed.into_failure(info.attempt, next.as_ref());
    Err(ActivityError::application(failure))
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
    loop {
        tokio::time::sleep(timeout / HEARTBEATS).await;
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

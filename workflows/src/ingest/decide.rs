//! Runs the steps that create something. If the outcome of one is unknown, the step waits for a
//! person instead of failing at once.

use std::{pin::pin, time::Duration};

use aep_flow_proto::{
    create::CreateInput,
    names::FailureType,
    v1::{
        Connection, CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, EarlierCall, EnsureDatasetInput, EnsureSchemaInput,
        OpenDecision, OpenStep, OracleServiceCloudConnection,
    },
};
use jiff::Timestamp;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{CancellableFuture as _, TimerResult, select};

use super::{IngestContext, IngestSetup, Kind, attributes, now, run_activity};
use crate::{
    activities::{self, Declared},
    decision::{DecisionKey, Resolution},
    patience::{LONGEST_PAUSE, Patience},
    payload::Message,
    step_error::{FailedStep, StepError},
};

/// How long the check of an id may take, since a person waits for it.
const CHECK: Patience = Patience {
    deadline: Duration::from_secs(60),
    attempts: 3,
    longest_pause: LONGEST_PAUSE,
};

/// Input of a step that creates something.
pub(super) trait Create: CreateInput {
    /// The activity that takes it.
    type Activity: ActivityDefinition<Input = Message<Self>, Output = Message<Self::Created>>;

    /// The activity, for a call.
    const CALL: Self::Activity;
}

macro_rules! create {
    ($($input:ident: $activity:ident = $call:ident;)*) => {$(
        impl Create for $input {
            type Activity = activities::$activity;

            const CALL: Self::Activity = Declared::$call;
        }
    )*};
}

create! {
    Connection: CreateBaseConnection = create_base_connection;
    OracleServiceCloudConnection:
        CreateOracleServiceCloudBaseConnection = create_oracle_service_cloud_base_connection;
    CreateSourceConnectionInput: CreateSourceConnection = create_source_connection;
    EnsureSchemaInput: EnsureSchema = ensure_schema;
    EnsureDatasetInput: EnsureDataset = ensure_dataset;
    CreateTargetConnectionInput: CreateTargetConnection = create_target_connection;
    CreateMappingSetInput: CreateMappingSet = create_mapping_set;
    CreateDataflowInput: CreateDataflow = create_dataflow;
}

/// Runs one create step to its end, including a person's decision. `table` is empty for the base
/// connection.
pub(super) async fn run<K: Kind, I: Create>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
    table: &str,
    mut input: I,
) -> Result<I::Created, StepError> {
    let summary = if table.is_empty() {
        &setup.connection.name
    } else {
        table
    };
    let step = I::ACTIVITY;
    if let Some(open) = ctx.state(|this| this.open.of(table, step)) {
        // The previous run left it open.
        input = input.continuing(open.call.clone().unwrap_or_default());
        if open.decision.is_some() {
            let adopted = await_decision(ctx, table, &input, &open).await;
            if let Some(ended) = adopted.transpose() {
                ctx.state_mut(|this| this.open.remove(table, step));
                return ended;
            }
        }
    }
    loop {
        let id = run_activity::begin(ctx, table, step);
        let call = input.continues().cloned().unwrap_or_else(|| EarlierCall {
            activity_id: id.clone(),
            ..EarlierCall::default()
        });
        ctx.state_mut(|this| this.open.add_create(table, step, call));
        let deadline = setup.step_deadline;
        let once = run_activity::run_as(ctx, &id, I::CALL, input.clone(), deadline, summary);
        let failed = match once.await {
            Err(StepError::Failed(failed)) if failed.kind == FailureType::OutcomeUnknown => failed,
            // What a cancelled workflow leaves open is told at its end.
            Err(StepError::Cancelled) => return Err(StepError::Cancelled),
            ended => {
                ctx.state_mut(|this| this.open.remove(table, step));
                return ended;
            }
        };
        // The create of the last call may still take effect, however soon a person decides.
        input = open_since(input, failed.activity_id.clone(), now(ctx));
        let open = describe(ctx, setup, table, &input, &failed);
        ctx.state_mut(|this| {
            this.decisions
                .open(open.decision.clone().unwrap_or_default());
            this.open.add_decision(table, open.clone());
        });
        attributes::ask(ctx).await;
        attributes::report_decisions(ctx);
        let adopted = await_decision(ctx, table, &input, &open).await;
        if let Some(ended) = adopted.transpose() {
            ctx.state_mut(|this| this.open.remove(table, step));
            return ended;
        }
    }
}

/// The same input, to continue the call whose create may have been sent until `since`.
fn open_since<I: CreateInput>(input: I, activity_id: String, since: Timestamp) -> I {
    // The first of several calls identifies what they may have created.
    let first = input.continues().cloned().unwrap_or_else(|| EarlierCall {
        activity_id,
        ..EarlierCall::default()
    });
    input.continuing(EarlierCall {
        since: since.to_string(),
        ..first
    })
}

/// Waits until a person decides about one of the steps of `table` that the previous run left
/// open, or until the deadline of one is over.
pub(super) async fn until_decided<K: Kind>(
    ctx: &IngestContext<K>,
    table: &str,
) -> Result<(), StepError> {
    let asked = ctx.state(|this| this.open.asked(table));
    let Some(first) = asked.iter().min_by_key(|open| until(open)) else {
        return Ok(());
    };
    let keys: Vec<DecisionKey> = asked.iter().map(key).collect();
    let mut deadline = pin!(ctx.timer(time_left(ctx, first)));
    select! {
        decided = ctx.wait_condition(|this| keys.iter().any(|key| this.decisions.is_decided(key))) => {
            if decided.is_err() {
                return Err(StepError::Cancelled);
            }
        }
        ended = deadline => {
            return Err(match ended {
                TimerResult::Fired => failed(first),
                TimerResult::Cancelled => StepError::Cancelled,
            });
        }
    }
    deadline.cancel();
    let mut is_waited_for = false;
    ctx.state_mut(|this| {
        for (open, key) in asked.iter().zip(&keys) {
            if this.decisions.is_retry(key) {
                this.decisions.close(key);
                this.open.mark_retry(table, &open.step);
            } else {
                is_waited_for |= this.decisions.is_decided(key);
            }
        }
    });
    attributes::report_decisions(ctx);
    // An update that adopts waits for its result, so it goes first. The others wait for room.
    if !is_waited_for {
        let turn = ctx.wait_condition(|this| !this.handover.has_begun() && this.open.has_room());
        turn.await.map_err(|_| StepError::Cancelled)?;
    }
    ctx.state_mut(|this| this.open.take_room());
    Ok(())
}

/// Waits until a person decides. Returns what was adopted, or nothing for a retry.
async fn await_decision<K: Kind, I: Create>(
    ctx: &IngestContext<K>,
    table: &str,
    input: &I,
    open: &OpenStep,
) -> Result<Option<I::Created>, StepError> {
    let key = key(open);
    let mut deadline = pin!(ctx.timer(time_left(ctx, open)));
    let mut is_due = false;
    let decided = loop {
        select! {
            decided = ctx.wait_condition(|this| this.decisions.is_decided(&key)) => {
                if decided.is_err() {
                    break Err(StepError::Cancelled);
                }
            }
            ended = deadline => {
                is_due = true;
                break Err(match ended {
                    TimerResult::Fired => failed(open),
                    TimerResult::Cancelled => StepError::Cancelled,
                });
            }
        }
        let (id, ticket) = match ctx.state_mut(|this| this.decisions.take_up(&key)) {
            None => continue,
            Some((Resolution::Retry, _)) => break Ok(None),
            Some((Resolution::Adopt(id), ticket)) => (id, ticket),
        };
        let summary = format!("check of {id}");
        let input = input.clone().adopting(id);
        match run_activity::check(ctx, table, I::CALL, input, CHECK, &summary).await {
            Ok(adopted) => {
                ctx.state_mut(|this| this.decisions.accept(&key, ticket));
                // The workflow may end right after this step, and with it the update's handler.
                let _ = ctx
                    .wait_condition(|this| !this.decisions.is_carried_out(ticket))
                    .await;
                break Ok(Some(adopted));
            }
            Err(StepError::Failed(failed)) => {
                let why = failed.of_a_check().into_failure();
                ctx.state_mut(|this| this.decisions.reject(&key, ticket, why));
            }
            Err(error) => break Err(error),
        }
    };
    if !is_due {
        deadline.cancel();
    }
    ctx.state_mut(|this| this.decisions.close(&key));
    attributes::report_decisions(ctx);
    decided
}

fn describe<K: Kind, I: Create>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
    table: &str,
    input: &I,
    failed: &FailedStep,
) -> OpenStep {
    let since = now(ctx);
    let until = since
        .checked_add(setup.decision_deadline)
        .map_or_else(|_| String::new(), |until| format!("{until:.0}"));
    OpenStep {
        step: failed.step.clone(),
        call: input.continues().cloned(),
        decision: Some(OpenDecision {
            table: table.to_owned(),
            step: failed.step.clone(),
            kind: I::KIND.shown().to_owned(),
            name: input.name().to_owned(),
            message: failed.message.clone(),
            since: format!("{since:.0}"),
            until,
            candidates: failed.details.created.clone(),
        }),
        details: Some(failed.details.clone()),
    }
}

/// The failure of a step without a decision.
fn failed(open: &OpenStep) -> StepError {
    let message = open.decision.as_ref().map(|asked| asked.message.clone());
    StepError::failed(
        &open.step,
        FailureType::OutcomeUnknown,
        message.unwrap_or_default(),
        open.details.clone().unwrap_or_default(),
    )
}

fn key(open: &OpenStep) -> DecisionKey {
    open.decision
        .as_ref()
        .map(DecisionKey::of)
        .unwrap_or_default()
}

fn until(open: &OpenStep) -> Option<Timestamp> {
    open.decision.as_ref()?.until.parse().ok()
}

/// How long a person may still take to decide.
fn time_left<K: Kind>(ctx: &IngestContext<K>, open: &OpenStep) -> Duration {
    let left = until(open).map(|until| until.duration_since(now(ctx)));
    // The server refuses a timer of zero seconds.
    let left = left.and_then(|left| Duration::try_from(left).ok());
    left.unwrap_or_default().max(Duration::from_secs(1))
}

//! Runs the steps that create something. Where it stays unknown whether one did, the step
//! waits for a person instead of failing at once.

use std::{pin::pin, time::Duration};

use aep_flow_proto::{
    names::FailureType,
    v1::{
        BaseConnection, CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, Dataflow, Dataset, EarlierCall, EnsureDatasetInput,
        EnsureSchemaInput, MappingSet, OpenDecision, OracleServiceCloudConnection, Schema,
        SourceConnection, TargetConnection,
    },
};
use jiff::Timestamp;
use prost::Name;
use serde::de::DeserializeOwned;
use temporalio_common::ActivityDefinition;
use temporalio_workflow::{CancellableFuture as _, TimerResult, select};

use super::{Context, Plan, attributes, now, steps};
use crate::{
    activities::{self, Declared},
    decision::Verdict,
    payload::Message,
    step::{FailedStep, Patience, StepError},
};

/// How long the check of an id may take: a person waits for its answer.
const CHECK: Patience = Patience {
    deadline: Duration::from_secs(60),
    attempts: 3,
};

/// Input of a step that creates something.
pub(super) trait Create: Clone + 'static {
    /// The activity that takes it.
    type Activity: ActivityDefinition<Input = Message<Self>, Output = Message<Self::Made>>;

    /// What that gives.
    type Made: DeserializeOwned + prost::Message + Name + Default + 'static;

    /// The activity, for a call.
    const ACTIVITY: Self::Activity;

    /// What it creates, in Adobe's words.
    const KIND: &'static str;

    /// Its name, or title.
    fn name(&self) -> &str;

    /// The same, to take the resource of that id instead.
    fn adopting(&self, id: String) -> Self;

    /// The same, to take up a call whose create may have been sent until `since`.
    fn continuing(self, activity_id: String, since: Timestamp) -> Self;
}

macro_rules! create {
    ($($input:ident: $kind:literal, $name:ident, $activity:ident = $call:ident -> $made:ident;)*) => {$(
        impl Create for $input {
            type Activity = activities::$activity;
            type Made = $made;

            const ACTIVITY: Self::Activity = Declared::$call;
            const KIND: &'static str = $kind;

            fn name(&self) -> &str {
                &self.$name
            }

            fn adopting(&self, id: String) -> Self {
                Self {
                    adopt: Some(id),
                    ..self.clone()
                }
            }

            fn continuing(self, activity_id: String, since: Timestamp) -> Self {
                // What the first of several calls may have made is known by that one.
                let first = self.continues.map(|earlier| earlier.activity_id);
                Self {
                    continues: Some(EarlierCall {
                        activity_id: first.unwrap_or(activity_id),
                        since: since.to_string(),
                    }),
                    ..self
                }
            }
        }
    )*};
}

create! {
    OracleServiceCloudConnection: "base connection", name,
        CreateOracleServiceCloudBaseConnection = create_oracle_service_cloud_base_connection
        -> BaseConnection;
    CreateSourceConnectionInput: "source connection", name,
        CreateSourceConnection = create_source_connection -> SourceConnection;
    EnsureSchemaInput: "schema", title, EnsureSchema = ensure_schema -> Schema;
    EnsureDatasetInput: "dataset", name, EnsureDataset = ensure_dataset -> Dataset;
    CreateTargetConnectionInput: "target connection", name,
        CreateTargetConnection = create_target_connection -> TargetConnection;
    CreateMappingSetInput: "mapping set", name, CreateMappingSet = create_mapping_set -> MappingSet;
    CreateDataflowInput: "dataflow", name, CreateDataflow = create_dataflow -> Dataflow;
}

/// Runs one create step to its end, deciding by a person included. `table` is empty for the
/// base connection.
pub(super) async fn run<I: Create>(
    ctx: &Context,
    plan: &Plan,
    table: &str,
    mut input: I,
) -> Result<I::Made, StepError> {
    let summary = if table.is_empty() {
        &plan.connection.name
    } else {
        table
    };
    loop {
        let deadline = plan.step_deadline;
        let once = steps::run(ctx, table, I::ACTIVITY, input.clone(), deadline, summary);
        let failed = match once.await {
            Err(StepError::Failed(failed))
                if failed.kind == FailureType::OutcomeUnknown.as_str() =>
            {
                failed
            }
            ended => return ended,
        };
        let (activity_id, gave_up) = (failed.activity_id.clone(), now(ctx));
        if let Some(adopted) = decide(ctx, plan, table, &input, failed).await? {
            return Ok(adopted);
        }
        // What the last call sent may still take effect, however soon somebody decided.
        input = input.continuing(activity_id, gave_up);
    }
}

/// Waits until a person decided: what was adopted, or nothing for a new try.
async fn decide<I: Create>(
    ctx: &Context,
    plan: &Plan,
    table: &str,
    input: &I,
    failed: Box<FailedStep>,
) -> Result<Option<I::Made>, StepError> {
    let decision = describe(ctx, plan, table, input, &failed);
    let key = ctx.state_mut(|this| this.decisions.open(decision));
    attributes::ask(ctx).await;
    attributes::tell_of_decisions(ctx);

    let mut deadline = pin!(ctx.timer(plan.decision_deadline));
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
                    TimerResult::Fired => StepError::Failed(failed),
                    TimerResult::Cancelled => StepError::Cancelled,
                });
            }
        }
        let (id, ticket) = match ctx.state_mut(|this| this.decisions.take_up(&key)) {
            None => continue,
            Some((Verdict::Retry, _)) => break Ok(None),
            Some((Verdict::Adopt(id), ticket)) => (id, ticket),
        };
        let summary = format!("check of {id}");
        let input = input.adopting(id);
        match steps::check(ctx, table, I::ACTIVITY, input, CHECK, &summary).await {
            Ok(adopted) => {
                ctx.state_mut(|this| this.decisions.accept(&key, ticket));
                // The workflow may end right behind this step, and with it the handler.
                let _ = ctx
                    .wait_condition(|this| !this.decisions.is_answered(ticket))
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
    attributes::tell_of_decisions(ctx);
    decided
}

fn describe<I: Create>(
    ctx: &Context,
    plan: &Plan,
    table: &str,
    input: &I,
    failed: &FailedStep,
) -> OpenDecision {
    let since = now(ctx);
    let until = since
        .checked_add(plan.decision_deadline)
        .map_or_else(|_| String::new(), |until| format!("{until:.0}"));
    OpenDecision {
        table: table.to_owned(),
        step: failed.step.clone(),
        kind: I::KIND.to_owned(),
        name: input.name().to_owned(),
        message: failed.message.clone(),
        since: format!("{since:.0}"),
        until,
        candidates: failed.details.created.clone(),
    }
}

//! The workflow that outlives whoever sent a create that got no response.
//!
//! While it runs, a call for the same resource knows that such a create may still take effect. At
//! its end the activity that sent the create searches once more, and deletes duplicates.

#![expect(
    missing_docs,
    reason = "the macro's constants cannot carry the methods' comments"
)]

use std::time::Duration;

use aep_flow_proto::{
    json::Object,
    names::{FailureType, signal, workflow},
    v1::{OpenCreate, SettleCreateInput},
};
use jiff::Timestamp;
use serde_json::Value;
use temporalio_common::ActivityDefinition;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, TimerResult, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination,
};

use crate::{
    clock::now, failure::BadInput, patience::Patience, payload::Message, step_error::StepError,
};

/// How long an outage of the platform may last: nobody else finishes this.
const DEADLINE: Duration = Duration::from_secs(7 * 86_400);

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Waits until a create without a response has taken effect or never will, and leaves one live
/// resource of its intent.
#[workflow]
#[derive(Debug)]
pub struct SettleCreate {
    input: Message<SettleCreateInput>,
    /// Until when the create may be seen: the latest that a worker said.
    until: Timestamp,
}

/// The activity that sent the create.
struct Sender(String);

impl ActivityDefinition for Sender {
    type Input = Object;
    type Output = Value;

    fn name(&self) -> &str {
        &self.0
    }
}

#[workflow_methods]
impl SettleCreate {
    /// Takes the input.
    #[init]
    pub fn new(_: &WorkflowContextView, input: Message<SettleCreateInput>) -> Self {
        Self {
            input,
            until: Timestamp::UNIX_EPOCH,
        }
    }

    #[run(name = workflow::SETTLE_CREATE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let input = ctx.state(|this| this.input.clone());
        let input = input
            .read()
            .map_err(|error| BadInput::unreadable(error, true))?;
        loop {
            let until = Self::wait(ctx).await?;
            Self::settle(ctx, &input).await?;
            // Another worker may have sent one meanwhile.
            if ctx.state(|this| this.until) == until {
                return Ok(());
            }
        }
    }

    /// A worker reports that a create may be seen until then.
    #[signal(name = signal::CREATE_OPEN)]
    pub fn create_open(&mut self, _: &mut SyncWorkflowContext<Self>, open: Message<OpenCreate>) {
        let open = open.read_known().ok();
        let until = open.and_then(|open| open.until.parse().ok());
        self.until = self.until.max(until.unwrap_or(Timestamp::UNIX_EPOCH));
    }
}

impl SettleCreate {
    /// Waits until the time that was named last, and gives it.
    async fn wait(ctx: &WorkflowContext<Self>) -> Result<Timestamp, WorkflowTermination> {
        loop {
            let until = ctx.state(|this| this.until);
            match Duration::try_from(until.duration_since(now(ctx))) {
                Ok(left) if !left.is_zero() => {
                    if ctx.timer(left).await == TimerResult::Cancelled {
                        return Err(WorkflowTermination::cancelled());
                    }
                }
                Ok(_) | Err(_) => return Ok(until),
            }
        }
    }

    async fn settle(
        ctx: &WorkflowContext<Self>,
        input: &SettleCreateInput,
    ) -> Result<(), WorkflowTermination> {
        let patience = Patience {
            longest_pause: LONGEST_PAUSE,
            ..DEADLINE.into()
        };
        let options = patience.options("searches once more, and deletes duplicates");
        let sender = Sender(input.activity.clone());
        let request = input.input.clone().unwrap_or_default();
        match ctx.execute_activity(sender, request, options).await {
            Ok(_) => Ok(()),
            Err(error) => match StepError::of(&input.activity, error) {
                // It never took effect, and nobody has created another.
                StepError::Failed(failed) if failed.kind == FailureType::NotFound => Ok(()),
                error => Err(error.into()),
            },
        }
    }
}

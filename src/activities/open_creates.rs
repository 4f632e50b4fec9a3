//! Creates that may still take effect, kept on the server until they have or never will: the
//! workflow that sent one may be cancelled, terminated or reset at any moment.
//!
//! docs/decisions/0021-open-creates.md says why.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::{
    create::CreateInput,
    json::Object,
    names::settle_workflow_id,
    v1::{EarlierCall, OpenCreate, SettleCreateInput},
};
use aep_flow_workflows::{payload::Message, settle::SettleCreate};
use jiff::Timestamp;
use serde_json::Value;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowStartOptions,
    errors::WorkflowInteractionError,
    tonic::{Code, Status},
};
use temporalio_sdk::activities::ActivityContext;

use super::failure::ActivityFailure;

/// How long the server may take. An attempt that was cancelled waits no longer to be over.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Gives the input that settles what a call creates, once it is needed.
pub(super) type Settle = Arc<dyn Fn() -> Option<SettleCreateInput> + Send + Sync>;

/// What the server keeps of the creates of one attempt.
#[derive(Clone)]
pub(super) struct OpenCreates {
    client: Client,
    task_queue: String,
    /// Those of this attempt. Held for a look-up or an insert, never across an await.
    ours: Arc<Mutex<Vec<Create>>>,
}

/// A create that this attempt sends, or that an attempt before it may have sent.
#[derive(Clone)]
struct Create {
    kind: ResourceKind,
    /// Key of the intent's marker.
    key: String,
    name: String,
    /// How long it may take to take effect and to be listed.
    stray: Duration,
    settle: Settle,
    is_sent: bool,
}

impl OpenCreates {
    pub(super) fn of(ctx: &ActivityContext) -> Self {
        Self {
            client: ctx.client(),
            task_queue: ctx.info().task_queue.clone(),
            ours: Arc::default(),
        }
    }

    /// Whether the server keeps one of another call for the same resource.
    pub(super) async fn has(&self, intent: &Intent) -> Result<bool, ActivityFailure> {
        let id = settle_workflow_id(intent.marker().key());
        let workflow = self.client.get_workflow_handle::<SettleCreate>(id);
        let asked = workflow.describe(WorkflowDescribeOptions::default());
        let described = tokio::time::timeout(ANSWERED_WITHIN, asked).await;
        let problem = match described {
            Ok(Ok(described)) => return Ok(described.status() == WorkflowExecutionStatus::Running),
            Ok(Err(WorkflowInteractionError::NotFound(_))) => return Ok(false),
            Ok(Err(WorkflowInteractionError::Rpc(status))) if is_refused(&status) => {
                tracing::warn!(
                    why = status.message(),
                    "this worker may not ask for creates that others left open"
                );
                return Ok(false);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ANSWERED_WITHIN.as_secs()),
        };
        Err(ActivityFailure::unavailable(format!(
            "whether an earlier create of the {} `{}` may still take effect could not be asked of \
             the Temporal server: {problem}",
            intent.kind(),
            intent.name()
        )))
    }

    /// Remembers that this call is to create what `intent` says, that such a create may take
    /// `stray` to be seen, and what settles it.
    pub(super) fn add(&self, intent: &Intent, stray: Duration, settle: Settle) {
        self.ours().push(Create {
            kind: intent.kind(),
            key: intent.marker().key().to_owned(),
            name: intent.name().to_owned(),
            stray,
            settle,
            is_sent: false,
        });
    }

    /// Records that a create of `kind` is about to be sent.
    pub(super) fn record_sent(&self, kind: ResourceKind) {
        for create in self.ours().iter_mut().filter(|create| create.kind == kind) {
            create.is_sent = true;
        }
    }

    /// Has the server keep those of which `is_unsettled` says so at `now`, by their kind and by
    /// whether this attempt has sent them.
    pub(super) async fn keep(
        &self,
        now: Timestamp,
        is_unsettled: impl Fn(ResourceKind, bool) -> bool,
    ) {
        let creates = self.ours().clone();
        let creates = creates.iter();
        for create in creates.filter(|create| is_unsettled(create.kind, create.is_sent)) {
            self.keep_one(create, now).await;
        }
    }

    async fn keep_one(&self, create: &Create, now: Timestamp) {
        let Some(input) = (create.settle)() else {
            return;
        };
        let until = now.checked_add(create.stray).unwrap_or(now);
        let options =
            WorkflowStartOptions::new(self.task_queue.as_str(), settle_workflow_id(&create.key))
                .static_summary(format!(
                    "waits for a create of the {} `{}` that got no response",
                    create.kind, create.name
                ))
                .build();
        let kept = self.client.signal_with_start_workflow(
            SettleCreate::run,
            Message::from(input),
            SettleCreate::create_open,
            Message::from(OpenCreate {
                until: until.to_string(),
            }),
            options,
        );
        let why = match tokio::time::timeout(ANSWERED_WITHIN, kept).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ANSWERED_WITHIN.as_secs()),
        };
        // The attempts that follow know of it, as long as there are any.
        tracing::warn!(
            why,
            kind = %create.kind,
            name = create.name,
            "the server could not be told of a create without a response"
        );
    }

    fn ours(&self) -> std::sync::MutexGuard<'_, Vec<Create>> {
        // A panic elsewhere cannot leave a list half written.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for OpenCreates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OpenCreates")
            .finish_non_exhaustive()
    }
}

fn is_refused(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented
    )
}

/// The input that settles what the call of `input` creates; `call` names that call. Nothing if the
/// input is no JSON object, which none of ours is.
pub(super) fn settling<I: CreateInput>(input: &I, call: EarlierCall) -> Option<SettleCreateInput> {
    let first = input.continues().cloned().unwrap_or_default();
    let or = |first: String, own: String| if first.is_empty() { own } else { first };
    let input = input.clone().continuing(EarlierCall {
        activity_id: or(first.activity_id, call.activity_id),
        run_id: or(first.run_id, call.run_id),
        workflow_id: call.workflow_id,
        only_settle: Some(true),
        since: String::new(),
    });
    match serde_json::to_value(input) {
        Ok(Value::Object(input)) => Some(SettleCreateInput {
            activity: I::ACTIVITY.to_owned(),
            input: Some(Object(input)),
        }),
        _ => None,
    }
}

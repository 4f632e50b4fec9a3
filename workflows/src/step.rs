//! One activity as a step of a workflow: its timeouts, its retries, and what its failure says.

use std::time::Duration;

use aep_flow_proto::{
    names::FailureType,
    v1::{FailureDetails, Violation},
};
use prost::Name;
use serde::de::DeserializeOwned;
use temporalio_common::{
    ActivityCloseTimeouts, ActivityDefinition, RetryPolicy,
    data_converters::PayloadConversionError,
    error::{ActivityExecutionError, ApplicationFailure, IncomingError, RetryState},
};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowTermination};

use crate::{failure, limits, payload::Message};

/// One attempt follows every page of a look and one create; a platform that takes longer
/// than this for it has lost it.
const START_TO_CLOSE: Duration = Duration::from_secs(180);

/// How soon the server notices that a worker died in the middle of a step. Higher: a
/// later retry. Lower: more heartbeats, which cost an action each.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);

/// First and longest pause between two attempts, where the failure names no pause of its own.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// How long a step is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// With all retries.
    pub(crate) deadline: Duration,
    /// How many attempts; 0 for as many as fit.
    pub(crate) attempts: u32,
}

impl From<Duration> for Patience {
    fn from(deadline: Duration) -> Self {
        Self {
            deadline,
            attempts: 0,
        }
    }
}

/// Why a step gave no result.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The workflow was cancelled.
    Cancelled,
    /// The step failed for good.
    Failed(Box<FailedStep>),
    /// The result is of a newer worker than this one. The workflow task is to be tried
    /// again, by then perhaps by a worker that can read it.
    Unreadable(PayloadConversionError),
}

/// A step that failed for good.
#[derive(Debug)]
pub(crate) struct FailedStep {
    /// Activity type.
    pub(crate) step: String,
    /// Activity id; empty for a step that the workflow found wrong by itself.
    pub(crate) activity_id: String,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) details: FailureDetails,
}

impl StepError {
    /// A step that this workflow found wrong by itself.
    pub(crate) fn invalid(step: &str, violations: Vec<Violation>) -> Self {
        let (message, details) = failure::describe(violations);
        Self::failed(step, FailureType::InvalidInput, message, details)
    }

    pub(crate) fn failed(
        step: &str,
        kind: FailureType,
        message: String,
        details: FailureDetails,
    ) -> Self {
        Self::Failed(Box::new(FailedStep {
            step: step.to_owned(),
            activity_id: String::new(),
            kind: kind.as_str().to_owned(),
            message,
            details,
        }))
    }

    /// A step whose input does not fit into a payload.
    pub(crate) fn too_large(step: &str, bytes: usize) -> Self {
        Self::failed(
            step,
            FailureType::InvalidInput,
            format!(
                "the input of {step} has {bytes} bytes, and at most {} fit into a payload",
                limits::MAX_PAYLOAD_BYTES
            ),
            FailureDetails {
                next_step: "take fewer columns, or shorten the mapping".to_owned(),
                ..FailureDetails::default()
            },
        )
    }

    fn of(step: &str, error: ActivityExecutionError) -> Self {
        match error {
            ActivityExecutionError::Cancelled(_) => Self::Cancelled,
            ActivityExecutionError::Serialization(error) => Self::Unreadable(error),
            ActivityExecutionError::Failed(failed) => {
                let out_of_time = failed.retry_state() == RetryState::Timeout;
                let mut explained = explain(step, failed.cause(), out_of_time);
                explained.activity_id = failed.activity_id().to_owned();
                Self::Failed(Box::new(explained))
            }
            // The SDK keeps the enum open; what it adds is a failure that says nothing more.
            other => Self::failed(
                step,
                FailureType::Unavailable,
                other.to_string(),
                FailureDetails {
                    outcome_unknown: creates(step),
                    ..FailureDetails::default()
                },
            ),
        }
    }
}

impl From<StepError> for WorkflowTermination {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Cancelled => Self::cancelled(),
            StepError::Unreadable(error) => error.into(),
            StepError::Failed(failed) => (*failed).into_failure().into(),
        }
    }
}

impl FailedStep {
    /// The same failure with the activity's field names as the workflow's caller knows them:
    /// below `path` of the workflow's own input.
    pub(crate) fn below(self, path: &str) -> Self {
        if self.kind != FailureType::InvalidInput.as_str() || self.details.violations.is_empty() {
            return self;
        }
        self.renamed(|field| Some(format!("{path}.{field}")))
    }

    /// The same failure with those fields named otherwise for which there is another name.
    pub(crate) fn renamed(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(message) = failure::rename(&mut self.details, name) {
            self.message = message;
        }
        self
    }

    /// The same failure, of a step that only checked what exists: it left nothing open.
    pub(crate) fn of_a_check(mut self) -> Self {
        if self.kind == FailureType::OutcomeUnknown.as_str() {
            self.kind = FailureType::Unavailable.as_str().to_owned();
            self.details.outcome_unknown = false;
            self.details.next_step = "decide again, once the platform answers".to_owned();
        }
        self
    }

    /// The same failure as the workflow's own.
    pub(crate) fn into_failure(self) -> ApplicationFailure {
        ApplicationFailure::builder(format!("{} failed: {}", self.step, self.message))
            .type_name(self.kind)
            .non_retryable(true)
            .details(Message::from(self.details))
            .build()
    }
}

/// Runs one activity to its end, retried by the server as long as `patience` lasts.
///
/// `activity_id` is one that no other activity of the workflow has; `summary` is shown beside
/// the activity in Temporal's UI.
pub(crate) async fn run<W, A, I, O>(
    ctx: &WorkflowContext<W>,
    activity_id: &str,
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
    let Patience { deadline, attempts } = patience;
    let options =
        ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
            schedule_to_close: deadline,
            start_to_close: START_TO_CLOSE.min(deadline),
        })
        .activity_id(activity_id.to_owned())
        .heartbeat_timeout(HEARTBEAT_TIMEOUT)
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(RETRY_FIRST)
                .backoff_coefficient(2.0)
                .maximum_interval(RETRY_LONGEST)
                .maximum_attempts(attempts)
                .build(),
        )
        .summary(summary)
        .build();
    let result = ctx
        .execute_activity(activity, Message::from(input), options)
        .await
        .map_err(|error| StepError::of(&name, error))?;
    result.read().map_err(|error| {
        StepError::Unreadable(PayloadConversionError::EncodingError(Box::new(error)))
    })
}

fn explain(step: &str, cause: Option<&IncomingError>, out_of_time: bool) -> FailedStep {
    match cause {
        Some(IncomingError::Application(application)) => {
            let details = application
                .details::<Message<FailureDetails>>()
                .ok()
                .flatten()
                .and_then(|details| details.read().ok())
                .unwrap_or_default();
            let kind = application
                .type_name()
                .unwrap_or(FailureType::Unavailable.as_str());
            let message = application.to_string();
            if out_of_time {
                return gave_up(step, kind, &message, details);
            }
            FailedStep {
                step: step.to_owned(),
                activity_id: String::new(),
                kind: kind.to_owned(),
                message,
                details,
            }
        }
        // The server puts the last attempt's failure below its own timeout.
        Some(IncomingError::Timeout(timeout)) if timeout.cause().is_some() => {
            explain(step, timeout.cause(), true)
        }
        Some(IncomingError::Timeout(_)) | None => gave_up(
            step,
            FailureType::Unavailable.as_str(),
            "no attempt came to an end",
            // A worker that died in the middle may have sent the create.
            FailureDetails {
                outcome_unknown: creates(step),
                ..FailureDetails::default()
            },
        ),
        Some(other) => FailedStep {
            step: step.to_owned(),
            activity_id: String::new(),
            kind: FailureType::Unavailable.as_str().to_owned(),
            message: other.failure().message.clone(),
            details: FailureDetails::default(),
        },
    }
}

fn gave_up(step: &str, kind: &str, last: &str, mut details: FailureDetails) -> FailedStep {
    let kind = if details.outcome_unknown {
        details.next_step = "look on the platform whether the resource exists, and start the \
                             ingestion again once that is settled"
            .to_owned();
        FailureType::OutcomeUnknown.as_str()
    } else {
        kind
    };
    FailedStep {
        step: step.to_owned(),
        activity_id: String::new(),
        kind: kind.to_owned(),
        message: format!("out of time for {step}; the last attempt reported: {last}"),
        details,
    }
}

fn creates(step: &str) -> bool {
    step.starts_with("Create") || step.starts_with("Ensure")
}

//! Why a step of an ingestion gave no result, and what its failure says.

use aep_flow_proto::{
    names::{FailureType, activity::creates},
    v1::{FailureDetails, Violation},
};
use temporalio_common::{
    data_converters::PayloadConversionError,
    error::{ActivityExecutionError, ApplicationFailure, IncomingError, RetryState},
};
use temporalio_workflow::WorkflowTermination;

use crate::{failure, limits, payload::Message};

/// Why a step gave no result.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The workflow was cancelled.
    Cancelled,
    /// The step failed for good.
    Failed(Box<FailedStep>),
    /// A newer worker wrote the result. The workflow task is retried, perhaps by a worker that
    /// can read it.
    Unreadable(PayloadConversionError),
}

/// A step that failed for good.
#[derive(Debug)]
pub(crate) struct FailedStep {
    /// Activity type.
    pub(crate) step: String,
    /// Activity id; empty if the workflow itself found the step invalid.
    pub(crate) activity_id: String,
    pub(crate) kind: FailureType,
    pub(crate) message: String,
    pub(crate) details: FailureDetails,
}

impl StepError {
    /// A step that the workflow itself found invalid.
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
            kind,
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

    /// Why the activity of `step` failed.
    pub(crate) fn of(step: &str, error: ActivityExecutionError) -> Self {
        match error {
            ActivityExecutionError::Cancelled(_) => Self::Cancelled,
            ActivityExecutionError::Serialization(error) => Self::Unreadable(error),
            ActivityExecutionError::Failed(failed) => {
                let out_of_time = failed.retry_state() == RetryState::Timeout;
                let mut explained = explain(step, failed.cause(), out_of_time);
                explained.activity_id = failed.activity_id().to_owned();
                Self::Failed(Box::new(explained))
            }
            // The SDK keeps the enum open. Nothing more is known of a variant that it adds.
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
    /// The same failure with field names of the workflow's input: those of the activity, below
    /// `path`.
    pub(crate) fn below(self, path: &str) -> Self {
        if self.kind != FailureType::InvalidInput || self.details.violations.is_empty() {
            return self;
        }
        // The deadline is a field of the whole input.
        self.renamed(|field| (field != limits::STEP_DEADLINE).then(|| format!("{path}.{field}")))
    }

    /// The same failure with the fields renamed for which `name` returns another name.
    pub(crate) fn renamed(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(message) = failure::rename(&mut self.details, name) {
            self.message = message;
        }
        self
    }

    /// The same failure for a step that only checked an existing resource, so that nothing is
    /// unknown.
    pub(crate) fn of_a_check(mut self) -> Self {
        if self.kind == FailureType::OutcomeUnknown {
            self.kind = FailureType::Unavailable;
            self.details.outcome_unknown = false;
            self.details.next_step = "decide again, once the platform responds".to_owned();
        }
        self
    }

    /// The same failure as the workflow's own.
    pub(crate) fn into_failure(self) -> ApplicationFailure {
        ApplicationFailure::builder(format!("{} failed: {}", self.step, self.message))
            .type_name(self.kind.to_string())
            .non_retryable(true)
            .details(Message::from(self.details))
            .build()
    }
}

fn explain(step: &str, cause: Option<&IncomingError>, out_of_time: bool) -> FailedStep {
    match cause {
        Some(IncomingError::Application(application)) => {
            let details = application
                .details::<Message<FailureDetails>>()
                .ok()
                .flatten()
                .and_then(|details| details.read_known().ok())
                .unwrap_or_default();
            let kind = application
                .type_name()
                .and_then(FailureType::parse)
                .unwrap_or(FailureType::Unavailable);
            let message = application.to_string();
            if out_of_time {
                return gave_up(step, kind, &message, details);
            }
            FailedStep {
                step: step.to_owned(),
                activity_id: String::new(),
                kind,
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
            FailureType::Unavailable,
            "no attempt ended",
            // A worker that crashed may have sent the create.
            FailureDetails {
                outcome_unknown: creates(step),
                ..FailureDetails::default()
            },
        ),
        Some(other) => FailedStep {
            step: step.to_owned(),
            activity_id: String::new(),
            kind: FailureType::Unavailable,
            message: other.failure().message.clone(),
            details: FailureDetails::default(),
        },
    }
}

fn gave_up(step: &str, kind: FailureType, last: &str, mut details: FailureDetails) -> FailedStep {
    let kind = if details.outcome_unknown {
        details.next_step = "check on the platform whether the resource exists, and then start \
                             the ingestion again"
            .to_owned();
        FailureType::OutcomeUnknown
    } else {
        kind
    };
    FailedStep {
        step: step.to_owned(),
        activity_id: String::new(),
        kind,
        message: format!("out of time for {step}; the last attempt reported: {last}"),
        details,
    }
}

//! Typed failures, as a caller sees them.

use aep_flow_proto::{
    names::FailureType,
    read::ReadError,
    v1::{FailureDetails, Violation},
};
use temporalio_common::error::ApplicationFailure;
use temporalio_workflow::WorkflowTermination;

use crate::payload::{self, Message};

/// A failure of that type, which decides whether it is retried.
pub fn typed(kind: FailureType, message: String, details: FailureDetails) -> ApplicationFailure {
    ApplicationFailure::builder(message)
        .type_name(kind.as_str().to_owned())
        .non_retryable(!kind.is_retryable())
        .details(Message::from(details))
        .build()
}

/// `InvalidInput` for an input that could not be read.
pub fn unreadable(error: ReadError) -> ApplicationFailure {
    invalid(vec![error.into()])
}

/// `InvalidInput` that names every field that is wrong.
pub fn invalid(violations: Vec<Violation>) -> ApplicationFailure {
    let (message, details) = describe(violations);
    typed(FailureType::InvalidInput, message, details)
}

/// Why a workflow does not take its input.
#[derive(Debug)]
pub(crate) enum BadInput {
    /// Whoever wrote it must change it.
    Refused(Box<ApplicationFailure>),
    /// A worker of a later version wrote it, with something that this version does not know. The
    /// workflow task is retried, perhaps by such a worker.
    Newer(ReadError),
}

impl BadInput {
    /// One that could not be read. What a worker wrote is not misspelt.
    pub(crate) fn unreadable(error: ReadError, is_of_worker: bool) -> Self {
        if is_of_worker && error.may_be_newer {
            return Self::Newer(error);
        }
        Self::Refused(Box::new(unreadable(error)))
    }

    /// One with fields that are wrong.
    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        Self::Refused(Box::new(invalid(violations)))
    }
}

impl From<BadInput> for WorkflowTermination {
    fn from(bad: BadInput) -> Self {
        match bad {
            BadInput::Refused(failure) => (*failure).into(),
            BadInput::Newer(error) => payload::unconvertible(error).into(),
        }
    }
}

/// The text and details of `violations`.
pub fn describe(violations: Vec<Violation>) -> (String, FailureDetails) {
    // A thousand tables can have the same violation, and a failure must stay small.
    const SHOWN: usize = 20;
    let sentences: Vec<String> = violations
        .iter()
        .take(SHOWN)
        .map(|each| {
            let field = if each.field.is_empty() {
                "the input"
            } else {
                &each.field
            };
            format!("{field}: found {}, expected {}", each.found, each.expected)
        })
        .collect();
    let mut message = format!("the input is not valid: {}", sentences.join("; "));
    if let Some(more) = violations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        message.push_str(&format!("; and {more} more"));
    }
    let details = FailureDetails {
        field: violations
            .first()
            .map(|first| first.field.clone())
            .unwrap_or_default(),
        next_step: "change the fields that are named, and start again".to_owned(),
        violations: violations.into_iter().take(SHOWN).collect(),
        ..FailureDetails::default()
    };
    (message, details)
}

/// Renames the fields of `details` for which `name` returns another name. Returns the new
/// message if it names fields.
pub fn rename(
    details: &mut FailureDetails,
    name: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut violations = std::mem::take(&mut details.violations);
    if violations.is_empty() {
        if let Some(field) = name(&details.field) {
            details.field = field;
        }
        return None;
    }
    for violation in &mut violations {
        if let Some(field) = name(&violation.field) {
            violation.field = field;
        }
    }
    let (message, described) = describe(violations);
    details.field = described.field;
    details.violations = described.violations;
    Some(message)
}

//! From every error of an activity to the typed failure that callers see.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use aep_flow_ensure::{EnsureError, Past, ResourceKind};
use aep_flow_proto::{
    names::FailureType,
    read::ReadError,
    v1::{CreatedResource, FailureDetails, Violation},
};
use aep_flow_workflows::{failure, limits::MAX_PAYLOAD_BYTES, payload::Message};
use aep_platform::{AdobeCode, Chain, Class, PlatformError, RequestEffect};
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};

use super::{ensure::CallFailed, next_try::NextTry};
use crate::secrets::SecretError;

/// Why an attempt failed, in the words of the contract.
#[derive(Debug)]
pub struct ActivityFailure {
    kind: FailureType,
    message: String,
    details: FailureDetails,
    /// When the server should try again and why then, where the failure itself knows.
    pause: Option<(Duration, String)>,
    /// Kind of the resource that the protocol ended without.
    resource: Option<ResourceKind>,
    /// Nothing went wrong: the attempt ended so that the server waits.
    is_expected: bool,
}

impl ActivityFailure {
    fn new(kind: FailureType, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            details: FailureDetails {
                next_step: next_step.into(),
                ..FailureDetails::default()
            },
            pause: None,
            resource: None,
            is_expected: false,
        }
    }

    pub(super) fn unreadable(error: ReadError) -> Self {
        Self::invalid(vec![error.into()])
    }

    /// A workflow of ours, run by a worker of a later version, sent what this one does not know.
    pub(super) fn of_later_version(error: &ReadError) -> Self {
        Self::new(
            FailureType::Unavailable,
            format!(
                "this worker is aep-flow {}, and a later version wrote the input: {error}",
                env!("CARGO_PKG_VERSION")
            ),
            "let workers of one version take this task queue; another worker may take the next \
             attempt",
        )
    }

    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        let (message, details) = failure::describe(violations);
        Self {
            kind: FailureType::InvalidInput,
            message,
            details,
            pause: None,
            resource: None,
            is_expected: false,
        }
    }

    /// One with a pause of its own.
    #[cfg(test)]
    pub(super) fn retried(kind: FailureType, reason: &str, pause_ms: u64) -> Self {
        Self {
            pause: Some((Duration::from_millis(pause_ms), reason.to_owned())),
            ..Self::new(kind, "it broke", "")
        }
    }

    /// One field that is wrong.
    pub(super) fn field(
        field: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![Violation {
            field: field.to_owned(),
            found: found.into(),
            expected: expected.into(),
        }])
    }

    pub(super) fn secret(field: &str, error: &SecretError) -> Self {
        // What keeps the secret is away, or does not know the worker: no input mends that.
        let kind = if error.is_transient() {
            FailureType::Unavailable
        } else if error.is_worker_fault() {
            FailureType::PermissionDenied
        } else {
            let mut failed = Self::field(
                field,
                error.to_string(),
                "a secret that the worker can read",
            );
            failed.details.next_step = error.next_step();
            return failed;
        };
        let mut failed = Self::new(kind, format!("{field}: {error}"), error.next_step());
        failed.details.field = field.to_owned();
        failed
    }

    /// A bug of ours. The panic's text may hold a value, so only its place is reported.
    pub(super) fn panicked(place: Option<String>) -> Self {
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        Self::unavailable(format!(
            "the worker has a bug: this activity panicked{place}; its log may have more"
        ))
    }

    /// What the worker needs does not respond, and may soon.
    pub(super) fn unavailable(message: String) -> Self {
        Self::new(FailureType::Unavailable, message, "")
    }

    pub(super) fn no_credentials() -> Self {
        Self::new(
            FailureType::Unauthenticated,
            "this worker has no credentials for Adobe Experience Platform",
            "set AEP_FLOW_CLIENT_ID, AEP_FLOW_CLIENT_SECRET and AEP_FLOW_ORG_ID where the worker \
             runs; `aep-flow check` tells whether they are good",
        )
    }

    pub(super) fn no_sandbox(message: String) -> Self {
        Self::new(
            FailureType::SandboxNotFound,
            message,
            "check the sandbox's name and state, and that the credentials may use it",
        )
    }

    pub(super) fn not_found(message: String) -> Self {
        Self::new(
            FailureType::NotFound,
            message,
            "check the id, and the sandbox that it is in",
        )
    }

    /// What exists on the platform contradicts what the input's `field` asks for.
    pub(super) fn in_the_way(message: String, field: &str, next_step: &str) -> Self {
        Self::new(FailureType::Conflict, message, next_step).of_field(field)
    }

    pub(super) fn not_adoptable(kind: ResourceKind, id: &str, difference: &str) -> Self {
        Self::new(
            FailureType::Conflict,
            format!("the {kind} {id} is not the one that the input asks for: {difference}"),
            "name one that matches, or choose a retry",
        )
        .with_created(kind.as_str(), id)
    }

    pub(super) fn rejected_source(message: &str) -> Self {
        Self::new(
            FailureType::SourceRejectedCredentials,
            message,
            "check host, username and password at the source, and that it admits Adobe's addresses",
        )
    }

    /// A result that is larger than Temporal takes.
    pub(super) fn too_large(bytes: usize) -> Self {
        Self::platform_rejected(
            format!(
                "the result has {bytes} bytes, and at most {MAX_PAYLOAD_BYTES} fit into a payload"
            ),
            "ask for less: a sandbox or a source with fewer tables, a table with fewer columns",
        )
    }

    /// The platform no longer has the specification of a source, as `error` says.
    pub(super) fn spec_gone(
        title: &str,
        notice: Option<String>,
        error: Option<PlatformError>,
    ) -> Self {
        let said = error
            .as_ref()
            .map_or_else(String::new, |error| format!(": {}", Chain(error)));
        let notice = notice.map_or_else(String::new, |notice| format!("; {notice}"));
        let message = format!(
            "the platform no longer has the connection specification of {title}{said}{notice}"
        );
        let mut gone = Self::platform_rejected(
            message,
            "move to another source if Adobe has dropped this one; if it has not, check that the \
             organisation has it",
        );
        if let Some(error) = error {
            let next_step = std::mem::take(&mut gone.details.next_step);
            gone.details = Self::from(error).details;
            gone.details.next_step = next_step;
        }
        gone
    }

    pub(super) fn platform_rejected(message: String, next_step: &str) -> Self {
        Self::new(FailureType::PlatformRejected, message, next_step)
    }

    /// Names the field of the input that it is about.
    #[must_use]
    pub(super) fn of_field(mut self, field: &str) -> Self {
        self.details.field = field.to_owned();
        self
    }

    /// Names what exists on the platform although the call failed.
    #[must_use]
    pub(super) fn with_created(mut self, kind: &str, id: &str) -> Self {
        self.details.created.push(CreatedResource {
            kind: kind.to_owned(),
            id: id.to_owned(),
        });
        self
    }

    /// The same, with those fields named otherwise for which `name` gives another name.
    #[must_use]
    pub(crate) fn renamed(mut self, name: impl Fn(&str) -> Option<String>) -> Self {
        if let Some(message) = failure::rename(&mut self.details, name) {
            self.message = message;
        }
        self
    }

    /// The type that callers see.
    pub fn kind(&self) -> FailureType {
        self.kind.clone()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// One sentence: what to do next.
    pub(crate) fn next_step(&self) -> &str {
        &self.details.next_step
    }

    /// What the platform and the protocol said of it.
    pub(super) fn details(&self) -> &FailureDetails {
        &self.details
    }

    /// Whether nothing went wrong: the attempt ended so that the server waits.
    pub(super) fn is_expected(&self) -> bool {
        self.is_expected
    }

    /// When the server should try again and why then, where the failure itself knows.
    pub(super) fn pause(&self) -> Option<(Duration, &str)> {
        let (pause, reason) = self.pause.as_ref()?;
        // A pause of nothing would be taken for no retry at all.
        (!pause.is_zero()).then_some((*pause, reason))
    }

    /// Kind of the resource that the protocol ended without.
    pub(super) fn resource(&self) -> Option<ResourceKind> {
        self.resource
    }

    /// The same, where a create of the call may have taken effect, or may yet: no failure that
    /// says so little ends the call for good.
    #[must_use]
    pub(super) fn while_open(mut self) -> Self {
        self.details.outcome_unknown = true;
        if self.kind.is_retryable() || self.kind == FailureType::OutcomeUnknown {
            return self;
        }
        self.message = format!(
            "whether an earlier create took effect is not known yet, and this attempt could not \
             find out: {}: {}",
            self.kind, self.message
        );
        self.kind = FailureType::OutcomeUnknown;
        let cure = std::mem::take(&mut self.details.next_step);
        let cure = if cure.is_empty() { "mend that" } else { &cure };
        self.details.next_step = format!(
            "{cure}; then choose a retry, which searches for the resource before it creates one, \
             or look for it before you call the activity again"
        );
        self
    }

    /// The failure of `attempt` for the server, before the `next` try.
    pub(super) fn into_failure(
        mut self,
        attempt: u32,
        next: Option<&NextTry>,
    ) -> ApplicationFailure {
        let pause = self.pause().map(|(pause, _)| pause);
        let mut message = self.message;
        if !self.details.next_step.is_empty() {
            message.push_str("; ");
            message.push_str(&self.details.next_step);
        }
        if let Some(next) = next {
            message.push_str(&next.to_string());
        }
        self.details.attempt = attempt;
        ApplicationFailure::builder(message)
            .type_name(self.kind.as_str().to_owned())
            .non_retryable(!self.kind.is_retryable())
            .maybe_next_retry_delay(pause.filter(|_| self.kind.is_retryable()))
            // The SDK neither counts a benign one among the errors nor logs it as one.
            .category(if self.is_expected {
                ApplicationErrorCategory::Benign
            } else {
                ApplicationErrorCategory::Unspecified
            })
            .details(Message::from(self.details))
            .build()
    }
}

impl From<PlatformError> for ActivityFailure {
    fn from(error: PlatformError) -> Self {
        let code = error.code();
        // What a caller may still have got wrong: time passes between our check and the
        // platform's.
        let refuses_schedule = code.is_some_and(AdobeCode::refuses_schedule);
        Self {
            kind: if refuses_schedule {
                FailureType::InvalidInput
            } else {
                type_of(error.class())
            },
            pause: error
                .retry_after()
                .map(|pause| (pause, "Retry-After".to_owned())),
            details: FailureDetails {
                adobe_code: code.map_or_else(String::new, |code| code.as_str().to_owned()),
                http_status: error.status().map_or(0, u32::from),
                request_id: error
                    .request_id()
                    .map_or_else(String::new, |id| id.as_str().to_owned()),
                next_step: error.next_step().to_owned(),
                outcome_unknown: error.effect() == RequestEffect::Unknown,
                field: if refuses_schedule {
                    "schedule".to_owned()
                } else {
                    String::new()
                },
                ..FailureDetails::default()
            },
            message: Chain(&error).to_string(),
            resource: None,
            is_expected: false,
        }
    }
}

impl ActivityFailure {
    /// How the protocol for a resource of `kind` ended.
    pub(super) fn ensure(kind: ResourceKind, error: EnsureError<CallFailed>) -> Self {
        let text = error.to_string();
        match error {
            EnsureError::Failed { failure, past } => {
                let mut failed = Self::from(failure);
                // The failed call leaves nothing open. A create of an earlier attempt may be open.
                failed.details.outcome_unknown = past.is_open();
                failed.resource = Some(kind);
                failed
            }
            EnsureError::NotYet {
                failure,
                past,
                after,
                waits_for,
                ..
            } => {
                let is_expected = failure.is_none() && !past.is_open();
                let mut failed =
                    failure.map_or_else(|| Self::new(FailureType::Unavailable, "", ""), Self::from);
                if failed.kind != FailureType::RateLimited {
                    failed.kind = FailureType::Unavailable;
                }
                failed.message = text;
                failed.details.next_step = if is_expected {
                    "nothing is wrong: the result comes when the platform's lists have caught up"
                } else {
                    "the next attempt searches for it before it sends anything"
                }
                .to_owned();
                failed.details.outcome_unknown = past.is_open();
                failed.pause = after.zip(waits_for).or(failed.pause);
                if let Past::Made { id, .. } = &past {
                    failed = failed.with_created(kind.as_str(), id);
                }
                failed.resource = Some(kind);
                failed.is_expected = is_expected;
                failed
            }
            EnsureError::Conflict { id, .. } => {
                let failed = Self::new(
                    FailureType::Conflict,
                    text,
                    "choose another name, or set onExisting to ADOPT_ANY to take the existing one",
                );
                match id {
                    Some(id) => failed.with_created(kind.as_str(), &id),
                    None => failed,
                }
            }
            EnsureError::Mismatch { id, fields, .. } => {
                let mut failed = Self::new(
                    FailureType::IdempotencyMismatch,
                    text,
                    "send the request that it was created from, choose another name, or delete it first",
                )
                .with_created(kind.as_str(), &id);
                failed.details.field = fields.first().cloned().unwrap_or_default();
                failed
            }
            EnsureError::Absent { .. } => Self {
                is_expected: true,
                ..Self::new(FailureType::NotFound, text, "")
            },
            EnsureError::Undecided { ids, .. } => {
                let mut failed = Self::new(
                    FailureType::OutcomeUnknown,
                    text,
                    "decide which one to keep, delete what uses the others, then delete the others",
                );
                for id in ids {
                    failed = failed.with_created(kind.as_str(), &id);
                }
                failed
            }
        }
    }
}

impl std::fmt::Display for ActivityFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for ActivityFailure {}

fn type_of(class: Class) -> FailureType {
    match class {
        Class::Unauthenticated => FailureType::Unauthenticated,
        Class::PermissionDenied => FailureType::PermissionDenied,
        Class::SandboxNotFound => FailureType::SandboxNotFound,
        Class::SourceRejectedCredentials => FailureType::SourceRejectedCredentials,
        Class::Conflict(_) => FailureType::Conflict,
        Class::NotFound => FailureType::NotFound,
        Class::RateLimited => FailureType::RateLimited,
        // Whether it took place is for the next attempt to find out.
        Class::Unavailable | Class::OutcomeUnknown => FailureType::Unavailable,
        // What a caller can get wrong was checked before; a request that the platform finds
        // wrong all the same is not one that the caller wrote.
        Class::InvalidInput | Class::PlatformRejected => FailureType::PlatformRejected,
    }
}

/// One line per failed attempt; which one it is, the span around it says.
pub(super) fn log(failed: &ActivityFailure) {
    let details = &failed.details;
    fn known(text: &str) -> Option<&str> {
        (!text.is_empty()).then_some(text)
    }
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                failure = failed.kind.as_str(),
                adobe_code = known(&details.adobe_code),
                http_status = (details.http_status > 0).then_some(details.http_status),
                request_id = known(&details.request_id),
                "{}",
                failed.message
            )
        };
    }
    if failed.is_expected {
        line!(info);
    } else {
        line!(warn);
    }
}

//! The one error of every call: what was asked for, how it ended, and what that means.
//!
//! `Display` says this level only, the cause is `source()`; print the whole chain with
//! [`crate::Chain`].

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use crate::answer::Unreadable;
use crate::classify::{classify, refuses_filter};
use crate::code::{AdobeCode, RequestId};
use crate::kind::{Effect, Kind};
use crate::next_step::next_step;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::text::clean;
use crate::transport::{TransportError, TransportKind};
use crate::verdict::{Class, Next, Outcome, Verdict};

/// Why a call did not give what it was asked for. Holds no secret; texts are cleaned.
///
/// Before a create is sent again, ask [`PlatformError::outcome`].
#[derive(Debug, Clone)]
pub struct PlatformError {
    effect: Effect,
    kind: Kind,
    /// Of what is written: its name, or its id where it has one.
    name: String,
    end: End,
}

/// The five ways in which a call fails.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// No access token: nothing was sent.
    NoToken(Box<PlatformError>),
    /// The connection failed before a byte was written.
    NotSent(TransportError),
    /// Written, but no response came: a write may have taken effect.
    Unanswered(TransportError),
    /// The response is not a 2xx. Its status and code tell what is known of a write.
    Refused(Box<Refusal>),
    /// The response is a success, but not what is documented: a write may have taken effect.
    Unreadable {
        status: u16,
        request_id: Option<RequestId>,
        cause: Unreadable,
    },
}

impl From<TransportError> for End {
    fn from(cause: TransportError) -> Self {
        if cause.was_sent() {
            Self::Unanswered(cause)
        } else {
            Self::NotSent(cause)
        }
    }
}

impl PlatformError {
    pub(crate) fn new(request: &Request, end: End) -> Self {
        Self {
            effect: request.effect,
            kind: request.kind,
            name: clean(&request.name, 256),
            end,
        }
    }

    /// There is no access token. A token that was issued and lost harms nobody, so to ask for
    /// one is a read.
    pub(crate) fn of_token(end: End) -> Self {
        Self {
            effect: Effect::Read,
            kind: Kind::AccessToken,
            name: String::new(),
            end,
        }
    }

    /// What is known of the effect on the platform.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.verdict().outcome
    }

    /// What helps.
    #[must_use]
    pub fn next(&self) -> Next {
        self.verdict().next
    }

    /// The kind of failure, to be mapped one to one.
    #[must_use]
    pub fn class(&self) -> Class {
        self.verdict().class
    }

    /// Adobe's code, if the response had one.
    #[must_use]
    pub fn code(&self) -> Option<&AdobeCode> {
        self.refusal()?.code.as_ref()
    }

    /// The HTTP status, if there was a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.root() {
            End::Refused(refusal) => Some(refusal.status),
            End::Unreadable { status, .. } => Some(*status),
            End::NoToken(_) | End::NotSent(_) | End::Unanswered(_) => None,
        }
    }

    /// The id that Adobe's support asks for, if the response had one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        match self.root() {
            End::Refused(refusal) => refusal.request_id.as_ref(),
            End::Unreadable { request_id, .. } => request_id.as_ref(),
            End::NoToken(_) | End::NotSent(_) | End::Unanswered(_) => None,
        }
    }

    /// The wait that the platform asked for, at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// What to do next, as a sentence without a full stop.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        next_step(self.verdict(), self.code(), self.transport())
    }

    /// Whether it is the filter of a list that Flow Service refused.
    pub(crate) fn refuses_filter(&self) -> bool {
        matches!(&self.end, End::Refused(refusal) if refuses_filter(refusal))
    }

    /// The end of the call that failed: of the one for the token, where there was none.
    pub(crate) fn root(&self) -> &End {
        match &self.end {
            End::NoToken(cause) => cause.root(),
            end @ (End::NotSent(_)
            | End::Unanswered(_)
            | End::Refused(_)
            | End::Unreadable { .. }) => end,
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self.root() {
            End::Refused(refusal) => Some(refusal),
            End::NoToken(_) | End::NotSent(_) | End::Unanswered(_) | End::Unreadable { .. } => None,
        }
    }

    fn transport(&self) -> Option<TransportKind> {
        match self.root() {
            End::NotSent(cause) | End::Unanswered(cause) => Some(cause.kind()),
            End::NoToken(_) | End::Refused(_) | End::Unreadable { .. } => None,
        }
    }

    fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict_by_end();
        if self.kind == Kind::AccessToken {
            // Whatever became of the request for a token, nothing was sent to the platform.
            verdict.outcome = Outcome::NothingSent;
        }
        verdict
    }

    fn verdict_by_end(&self) -> Verdict {
        let open = Verdict {
            class: Class::OutcomeUnknown,
            next: Next::Look,
            outcome: Outcome::Unknown,
        };
        match (&self.end, self.effect) {
            (End::NoToken(cause), _) => cause.verdict(),
            (End::NotSent(cause), _) => Verdict {
                class: Class::Unavailable,
                next: match cause.kind() {
                    // A certificate that isn't trusted stays so.
                    TransportKind::Tls => Next::FixInput,
                    TransportKind::NameNotFound
                    | TransportKind::ConnectionRefused
                    | TransportKind::ConnectFailed
                    | TransportKind::ConnectTimedOut
                    | TransportKind::FirstByteTimedOut
                    | TransportKind::ConnectionLost => Next::Wait,
                },
                outcome: Outcome::NothingSent,
            },
            (End::Unanswered(_), Effect::Read) => Verdict {
                class: Class::Unavailable,
                next: Next::Wait,
                outcome: Outcome::Refused,
            },
            (End::Refused(refusal), Effect::Read) if self.kind == Kind::AccessToken => {
                of_credentials(refusal)
            }
            (End::Refused(refusal), effect) => classify(effect, refusal),
            (End::Unreadable { cause, .. }, Effect::Read) => {
                let (class, next) = match cause {
                    // A proxy's page or a broken line passes.
                    Unreadable::CutOff { .. }
                    | Unreadable::WrongContentType { .. }
                    | Unreadable::NotJson { .. } => (Class::Unavailable, Next::Wait),
                    Unreadable::TooLarge { .. } => (Class::PlatformRejected, Next::FixInput),
                    Unreadable::WrongShape { .. }
                    | Unreadable::PagesRepeat
                    | Unreadable::TooManyPages { .. }
                    | Unreadable::ForeignNextPage => (Class::PlatformRejected, Next::GiveUp),
                };
                Verdict {
                    class,
                    next,
                    outcome: Outcome::Refused,
                }
            }
            (
                End::Unanswered(_) | End::Unreadable { .. },
                Effect::Create | Effect::Update | Effect::Delete,
            ) => open,
        }
    }
}

/// What IMS's refusal of a token means.
fn of_credentials(refusal: &Refusal) -> Verdict {
    let verdict = classify(Effect::Read, refusal);
    match verdict.class {
        Class::RateLimited | Class::Unavailable | Class::Unauthenticated => verdict,
        // Whatever else IMS says is about the configuration of the credentials.
        Class::InvalidInput
        | Class::PermissionDenied
        | Class::SandboxNotFound
        | Class::SourceRejectedCredentials
        | Class::Conflict(_)
        | Class::NotFound
        | Class::PlatformRejected
        | Class::OutcomeUnknown => Verdict {
            class: Class::Unauthenticated,
            next: Next::RenewToken,
            ..verdict
        },
    }
}

impl std::fmt::Display for PlatformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == Kind::AccessToken {
            return f.write_str(match &self.end {
                End::NoToken(_) | End::NotSent(_) => "no connection to the token service",
                End::Unanswered(_) => "no response from the token service",
                End::Refused(_) => "the token service refused the credentials",
                End::Unreadable { .. } => "the token service's response can't be read",
            });
        }
        let verb = self.effect.as_str();
        let what = match self.effect {
            Effect::Read => self.kind.to_string(),
            Effect::Create | Effect::Update | Effect::Delete => {
                format!("{} `{}`", self.kind, self.name)
            }
        };
        match &self.end {
            End::NoToken(_) => write!(f, "no access token to {verb} the {what}"),
            End::NotSent(_) => write!(f, "no connection to {verb} the {what}"),
            End::Unanswered(_) => write!(f, "no response to the {verb} of the {what}"),
            End::Refused(_) if self.outcome() == Outcome::Unknown => write!(
                f,
                "the response to the {verb} of the {what} leaves open whether it took effect"
            ),
            End::Refused(_) => write!(f, "the {verb} of the {what} was refused"),
            End::Unreadable { .. } => {
                write!(f, "the response to the {verb} of the {what} can't be read")
            }
        }
    }
}

impl std::error::Error for PlatformError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.end {
            End::NoToken(cause) => Some(cause.as_ref()),
            End::NotSent(cause) | End::Unanswered(cause) => Some(cause),
            End::Refused(refusal) => Some(refusal.as_ref()),
            End::Unreadable { cause, .. } => Some(cause),
        }
    }
}

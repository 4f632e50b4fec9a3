//! How a request can end, seen through any of the error enums, and the verdict on each end.

#![warn(clippy::wildcard_enum_match_arm)]

use crate::answer::Unreadable;
use crate::classify::classify;
use crate::code::RequestId;
use crate::error::TokenError;
use crate::kind::Effect;
use crate::refusal::Refusal;
use crate::transport::{TransportError, TransportKind};
use crate::verdict::{Class, Next, Outcome, Verdict};

/// The five things that can have happened, borrowed from any of the enums above.
pub(crate) enum Ending<'a> {
    NoToken(&'a TokenError),
    NotSent(&'a TransportError),
    Unanswered(&'a TransportError),
    Refused(&'a Refusal),
    AnswerUnreadable {
        status: u16,
        request_id: Option<&'a RequestId>,
        cause: &'a Unreadable,
    },
}

impl<'a> Ending<'a> {
    pub(crate) fn verdict(&self, effect: Effect) -> Verdict {
        let open = Verdict {
            class: Class::OutcomeUnknown,
            next: Next::Look,
            outcome: Outcome::Unknown,
        };
        match (self, effect) {
            (Self::NoToken(cause), _) => token_verdict(cause),
            (Self::NotSent(cause), _) => Verdict {
                class: Class::Unavailable,
                next: match cause.kind() {
                    // A certificate that isn't trusted stays so.
                    TransportKind::Tls => Next::FixInput,
                    TransportKind::NameNotFound
                    | TransportKind::ConnectionRefused
                    | TransportKind::ConnectFailed
                    | TransportKind::ConnectTimedOut
                    | TransportKind::FirstByteTimedOut
                    | TransportKind::ConnectionLost => Next::Wait(None),
                },
                outcome: Outcome::NothingSent,
            },
            (Self::Unanswered(_), Effect::Read) => Verdict {
                class: Class::Unavailable,
                next: Next::Wait(None),
                outcome: Outcome::Refused,
            },
            (Self::Refused(refusal), effect) => classify(effect, refusal),
            (Self::AnswerUnreadable { cause, .. }, Effect::Read) => {
                let (class, next) = match cause {
                    // A proxy's page or a broken line passes.
                    Unreadable::CutOff { .. }
                    | Unreadable::WrongContentType { .. }
                    | Unreadable::NotJson { .. } => (Class::Unavailable, Next::Wait(None)),
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
                Self::Unanswered(_) | Self::AnswerUnreadable { .. },
                Effect::Create | Effect::Update | Effect::Delete,
            ) => open,
        }
    }

    pub(crate) fn refusal(&self) -> Option<&'a Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::NoToken(TokenError::Refused { refusal }) => Some(refusal),
            Self::NoToken(_)
            | Self::NotSent(_)
            | Self::Unanswered(_)
            | Self::AnswerUnreadable { .. } => None,
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::AnswerUnreadable { status, .. } => Some(*status),
            Self::NoToken(TokenError::AnswerUnreadable { status, .. }) => Some(*status),
            Self::NoToken(_) | Self::NotSent(_) | Self::Unanswered(_) | Self::Refused(_) => {
                self.refusal().map(|refusal| refusal.status)
            }
        }
    }

    pub(crate) fn request_id(&self) -> Option<&'a RequestId> {
        match self {
            Self::AnswerUnreadable { request_id, .. } => *request_id,
            Self::NoToken(_) | Self::NotSent(_) | Self::Unanswered(_) | Self::Refused(_) => self
                .refusal()
                .and_then(|refusal| refusal.request_id.as_ref()),
        }
    }

    pub(crate) fn transport(&self) -> Option<TransportKind> {
        match self {
            Self::NotSent(cause) | Self::Unanswered(cause) => Some(cause.kind()),
            Self::NoToken(TokenError::NotSent { cause } | TokenError::Unanswered { cause }) => {
                Some(cause.kind())
            }
            Self::NoToken(_) | Self::Refused(_) | Self::AnswerUnreadable { .. } => None,
        }
    }
}

fn token_verdict(error: &TokenError) -> Verdict {
    // A token that was issued and lost harms nobody: asking for one is a read, and nothing
    // was sent to the platform.
    let verdict = match error {
        TokenError::NotSent { cause } => Ending::NotSent(cause).verdict(Effect::Read),
        TokenError::Unanswered { cause } => Ending::Unanswered(cause).verdict(Effect::Read),
        TokenError::AnswerUnreadable { status, cause } => Ending::AnswerUnreadable {
            status: *status,
            request_id: None,
            cause,
        }
        .verdict(Effect::Read),
        TokenError::Refused { refusal } => {
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
    };
    Verdict {
        outcome: Outcome::NothingSent,
        ..verdict
    }
}

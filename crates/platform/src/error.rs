//! The one error of every call: what was requested, how it ended, and what that means.
//!
//! `Display` shows this level only and `source()` is the cause. Print the whole chain with
//! [`crate::Chain`].

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use crate::classify::{classify, is_passing, refuses_filter, refuses_token};
use crate::code::{AdobeCode, RequestId};
use crate::kind::{EntityKind, Operation};
use crate::meaning::{Class, Meaning, Next, RequestEffect};
use crate::next_step::next_step;
use crate::refusal::PlatformRefusal;
use crate::request::Request;
use crate::response::UnreadableResponse;
use crate::text::clean;
use crate::transport::{TransportError, TransportKind};

/// Why a call failed. It holds no secret, and its texts are cleaned.
///
/// Check [`PlatformError::effect`] before you send a create again.
#[derive(Debug, Clone)]
pub struct PlatformError {
    operation: Operation,
    kind: EntityKind,
    /// The name of what is written, or its id if it has one.
    name: String,
    end: End,
    may_pass: bool,
}

/// The five ways in which a call fails.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// No access token: nothing was sent.
    NoToken(Box<PlatformError>),
    /// The connection failed before a byte was written.
    NotSent(TransportError),
    /// The request was sent, but there was no response: a write may have taken effect.
    NoResponse(TransportError),
    /// The response is not a 2xx. Its status and code decide what is known of a write.
    Refused(Box<PlatformRefusal>),
    /// The response is a success, but not what is documented: a write may have taken effect.
    Unreadable {
        status: u16,
        request_id: Option<RequestId>,
        cause: UnreadableResponse,
    },
}

impl From<TransportError> for End {
    fn from(cause: TransportError) -> Self {
        if cause.was_sent() {
            Self::NoResponse(cause)
        } else {
            Self::NotSent(cause)
        }
    }
}

impl PlatformError {
    pub(crate) fn new(request: &Request, end: End) -> Self {
        Self {
            operation: request.operation,
            kind: request.kind,
            name: clean(&request.name, 256),
            end,
            may_pass: false,
        }
    }

    /// There is no access token. The request for one counts as a read, as a token that was issued
    /// and lost does no harm.
    pub(crate) fn of_token(end: End) -> Self {
        Self {
            operation: Operation::Read,
            kind: EntityKind::AccessToken,
            name: String::new(),
            end,
            may_pass: false,
        }
    }

    /// The same as one that may pass: unavailable, for now.
    pub(crate) fn that_may_pass(self) -> Self {
        Self {
            may_pass: true,
            ..self
        }
    }

    /// Whether it may pass although it does not look so: a refused token, as the token service
    /// may be in trouble, and a response that none of Adobe's services sent.
    pub(crate) fn is_doubtful(&self) -> bool {
        let End::Refused(refusal) = &self.end else {
            return false;
        };
        let is_about_tokens = self.kind == EntityKind::AccessToken || refuses_token(refusal);
        (is_about_tokens || !refusal.is_adobes())
            && matches!(
                self.class(),
                Class::Unauthenticated | Class::PermissionDenied | Class::PlatformRejected
            )
    }

    /// What was written or read.
    pub(crate) fn kind(&self) -> EntityKind {
        self.kind
    }

    /// What is known of the effect on the platform.
    #[must_use]
    pub fn effect(&self) -> RequestEffect {
        self.meaning().effect
    }

    /// What helps.
    #[must_use]
    pub fn next(&self) -> Next {
        self.meaning().next
    }

    /// The kind of failure.
    #[must_use]
    pub fn class(&self) -> Class {
        self.meaning().class
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
            End::NoToken(_) | End::NotSent(_) | End::NoResponse(_) => None,
        }
    }

    /// The id that Adobe's support asks for, if the response had one.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        match self.root() {
            End::Refused(refusal) => refusal.request_id.as_ref(),
            End::Unreadable { request_id, .. } => request_id.as_ref(),
            End::NoToken(_) | End::NotSent(_) | End::NoResponse(_) => None,
        }
    }

    /// The wait that the platform asked for, at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// The next step for the reader: a sentence without a full stop.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        if self.is_of_another() {
            return "check the address in the settings, and what answers in its place: a proxy, or \
                    a login page";
        }
        next_step(self.meaning(), self.code(), self.transport())
    }

    /// Whether a service refused the filter of a list.
    pub(crate) fn refuses_filter(&self) -> bool {
        matches!(&self.end, End::Refused(refusal) if refuses_filter(refusal))
    }

    /// Whether something else than the service that was called seems to have responded.
    fn is_of_another(&self) -> bool {
        if let End::NoToken(cause) = &self.end {
            return cause.is_of_another();
        }
        let is_of_token = self.kind == EntityKind::AccessToken;
        self.class() == Class::PlatformRejected
            && matches!(&self.end, End::Refused(refusal) if is_of_token || !refusal.is_adobes())
    }

    /// How the failed request ended: the one for the token, if there was no token.
    pub(crate) fn root(&self) -> &End {
        match &self.end {
            End::NoToken(cause) => cause.root(),
            end @ (End::NotSent(_)
            | End::NoResponse(_)
            | End::Refused(_)
            | End::Unreadable { .. }) => end,
        }
    }

    fn refusal(&self) -> Option<&PlatformRefusal> {
        match self.root() {
            End::Refused(refusal) => Some(refusal),
            End::NoToken(_) | End::NotSent(_) | End::NoResponse(_) | End::Unreadable { .. } => None,
        }
    }

    fn transport(&self) -> Option<TransportKind> {
        match self.root() {
            End::NotSent(cause) | End::NoResponse(cause) => Some(cause.kind()),
            End::NoToken(_) | End::Refused(_) | End::Unreadable { .. } => None,
        }
    }

    fn meaning(&self) -> Meaning {
        let mut meaning = self.meaning_by_end();
        if self.may_pass {
            (meaning.class, meaning.next) = (Class::Unavailable, Next::Wait);
        }
        if self.kind == EntityKind::AccessToken {
            // Whatever became of the request for a token, nothing was sent to the platform.
            meaning.effect = RequestEffect::NothingSent;
        }
        meaning
    }

    fn meaning_by_end(&self) -> Meaning {
        let open = Meaning {
            class: Class::OutcomeUnknown,
            next: Next::Look,
            effect: RequestEffect::Unknown,
        };
        match (&self.end, self.operation) {
            (End::NoToken(cause), _) => cause.meaning(),
            (End::NotSent(cause), _) => Meaning {
                class: Class::Unavailable,
                next: match cause.kind() {
                    // A retry does not make a certificate trusted.
                    TransportKind::Tls => Next::FixInput,
                    TransportKind::NameNotFound
                    | TransportKind::ConnectionRefused
                    | TransportKind::ConnectFailed
                    | TransportKind::ConnectTimedOut
                    | TransportKind::FirstByteTimedOut
                    | TransportKind::ConnectionLost => Next::Wait,
                },
                effect: RequestEffect::NothingSent,
            },
            (End::NoResponse(_), Operation::Read) => Meaning {
                class: Class::Unavailable,
                next: Next::Wait,
                effect: RequestEffect::Refused,
            },
            (End::Refused(refusal), Operation::Read) if self.kind == EntityKind::AccessToken => {
                of_credentials(refusal)
            }
            (End::Refused(refusal), operation) => classify(operation, refusal),
            (End::Unreadable { cause, .. }, Operation::Read) => {
                let (class, next) = match cause {
                    // It says nothing of what was asked for, and the next response may be as
                    // documented: the read is tried again.
                    UnreadableResponse::CutOff { .. }
                    | UnreadableResponse::WrongContentType { .. }
                    | UnreadableResponse::NotJson { .. }
                    | UnreadableResponse::WrongShape { .. }
                    | UnreadableResponse::PagesRepeat
                    | UnreadableResponse::TooManyPages { .. }
                    | UnreadableResponse::ForeignNextPage => (Class::Unavailable, Next::Wait),
                    // What exists is longer than the worker's limit, and stays so.
                    UnreadableResponse::TooLarge { .. } => {
                        (Class::PlatformRejected, Next::FixInput)
                    }
                };
                Meaning {
                    class,
                    next,
                    effect: RequestEffect::Refused,
                }
            }
            (
                End::NoResponse(_) | End::Unreadable { .. },
                Operation::Create | Operation::Update | Operation::Delete,
            ) => open,
        }
    }
}

/// What IMS's refusal of a token request means.
fn of_credentials(refusal: &PlatformRefusal) -> Meaning {
    let meaning = classify(Operation::Read, refusal);
    if is_passing(meaning.class) {
        return meaning;
    }
    // What IMS finds wrong with the credentials, it says with these two.
    let (class, next) = if refusal.is_adobes() && matches!(refusal.status, 400 | 401) {
        (Class::Unauthenticated, Next::RenewToken)
    } else {
        (Class::PlatformRejected, Next::FixInput)
    };
    Meaning {
        class,
        next,
        ..meaning
    }
}

impl std::fmt::Display for PlatformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == EntityKind::AccessToken {
            return f.write_str(match &self.end {
                End::NoToken(_) | End::NotSent(_) => "no connection to the token service",
                End::NoResponse(_) => "no response from the token service",
                End::Refused(_) if self.meaning_by_end().class == Class::Unauthenticated => {
                    "the token service refused the credentials"
                }
                End::Refused(_) => "the token service did not give a token",
                End::Unreadable { .. } => "the token service's response can't be read",
            });
        }
        let verb = self.operation.as_str();
        let what = match self.operation {
            Operation::Read => self.kind.to_string(),
            Operation::Create | Operation::Update | Operation::Delete => {
                format!("{} `{}`", self.kind, self.name)
            }
        };
        match &self.end {
            End::NoToken(_) => write!(f, "no access token to {verb} the {what}"),
            End::NotSent(_) => write!(f, "no connection to {verb} the {what}"),
            End::NoResponse(_) => write!(f, "no response to the {verb} of the {what}"),
            End::Refused(_) if self.effect() == RequestEffect::Unknown => write!(
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
            End::NotSent(cause) | End::NoResponse(cause) => Some(cause),
            End::Refused(refusal) => Some(refusal.as_ref()),
            End::Unreadable { cause, .. } => Some(cause),
        }
    }
}

//! One error enum per operation; each says what is known of the effect and what helps.
//!
//! A variant is named for what happened. `Display` says this level only, the cause is `source()`;
//! print the whole chain with [`crate::Chain`].

use crate::answer::Unreadable;
use crate::classify::classify;
use crate::code::{AdobeCode, RequestId};
use crate::ending::Ending;
use crate::failure::{self, Failure};
use crate::kind::{Effect, Kind};
use crate::refusal::Refusal;
use crate::transport::TransportError;
use crate::verdict::{Class, Next, Outcome};

/// Why there is no access token. Never names the secret or the token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// No connection to IMS.
    #[error("no connection to the token service")]
    NotSent {
        /// What the network said.
        #[source]
        cause: TransportError,
    },
    /// IMS did not answer; another token costs nothing, ask again.
    #[error("no answer from the token service")]
    Unanswered {
        /// What the network said.
        #[source]
        cause: TransportError,
    },
    /// IMS said no, or that it can't now; the status tells which.
    #[error("the token service refused the credentials")]
    Refused {
        /// In IMS's words.
        #[source]
        refusal: Box<Refusal>,
    },
    /// IMS answered with success, but not with a token.
    #[error("the token service's answer can't be read")]
    AnswerUnreadable {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        #[source]
        cause: Unreadable,
    },
}

/// Why a read gave nothing. It changed nothing, so it may be sent again when [`Next::Wait`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No access token, nothing was sent.
    #[error("no access token to read the {kind}")]
    NoToken {
        /// What was to be read.
        kind: Kind,
        /// Why there is no token.
        #[source]
        cause: TokenError,
    },
    /// The connection failed before a byte was written.
    #[error("no connection to read the {kind}")]
    NotSent {
        /// What was to be read.
        kind: Kind,
        /// What the network said.
        #[source]
        cause: TransportError,
    },
    /// Written, but no answer came.
    #[error("no answer to the read of the {kind}")]
    Unanswered {
        /// What was to be read.
        kind: Kind,
        /// What the network said.
        #[source]
        cause: TransportError,
    },
    /// Answered with anything but a 2xx; status and code tell what it is.
    #[error("the read of the {kind} was refused")]
    Refused {
        /// What was to be read.
        kind: Kind,
        /// In Adobe's words.
        #[source]
        refusal: Box<Refusal>,
    },
    /// Answered with success, but not with what is documented.
    #[error("the answer to the read of the {kind} can't be read")]
    AnswerUnreadable {
        /// What was to be read.
        kind: Kind,
        /// HTTP status.
        status: u16,
        /// What Adobe's support asks for.
        request_id: Option<RequestId>,
        /// What is wrong with it.
        #[source]
        cause: Unreadable,
    },
}

macro_rules! write_error {
    ($(#[$doc:meta])* $name:ident, $verb:literal, $effect:expr, $undone:literal) => {
        $(#[$doc])*
        #[derive(Debug, thiserror::Error)]
        pub enum $name {
            #[doc = concat!("No access token: nothing was sent, ", $undone, ".")]
            #[error("no access token for the {verb} of the {kind} `{name}`", verb = $verb)]
            NoToken {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// Why there is no token.
                #[source]
                cause: TokenError,
            },
            #[doc = concat!("The connection failed before a byte was written, ", $undone, ".")]
            #[error("no connection for the {verb} of the {kind} `{name}`", verb = $verb)]
            NotSent {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// What the network said.
                #[source]
                cause: TransportError,
            },
            /// Written, but no answer came: it may have taken place. Look first.
            #[error("no answer to the {verb} of the {kind} `{name}`", verb = $verb)]
            Unanswered {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// What the network said.
                #[source]
                cause: TransportError,
            },
            /// Answered, but with a status that leaves open what was done (a 5xx, a 408): it may
            /// have taken place. Look first.
            #[error("the answer to the {verb} of the {kind} `{name}` leaves open what was done", verb = $verb)]
            Undecided {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// In Adobe's words.
                #[source]
                refusal: Box<Refusal>,
            },
            #[doc = concat!("Adobe said no, ", $undone, ". The code says who can help.")]
            #[error("the {verb} of the {kind} `{name}` was refused", verb = $verb)]
            Refused {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// In Adobe's words.
                #[source]
                refusal: Box<Refusal>,
            },
            /// Answered with success, but not with what is documented: it may have taken place.
            /// Look first.
            #[error("the answer to the {verb} of the {kind} `{name}` can't be read", verb = $verb)]
            AnswerUnreadable {
                /// What it was about.
                kind: Kind,
                /// Its name, or its id where it has one.
                name: String,
                /// HTTP status.
                status: u16,
                /// What Adobe's support asks for.
                request_id: Option<RequestId>,
                /// What is wrong with it.
                #[source]
                cause: Unreadable,
            },
        }

        impl $name {
            pub(crate) fn from_fault(kind: Kind, name: &str, fault: Fault) -> Self {
                let name = crate::text::clean(name, 256);
                match fault {
                    Fault::NoToken(cause) => Self::NoToken { kind, name, cause },
                    Fault::NotSent(cause) => Self::NotSent { kind, name, cause },
                    Fault::Unanswered(cause) => Self::Unanswered { kind, name, cause },
                    Fault::Refused(refusal) => {
                        match classify($effect, &refusal).outcome {
                            Outcome::Unknown => Self::Undecided { kind, name, refusal },
                            Outcome::NothingSent | Outcome::Refused => {
                                Self::Refused { kind, name, refusal }
                            }
                        }
                    }
                    Fault::AnswerUnreadable { status, request_id, cause } => {
                        Self::AnswerUnreadable { kind, name, status, request_id, cause }
                    }
                }
            }

            fn ending(&self) -> Ending<'_> {
                match self {
                    Self::NoToken { cause, .. } => Ending::NoToken(cause),
                    Self::NotSent { cause, .. } => Ending::NotSent(cause),
                    Self::Unanswered { cause, .. } => Ending::Unanswered(cause),
                    Self::Undecided { refusal, .. } | Self::Refused { refusal, .. } => {
                        Ending::Refused(refusal)
                    }
                    Self::AnswerUnreadable { status, request_id, cause, .. } => Ending::AnswerUnreadable {
                        status: *status,
                        request_id: request_id.as_ref(),
                        cause,
                    },
                }
            }
        }

        questions!($name, $effect);
    };
}

macro_rules! questions {
    ($name:ident, $effect:expr) => {
        impl $name {
            /// What is known of the effect on the platform.
            #[must_use]
            pub fn outcome(&self) -> Outcome {
                self.ending().verdict($effect).outcome
            }

            /// What helps.
            #[must_use]
            pub fn next(&self) -> Next {
                self.ending().verdict($effect).next
            }

            /// The kind of failure.
            #[must_use]
            pub fn class(&self) -> Class {
                self.ending().verdict($effect).class
            }

            /// What to do next, as a sentence without a full stop.
            #[must_use]
            pub fn next_step(&self) -> String {
                self.failure().next_step
            }

            /// Adobe's code, if the answer had one.
            #[must_use]
            pub fn code(&self) -> Option<&AdobeCode> {
                self.ending().refusal()?.code.as_ref()
            }

            /// The HTTP status, if there was an answer.
            #[must_use]
            pub fn status(&self) -> Option<u16> {
                self.ending().status()
            }

            /// Adobe's id of the request, if the answer had one.
            #[must_use]
            pub fn request_id(&self) -> Option<&RequestId> {
                self.ending().request_id()
            }

            /// All of it in one struct, the same for every operation.
            #[must_use]
            pub fn failure(&self) -> Failure {
                let ending = self.ending();
                failure::report(
                    ending.verdict($effect),
                    ending.refusal(),
                    ending.status(),
                    ending.request_id(),
                    crate::Chain(self).to_string(),
                    ending.transport(),
                )
            }
        }

        impl From<&$name> for Failure {
            fn from(error: &$name) -> Self {
                error.failure()
            }
        }

        impl From<$name> for Failure {
            fn from(error: $name) -> Self {
                error.failure()
            }
        }
    };
}

write_error!(
    /// Why a create returned no id. Ask [`CreateError::outcome`] before sending it again.
    CreateError, "create", Effect::Create, "nothing was made"
);
write_error!(
    /// Why an update is not known to have been made.
    UpdateError, "update", Effect::Update, "nothing was changed"
);
write_error!(
    /// Why a resource is not known to be gone. A resource that was gone already is no error.
    DeleteError, "delete", Effect::Delete, "nothing was deleted"
);
questions!(ReadError, Effect::Read);
questions!(TokenError, Effect::Read);

/// What the send loop met, before it is put into the words of an operation.
#[derive(Debug)]
pub(crate) enum Fault {
    NoToken(TokenError),
    NotSent(TransportError),
    Unanswered(TransportError),
    Refused(Box<Refusal>),
    AnswerUnreadable {
        status: u16,
        request_id: Option<RequestId>,
        cause: Unreadable,
    },
}

impl From<TransportError> for Fault {
    fn from(cause: TransportError) -> Self {
        if cause.was_sent() {
            Self::Unanswered(cause)
        } else {
            Self::NotSent(cause)
        }
    }
}

impl ReadError {
    pub(crate) fn from_fault(kind: Kind, fault: Fault) -> Self {
        match fault {
            Fault::NoToken(cause) => Self::NoToken { kind, cause },
            Fault::NotSent(cause) => Self::NotSent { kind, cause },
            Fault::Unanswered(cause) => Self::Unanswered { kind, cause },
            Fault::Refused(refusal) => Self::Refused { kind, refusal },
            Fault::AnswerUnreadable {
                status,
                request_id,
                cause,
            } => Self::AnswerUnreadable {
                kind,
                status,
                request_id,
                cause,
            },
        }
    }

    fn ending(&self) -> Ending<'_> {
        match self {
            Self::NoToken { cause, .. } => Ending::NoToken(cause),
            Self::NotSent { cause, .. } => Ending::NotSent(cause),
            Self::Unanswered { cause, .. } => Ending::Unanswered(cause),
            Self::Refused { refusal, .. } => Ending::Refused(refusal),
            Self::AnswerUnreadable {
                status,
                request_id,
                cause,
                ..
            } => Ending::AnswerUnreadable {
                status: *status,
                request_id: request_id.as_ref(),
                cause,
            },
        }
    }
}

impl TokenError {
    fn ending(&self) -> Ending<'_> {
        Ending::NoToken(self)
    }
}

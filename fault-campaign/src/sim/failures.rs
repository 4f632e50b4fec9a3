//! What a call that went wrong looks like to the protocol.

use aep_platform::{Class, Conflict, Failure, Outcome};

use crate::scenario::Refusal;

/// Whether the call could have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A look or a read.
    Reads,
    /// A create or a deletion.
    Writes,
}

/// The failure of a call that met `refusal`, as the platform's client classifies it.
pub fn failure(refusal: Refusal, effect: Effect) -> Failure {
    let (status, class, is_open) = match refusal {
        Refusal::TooMany => (Some(429), Class::RateLimited, false),
        Refusal::Unavailable => (Some(503), Class::Unavailable, false),
        Refusal::Internal => (Some(500), Class::Unavailable, true),
        Refusal::Lost => (None, Class::Unavailable, true),
    };
    let is_unknown = is_open && effect == Effect::Writes;
    Failure {
        outcome: if is_unknown {
            Outcome::Unknown
        } else {
            Outcome::Refused
        },
        class: if is_unknown {
            Class::OutcomeUnknown
        } else {
            class
        },
        status,
        ..plain(format!("{refusal:?}"))
    }
}

/// The failure of a create whose title something has.
pub fn name_taken() -> Failure {
    Failure {
        class: Class::Conflict(Conflict::TitleNotUnique),
        status: Some(400),
        ..plain("XDM-1521-400".to_owned())
    }
}

fn plain(message: String) -> Failure {
    Failure {
        outcome: Outcome::Refused,
        class: Class::Unavailable,
        code: None,
        status: None,
        request_id: None,
        retry_after: None,
        message,
        next_step: "",
    }
}

//! Calls that go wrong, as the protocol sees them.

use std::fmt;

use aep_flow_ensure::{CallFailure, Effect};

use crate::scenario::Refusal;

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A look or a read.
    Reads,
    /// A create or a deletion.
    Writes,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    effect: Effect,
    message: String,
}

impl CallFailure for Failure {
    fn effect(&self) -> Effect {
        self.effect
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

/// The failure of a call that met `refusal`, as the platform's client classifies it.
pub fn failure(refusal: Refusal, access: Access) -> Failure {
    let is_open = match refusal {
        Refusal::TooMany | Refusal::Unavailable => false,
        Refusal::Internal | Refusal::Lost => true,
    };
    Failure {
        effect: if is_open && access == Access::Writes {
            Effect::Unknown
        } else {
            Effect::NothingChanged
        },
        message: format!("{refusal:?}"),
    }
}

/// The failure of a create whose title something has.
pub fn name_taken() -> Failure {
    Failure {
        effect: Effect::NameTaken,
        message: "XDM-1521-400".to_owned(),
    }
}

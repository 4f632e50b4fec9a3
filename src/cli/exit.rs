//! How a command ends, as its exit code. Each type of error gets its exit code here.

use std::process::ExitCode;

use aep_flow_proto::names::FailureType;
use aep_platform::Class;
use temporalio_client::tonic::Code;

use crate::adoption::AdoptError;
use crate::temporal::ConnectError;

/// How a command ends. A caller's script branches on these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// What was asked for is done.
    Done,
    /// A plan with `--detailed-exitcode` has something to do.
    Changes,
    /// Refused; the caller can fix it.
    Refused,
    /// The command line or the configuration is wrong. Nothing was done.
    Usage,
    /// A resource may or may not have been created.
    OutcomeUnknown,
    /// A service or the worker could not be reached.
    Unreachable,
    /// Ctrl-C, or another signal to stop.
    Interrupted,
}

/// The list of exit codes, as `--help` shows it.
pub(super) const HELP: &str = "\
Exit codes:
  0    done
  1    refused: you can fix it
  2    the command line or the configuration is wrong; nothing was done
  3    outcome unknown: check the platform before you run it again
  4    a service or the worker could not be reached: run it again
  130  interrupted with Ctrl-C or another signal";

impl ExitStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Changes | Self::Usage => 2,
            Self::OutcomeUnknown => 3,
            Self::Unreachable => 4,
            Self::Interrupted => 130,
        }
    }

    /// The more important of the two for a caller: an unknown outcome before a refusal, and a
    /// refusal before an unreachable service.
    pub(super) fn worse(self, other: Self) -> Self {
        let rank = |status: Self| match status {
            Self::Done | Self::Changes => 0,
            Self::Interrupted => 1,
            Self::Unreachable => 2,
            Self::Usage => 3,
            Self::Refused => 4,
            Self::OutcomeUnknown => 5,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<&FailureType> for ExitStatus {
    fn from(kind: &FailureType) -> Self {
        match kind {
            FailureType::OutcomeUnknown => Self::OutcomeUnknown,
            FailureType::RateLimited | FailureType::Unavailable => Self::Unreachable,
            FailureType::InvalidInput
            | FailureType::Unauthenticated
            | FailureType::PermissionDenied
            | FailureType::SandboxNotFound
            | FailureType::SourceRejectedCredentials
            | FailureType::Conflict
            | FailureType::IdempotencyMismatch
            | FailureType::NotFound
            | FailureType::PlatformRejected
            | FailureType::Other(_) => Self::Refused,
        }
    }
}

impl From<Class> for ExitStatus {
    fn from(class: Class) -> Self {
        match class {
            Class::RateLimited | Class::Unavailable => Self::Unreachable,
            Class::OutcomeUnknown => Self::OutcomeUnknown,
            Class::InvalidInput
            | Class::Unauthenticated
            | Class::PermissionDenied
            | Class::SandboxNotFound
            | Class::SourceRejectedCredentials
            | Class::Conflict(_)
            | Class::NotFound
            | Class::PlatformRejected => Self::Refused,
        }
    }
}

impl From<&ConnectError> for ExitStatus {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Configuration { .. } => Self::Usage,
            ConnectError::Unreachable { .. } => Self::Unreachable,
            ConnectError::Refused { .. } => Self::Refused,
        }
    }
}

impl From<&AdoptError> for ExitStatus {
    fn from(error: &AdoptError) -> Self {
        match error {
            AdoptError::Platform(error) => error.class().into(),
            AdoptError::Id(_) | AdoptError::Kind { .. } => Self::Usage,
            AdoptError::Incomplete { .. }
            | AdoptError::Taken { .. }
            | AdoptError::Changed { .. } => Self::Refused,
        }
    }
}

/// The status for an error of the Temporal server.
impl From<Code> for ExitStatus {
    fn from(code: Code) -> Self {
        match code {
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled
            | Code::Internal
            | Code::Unknown => Self::Unreachable,
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => Self::Refused,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        for status in [
            ExitStatus::Done,
            ExitStatus::Refused,
            ExitStatus::Usage,
            ExitStatus::OutcomeUnknown,
            ExitStatus::Unreachable,
            ExitStatus::Interrupted,
        ] {
            assert!(
                HELP.contains(&format!("\n  {} ", status.code())),
                "{status:?}"
            );
        }
    }

    #[test]
    fn an_unknown_outcome_is_never_hidden() {
        let unknown = ExitStatus::OutcomeUnknown;
        for kind in FailureType::ALL {
            assert_eq!(ExitStatus::from(&kind).worse(unknown), unknown, "{kind}");
            assert_eq!(unknown.worse(ExitStatus::from(&kind)), unknown, "{kind}");
        }
    }
}

//! A [`PlatformError`] as plain data, for whoever has to make one up in a test.

use std::time::Duration;

use crate::code::{AdobeCode, RequestId};
use crate::error::PlatformError;
use crate::verdict::{Class, Outcome};

/// What an error says, whatever the operation was. Holds no secret; texts are cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is known of the effect on the platform.
    pub outcome: Outcome,
    /// The kind of failure, to be mapped one to one.
    pub class: Class,
    /// Adobe's code.
    pub code: Option<AdobeCode>,
    /// HTTP status, if there was a response.
    pub status: Option<u16>,
    /// What Adobe's support asks for.
    pub request_id: Option<RequestId>,
    /// The wait that the platform asked for, at most an hour.
    pub retry_after: Option<Duration>,
    /// The error and its causes in one line.
    pub message: String,
    /// What to do next, as a sentence without a full stop.
    pub next_step: &'static str,
}

impl From<PlatformError> for Failure {
    fn from(error: PlatformError) -> Self {
        Self {
            outcome: error.outcome(),
            class: error.class(),
            code: error.code().cloned(),
            status: error.status(),
            request_id: error.request_id().cloned(),
            retry_after: error.retry_after(),
            message: crate::Chain(&error).to_string(),
            next_step: error.next_step(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

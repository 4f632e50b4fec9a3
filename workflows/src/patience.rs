//! How long and how often an activity is tried.

use std::time::Duration;

use temporalio_common::{ActivityCloseTimeouts, RetryPolicy};
use temporalio_workflow::ActivityOptions;

use crate::limits::{HEARTBEAT_TIMEOUT, START_TO_CLOSE};

/// First and longest pause between two attempts, where the failure names no pause of its own.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long and how often an activity is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The time for all attempts.
    pub(crate) deadline: Duration,
    /// How many attempts; 0 for as many as the deadline allows.
    pub(crate) attempts: u32,
    /// Longest pause between two attempts, where the failure names no pause of its own.
    pub(crate) longest_pause: Duration,
}

impl From<Duration> for Patience {
    fn from(deadline: Duration) -> Self {
        Self {
            deadline,
            attempts: 0,
            longest_pause: LONGEST_PAUSE,
        }
    }
}

impl Patience {
    /// The options of an activity that is tried so. Temporal's UI shows `summary` beside it.
    pub(crate) fn options(self, summary: &str) -> ActivityOptions {
        ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
            schedule_to_close: self.deadline,
            start_to_close: START_TO_CLOSE.min(self.deadline),
        })
        .heartbeat_timeout(HEARTBEAT_TIMEOUT)
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(FIRST_PAUSE)
                .backoff_coefficient(2.0)
                .maximum_interval(self.longest_pause)
                .maximum_attempts(self.attempts)
                .build(),
        )
        .summary(summary)
        .build()
    }
}

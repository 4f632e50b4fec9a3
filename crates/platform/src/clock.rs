//! Time as an argument, so that tests can set it.

use std::time::{Instant, SystemTime};

/// Where the crate gets its time from.
pub(crate) trait Clock: Send + Sync {
    /// The monotonic clock, for the life of a token.
    fn now(&self) -> Instant;
    /// The wall clock, for a `Retry-After` that is a date.
    fn wall(&self) -> SystemTime;
}

/// The machine's clocks.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

//! The platform's clock, as its responses show it.
//!
//! The age of a resource is computed from its `createdAt`, which is by Adobe's clock. On a machine
//! whose own clock is hours off, a new resource would look old, or not created yet. Source: RFC
//! 9110, 6.6.1 (`Date`).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::response::Response;

/// No difference is known.
const UNKNOWN: i64 = i64::MIN;

/// How far the platform's clock is ahead of ours, as the last response showed it. It is one number,
/// so that all tasks can read and write it without a lock.
pub(crate) struct PlatformClock {
    ahead_ms: AtomicI64,
}

impl PlatformClock {
    pub(crate) fn new() -> Self {
        Self {
            ahead_ms: AtomicI64::new(UNKNOWN),
        }
    }

    /// Learns from a response of the platform, if it is a success: an error may be the page of a
    /// proxy with a clock of its own.
    pub(crate) fn learn(&self, response: &Response, now: SystemTime) {
        if !response.status.is_success() {
            return;
        }
        let received = now.checked_sub(response.received_at.elapsed());
        if let (Some(theirs), Some(ours)) = (response.date(), received) {
            self.ahead_ms
                .store(ahead_ms(theirs, ours), Ordering::Relaxed);
        }
    }

    /// The platform's time when our clock shows `now`.
    pub(crate) fn at(&self, now: SystemTime) -> SystemTime {
        let ahead_ms = self.ahead_ms.load(Ordering::Relaxed);
        if ahead_ms == UNKNOWN {
            return now;
        }
        let by = Duration::from_millis(ahead_ms.unsigned_abs());
        let theirs = if ahead_ms < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        theirs.unwrap_or(now)
    }
}

fn ahead_ms(theirs: SystemTime, ours: SystemTime) -> i64 {
    let millis = |by: Duration| i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    match theirs.duration_since(ours) {
        Ok(ahead) => millis(ahead),
        Err(behind) => -millis(behind.duration()),
    }
}

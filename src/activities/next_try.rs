//! When the server tries again after an attempt that failed, and what decides that.

use std::{borrow::Cow, time::Duration};

use temporalio_common::RetryPolicy;

use super::failure::ActivityFailure;

/// What an activity's failure says of the attempt that comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextTry {
    /// From the report of the failure on; none if it is not known.
    pub(super) after: Option<Duration>,
    /// What decided that.
    pub(super) reason: Cow<'static, str>,
}

impl NextTry {
    /// What comes after `attempt` that failed so under the activity's retry policy; nothing
    /// where no attempt follows. Whether the activity's own time is over by then is not known
    /// here.
    pub(super) fn of(
        failed: &ActivityFailure,
        attempt: u32,
        policy: Option<&RetryPolicy>,
    ) -> Option<Self> {
        let kind = failed.kind();
        let is_last = policy.is_some_and(|policy| {
            let most = policy.maximum_attempts();
            let finals = policy.non_retryable_error_types();
            (most > 0 && attempt >= most) || finals.iter().any(|each| each == kind.as_str())
        });
        if !kind.is_retryable() || is_last {
            return None;
        }
        Some(match failed.pause() {
            Some((after, reason)) => Self {
                after: Some(after),
                reason: Cow::Owned(reason.to_owned()),
            },
            None => Self {
                after: policy.map(|policy| backoff(attempt, policy)),
                reason: Cow::Borrowed("Temporal's backoff"),
            },
        })
    }
}

/// The end of the attempt's message.
impl std::fmt::Display for NextTry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = &self.reason;
        match self.after {
            Some(after) => {
                let seconds = after.as_secs_f64().ceil();
                write!(formatter, "; next try in {seconds:.0} s: {reason}")
            }
            None => write!(formatter, "; next try by {reason}"),
        }
    }
}

/// The server's own pause, by the rule that Temporal documents.
fn backoff(attempt: u32, policy: &RetryPolicy) -> Duration {
    let first = policy.initial_interval();
    let longest = policy.maximum_interval().unwrap_or(first * 100);
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let pause = first.as_secs_f64() * policy.backoff_coefficient().powi(exponent);
    Duration::try_from_secs_f64(pause).map_or(longest, |pause| pause.min(longest))
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::names::FailureType;

    use super::*;

    fn policy(attempts: u32, finals: &[&str]) -> RetryPolicy {
        RetryPolicy::builder()
            .initial_interval(Duration::from_secs(1))
            .backoff_coefficient(2.0)
            .maximum_interval(Duration::from_secs(60))
            .maximum_attempts(attempts)
            .non_retryable_error_types(finals.iter().copied())
            .build()
    }

    fn said(failed: &ActivityFailure, attempt: u32, policy: &RetryPolicy) -> String {
        NextTry::of(failed, attempt, Some(policy)).map_or_else(String::new, |next| next.to_string())
    }

    #[test]
    fn the_failures_own_pause_comes_with_its_reason() {
        let failed = ActivityFailure::retried(FailureType::RateLimited, "Retry-After", 11_200);
        assert_eq!(
            said(&failed, 1, &policy(0, &[])),
            "; next try in 12 s: Retry-After"
        );
    }

    #[test]
    fn without_one_it_is_the_servers_backoff() {
        // A pause of nothing is none: the server would not try again at all.
        let failed = ActivityFailure::retried(FailureType::Unavailable, "Retry-After", 0);
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (7, 60), (5000, 60)] {
            let expected = format!("; next try in {seconds} s: Temporal's backoff");
            assert_eq!(said(&failed, attempt, &policy(0, &[])), expected);
        }
        let unknown = NextTry::of(&failed, 1, None).unwrap();
        assert_eq!(unknown.to_string(), "; next try by Temporal's backoff");
    }

    #[test]
    fn where_none_follows_nothing_is_said() {
        let failed = ActivityFailure::retried(FailureType::Unavailable, "Retry-After", 0);
        assert_eq!(said(&failed, 3, &policy(3, &[])), "");
        assert_eq!(said(&failed, 1, &policy(0, &["Unavailable"])), "");
        let refused = ActivityFailure::retried(FailureType::NotFound, "Retry-After", 9_000);
        assert_eq!(said(&refused, 1, &policy(0, &[])), "");
    }
}

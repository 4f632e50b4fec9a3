//! What is recorded of an attempt: the span around its log lines, its attributes in the trace,
//! and its numbers.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aep_flow_ensure::{EnsureError, Ensured, ResourceKind};
use aep_flow_proto::{names::FailureType, v1::Outcome};
use opentelemetry::{
    Context, KeyValue, global,
    metrics::{Counter, Histogram},
    trace::{Status, TraceContextExt as _},
};
use temporalio_sdk::activities::ActivityInfo;
use tracing::Span;

use super::failure::ActivityFailure;

/// Seconds; the platform's `Retry-After` is believed up to an hour.
const WAIT_SECONDS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];

/// Of the process's meter, as it is when the first attempt ends.
static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    let meter = global::meter("aep-flow");
    meter
        .u64_observable_gauge("aep_flow.quiet_waits")
        .with_description("Creates that wait for their next look, begun by this worker")
        .with_callback(|waits| {
            for (kind, count) in WAITS.running(Instant::now()) {
                waits.observe(count, &[KeyValue::new("kind", kind)]);
            }
        })
        .build();
    Numbers {
        attempts: meter
            .u64_counter("aep_flow.attempts")
            .with_description("Attempts at activities, by how they ended")
            .build(),
        creates: meter
            .u64_counter("aep_flow.creates")
            .with_description("Creates, by what the protocol came to")
            .build(),
        rate_limit_wait: meter
            .f64_histogram("aep_flow.rate_limit.wait")
            .with_unit("s")
            .with_description("Waits that the platform asked for")
            .with_boundaries(WAIT_SECONDS.to_vec())
            .build(),
    }
});

static WAITS: LazyLock<Waits> = LazyLock::new(Waits::default);

struct Numbers {
    attempts: Counter<u64>,
    creates: Counter<u64>,
    rate_limit_wait: Histogram<f64>,
}

/// Waits of the protocol, by when they end: the next attempt may be another worker's.
#[derive(Debug, Default)]
struct Waits(Mutex<HashMap<&'static str, Vec<Instant>>>);

impl Waits {
    fn begin(&self, kind: &'static str, now: Instant, wait: Duration) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = waits.entry(kind).or_default();
        ends.retain(|end| *end > now);
        ends.push(now + wait);
    }

    fn running(&self, now: Instant) -> Vec<(&'static str, u64)> {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits
            .iter()
            .map(|(kind, ends)| {
                let running = ends.iter().filter(|end| **end > now).count();
                (*kind, u64::try_from(running).unwrap_or(u64::MAX))
            })
            .collect()
    }
}

/// The span around all that an attempt logs, and the attempt's number in the trace.
pub(super) fn begin(info: &ActivityInfo) -> Span {
    let context = Context::current();
    let trace = context.span();
    trace.set_attribute(KeyValue::new("temporalAttempt", i64::from(info.attempt)));
    let trace_id = trace.span_context();
    tracing::info_span!(
        "activity",
        activity = info.activity_type,
        workflow_id = info.workflow_id.as_deref(),
        run_id = info.workflow_run_id.as_deref(),
        attempt = info.attempt,
        trace_id = trace_id
            .is_valid()
            .then(|| tracing::field::display(trace_id.trace_id())),
    )
}

/// The attempt gave a result.
pub(super) fn completed(activity: &str) {
    count(activity, "completed");
}

/// The attempt was cancelled.
pub(super) fn cancelled(activity: &str) {
    count(activity, "cancelled");
}

/// The attempt ended without a result.
pub(super) fn failed(activity: &str, failed: &ActivityFailure) {
    let kind = failed.kind();
    let outcome = if failed.is_expected() {
        "waiting"
    } else {
        kind.as_str()
    };
    count(activity, outcome);
    if kind == FailureType::RateLimited
        && let Some((wait, _)) = failed.pause()
    {
        let labels = [KeyValue::new("activity", activity.to_owned())];
        NUMBERS.rate_limit_wait.record(wait.as_secs_f64(), &labels);
    }
    if let Some(kind) = failed.resource()
        && let Some((wait, _)) = failed.pause()
    {
        WAITS.begin(kind.as_str(), Instant::now(), wait);
    }
    let context = Context::current();
    let trace = context.span();
    let details = failed.details();
    trace.set_attribute(KeyValue::new("aep_flow.outcome", outcome.to_owned()));
    for (name, value) in [
        ("adobe.error_code", &details.adobe_code),
        ("adobe.request_id", &details.request_id),
    ] {
        if !value.is_empty() {
            trace.set_attribute(KeyValue::new(name, value.clone()));
        }
    }
    if failed.is_expected() {
        // Temporal's plugin marks whatever is no result as an error, and this mark is final.
        trace.set_status(Status::Ok);
    } else {
        trace.set_attribute(KeyValue::new("error.type", kind.to_string()));
    }
}

fn count(activity: &str, outcome: &str) {
    let labels = [
        KeyValue::new("activity", activity.to_owned()),
        KeyValue::new("outcome", outcome.to_owned()),
    ];
    NUMBERS.attempts.add(1, &labels);
}

/// How the protocol ended, where it did.
pub(super) fn create_ended<F>(kind: ResourceKind, ended: &Result<Ensured, EnsureError<F>>) {
    let outcome = match ended {
        Ok(ensured) if ensured.outcome == Outcome::Created => "created",
        Ok(_) => "adopted",
        Err(EnsureError::Undecided { .. }) => "undecided",
        // Another attempt follows, or nothing was created.
        Err(
            EnsureError::Failed { .. }
            | EnsureError::NotYet { .. }
            | EnsureError::Conflict { .. }
            | EnsureError::Mismatch { .. }
            | EnsureError::Absent { .. },
        ) => return,
    };
    created(kind, outcome);
}

/// A duplicate was deleted.
pub(super) fn deleted(kind: ResourceKind) {
    created(kind, "swept");
}

fn created(kind: ResourceKind, outcome: &'static str) {
    let labels = [
        KeyValue::new("kind", kind.as_str()),
        KeyValue::new("outcome", outcome),
    ];
    NUMBERS.creates.add(1, &labels);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_until_its_end() {
        let waits = Waits::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        waits.begin("flow", now, 2 * second);
        waits.begin("flow", now, 5 * second);
        assert_eq!(waits.running(now), [("flow", 2)]);
        assert_eq!(waits.running(now + 3 * second), [("flow", 1)]);
        waits.begin("flow", now + 9 * second, second);
        assert_eq!(waits.running(now + 9 * second), [("flow", 1)]);
        assert_eq!(waits.0.lock().unwrap()["flow"].len(), 1);
    }
}

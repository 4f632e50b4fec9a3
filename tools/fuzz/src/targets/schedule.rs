//! A schedule with its delta column: `{"schedule": {…}, "deltaColumn": "…"}`.

use aep_flow_proto::{
    read,
    v1::{Frequency, Schedule},
    validate::{self, Findings},
};
use jiff::Timestamp;
use serde_json::Value;

use super::input::assert_fit_violation;
use crate::oracle::assert_fit;

pub(super) fn check(input: &[u8]) {
    let Ok(root) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let delta = root["deltaColumn"].as_str().unwrap_or_default();
    let given = root.get("schedule").cloned().unwrap_or_default();
    let schedule: Schedule = match read::from_json(given.to_string().as_bytes()) {
        Ok(schedule) => schedule,
        Err(error) => return assert_fit(&error.to_string(), false),
    };
    let mut findings = Findings::default();
    validate::schedule(
        &mut findings,
        ("schedule", Some(&schedule)),
        ("deltaColumn", delta),
    );
    match findings.into_result() {
        Err(violations) => violations
            .iter()
            .for_each(|each| assert_fit_violation(each, false)),
        Ok(()) => assert_is_taken_by_the_platform(&schedule, delta),
    }
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        if let Some(violation) = validate::passed_start("schedule", Some(&schedule), now) {
            assert_fit_violation(&violation, false);
        }
    }
}

/// Adobe's schema of a schedule, read a second time.
fn assert_is_taken_by_the_platform(schedule: &Schedule, delta: &str) {
    let frequency = schedule.frequency();
    if matches!(frequency, Frequency::Unspecified | Frequency::Once) {
        assert!(schedule.interval.is_none() && schedule.backfill.is_none());
        assert!(delta.is_empty());
    } else {
        let least = if frequency == Frequency::Minute {
            15
        } else {
            1
        };
        assert!(schedule.interval.is_some_and(|interval| interval >= least));
        assert!(!delta.is_empty());
    }
    let start = validate::start_time(schedule).expect("it was checked");
    if let validate::StartTime::At(start) = start {
        // A time that is written and read again is the same instant.
        let written = start.to_string();
        assert_eq!(written.parse().ok(), Some(start));
    }
}

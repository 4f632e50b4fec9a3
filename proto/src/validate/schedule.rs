//! When a dataflow runs: Adobe's rules for a schedule and its delta column.
//!
//! Source: Flow Service error catalogue (1360 to 1364, 1367, 1369) and the schedule
//! schema of the flow specification for table sources, read 2026-11.

use jiff::Timestamp;

use super::findings::Findings;
use crate::{
    v1::{Frequency, Schedule, Violation},
    wording::shown,
};

/// Fewest minutes between two runs of a schedule by the minute.
const MIN_MINUTES: u32 = 15;

/// A start time as the caller gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTime {
    /// None given: a short while after the dataflow is created.
    Now,
    /// That instant.
    At(Timestamp),
}

/// Reads the start time of `schedule`.
///
/// # Errors
/// The text is no RFC 3339 time with a zone.
pub fn start_time(schedule: &Schedule) -> Result<StartTime, jiff::Error> {
    if schedule.start_time.is_empty() {
        return Ok(StartTime::Now);
    }
    schedule.start_time.parse().map(StartTime::At)
}

/// The violation of a start time before `now`, the caller's clock. The platform refuses such a
/// time for a new dataflow.
pub fn passed_start(path: &str, schedule: Option<&Schedule>, now: Timestamp) -> Option<Violation> {
    match start_time(schedule?) {
        Ok(StartTime::At(start)) if start < now => Some(Violation {
            field: format!("{path}.startTime"),
            found: format!("`{start}`, which has passed"),
            expected: "a time in the future: the platform refuses one in the past".to_owned(),
        }),
        Ok(StartTime::At(_) | StartTime::Now) | Err(_) => None,
    }
}

/// Checks `schedule` with its `delta_column`, but for a start time that has passed;
/// `path` is the field that holds the schedule, `delta_path` the one of the delta column.
pub fn schedule(
    findings: &mut Findings,
    (path, schedule): (&str, Option<&Schedule>),
    (delta_path, delta_column): (&str, &str),
) {
    let once = Schedule::default();
    let schedule = schedule.unwrap_or(&once);

    if start_time(schedule).is_err() {
        findings.note(
            format!("{path}.startTime"),
            format!("`{}`", shown(&schedule.start_time)),
            "a time by RFC 3339 with its zone, such as `2026-12-01T00:00:00Z`",
        );
    }
    let Ok(frequency) = Frequency::try_from(schedule.frequency) else {
        return findings.known_word::<Frequency>(&format!("{path}.frequency"), schedule.frequency);
    };
    let least = match frequency {
        Frequency::Unspecified | Frequency::Once => {
            return single_run(findings, (path, schedule), (delta_path, delta_column));
        }
        Frequency::Minute => MIN_MINUTES,
        Frequency::Hour | Frequency::Day | Frequency::Week => 1,
    };
    match schedule.interval {
        None => findings.note(
            format!("{path}.interval"),
            "nothing",
            format!("a number of {}s", frequency.as_str_name().to_lowercase()),
        ),
        Some(interval) if interval < least => findings.note(
            format!("{path}.interval"),
            interval.to_string(),
            format!(
                "at least {least} with frequency {}",
                frequency.as_str_name()
            ),
        ),
        Some(_) => {}
    }
    if delta_column.is_empty() {
        findings.note(
            delta_path,
            "nothing",
            "the column that shows which rows are new, which a recurring schedule needs",
        );
    }
}

fn single_run(
    findings: &mut Findings,
    (path, schedule): (&str, &Schedule),
    (delta_path, delta_column): (&str, &str),
) {
    let expected = "none with frequency ONCE";
    if let Some(interval) = schedule.interval {
        findings.note(format!("{path}.interval"), interval.to_string(), expected);
    }
    if let Some(backfill) = schedule.backfill {
        findings.note(format!("{path}.backfill"), backfill.to_string(), expected);
    }
    if !delta_column.is_empty() {
        findings.note(delta_path, format!("`{}`", shown(delta_column)), expected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule_json: &str, delta: &str) -> Vec<String> {
        let parsed: Schedule = crate::read::from_json(schedule_json.as_bytes()).unwrap();
        let mut findings = Findings::default();
        schedule(
            &mut findings,
            ("schedule", Some(&parsed)),
            ("deltaColumn", delta),
        );
        match findings.into_result() {
            Ok(()) => Vec::new(),
            Err(all) => all.into_iter().map(|each| each.field).collect(),
        }
    }

    #[test]
    fn each_rule_of_adobe_names_its_field() {
        let recurring = r#"{"startTime":"2026-12-01T00:00:00Z","frequency":"HOUR","interval":1,"backfill":true}"#;
        let cases: [(&str, &str, &[&str]); 13] = [
            ("{}", "", &[]),
            (r#"{"frequency":"ONCE"}"#, "", &[]),
            (recurring, "updatedTime", &[]),
            (recurring, "", &["deltaColumn"]),
            (
                r#"{"frequency":"ONCE","interval":1}"#,
                "",
                &["schedule.interval"],
            ),
            (r#"{"backfill":true}"#, "", &["schedule.backfill"]),
            (r#"{"backfill":false}"#, "", &["schedule.backfill"]),
            ("{}", "updatedTime", &["deltaColumn"]),
            (
                r#"{"frequency":"MINUTE","interval":14}"#,
                "u",
                &["schedule.interval"],
            ),
            (r#"{"frequency":"MINUTE","interval":15}"#, "u", &[]),
            (
                r#"{"frequency":"DAY","interval":0}"#,
                "u",
                &["schedule.interval"],
            ),
            (r#"{"frequency":"WEEK"}"#, "u", &["schedule.interval"]),
            (r#"{"startTime":"tomorrow"}"#, "", &["schedule.startTime"]),
        ];
        for (json, delta, expected) in cases {
            assert_eq!(check(json, delta), expected, "{json} with `{delta}`");
        }
        assert_eq!(
            check(r#"{"startTime":"2026-12-01T00:00:00"}"#, ""),
            ["schedule.startTime"]
        );
    }

    #[test]
    fn a_start_that_has_passed_is_named() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let found = |start: &str| {
            let schedule = Schedule {
                start_time: start.to_owned(),
                ..Schedule::default()
            };
            passed_start("schedule", Some(&schedule), now).map(|violation| violation.field)
        };
        assert_eq!(
            found("2026-11-24T11:59:59Z").as_deref(),
            Some("schedule.startTime")
        );
        assert_eq!(found("2026-11-24T12:00:00Z"), None);
        assert_eq!(found(""), None);
        assert_eq!(passed_start("schedule", None, now), None);
    }
}

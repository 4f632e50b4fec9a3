//! `scheduleParams` of a flow: when its runs are due.
//!
//! Source: the schedule schema of the flow spec `CRMToAEP` and the sources' error catalogue
//! (1317, 1340, 1360 to 1364), read 2026-11.

use serde_json::Value;

use super::common;
use crate::problem::Problem;

/// When a flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The first run's planned start, in ms.
    pub(crate) start_ms: i64,
    /// The interval between runs in ms; `None` for a single run.
    pub(crate) every_ms: Option<i64>,
    /// Whether the first run ingests the rows that exist already.
    pub(crate) backfill: bool,
}

impl Schedule {
    /// Parses the parameters of a new flow. Its start must not be in the past.
    pub(crate) fn parse_new(params: &Value, now_ms: i64) -> Result<Self, Problem> {
        let schedule = Self::parse(params)?;
        if schedule.start_ms < now_ms {
            return Err(Problem::flow(1360, 400, "Start time can't be in the past."));
        }
        Ok(schedule)
    }

    /// Parses the parameters. Numbers and booleans may be strings, as in all of Adobe's examples.
    pub(crate) fn parse(params: &Value) -> Result<Self, Problem> {
        let Some(params) = params.as_object().filter(|params| !params.is_empty()) else {
            return Err(Problem::flow(1317, 400, "Schedule parameters are empty."));
        };
        let start = match params.get("startTime") {
            None | Some(Value::Null) => {
                return Err(Problem::missing_field("scheduleParams.startTime"));
            }
            Some(start) => integer(start).filter(|start| (0..=253_402_300_799).contains(start)),
        };
        let Some(start) = start else {
            return Err(Problem::flow(
                1340,
                400,
                "Start time can't be parsed: epoch seconds are expected.",
            ));
        };
        let frequency = match params.get("frequency") {
            None | Some(Value::Null) => {
                return Err(Problem::missing_field("scheduleParams.frequency"));
            }
            Some(frequency) => frequency.as_str().unwrap_or_default(),
        };
        let unit_seconds = match frequency {
            "once" => None,
            "minute" => Some(60),
            "hour" => Some(60 * 60),
            "day" => Some(24 * 60 * 60),
            "week" => Some(7 * 24 * 60 * 60),
            _ => {
                return Err(Problem::flow(
                    1397,
                    400,
                    format!("Frequency {frequency} is not valid."),
                ));
            }
        };
        let interval = params
            .get("interval")
            .filter(|interval| !interval.is_null());
        let backfill = params
            .get("backfill")
            .filter(|backfill| !backfill.is_null());
        let every_ms = match unit_seconds {
            None if interval.is_some() => {
                return Err(Problem::flow(
                    1361,
                    400,
                    "Interval is not allowed with frequency once.",
                ));
            }
            None if backfill.is_some() => {
                return Err(Problem::flow(
                    1364,
                    400,
                    "Backfill is not allowed with frequency once.",
                ));
            }
            None => None,
            Some(unit) => Some(unit * 1000 * parse_interval(interval, frequency)?),
        };
        let backfill = backfill.map_or(Some(true), boolean);
        let Some(backfill) = backfill else {
            return Err(common::wrong_type("scheduleParams.backfill", "a boolean"));
        };
        Ok(Self {
            start_ms: start * 1000,
            every_ms,
            backfill,
        })
    }

    /// The first planned start that is not before this time.
    pub(crate) fn next_from(&self, now_ms: i64) -> i64 {
        match self.every_ms {
            Some(every_ms) if now_ms > self.start_ms => {
                let gone = (now_ms - self.start_ms + every_ms - 1) / every_ms;
                self.start_ms + gone * every_ms
            }
            _ => self.start_ms,
        }
    }
}

fn parse_interval(interval: Option<&Value>, frequency: &str) -> Result<i64, Problem> {
    let Some(interval) = interval else {
        return Err(Problem::missing_field("scheduleParams.interval"));
    };
    let Some(interval) = integer(interval) else {
        return Err(common::wrong_type("scheduleParams.interval", "an integer"));
    };
    let minimum = if frequency == "minute" { 15 } else { 1 };
    // The upper bound keeps the arithmetic in range. Nobody runs a flow every thousand years.
    if !(minimum..=50_000).contains(&interval) {
        let message =
            format!("Interval {interval} is below the minimum {minimum} of frequency {frequency}.");
        return Err(Problem::flow(1362, 400, message));
    }
    Ok(interval)
}

/// A whole number, plain or in a string.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn boolean(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_has_its_number() {
        for (params, wanted) in [
            (json!({}), 1317),
            (json!({"frequency": "once"}), 1304),
            (json!({"startTime": "soon", "frequency": "once"}), 1340),
            (json!({"startTime": "2000"}), 1304),
            (json!({"startTime": "2000", "frequency": "monthly"}), 1397),
            (json!({"startTime": "999", "frequency": "once"}), 1360),
            (
                json!({"startTime": "2000", "frequency": "once", "interval": "1"}),
                1361,
            ),
            (
                json!({"startTime": "2000", "frequency": "once", "backfill": "true"}),
                1364,
            ),
            (json!({"startTime": "2000", "frequency": "hour"}), 1304),
            (
                json!({"startTime": "2000", "frequency": "hour", "interval": 0}),
                1362,
            ),
            (
                json!({"startTime": "2000", "frequency": "minute", "interval": 14}),
                1362,
            ),
            (
                json!({"startTime": "2000", "frequency": "hour", "interval": "x"}),
                1312,
            ),
            (
                json!({"startTime": "2000", "frequency": "hour", "interval": 1, "backfill": 3}),
                1312,
            ),
        ] {
            let problem = Schedule::parse_new(&params, 1_000_000).unwrap_err();
            assert!(
                matches!(problem, Problem::Flow { number, .. } if number == wanted),
                "{params}: {problem}"
            );
        }
    }

    #[test]
    fn strings_and_numbers_mean_the_same() {
        let strings = json!({"startTime": "2000", "frequency": "minute", "interval": "15", "backfill": "false"});
        let plain =
            json!({"startTime": 2000, "frequency": "minute", "interval": 15, "backfill": false});
        let schedule = Schedule::parse_new(&strings, 0).unwrap();
        assert_eq!(Schedule::parse_new(&plain, 0), Ok(schedule));
        assert_eq!(
            schedule,
            Schedule {
                start_ms: 2_000_000,
                every_ms: Some(900_000),
                backfill: false
            }
        );
    }

    #[test]
    fn the_next_run_is_on_the_grid() {
        let schedule = Schedule {
            start_ms: 1000,
            every_ms: Some(100),
            backfill: true,
        };
        for (now_ms, expected) in [(0, 1000), (1000, 1000), (1001, 1100), (1100, 1100)] {
            assert_eq!(schedule.next_from(now_ms), expected);
        }
    }
}

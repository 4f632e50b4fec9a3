//! Runs of flows: what came, what went, what failed.
//!
//! Source: "Monitor dataflows using the Flow Service API", alert rules and notifications pages,
//! Flow Service API reference, read 2026-11.

use serde_json::Value;

use super::flow_service::Entity;
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{Etag, FlowId, FlowRunId};
use crate::kind::EntityKind;
use crate::response::UnreadableResponse;
use crate::text::{MAX_DETAIL_BYTES, clean};

/// The status of a run. The platform spells the words in several ways; see [`RunStatus::is_final`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    /// Planned or waiting.
    Scheduled,
    /// Running.
    InProgress,
    /// Done. Some records may have failed all the same.
    Success,
    /// Done in part.
    PartialSuccess,
    /// Not done.
    Failed,
    /// An undocumented word, or none.
    Other(String),
}

impl RunStatus {
    /// Whatever the case, with or without `_`.
    pub(crate) fn read(text: &str) -> Self {
        let plain: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match plain.as_str() {
            "scheduled" | "queued" => Self::Scheduled,
            "inprogress" => Self::InProgress,
            "success" | "completed" => Self::Success,
            "partialsuccess" => Self::PartialSuccess,
            "failed" | "partialfailure" => Self::Failed,
            _ => Self::Other(clean(text, 64)),
        }
    }

    /// Whether the run will not change any more. An unknown word may.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Success | Self::PartialSuccess | Self::Failed => true,
            Self::Scheduled | Self::InProgress | Self::Other(_) => false,
        }
    }
}

/// One error of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// Such as `CONNECTOR-2001-500`.
    pub code: Option<String>,
    /// In the platform's words, cleaned, at most 512 bytes.
    pub message: String,
}

/// A run as Flow Service shows it. Counters that are unknown are absent.
#[derive(Debug, Clone)]
pub struct FlowRun {
    /// Its id.
    pub id: FlowRunId,
    /// The flow that it is a run of.
    pub flow_id: Option<FlowId>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version.
    pub etag: Option<Etag>,
    /// Its status.
    pub status: RunStatus,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: Option<i64>,
    /// When it ended, in milliseconds since 1970.
    pub completed_at_ms: Option<i64>,
    /// Records read.
    pub input_records: Option<i64>,
    /// Records written.
    pub output_records: Option<i64>,
    /// Records that failed, also in a run that succeeded.
    pub failed_records: Option<i64>,
    /// Records left out.
    pub skipped_records: Option<i64>,
    /// Bytes read.
    pub input_bytes: Option<i64>,
    /// Bytes written.
    pub output_bytes: Option<i64>,
    /// The end of the window of changes that it loaded, in milliseconds since 1970.
    pub window_end_ms: Option<i64>,
    /// The run's errors, then those of its activities.
    pub errors: Vec<RunError>,
    /// The whole entity.
    pub raw: Raw,
}

/// A value below this can't be milliseconds: an old notification has seconds.
const LEAST_MILLISECONDS: i64 = 100_000_000_000;

fn millis(value: &Value, pointer: &str) -> Option<i64> {
    let time = fields::time_ms(value, pointer)?;
    Some(if time < LEAST_MILLISECONDS {
        time * 1000
    } else {
        time
    })
}

fn counter(value: &Value, pointer: &str) -> Option<i64> {
    // -1 means unknown.
    fields::integer(value, pointer).filter(|count| *count >= 0)
}

fn read_errors(list: &[Value], errors: &mut Vec<RunError>) {
    for error in list {
        let read = RunError {
            code: fields::text(error, "/code").map(|code| clean(&code, 64)),
            message: clean(
                &fields::text(error, "/message").unwrap_or_default(),
                MAX_DETAIL_BYTES,
            ),
        };
        if !errors.contains(&read) {
            errors.push(read);
        }
    }
}

impl Entity for FlowRun {
    const KIND: EntityKind = EntityKind::FlowRun;
    const COLLECTION: &'static str = "/runs";
    const ONE: &'static str = "/runs/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        let metrics = value.get("metrics").unwrap_or(&Value::Null);
        let mut errors = Vec::new();
        read_errors(fields::list(metrics, "/statusSummary/errors"), &mut errors);
        let mut window_end_ms = None;
        // The reference misspells the list.
        for list in ["/activities", "/activites"] {
            for activity in fields::list(&value, list) {
                for errors_of in [
                    "/statusSummary/errors",
                    "/statusSummary/extensions/errors",
                    "/recordSummary/failedInfo",
                ] {
                    read_errors(fields::list(activity, errors_of), &mut errors);
                }
                window_end_ms = window_end_ms
                    .or_else(|| millis(activity, "/durationSummary/extensions/windowEnd"));
            }
        }
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            flow_id: fields::id(&value, "/flowId"),
            created_at_ms: fields::time_ms(&value, "/createdAt"),
            etag: fields::etag(&value),
            status: RunStatus::read(
                &fields::text(metrics, "/statusSummary/status").unwrap_or_default(),
            ),
            started_at_ms: millis(metrics, "/durationSummary/startedAtUTC"),
            completed_at_ms: millis(metrics, "/durationSummary/completedAtUTC"),
            input_records: counter(metrics, "/recordSummary/inputRecordCount"),
            output_records: counter(metrics, "/recordSummary/outputRecordCount"),
            failed_records: counter(metrics, "/recordSummary/failedRecordCount"),
            skipped_records: counter(metrics, "/recordSummary/skippedRecordCount"),
            input_bytes: counter(metrics, "/sizeSummary/inputBytes"),
            output_bytes: counter(metrics, "/sizeSummary/outputBytes"),
            window_end_ms,
            errors,
            raw: Raw::new(value),
        })
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    /// A run has no name, so this is its id.
    fn name(&self) -> &str {
        self.id.as_str()
    }
}

impl Sandbox {
    /// The newest runs of a flow, newest first, at most `max_runs`. The first run is in the list
    /// two to three minutes after the flow's start time.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn list_flow_runs(
        &self,
        flow_id: &FlowId,
        max_runs: usize,
    ) -> Result<Vec<FlowRun>, PlatformError> {
        let filters = [("flowId", flow_id.as_str())];
        let mut runs: Vec<FlowRun> = self
            .list_entities(&filters, Some("-createdAt"), max_runs)
            .await?;
        runs.retain(|run| run.flow_id.as_ref().is_none_or(|id| id == flow_id));
        runs.sort_by_key(|run| std::cmp::Reverse(run.created_at_ms));
        runs.truncate(max_runs);
        Ok(runs)
    }

    /// One run.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_flow_run(&self, id: &FlowRunId) -> Result<FlowRun, PlatformError> {
        self.get_entity(id.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_run_is_read_whole() {
        let run = FlowRun::read(json!({
            "id": "9830305a-985f-47d0-b030-5a985fd7d004", "flowId": "c9cef9cb",
            "createdAt": 1_596_656_079_576_i64, "etag": "\"b8003af1\"",
            "metrics": {
                "durationSummary": {"startedAtUTC": 1_596_656_058_198_i64, "completedAtUTC": 1_596_656_113},
                "sizeSummary": {"inputBytes": 24012, "outputBytes": 17128},
                "recordSummary": {"inputRecordCount": 100, "outputRecordCount": 99,
                                  "failedRecordCount": 1, "skippedRecordCount": -1},
                "statusSummary": {"status": "success",
                    "errors": [{"code": "CONNECTOR-2001-500", "message": "Error occurred at promotion activity."}]}},
            "activities": [
                {"durationSummary": {"extensions": {"windowEnd": 1_596_655_508_000_i64}}},
                {"statusSummary": {"extensions": {"errors": [
                    {"code": "MAPPER-3700-400", "recordCount": 1, "message": "Mapper Transform Error"}]}}}]
        }))
        .unwrap();
        assert_eq!(run.status, RunStatus::Success);
        assert_eq!(run.failed_records, Some(1));
        assert_eq!(run.skipped_records, None);
        assert_eq!(run.completed_at_ms, Some(1_596_656_113_000));
        assert_eq!(run.window_end_ms, Some(1_596_655_508_000));
        let codes: Vec<_> = run
            .errors
            .iter()
            .filter_map(|e| e.code.as_deref())
            .collect();
        assert_eq!(codes, ["CONNECTOR-2001-500", "MAPPER-3700-400"]);
    }

    #[test]
    fn a_run_that_just_began_has_almost_nothing() {
        let run = FlowRun::read(json!({"id": "r", "metrics": {"statusSummary": {"status": "inProgress"}}, "activities": []})).unwrap();
        assert_eq!(run.status, RunStatus::InProgress);
        assert_eq!(
            FlowRun::read(json!({"id": "r"})).unwrap().status,
            RunStatus::Other(String::new())
        );
    }

    #[test]
    fn statuses_are_read_in_any_spelling() {
        let cases = [
            ("IN_PROGRESS", RunStatus::InProgress, false),
            ("Failed", RunStatus::Failed, true),
            ("PARTIAL_SUCCESS", RunStatus::PartialSuccess, true),
            ("queued", RunStatus::Scheduled, false),
            ("paused", RunStatus::Other("paused".to_owned()), false),
        ];
        for (text, expected, is_final) in cases {
            let status = RunStatus::read(text);
            assert_eq!(status.is_final(), is_final, "{text}");
            assert_eq!(status, expected, "{text}");
        }
    }
}

//! What workers log: the last lines for a test that fails, and the warnings and errors that no
//! test expects.

use std::fmt;
use std::path::Path;

use serde_json::Value;

/// How many lines of a log, and how many requests to the platform, a test that fails shows.
pub const TAIL: usize = 20;

/// A line of WARN or ERROR that a worker may log: its target, and the beginning of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    target: String,
    message: String,
}

impl Expected {
    /// A line from `target` whose message begins like this.
    pub fn new(target: &str, message: &str) -> Self {
        Self {
            target: target.to_owned(),
            message: message.to_owned(),
        }
    }

    fn fits(&self, line: &Value) -> bool {
        let text = |field: &str| line[field].as_str().unwrap_or_default();
        text("target") == self.target && text("message").starts_with(&self.message)
    }
}

/// An attempt that failed, whatever its message is. One that fails for good reaches the caller, so
/// the test sees it anyway. A first one that is retried is expected where the platform refused a
/// request or lost a response; a test whose attempts are retried for another reason names it.
pub const FAILED_ATTEMPT: (&str, &str) = ("aep_flow::activities::failure", "");

/// The failure types of attempts that are retried.
const RETRIED: [&str; 2] = ["RateLimited", "Unavailable"];

/// The lines that any test may meet: target, and the beginning of the message. A test that
/// provokes another one names it by [`crate::World::expect`].
const EVERYWHERE: [(&str, &str); 8] = [
    // On a busy machine the server takes longer than a worker waits for it.
    (
        "aep_flow::activities::search_attributes",
        "the namespace's search attributes can't be listed",
    ),
    // The workflow ended, or the server's deadline passed, while a worker had a task of it.
    (
        "temporalio_sdk_core::worker::activities",
        "Activity not found on completion",
    ),
    (
        "temporalio_sdk_core::worker::workflow",
        "Task not found when completing",
    ),
    (
        "temporalio_sdk_core::worker::workflow",
        "Query not found when attempting to respond to it",
    ),
    // Two callers met, and one of two resources was deleted.
    ("aep_flow_ensure::drive", "a duplicate of ours"),
    // Where a worker is to panic or to die: no settings, and nobody misspelt them.
    (
        "aep_flow::cli::global",
        "no setting reads the variable `AEP_FLOW_PANIC_AT`",
    ),
    (
        "aep_flow::cli::global",
        "no setting reads the variable `AEP_FLOW_CRASH_AT`",
    ),
    ("aep_flow_ensure::crash", "dying, as AEP_FLOW_CRASH_AT asks"),
];

/// The server was away for a while.
pub const SERVER_AWAY: (&str, &str) = ("temporalio_client::retry", "gRPC call ");

/// Search attributes of the namespace are missing.
pub const MISSING_SEARCH_ATTRIBUTES: (&str, &str) = (
    "aep_flow::activities::search_attributes",
    "ingestions can't be listed by the search attributes that are not registered",
);

/// Whether a line is about an attempt that failed for good, which reaches the caller; or about one
/// that came after another. That one either has a line of its own, or its worker was killed, or
/// was too busy to report in time.
fn is_known_otherwise(line: &Value) -> bool {
    let failure = line["failure"].as_str();
    let is_final = failure.is_some_and(|kind| !RETRIED.contains(&kind));
    // A process puts the fields of its spans beside those of the line.
    let of_span = || line["span"]["attempt"].as_u64();
    let attempt = line["attempt"].as_u64().or_else(of_span);
    line["target"] == FAILED_ATTEMPT.0 && (is_final || attempt > Some(1))
}

/// The log of one worker.
#[derive(Debug)]
pub struct Log {
    name: String,
    lines: Vec<String>,
}

impl Log {
    /// Every log in a folder: the files `*.log`.
    pub fn all_in(folder: &Path) -> Vec<Self> {
        let mut logs: Vec<Self> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Self::read(&entry.path()))
            .collect();
        logs.sort_by(|one, other| one.name.cmp(&other.name));
        logs
    }

    fn read(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        if !name.ends_with(".log") {
            return None;
        }
        let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
        let lines = text.lines().map(str::to_owned).collect();
        Some(Self { name, lines })
    }

    /// Each line of WARN or ERROR that is expected neither everywhere nor here.
    pub fn unexpected<'a>(&'a self, here: &'a [Expected]) -> impl Iterator<Item = String> + 'a {
        self.lines.iter().filter_map(move |text| {
            // The last line may be half written.
            let line: Value = serde_json::from_str(text).ok()?;
            let level = line["level"].as_str()?;
            let is_expected = || {
                let everywhere = EVERYWHERE.map(|(target, message)| Expected::new(target, message));
                everywhere.iter().chain(here).any(|each| each.fits(&line))
            };
            let is_unexpected =
                matches!(level, "WARN" | "ERROR") && !is_known_otherwise(&line) && !is_expected();
            is_unexpected.then(|| format!("{}: {text}", self.name))
        })
    }
}

/// The last lines.
impl fmt::Display for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.lines.len().saturating_sub(TAIL);
        writeln!(
            formatter,
            "{}, the last {} of {} lines:",
            self.name,
            self.lines.len() - left_out,
            self.lines.len()
        )?;
        for line in &self.lines[left_out..] {
            writeln!(formatter, "  {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINES: &str = concat!(
        r#"{"level":"INFO","target":"aep_flow::worker","message":"polling"}"#,
        "\n",
        r#"{"level":"WARN","target":"aep_flow::worker","message":"no credentials: none"}"#,
        "\n",
        r#"{"level":"ERROR","target":"aep_flow::panics","message":"panicked"}"#,
        "\nnot JSON\n",
        r#"{"level":"ERROR","target":"#,
    );

    #[test]
    fn a_warning_that_nobody_expects_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("worker.log"), LINES).unwrap();
        std::fs::write(folder.path().join("worker.txt"), LINES).unwrap();
        let logs = Log::all_in(folder.path());
        assert_eq!(logs.len(), 1);
        let unexpected = |here: &[Expected]| logs[0].unexpected(here).count();
        assert_eq!(unexpected(&[]), 2);
        let warning = Expected::new("aep_flow::worker", "no credentials");
        assert_eq!(unexpected(std::slice::from_ref(&warning)), 1);
        let elsewhere = Expected::new("aep_flow", "panicked");
        assert_eq!(unexpected(&[warning.clone(), elsewhere]), 1);
        let panic = Expected::new("aep_flow::panics", "panicked");
        assert_eq!(unexpected(&[warning, panic]), 0);
    }

    #[test]
    fn of_failed_attempts_a_first_one_that_is_retried_counts() {
        let failed = |failure: &str, attempt: u64| {
            is_known_otherwise(
                &json!({"target": FAILED_ATTEMPT.0, "failure": failure, "attempt": attempt}),
            )
        };
        assert!(!failed("Unavailable", 1));
        assert!(failed("Unavailable", 2));
        assert!(failed("Conflict", 1));
        let of_thread = json!({"target": FAILED_ATTEMPT.0, "failure": "RateLimited",
                               "span": {"attempt": 2}});
        assert!(is_known_otherwise(&of_thread));
        let other = json!({"target": "aep_flow::panics", "failure": "Conflict", "attempt": 2});
        assert!(!is_known_otherwise(&other));
    }
}

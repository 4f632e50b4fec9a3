//! Shows the progress of an ingestion, table by table: in place on a terminal, else only changes.

use std::io::Write as _;

use aep_flow_proto::names::ResourceKind;
use aep_flow_proto::v1::{IngestStatus, OpenDecision};
use aep_flow_workflows::{
    decision::{self, Commands},
    urgency,
};

use super::out;
use super::snapshot::{Pending, Snapshot, status_word};

// A terminal shows no more; lines that scrolled off can't be overwritten.
const MAX_TABLES_SHOWN: usize = 15;
const MAX_ACTIVITIES_SHOWN: usize = 5;
const MAX_DECISIONS_SHOWN: usize = 5;

/// The lines that show the state of a workflow.
pub(super) fn lines(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = match &snapshot.ingest {
        Some(ingest) => of_ingest(ingest),
        None => vec![status_word(snapshot.status)],
    };
    if snapshot.waits_for_worker {
        lines.push(format!(
            "  no worker takes its tasks from the task queue `{}`: start one with `aep-flow worker`",
            snapshot.task_queue
        ));
    }
    let retried: Vec<&Pending> = snapshot
        .pending_activities
        .iter()
        .filter(|pending| pending.attempt > 1 || pending.last_failure.is_some())
        .collect();
    for pending in retried.iter().take(MAX_ACTIVITIES_SHOWN) {
        lines.push(format!("  {}", retry(pending)));
    }
    if let Some(more) = more(retried.len(), MAX_ACTIVITIES_SHOWN) {
        lines.push(format!("  … and {more} more steps being retried"));
    }
    lines.iter().map(|line| out::plain(line)).collect()
}

/// The lines that show what an ingestion reports.
pub(super) fn of_ingest(ingest: &IngestStatus) -> Vec<String> {
    let mut head = ingest.phase.clone();
    if ingest.tables_total > 0 {
        head.push_str(&format!(
            ": {} of {} tables done",
            ingest.tables_done, ingest.tables_total
        ));
    }
    if ingest.tables_failed > 0 {
        head.push_str(&format!(", {} failed", ingest.tables_failed));
    }
    let mut lines = vec![head];
    let shown = urgency::most_urgent(&ingest.tables, MAX_TABLES_SHOWN);
    let width = shown
        .iter()
        .map(|table| table.table.chars().count())
        .max()
        .unwrap_or_default()
        .min(40);
    for table in shown {
        let now = if table.error.is_empty() {
            table.running.join(", ")
        } else {
            table.error.clone()
        };
        lines.push(format!(
            "  {:<width$}  {}/{} {}{}{now}",
            table.table,
            table.done.len(),
            table.steps_total,
            table.phase,
            if now.is_empty() { "" } else { ": " },
        ));
    }
    if let Some(more) = more(ingest.tables.len(), MAX_TABLES_SHOWN) {
        lines.push(format!("  … and {more} more tables"));
    }
    lines.iter().map(|line| out::plain(line)).collect()
}

/// The lines that show what a person must decide, and how.
pub(super) fn decisions(workflow_id: &str, open: &[OpenDecision]) -> Vec<String> {
    let mut lines = Vec::new();
    for each in open.iter().take(MAX_DECISIONS_SHOWN) {
        let commands = Commands::of(workflow_id, each, open.len());
        lines.push(String::new());
        lines.push(format!("you must decide: {}", decision::sentence(each)));
        let message: String = each.message.chars().take(300).collect();
        lines.push(format!("  it said: {message}"));
        for candidate in &each.candidates {
            let kind = ResourceKind::shown_word(&candidate.kind);
            let id = &candidate.id;
            lines.push(format!("  on the platform there is the {kind} {id}"));
        }
        lines.push("  look on the platform; if it exists, adopt it by its id:".to_owned());
        lines.push(format!("    {}", commands.adopt));
        lines.push("  if it does not, search and create again:".to_owned());
        lines.push(format!("    {}", commands.retry));
        lines.push(format!(
            "  without a decision the step fails at {}",
            each.until
        ));
    }
    if let Some(more) = more(open.len(), MAX_DECISIONS_SHOWN) {
        lines.push(format!("… and {more} more decisions"));
    }
    lines.iter().map(|line| out::plain(line)).collect()
}

fn more(count: usize, shown: usize) -> Option<usize> {
    count.checked_sub(shown).filter(|more| *more > 0)
}

fn retry(pending: &Pending) -> String {
    let mut line = format!(
        "↻ {} {}, attempt {}",
        pending.activity, pending.state, pending.attempt
    );
    if let Some(next) = pending.next_try {
        // Whole seconds are enough, and keep a log of these lines short.
        let next = jiff::Timestamp::from_second(next.as_second()).unwrap_or(next);
        line.push_str(&format!(", next try at {next}"));
    }
    if let Some(failure) = &pending.last_failure {
        let kind = if failure.kind.is_empty() {
            String::new()
        } else {
            format!("{}: ", failure.kind)
        };
        let message: String = failure.message.chars().take(300).collect();
        line.push_str(&format!("; last failure: {kind}{message}"));
    }
    line
}

/// What has been shown so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    last: Vec<String>,
}

impl Progress {
    /// Shows `lines` on stderr in place of the previous ones; without a terminal, only new ones.
    pub(super) fn show(&mut self, lines: Vec<String>) {
        if lines == self.last {
            return;
        }
        let mut stderr = std::io::stderr().lock();
        let _ = if out::is_live() {
            stderr.write_all(over(&self.last, &lines).as_bytes())
        } else {
            lines
                .iter()
                .filter(|line| !self.last.contains(line))
                .try_for_each(|line| writeln!(stderr, "{line}"))
        };
        let _ = stderr.flush();
        self.last = lines;
    }

    /// Shows `lines` on stderr above everything that is shown from now on: they stay.
    pub(super) fn print_above(&mut self, lines: &[String]) {
        if out::is_live() {
            let _ = write!(std::io::stderr().lock(), "{}", over(&self.last, &[]));
            self.last.clear();
        }
        for line in lines {
            out::note(line);
        }
        out::note("");
    }
}

/// The text that makes a terminal show `lines` in place of `last`.
fn over(last: &[String], lines: &[String]) -> String {
    let mut text = String::new();
    if !last.is_empty() {
        // Back to the first old line, and clear from there.
        text.push_str(&format!("\u{1b}[{}F\u{1b}[0J", last.len()));
    }
    // A line that wraps would count as two.
    text.push_str("\u{1b}[?7l");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\u{1b}[?7h");
    text
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::LastFailure;
    use super::*;
    use aep_flow_proto::v1::TableStatus;

    fn snapshot() -> Snapshot {
        let table =
            |table: &str, phase: &str, done: usize, running: &[&str], error: &str| TableStatus {
                table: table.to_owned(),
                phase: phase.to_owned(),
                done: vec!["ExploreTable".to_owned(); done],
                running: running.iter().map(|&each| each.to_owned()).collect(),
                steps_total: 7,
                error: error.to_owned(),
                ..TableStatus::default()
            };
        Snapshot {
            ingest: Some(IngestStatus {
                phase: "ingesting".to_owned(),
                tables: vec![
                    table(
                        "Contacts",
                        "creating",
                        3,
                        &["EnsureDataset", "CreateMappingSet"],
                        "",
                    ),
                    table("Accounts", "done", 7, &[], ""),
                    table("X\u{1b}[2J", "failed", 1, &[], "NotFound: gone"),
                ],
                tables_done: 1,
                tables_failed: 1,
                tables_total: 3,
                ..IngestStatus::default()
            }),
            pending_activities: vec![
                Pending {
                    activity: "EnsureDataset".to_owned(),
                    state: "waiting",
                    attempt: 3,
                    last_failure: Some(LastFailure {
                        kind: "Unavailable".to_owned(),
                        message: "HTTP 503".to_owned(),
                    }),
                    next_try: Some("2026-11-24T12:00:03.5Z".parse().unwrap()),
                },
                Pending {
                    activity: "CreateMappingSet".to_owned(),
                    state: "running",
                    attempt: 1,
                    last_failure: None,
                    next_try: None,
                },
            ],
            ..Snapshot::running(None)
        }
    }

    #[test]
    fn one_line_per_table_and_per_retry() {
        assert_eq!(
            lines(&snapshot()),
            [
                "ingesting: 1 of 3 tables done, 1 failed",
                "  Contacts  3/7 creating: EnsureDataset, CreateMappingSet",
                "  Accounts  7/7 done",
                "  X [2J     1/7 failed: NotFound: gone",
                "  ↻ EnsureDataset waiting, attempt 3, next try at 2026-11-24T12:00:03Z; \
                 last failure: Unavailable: HTTP 503",
            ]
        );
    }

    #[test]
    fn a_decision_comes_with_its_commands() {
        let open = OpenDecision {
            table: "Contacts".to_owned(),
            step: "CreateDataflow".to_owned(),
            kind: "dataflow".to_owned(),
            name: "OSC - Contacts".to_owned(),
            message: "out of time\u{1b}[2J".to_owned(),
            since: "2026-11-24T12:00:03Z".to_owned(),
            until: "2026-12-01T12:00:03Z".to_owned(),
            ..OpenDecision::default()
        };
        assert_eq!(
            decisions("ingest/prod/OSC", std::slice::from_ref(&open)),
            [
                "",
                "you must decide: CreateDataflow for the table Contacts: it is unknown since \
                 2026-11-24T12:00:03Z whether the dataflow `OSC - Contacts` was created",
                "  it said: out of time [2J",
                "  look on the platform; if it exists, adopt it by its id:",
                "    aep-flow resolve ingest/prod/OSC --adopt ID",
                "  if it does not, search and create again:",
                "    aep-flow resolve ingest/prod/OSC --retry",
                "  without a decision the step fails at 2026-12-01T12:00:03Z",
            ]
        );
        let several = decisions("i", &vec![open; 7]);
        assert!(
            several.contains(
                &"    aep-flow resolve i --retry --table Contacts --step CreateDataflow".to_owned()
            ),
            "{several:?}"
        );
        assert!(
            several.last().unwrap().contains("and 2 more"),
            "{several:?}"
        );
    }

    #[test]
    fn without_a_worker_it_says_how_to_start_one() {
        let mut snapshot = snapshot();
        snapshot.ingest = None;
        snapshot.pending_activities.clear();
        snapshot.waits_for_worker = true;
        assert_eq!(
            lines(&snapshot),
            [
                "running",
                "  no worker takes its tasks from the task queue `aep-flow`: start one with \
                 `aep-flow worker`"
            ]
        );
    }

    #[test]
    fn many_tables_are_counted() {
        let mut snapshot = snapshot();
        if let Some(ingest) = &mut snapshot.ingest {
            ingest.tables = vec![ingest.tables[0].clone(); 20];
        }
        let lines = lines(&snapshot);
        assert!(
            lines.contains(&"  … and 5 more tables".to_owned()),
            "{lines:?}"
        );
    }

    #[test]
    fn new_lines_are_written_over_old_ones() {
        let old = ["a".to_owned(), "b".to_owned()];
        let new = ["c".to_owned()];
        assert_eq!(over(&[], &new), "\u{1b}[?7lc\n\u{1b}[?7h");
        assert_eq!(
            over(&old, &new),
            "\u{1b}[2F\u{1b}[0J\u{1b}[?7lc\n\u{1b}[?7h"
        );
    }
}

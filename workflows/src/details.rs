//! The workflow's current details, which the Temporal UI shows as Markdown.

use std::fmt::Write as _;

use aep_flow_proto::{
    names::ResourceKind,
    v1::{FailingStep, IngestStatus, OpenDecision},
};

use crate::{
    decision::{self, Commands},
    urgency,
};

/// More lines than a person reads; the rest is counted.
const MAX_LINES: usize = 50;
const MAX_DECISIONS: usize = 10;
const MAX_WARNINGS: usize = 5;

/// The details of the workflow `workflow_id`. `hint` comes below its open decisions.
pub(crate) fn render(status: &IngestStatus, workflow_id: &str, hint: Option<&str>) -> String {
    let mut text = format!("**{}**", status.phase);
    if status.tables_total > 0 {
        let _ = write!(
            text,
            ": {} of {} tables done",
            status.tables_done, status.tables_total
        );
    }
    if status.tables_failed > 0 {
        let _ = write!(text, ", {} failed", status.tables_failed);
    }
    text.push('\n');
    if !status.base_connection_id.is_empty() {
        let _ = writeln!(text, "\nBase connection `{}`", status.base_connection_id);
    }
    for warning in status.warnings.iter().take(MAX_WARNINGS) {
        let _ = writeln!(text, "\n**Warning.** {}", line(warning, 500));
    }
    for step in failing(status, "") {
        let _ = writeln!(text, "\n{}", line(&retrying(step), 500));
    }
    if !status.decisions.is_empty() {
        decisions(&mut text, &status.decisions, workflow_id, hint);
    }
    if !status.tables.is_empty() {
        text.push_str("\n| table | phase | steps | now |\n|---|---|---|---|\n");
    }
    for table in urgency::most_urgent(&status.tables, MAX_LINES) {
        let now = if table.error.is_empty() {
            let failing: Vec<&FailingStep> = failing(status, &table.table).collect();
            // A failing step appears once, with its retry.
            let running = table.running.iter();
            let running =
                running.filter(|running| failing.iter().all(|each| each.step != **running));
            let lines: Vec<String> = running
                .cloned()
                .chain(failing.iter().map(|step| retrying(step)))
                .collect();
            cell(&lines.join(", "), 500)
        } else {
            cell(&table.error, 200)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} of {} | {now} |",
            cell(&table.table, 200),
            table.phase,
            table.done.len(),
            table.steps_total,
        );
    }
    if let Some(more) = status
        .tables
        .len()
        .checked_sub(MAX_LINES)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(text, "\n… and {more} more tables");
    }
    text
}

fn decisions(text: &mut String, open: &[OpenDecision], workflow_id: &str, hint: Option<&str>) {
    for decision in open.iter().take(MAX_DECISIONS) {
        let commands = Commands::of(workflow_id, decision, open.len());
        let _ = write!(
            text,
            "\n**A person must decide.** {}. The last attempt said: {}\n\n",
            line(&decision::sentence(decision), 500),
            line(&decision.message, 500),
        );
        for candidate in &decision.candidates {
            let _ = writeln!(
                text,
                "The {} `{}` exists on the platform.\n",
                line(ResourceKind::shown_word(&candidate.kind), 50),
                line(&candidate.id, 300),
            );
        }
        let _ = write!(
            text,
            "Look on the platform. If the resource exists, adopt it by its id:\n\n    {}\n\n\
             If it does not exist, retry:\n\n    {}\n\n\
             Without a decision the step fails with OutcomeUnknown at {}.\n",
            line(&commands.adopt, 2_000),
            line(&commands.retry, 2_000),
            decision.until,
        );
    }
    if let Some(more) = open
        .len()
        .checked_sub(MAX_DECISIONS)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(text, "\n… and {more} more decisions");
    }
    if let Some(hint) = hint {
        let _ = write!(text, "\n{hint}");
    }
}

/// A text that stays on its line.
fn line(text: &str, longest: usize) -> String {
    text.chars()
        .take(longest)
        .map(|each| if each.is_control() { ' ' } else { each })
        .collect()
}

fn failing<'a>(status: &'a IngestStatus, table: &'a str) -> impl Iterator<Item = &'a FailingStep> {
    status
        .failing
        .iter()
        .filter(move |step| step.table == table)
}

/// The retry of a step: which attempt failed, with which type, since when, and when the next one
/// is due.
fn retrying(step: &FailingStep) -> String {
    let mut text = step.step.clone();
    if step.attempt > 0 {
        let _ = write!(text, " (attempt {})", step.attempt);
    }
    let _ = write!(text, " fails as {} since {}", step.r#type, step.since);
    if !step.next_try.is_empty() {
        let _ = write!(text, ", next try {}", step.next_try);
        if !step.next_try_reason.is_empty() {
            let _ = write!(text, ": {}", step.next_try_reason);
        }
    }
    text
}

/// A text that cannot break out of its cell.
fn cell(text: &str, longest: usize) -> String {
    line(text, longest)
        .replace('\\', "\\\\")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress;

    #[test]
    fn one_line_per_table() {
        let mut status = progress::waiting(["Contacts".to_owned(), "a|b\n".to_owned()].into_iter());
        status.phase = "ingesting".to_owned();
        status.base_connection_id = "4267c2ab".to_owned();
        progress::start_step(&mut status, 0, "ExploreTable");
        progress::end_step(&mut status, 0, "ExploreTable", true);
        progress::start_step(&mut status, 0, "EnsureSchema");
        progress::fail_table(&mut status, 1, "NotFound: gone");
        assert_eq!(
            render(&status, "i", None),
            "**ingesting**: 0 of 2 tables done, 1 failed\n\nBase connection `4267c2ab`\n\n\
             | table | phase | steps | now |\n|---|---|---|---|\n\
             | Contacts | waiting | 1 of 7 | EnsureSchema |\n\
             | a\\|b  | failed | 0 of 7 | NotFound: gone |\n"
        );
    }

    #[test]
    fn a_retry_is_on_its_tables_line() {
        let mut status =
            progress::waiting(["Contacts".to_owned(), "Accounts".to_owned()].into_iter());
        for step in ["EnsureDataset", "CreateMappingSet"] {
            progress::start_step(&mut status, 0, step);
        }
        let fails = |table: &str, step: &str| FailingStep {
            step: step.to_owned(),
            table: table.to_owned(),
            attempt: 3,
            r#type: "RateLimited".to_owned(),
            since: "2026-11-24T12:00:03Z".to_owned(),
            next_try: "2026-11-24T12:00:15Z".to_owned(),
            next_try_reason: "Retry-After".to_owned(),
        };
        status.failing = vec![
            fails("", "CreateOracleServiceCloudBaseConnection"),
            fails("Contacts", "EnsureDataset"),
        ];
        assert_eq!(
            render(&status, "i", None),
            "**connecting**: 0 of 2 tables done\n\n\
             CreateOracleServiceCloudBaseConnection (attempt 3) fails as RateLimited since \
             2026-11-24T12:00:03Z, next try 2026-11-24T12:00:15Z: Retry-After\n\n\
             | table | phase | steps | now |\n|---|---|---|---|\n\
             | Contacts | waiting | 0 of 7 | CreateMappingSet, EnsureDataset (attempt 3) fails as \
             RateLimited since 2026-11-24T12:00:03Z, next try 2026-11-24T12:00:15Z: Retry-After |\n\
             | Accounts | waiting | 0 of 7 |  |\n"
        );
    }

    #[test]
    fn an_open_decision_comes_with_its_commands() {
        let mut status = progress::waiting(std::iter::empty());
        status.phase = "needs decision".to_owned();
        status.decisions = vec![OpenDecision {
            step: "CreateOracleServiceCloudBaseConnection".to_owned(),
            kind: "base connection".to_owned(),
            name: "OSC".to_owned(),
            message: "out of time\nand so on".to_owned(),
            since: "2026-11-24T12:00:03Z".to_owned(),
            until: "2026-12-01T12:00:03Z".to_owned(),
            ..OpenDecision::default()
        }];
        assert_eq!(
            render(&status, "ingest/prod/OSC 1", Some("A hint.\n")),
            "**needs decision**\n\n\
             **A person must decide.** CreateOracleServiceCloudBaseConnection: it is unknown since \
             2026-11-24T12:00:03Z whether the base connection `OSC` was created. The last attempt \
             said: out of time and so on\n\n\
             Look on the platform. If the resource exists, adopt it by its id:\n\n    \
             aep-flow resolve 'ingest/prod/OSC 1' --adopt ID\n\n\
             If it does not exist, retry:\n\n    \
             aep-flow resolve 'ingest/prod/OSC 1' --retry\n\n\
             Without a decision the step fails with OutcomeUnknown at 2026-12-01T12:00:03Z.\n\n\
             A hint.\n"
        );
        status.decisions = vec![status.decisions[0].clone(); 12];
        let text = render(&status, "i", None);
        assert!(text.ends_with("\n… and 2 more decisions\n"), "{text}");
    }
}

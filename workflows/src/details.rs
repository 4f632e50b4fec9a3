//! The workflow's current details: what the Temporal UI shows of an ingestion, in Markdown.

use std::fmt::Write as _;

use aep_flow_proto::v1::IngestStatus;

/// More lines than a person reads; the rest is counted.
const MAX_LINES: usize = 50;

pub(crate) fn render(status: &IngestStatus) -> String {
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
    if !status.tables.is_empty() {
        text.push_str("\n| table | phase | steps | now |\n|---|---|---|---|\n");
    }
    for table in status.tables.iter().take(MAX_LINES) {
        let now = if table.error.is_empty() {
            table.running.join(", ")
        } else {
            cell(&table.error)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} of {} | {now} |",
            cell(&table.table),
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

/// A text that cannot break out of its cell.
fn cell(text: &str) -> String {
    let line: String = text
        .chars()
        .take(200)
        .map(|each| if each.is_control() { ' ' } else { each })
        .collect();
    line.replace('\\', "\\\\").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress;

    #[test]
    fn one_line_per_table() {
        let mut status = progress::begin(["Contacts".to_owned(), "a|b\n".to_owned()].into_iter());
        status.phase = "ingesting".to_owned();
        status.base_connection_id = "4267c2ab".to_owned();
        progress::step_started(&mut status, 0, "ExploreTable");
        progress::step_ended(&mut status, 0, "ExploreTable", true);
        progress::step_started(&mut status, 0, "EnsureSchema");
        progress::table_failed(&mut status, 1, "NotFound: gone");
        assert_eq!(
            render(&status),
            "**ingesting**: 0 of 2 tables done, 1 failed\n\nBase connection `4267c2ab`\n\n\
             | table | phase | steps | now |\n|---|---|---|---|\n\
             | Contacts | waiting | 1 of 7 | EnsureSchema |\n\
             | a\\|b  | failed | 0 of 7 | NotFound: gone |\n"
        );
    }
}

//! Which tables are shown when there is no room for all.

use aep_flow_proto::{names::TablePhase, v1::TableStatus};

/// At most `most` tables, in their order: first those that need a person, then those that are
/// being worked on, then those that wait or are done.
pub fn most_urgent(tables: &[TableStatus], most: usize) -> Vec<&TableStatus> {
    if tables.len() <= most {
        return tables.iter().collect();
    }
    let mut by_rank: Vec<usize> = (0..tables.len()).collect();
    by_rank.sort_by_key(|index| rank(&tables[*index]));
    by_rank.truncate(most);
    by_rank.sort_unstable();
    by_rank.into_iter().map(|index| &tables[index]).collect()
}

fn rank(table: &TableStatus) -> u8 {
    match TablePhase::parse(&table.phase) {
        Some(TablePhase::NeedsDecision) => 0,
        Some(TablePhase::Failed) => 1,
        Some(
            TablePhase::Exploring | TablePhase::Creating | TablePhase::WaitingForFirstRun,
        )
        // A newer worker's word.
        | None => 2,
        Some(TablePhase::Waiting) => 3,
        Some(TablePhase::Done) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_person_is_shown_first() {
        let phases = [
            "done",
            "waiting",
            "creating",
            "failed",
            "needs decision",
            "exploring",
        ];
        let tables: Vec<TableStatus> = phases
            .iter()
            .map(|phase| TableStatus {
                phase: (*phase).to_owned(),
                ..TableStatus::default()
            })
            .collect();
        let shown = |most| -> Vec<&str> {
            let tables = most_urgent(&tables, most).into_iter();
            tables.map(|table| table.phase.as_str()).collect()
        };
        assert_eq!(shown(6), phases);
        assert_eq!(shown(2), ["failed", "needs decision"]);
        let some = ["creating", "failed", "needs decision", "exploring"];
        assert_eq!(shown(4), some);
        assert_eq!(shown(5)[0], "waiting");
    }
}

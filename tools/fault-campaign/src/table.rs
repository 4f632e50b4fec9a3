//! The figures of a campaign, by fault.

use std::{collections::BTreeMap, fmt};

use crate::{
    oracle::{Counts, Verdict},
    scenario::Fault,
    sim::Rare,
};

/// The figures of one fault, or of all.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Runs.
    pub runs: u64,
    /// What is counted of them.
    pub counts: Counts,
}

impl Figures {
    /// Whether anything is as it must not be.
    pub fn is_bad(&self) -> bool {
        self.counts.is_bad()
    }

    fn add(&mut self, verdict: &Verdict) {
        self.runs += 1;
        self.counts.add(&verdict.counts);
    }
}

/// All figures of a campaign.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Figures>,
    /// Of all rows together.
    pub all: Figures,
    /// What was rare.
    pub rare: Rare,
}

impl Table {
    /// Counts one run in.
    pub fn count(&mut self, fault: Fault, verdict: &Verdict) {
        self.count_as(label(fault), verdict);
    }

    /// Counts one run in under a label.
    pub fn count_as(&mut self, label: String, verdict: &Verdict) {
        self.rows.entry(label).or_default().add(verdict);
        self.all.add(verdict);
        self.rare += verdict.rare;
    }

    /// What should have come up, and never did.
    pub fn never_seen(&self) -> Vec<&'static str> {
        let rare = rarities(&self.rare);
        let mut never: Vec<_> = rare.iter().filter(|(_, seen)| *seen == 0).collect();
        never.sort();
        never.into_iter().map(|(name, _)| *name).collect()
    }
}

/// The figures as a table of what the end of a worker left.
pub fn matrix(table: &Table) -> String {
    let mut text = format!(
        "{:<28} {:>6} {:>14} {:>14}\n",
        "point", "runs", "one resource", "right answer"
    );
    for (label, row) in &table.rows {
        let one = row
            .runs
            .saturating_sub(row.counts.duplicates + row.counts.lost + row.counts.stuck);
        let right = row.runs.saturating_sub(row.counts.wrong + row.counts.stuck);
        text.push_str(&format!(
            "{label:<28} {:>6} {one:>14} {right:>14}\n",
            row.runs
        ));
    }
    text
}

/// The fault's name on the command line.
pub fn label(fault: Fault) -> String {
    let value = clap::ValueEnum::to_possible_value(&fault);
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn rarities(rare: &Rare) -> [(&'static str, u64); 13] {
    [
        ("creates whose effect was not known", rare.ambiguous),
        (
            "own create adopted after a lost answer",
            rare.adopted_after_lost,
        ),
        (
            "duplicate deleted while two existed",
            rare.duplicates_deleted,
        ),
        (
            "late effect after another caller's answer",
            rare.late_after_answer,
        ),
        ("ghosts shown by a list", rare.ghosts),
        ("mismatches told", rare.mismatches),
        ("creates of attempts given up", rare.zombie_creates),
        ("creates refused for a taken name", rare.names_taken),
        ("callers told to decide", rare.undecided),
        ("workers lost", rare.deaths),
        (
            "creates left open by a caller that vanished",
            rare.left_open,
        ),
        ("callers that knew of such a create", rare.warned),
        ("duplicates deleted for such a caller", rare.settled),
    ]
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:<24} {:>8} {:>10} {:>6} {:>6} {:>6} {:>9} {:>6}",
            "fault", "runs", "duplicates", "lost", "wrong", "stuck", "undecided", "kept"
        )?;
        let rows = self.rows.iter().map(|(label, row)| (label.as_str(), row));
        for (label, row) in rows.chain([("all", &self.all)]) {
            writeln!(
                out,
                "{label:<24} {:>8} {:>10} {:>6} {:>6} {:>6} {:>9} {:>6}",
                row.runs,
                row.counts.duplicates,
                row.counts.lost,
                row.counts.wrong,
                row.counts.stuck,
                row.counts.undecided,
                row.counts.kept
            )?;
        }
        if self.rare
            == (Rare {
                deaths: self.rare.deaths,
                ..Rare::default()
            })
        {
            // Only the simulation sees the others.
            return Ok(());
        }
        writeln!(out)?;
        for (name, seen) in rarities(&self.rare) {
            writeln!(out, "{seen:>8}  {name}")?;
        }
        Ok(())
    }
}

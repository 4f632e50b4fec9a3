//! The fault dial: rules that match requests and say what goes wrong with them.
//!
//! A rule sees the method, the route's template and the number of the request. It sees nothing of
//! the state. Rules are tried in order, and the first one that applies wins. `shell.rs` carries out
//! what it says.

mod action;
mod answer;
mod error;
mod rule;
mod text;

use serde::Serialize;

pub use action::{Action, CreatedForm, CutAt, LateReply, ResetAt};
pub use answer::{CannedAnswer, NamedAnswer, RetryAfter};
pub use error::RuleError;
pub use rule::{Rule, When};
pub use text::{RulesError, read_rules};

/// A rule in the dial, with its counts so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRule {
    /// The number that the dial assigned.
    pub id: u64,
    /// How many requests matched its method and route.
    pub seen: u64,
    /// How many of them it decided.
    pub played: u64,
    /// The rule.
    pub rule: Rule,
}

/// The active rules.
#[derive(Debug, Default)]
pub(crate) struct Dial {
    rules: Vec<ActiveRule>,
    last_id: u64,
}

impl Dial {
    /// A dial with these rules.
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let mut dial = Self::default();
        for rule in rules {
            dial.add(rule);
        }
        dial
    }

    /// Adds a rule after the others and returns its number.
    pub(crate) fn add(&mut self, rule: Rule) -> u64 {
        self.last_id += 1;
        self.rules.push(ActiveRule {
            id: self.last_id,
            seen: 0,
            played: 0,
            rule,
        });
        self.last_id
    }

    /// Removes a rule. Returns false if no rule has this number.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|active| active.id != id);
        self.rules.len() < before
    }

    /// Removes all rules.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules, in order.
    pub(crate) fn rules(&self) -> Vec<ActiveRule> {
        self.rules.clone()
    }

    /// The longest list lag of any rule.
    pub(crate) fn longest_lag_ms(&self) -> u64 {
        let lags = self
            .rules
            .iter()
            .map(|active| match active.rule.action.last() {
                Action::ListLag { ms, .. } => *ms,
                _ => 0,
            });
        lags.max().unwrap_or(0)
    }

    /// Decides what happens to this request. Every rule that matches counts the request, even after
    /// another rule has decided. So the numbers in a rule count requests, not what other rules
    /// leave over.
    pub(crate) fn judge(&mut self, method: &str, template: &str) -> Action {
        let mut verdict = None;
        for active in &mut self.rules {
            if !active.rule.matches(method, template) {
                continue;
            }
            active.seen += 1;
            if verdict.is_none() && active.rule.when.includes(active.seen) {
                active.played += 1;
                verdict = Some(active.rule.action.clone());
            }
        }
        verdict.unwrap_or(Action::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTIONS: &str = "/data/foundation/flowservice/connections";

    #[test]
    fn a_rule_applies_to_the_numbers_it_names() {
        let mut dial = Dial::new(vec![
            Rule::new("POST", "/connections", Action::DropBeforeApply).nth([2]),
        ]);
        let verdicts: Vec<_> = (0..3)
            .map(|_| dial.judge("POST", CONNECTIONS).kind())
            .collect();
        assert_eq!(verdicts, ["pass", "dropBeforeApply", "pass"]);
        assert_eq!(dial.judge("GET", CONNECTIONS), Action::Pass);
        assert_eq!(dial.rules()[0].seen, 3);
        assert_eq!(dial.rules()[0].played, 1);
    }

    #[test]
    fn the_first_verdict_wins_and_all_rules_count() {
        let mut dial = Dial::new(vec![
            Rule::new("*", "*", Action::Pass).first(1),
            Rule::new("*", "*", Action::DropBeforeApply).nth([2]),
        ]);
        assert_eq!(dial.judge("GET", CONNECTIONS), Action::Pass);
        assert_eq!(dial.judge("GET", CONNECTIONS), Action::DropBeforeApply);
    }
}

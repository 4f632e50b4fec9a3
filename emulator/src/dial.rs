//! The fault dial: rules that see a request and say what goes wrong with it.
//!
//! A rule sees the method, the route's template and how many such requests it has seen; nothing of
//! the state. Rules are asked in their order and the first verdict wins. What a verdict does to the
//! connection and the state is in `shell.rs`.

mod action;
mod canned;
mod text;

use serde::{Deserialize, Serialize};

pub use action::{Action, CutAt, LateReply, ResetAt};
pub use canned::{CannedAnswer, NamedAnswer, RetryAfter};
pub use text::{RulesError, read_rules};

use crate::ids::mix;

/// A rule of the dial: for which requests, and what happens to them.
///
/// In JSON: `{"method": "POST", "route": "/connections", "nth": [1], "action": {"kind": "applyThenDrop"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleFields", into = "RuleFields")]
pub struct Rule {
    /// The HTTP method; `None` is every one.
    pub method: Option<String>,
    /// The route's template, whole (`/data/foundation/flowservice/connections/{id}`) or from the
    /// service's base path on (`/connections/{id}`). A `*` at the end stands for anything.
    pub route: String,
    /// Which of the requests that match.
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

impl Rule {
    /// A rule for every request of this method and route.
    pub fn new(method: &str, route: &str, action: Action) -> Self {
        let method = (method != "*").then(|| method.to_ascii_uppercase());
        Self {
            method,
            route: route.to_owned(),
            when: When::Always,
            action,
        }
    }

    /// The same rule, for the requests of these numbers only, counted from 1.
    pub fn nth(mut self, numbers: impl IntoIterator<Item = u64>) -> Self {
        self.when = When::Nth(numbers.into_iter().collect());
        self
    }

    /// The same rule, for the first `count` requests only.
    pub fn first(mut self, count: u64) -> Self {
        self.when = When::First(count);
        self
    }

    /// The same rule, for a share of the requests, drawn from the seed and the request's number.
    pub fn share(mut self, probability: f64, seed: u64) -> Self {
        self.when = When::Share { probability, seed };
        self
    }

    fn matches(&self, method: &str, template: &str) -> bool {
        let same_method = self
            .method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        same_method
            && [template, short_form(template)]
                .iter()
                .any(|form| route_matches(&self.route, form))
    }
}

/// Which of the requests that match a rule it is for.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All of them.
    Always,
    /// Those of these numbers, counted from 1.
    Nth(Vec<u64>),
    /// The first ones.
    First(u64),
    /// A share of them, the same ones for the same seed.
    Share {
        /// From 0 to 1.
        probability: f64,
        /// Where the draws come from.
        seed: u64,
    },
}

impl When {
    /// Whether the `number`th request is meant.
    fn includes(&self, number: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(numbers) => numbers.contains(&number),
            Self::First(count) => number <= *count,
            Self::Share { probability, seed } => {
                // 53 bits fill the mantissa of an f64, so the draw is even over [0, 1).
                let draw = mix(mix(*seed).wrapping_add(number)) >> 11;
                (draw as f64) / ((1_u64 << 53) as f64) < *probability
            }
        }
    }
}

/// Why a rule can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Two of `nth`, `count` and `probability` are given.
    #[error("a rule takes one of `nth`, `count` and `probability`")]
    SeveralConditions,
    /// `probability` without `seed` could not be played again.
    #[error("`probability` needs a `seed`")]
    SeedMissing,
    /// `seed` says nothing without `probability`.
    #[error("`seed` needs a `probability`")]
    ProbabilityMissing,
    /// A probability is from 0 to 1.
    #[error("`probability` must be from 0 to 1")]
    ProbabilityOutOfRange,
    /// An answer has no such status.
    #[error("status {0} is no HTTP status")]
    StatusOutOfRange(u16),
    /// An answer is of a status, or of a name that has one.
    #[error("an answer needs a `status` or a name, `as`")]
    StatusMissing,
    /// `as` is a body already.
    #[error("an answer takes one of `as`, `body` and `text`")]
    SeveralBodies,
    /// What was not read whole can't take effect.
    #[error("`applied` needs `at: afterBody`")]
    AppliedUnread,
    /// An answer of which nothing comes would never end.
    #[error("`bytes` must be at least 1")]
    NothingTrickles,
    /// Flow Service has two numbers for this.
    #[error("{0} is no refusal of a filter; 1448 and 1449 are")]
    NoFilterRefusal(u16),
}

/// A rule in the dial, with what it has seen so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRule {
    /// The number that the dial gave it.
    pub id: u64,
    /// How many requests had its method and route.
    pub seen: u64,
    /// How many of them it decided.
    pub played: u64,
    /// The rule.
    pub rule: Rule,
}

/// The rules in force.
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

    /// Takes a rule away; false if there is none of that number.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|active| active.id != id);
        self.rules.len() < before
    }

    /// Takes all rules away.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules in their order.
    pub(crate) fn rules(&self) -> Vec<ActiveRule> {
        self.rules.clone()
    }

    /// The longest time that a rule lets lists lag behind.
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

    /// What happens to this request. Every rule that matches counts it, also behind the one that
    /// decides, so that numbers mean requests and not leftovers.
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

/// A template without the base path of its service.
fn short_form(template: &str) -> &str {
    const BASES: [&str; 5] = [
        "/data/foundation/flowservice",
        "/data/foundation/schemaregistry",
        "/data/foundation/catalog",
        "/data/foundation/conversion",
        "/data/foundation/sandbox-management",
    ];
    BASES
        .iter()
        .find_map(|base| template.strip_prefix(base))
        .unwrap_or(template)
}

fn route_matches(pattern: &str, template: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => template.starts_with(start),
        None => template.trim_end_matches('/') == pattern.trim_end_matches('/'),
    }
}

/// A rule as JSON has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default = "any_route")]
    route: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    action: Action,
}

fn any_route() -> String {
    "*".to_owned()
}

impl TryFrom<RuleFields> for Rule {
    type Error = RuleError;

    fn try_from(fields: RuleFields) -> Result<Self, RuleError> {
        let when = match (fields.nth, fields.count, fields.probability, fields.seed) {
            (None, None, None, None) => When::Always,
            (Some(numbers), None, None, None) => When::Nth(numbers),
            (None, Some(count), None, None) => When::First(count),
            (None, None, Some(probability), Some(seed)) if (0.0..=1.0).contains(&probability) => {
                When::Share { probability, seed }
            }
            (None, None, Some(_), Some(_)) => return Err(RuleError::ProbabilityOutOfRange),
            (None, None, Some(_), None) => return Err(RuleError::SeedMissing),
            (_, _, None, Some(_)) => return Err(RuleError::ProbabilityMissing),
            _ => return Err(RuleError::SeveralConditions),
        };
        fields.action.check()?;
        let method = fields.method.filter(|method| method != "*");
        Ok(Self {
            method,
            route: fields.route,
            when,
            action: fields.action,
        })
    }
}

impl From<Rule> for RuleFields {
    fn from(rule: Rule) -> Self {
        let mut fields = Self {
            method: rule.method,
            route: rule.route,
            nth: None,
            count: None,
            probability: None,
            seed: None,
            action: rule.action,
        };
        match rule.when {
            When::Always => {}
            When::Nth(numbers) => fields.nth = Some(numbers),
            When::First(count) => fields.count = Some(count),
            When::Share { probability, seed } => {
                fields.probability = Some(probability);
                fields.seed = Some(seed);
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const CONNECTIONS: &str = "/data/foundation/flowservice/connections";

    fn parse(text: &str) -> Result<Rule, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_for_the_numbers_it_names() {
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

    #[test]
    fn a_share_is_the_same_for_the_same_seed() {
        let draws = |seed| -> Vec<bool> {
            (1..=1000)
                .map(|number| {
                    When::Share {
                        probability: 0.25,
                        seed,
                    }
                    .includes(number)
                })
                .collect()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let hits = draws(1).iter().filter(|hit| **hit).count();
        assert!((180..320).contains(&hits), "{hits} of 1000 at a quarter");
    }

    #[test]
    fn routes_match_whole_short_and_by_a_star() {
        for (pattern, template, expected) in [
            ("/connections", CONNECTIONS, true),
            (CONNECTIONS, CONNECTIONS, true),
            (
                "/connections",
                "/data/foundation/flowservice/connections/{id}",
                false,
            ),
            (
                "/connections*",
                "/data/foundation/flowservice/connections/{id}",
                true,
            ),
            (
                "/data/foundation/catalog*",
                "/data/foundation/catalog/dataSets",
                true,
            ),
            ("*", "/ims/token/v3", true),
            (
                "/connections",
                "/data/foundation/flowservice/sourceConnections",
                false,
            ),
        ] {
            let rule = Rule::new("*", pattern, Action::Pass);
            assert_eq!(
                rule.matches("GET", template),
                expected,
                "{pattern} against {template}"
            );
        }
    }

    #[test]
    fn json_reads_back_as_it_was_written() {
        for text in [
            r#"{"route":"*","action":{"kind":"pass"}}"#,
            r#"{"method":"POST","route":"/flows","nth":[1,3],"action":{"kind":"applyThenDrop","at":"body"}}"#,
            r#"{"route":"/flows","count":2,"action":{"kind":"refuse","status":503,"headers":{"Retry-After":"1"},"text":"busy"}}"#,
            r#"{"route":"/flows","probability":0.5,"seed":9,"action":{"kind":"delay","ms":5,"then":{"kind":"dropBeforeApply"}}}"#,
            r#"{"route":"/flows","action":{"kind":"lateCommit","afterMs":5,"reply":{"answer":{"status":504}}}}"#,
            r#"{"route":"/flows","action":{"kind":"lateCommit","afterMs":5,"reply":"drop"}}"#,
            r#"{"route":"/flows","action":{"kind":"applyThenAnswer","status":504}}"#,
            r#"{"route":"/flows","action":{"kind":"applyThenDelay","ms":5}}"#,
            r#"{"route":"/flows","action":{"kind":"dropBeforeRead"}}"#,
            r#"{"route":"/flows","action":{"kind":"reset","at":"afterBody","applied":true}}"#,
            r#"{"route":"/flows","action":{"kind":"refuse","status":429,"as":"rateLimited","retryAfter":12}}"#,
            r#"{"route":"/flows","action":{"kind":"refuse","status":503,"as":"adobe","retryAfter":{"dateIn":12}}}"#,
            r#"{"route":"/flows","action":{"kind":"truncate","bytes":3}}"#,
            r#"{"route":"/flows","action":{"kind":"trickle","bytes":3,"everyMs":5}}"#,
            r#"{"route":"/flows","action":{"kind":"pad","bytes":5000}}"#,
            r#"{"route":"/flows","action":{"kind":"listLag","ms":5000,"seed":7}}"#,
            r#"{"route":"/flows","action":{"kind":"listRefusesFilter","number":1448}}"#,
            r#"{"route":"/flows","action":{"kind":"moveEtag","bare":true}}"#,
        ] {
            let rule = parse(text).unwrap();
            let written = serde_json::to_value(&rule).unwrap();
            assert_eq!(
                written,
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_left_out_is_the_usual() {
        for (short, long) in [
            (
                r#"{"kind":"reset"}"#,
                r#"{"kind":"reset","at":"beforeBody","applied":false}"#,
            ),
            (
                r#"{"kind":"trickle"}"#,
                r#"{"kind":"trickle","bytes":1,"everyMs":1000}"#,
            ),
            (r#"{"kind":"pad"}"#, r#"{"kind":"pad","bytes":100000000}"#),
            (
                r#"{"kind":"listRefusesFilter"}"#,
                r#"{"kind":"listRefusesFilter","number":1449}"#,
            ),
            (
                r#"{"kind":"moveEtag"}"#,
                r#"{"kind":"moveEtag","bare":false}"#,
            ),
            (
                r#"{"kind":"refuse","as":"tokenInvalid"}"#,
                r#"{"kind":"refuse","as":"tokenInvalid","status":401}"#,
            ),
        ] {
            let read = |text| serde_json::from_str::<Action>(text).unwrap();
            assert_eq!(read(short), read(long), "{short}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, reason) in [
            (
                r#"{"nth":[1],"count":1,"action":{"kind":"pass"}}"#,
                "one of",
            ),
            (r#"{"probability":0.5,"action":{"kind":"pass"}}"#, "seed"),
            (
                r#"{"probability":1.5,"seed":1,"action":{"kind":"pass"}}"#,
                "from 0 to 1",
            ),
            (r#"{"seed":1,"action":{"kind":"pass"}}"#, "probability"),
            (r#"{"rout":"/x","action":{"kind":"pass"}}"#, "unknown field"),
            (r#"{"action":{"kind":"explode"}}"#, "unknown variant"),
            (
                r#"{"action":{"kind":"refuse","status":42}}"#,
                "no HTTP status",
            ),
            (r#"{"action":{"kind":"refuse","text":"x"}}"#, "`as`"),
            (
                r#"{"action":{"kind":"refuse","as":"page","text":"x"}}"#,
                "one of `as`",
            ),
            (
                r#"{"action":{"kind":"refuse","status":503,"txt":"x"}}"#,
                "unknown field",
            ),
            (
                r#"{"action":{"kind":"delay","ms":1,"then":{"kind":"reset","at":"duringBody","applied":true}}}"#,
                "afterBody",
            ),
            (r#"{"action":{"kind":"trickle","bytes":0}}"#, "at least 1"),
            (
                r#"{"action":{"kind":"listRefusesFilter","number":1}}"#,
                "1448",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

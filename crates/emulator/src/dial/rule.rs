//! A rule of the dial.

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::error::RuleError;
use crate::ids::mix;

/// A rule of the dial: which requests it matches, and what happens to them.
///
/// In JSON: `{"method": "POST", "route": "/connections", "nth": [1], "action": {"kind": "applyThenDrop"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleFields", into = "RuleFields")]
pub struct Rule {
    /// The HTTP method; `None` matches any.
    pub method: Option<String>,
    /// The route's template, complete (`/data/foundation/flowservice/connections/{id}`) or without
    /// the service's base path (`/connections/{id}`). A `*` at the end matches anything.
    pub route: String,
    /// Which of the matching requests it applies to.
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

impl Rule {
    /// A rule for every request with this method and route.
    pub fn new(method: &str, route: &str, action: Action) -> Self {
        let method = (method != "*").then(|| method.to_ascii_uppercase());
        Self {
            method,
            route: route.to_owned(),
            when: When::Always,
            action,
        }
    }

    /// The same rule, but only for the requests with these numbers, counted from 1.
    pub fn nth(mut self, numbers: impl IntoIterator<Item = u64>) -> Self {
        self.when = When::Nth(numbers.into_iter().collect());
        self
    }

    /// The same rule, but only for the first `count` requests.
    pub fn first(mut self, count: u64) -> Self {
        self.when = When::First(count);
        self
    }

    /// The same rule, but only for a share of the requests. The draw depends on the seed and the
    /// request's number.
    pub fn share(mut self, probability: f64, seed: u64) -> Self {
        self.when = When::Share { probability, seed };
        self
    }

    /// Whether it matches requests with this method and template.
    pub(super) fn matches(&self, method: &str, template: &str) -> bool {
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

/// Which of the matching requests a rule applies to.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All of them.
    Always,
    /// Those with these numbers, counted from 1.
    Nth(Vec<u64>),
    /// The first ones.
    First(u64),
    /// A share of them. The same seed selects the same requests.
    Share {
        /// The share, from 0 to 1.
        probability: f64,
        /// The seed of the draws.
        seed: u64,
    },
}

impl When {
    /// Whether the `number`th request is selected.
    pub(super) fn includes(&self, number: u64) -> bool {
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
    fn fields_that_are_left_out_have_defaults() {
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
    fn an_invalid_rule_is_refused() {
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
                "not an HTTP status",
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

//! The query of a list of datasets: filters, properties, order, limit and offset.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::json::{self, plain};
use crate::list_faults::{FilterFault, ListFaults};
use crate::problem::Problem;
use crate::store::Entity;

/// `limit` if the call gives none.
const DEFAULT_LIMIT: usize = 20;
/// The largest `limit`. A larger one is refused.
const LARGEST_LIMIT: usize = 100;

/// What a call asks for.
#[derive(Debug)]
pub(crate) struct Query {
    tests: Vec<(String, Test)>,
    properties: Option<Vec<String>>,
    order: Option<(String, bool)>,
    limit: usize,
    start: usize,
}

/// A condition on a property.
#[derive(Debug)]
enum Test {
    /// One of these patterns, in which `*` is anything.
    Like(Vec<String>),
    /// None of these patterns.
    Unlike(Vec<String>),
    /// Exactly this.
    Is(String),
    /// The property doesn't exist.
    Absent,
    /// The property exists.
    Present,
    /// The comparison with this value has one of these results.
    Compare(String, &'static [Ordering]),
}

impl Query {
    /// Parses a query. A parameter without a meaning of its own is a filter on the property of that
    /// name.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self {
            tests: Vec::new(),
            properties: None,
            order: None,
            limit: DEFAULT_LIMIT,
            start: 0,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "properties" => {
                    query.properties = Some(
                        value
                            .split(',')
                            .map(|name| name.trim().to_owned())
                            .collect(),
                    )
                }
                "limit" => query.limit = number(name, value, 1, LARGEST_LIMIT)?,
                "start" => query.start = number(name, value, 0, usize::MAX)?,
                "orderBy" => {
                    let (direction, field) = value.split_once(':').unwrap_or(("asc", value));
                    query.order = Some((field.to_owned(), direction == "desc"));
                }
                "property" => query.tests.push(property(value)?),
                "tags" => query.tests.extend(value.split(',').map(tag)),
                "requestDataSource" | "observableSchema" | "dataSourceId" => {}
                _ => query.tests.push((name.clone(), simple(value))),
            }
        }
        Ok(query)
    }

    /// The same query with the faults of the dial.
    pub(crate) fn with_faults(mut self, faults: ListFaults) -> Result<Self, Problem> {
        match faults.filter {
            FilterFault::None => {}
            FilterFault::Refused(_) if !self.tests.is_empty() => {
                return Err(Problem::bad_request("This filter is not supported"));
            }
            FilterFault::Refused(_) | FilterFault::Ignored => self.tests.clear(),
        }
        self.start = faults.page.offset(self.start);
        Ok(self)
    }

    /// The datasets and the properties that were requested.
    pub(crate) fn select<'s>(
        &self,
        entities: impl Iterator<Item = &'s Entity>,
    ) -> Vec<(String, Value)> {
        let mut found: Vec<&Entity> = entities
            .filter(|entity| self.accepts(&entity.body))
            .collect();
        if let Some((field, is_down)) = &self.order {
            found.sort_by(|left, right| {
                let order = compare_values(at(&left.body, field), at(&right.body, field));
                if *is_down { order.reverse() } else { order }
            });
        }
        let page = found.into_iter().skip(self.start).take(self.limit);
        page.map(|entity| (entity.id.clone(), self.shown(&entity.body)))
            .collect()
    }

    fn shown(&self, body: &Value) -> Value {
        let Some(names) = &self.properties else {
            return body.clone();
        };
        let kept: Map<String, Value> = names
            .iter()
            .filter_map(|name| Some((name.clone(), body.get(name)?.clone())))
            .collect();
        Value::Object(kept)
    }

    fn accepts(&self, body: &Value) -> bool {
        self.tests
            .iter()
            .all(|(path, test)| test.holds(at(body, path)))
    }
}

impl Test {
    fn holds(&self, found: Option<&Value>) -> bool {
        let texts: Vec<Cow<'_, str>> = match found {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(plain).collect(),
            Some(value) => vec![plain(value)],
        };
        match self {
            Self::Like(patterns) => patterns
                .iter()
                .any(|pattern| texts.iter().any(|text| is_like(text, pattern))),
            Self::Unlike(patterns) => !patterns
                .iter()
                .any(|pattern| texts.iter().any(|text| is_like(text, pattern))),
            Self::Is(wanted) => texts.iter().any(|text| text == wanted),
            Self::Absent => texts.is_empty(),
            Self::Present => !texts.is_empty(),
            Self::Compare(wanted, accepted) => texts.iter().any(|text| {
                let order = match (text.parse::<f64>(), wanted.parse::<f64>()) {
                    (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
                    _ => text.as_ref().cmp(wanted),
                };
                accepted.contains(&order)
            }),
        }
    }
}

fn simple(value: &str) -> Test {
    let patterns = |list: &str| list.split(',').map(str::to_owned).collect();
    match value.strip_prefix('!') {
        Some(list) => Test::Unlike(patterns(list)),
        None => Test::Like(patterns(value)),
    }
}

/// `name:pattern`, or only a name for any value of that tag.
fn tag(text: &str) -> (String, Test) {
    match text.split_once(':') {
        Some((name, pattern)) => (
            format!("tags\u{0}{name}"),
            Test::Like(vec![pattern.to_owned()]),
        ),
        None => (format!("tags\u{0}{text}"), Test::Present),
    }
}

fn property(text: &str) -> Result<(String, Test), Problem> {
    if let Some(name) = text.strip_prefix('!') {
        return Ok((name.to_owned(), Test::Absent));
    }
    if let Some((name, value)) = text.split_once("==") {
        return Ok((name.to_owned(), Test::Is(value.to_owned())));
    }
    for (operator, accepted) in [
        ("<=", &[Ordering::Less, Ordering::Equal] as &[Ordering]),
        (">=", &[Ordering::Greater, Ordering::Equal]),
        ("<", &[Ordering::Less]),
        (">", &[Ordering::Greater]),
    ] {
        if let Some((name, value)) = text.split_once(operator) {
            return Ok((name.to_owned(), Test::Compare(value.to_owned(), accepted)));
        }
    }
    if text.contains(['~', '=']) {
        return Err(Problem::bad_request(format!(
            "property {text} is not supported"
        )));
    }
    Ok((text.to_owned(), Test::Present))
}

fn number(name: &str, value: &str, least: usize, most: usize) -> Result<usize, Problem> {
    match value.parse::<usize>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Problem::bad_request(format!(
            "{name} {value} is out of range"
        ))),
    }
}

/// The value at a path with dots. The name of a tag follows a NUL because it may contain dots.
fn at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    match path.split_once('\u{0}') {
        Some((outer, inner)) => body.get(outer)?.get(inner),
        None => json::at(body, path),
    }
}

fn compare_values(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => left
            .as_f64()
            .partial_cmp(&right.as_f64())
            .unwrap_or(Ordering::Equal),
        (left, right) => left.map(plain).cmp(&right.map(plain)),
    }
}

/// Whether a text matches a pattern. `*` matches anything and `**` an asterisk.
fn is_like(text: &str, pattern: &str) -> bool {
    // The parts between wildcards, with literal asterisks restored.
    let parts: Vec<String> = pattern
        .replace("**", "\u{0}")
        .split('*')
        .map(|part| part.replace('\u{0}', "*"))
        .collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return parts.first().is_some_and(|only| only == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(query: &str) -> bool {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let body = json!({"name": "osc_contacts", "created": 100, "tags": {"acme-flow": ["v1:abc", "x"]}, "schemaRef": {"id": "s"}});
        Query::parse(&pairs).unwrap().accepts(&body)
    }

    #[test]
    fn names_take_wildcards_and_literal_asterisks() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "a*c", true),
            ("abc", "*b*", true),
            ("abc", "*x*", false),
            ("a*c", "a**c", true),
            ("abc", "a**c", false),
            ("a*", "a***", true),
            ("aba", "ab*ba", false),
            ("", "*", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} like {pattern}");
        }
    }

    #[test]
    fn filters_hold_or_not() {
        for (query, expected) in [
            ("name=osc_contacts", true),
            ("name=osc_*", true),
            ("name=a,osc_contacts", true),
            ("name=!osc_contacts", false),
            ("name=!x", true),
            ("property=name==osc_contacts", true),
            ("property=name==osc_*", false),
            ("property=!description", true),
            ("property=created>99", true),
            ("property=created<99", false),
            ("tags=acme-flow:v1*", true),
            ("tags=acme-flow:v1*,acme-flow:y", false),
            ("tags=acme-flow", true),
            ("tags=other", false),
            ("schemaRef.id=s", true),
            ("name=osc_contacts&tags=other", false),
        ] {
            assert_eq!(accepts(query), expected, "{query}");
        }
    }

    #[test]
    fn a_limit_beyond_a_hundred_is_refused() {
        for limit in ["0", "101", "x"] {
            assert!(
                Query::parse(&[("limit".to_owned(), limit.to_owned())]).is_err(),
                "{limit}"
            );
        }
    }
}

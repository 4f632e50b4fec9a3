//! Which rows to take: the form of a filter, and its columns.

use serde_json::Value;

use super::findings::Findings;
use crate::{v1::RowFilter, wording::shown};

/// The operators that compare a column with one value.
/// Source: "Filter row-level data for a source using the Flow Service API", read 2026-11.
const COMPARISONS: [&str; 8] = ["", "=", "!=", "<", ">", "<=", ">=", "like"];

/// How deep conditions may be nested. People write filters by hand, and nobody reads a deeper
/// one.
const MAX_DEPTH: usize = 16;

/// Most conditions of one filter, and most values of one `in`.
const MAX_CONDITIONS: usize = 1_000;

/// Longest text that a column is held against, in characters.
const MAX_TEXT_CHARS: usize = 1_000;

/// Checks the form of a filter: that each condition is one, with a value that its operator takes.
pub fn row_filter(findings: &mut Findings, field: &str, filter: &RowFilter) {
    let mut count = 0;
    condition(findings, field, filter, 1, &mut count);
    findings.at_most(field, count, MAX_CONDITIONS, "conditions");
}

fn condition(
    findings: &mut Findings,
    field: &str,
    filter: &RowFilter,
    depth: usize,
    count: &mut usize,
) {
    *count += 1;
    if depth > MAX_DEPTH {
        let found = "conditions in conditions";
        return findings.note(field, found, format!("at most {MAX_DEPTH} in each other"));
    }
    let parts = [
        !filter.column.is_empty(),
        !filter.all.is_empty(),
        !filter.any.is_empty(),
        filter.not.is_some(),
    ];
    match parts.iter().filter(|part| **part).count() {
        1 => {}
        0 => return findings.note(field, "nothing", "`column`, `all`, `any` or `not`"),
        _ => {
            let found = "several of `column`, `all`, `any` and `not`";
            return findings.note(field, found, "one of the four");
        }
    }
    if !filter.column.is_empty() {
        return comparison(findings, field, filter);
    }
    if !filter.operator.is_empty() || filter.value.is_some() {
        let found = "`operator` or `value` without `column`";
        findings.note(field, found, "both beside a column alone");
    }
    for (part, filters) in [("all", &filter.all), ("any", &filter.any)] {
        for (index, filter) in filters.iter().enumerate() {
            condition(
                findings,
                &format!("{field}.{part}[{index}]"),
                filter,
                depth + 1,
                count,
            );
        }
    }
    if let Some(filter) = &filter.not {
        condition(findings, &format!("{field}.not"), filter, depth + 1, count);
    }
}

fn comparison(findings: &mut Findings, field: &str, filter: &RowFilter) {
    findings.path(&format!("{field}.column"), &filter.column);
    let at = format!("{field}.value");
    // An explicit null is no value: nothing equals it in a source.
    let value = filter.value.as_ref().map(|value| &value.0);
    match (filter.operator.as_str(), value) {
        ("isNull", None | Some(Value::Null)) => {}
        ("isNull", Some(_)) => findings.note(at, "a value", "nothing with `isNull`"),
        ("in", Some(Value::Array(values))) if !values.is_empty() => {
            findings.at_most(&at, values.len(), MAX_CONDITIONS, "values");
            for (index, value) in values.iter().enumerate().take(MAX_CONDITIONS) {
                one_value(findings, &format!("{at}[{index}]"), value);
            }
        }
        ("in", value) => findings.note(at, kind(value), "a list of values"),
        (operator, Some(value)) if COMPARISONS.contains(&operator) => {
            if operator == "like" && !value.is_string() {
                findings.note(at, kind(Some(value)), "a text such as \"A%\"");
            } else {
                one_value(findings, &at, value);
            }
        }
        (operator, None) if COMPARISONS.contains(&operator) => {
            findings.note(at, "nothing", "a text, a number, true or false");
        }
        (operator, _) => findings.note(
            format!("{field}.operator"),
            format!("`{}`", shown(operator)),
            "one of =, !=, <, >, <=, >=, like, in, isNull",
        ),
    }
}

fn one_value(findings: &mut Findings, field: &str, value: &Value) {
    match value {
        Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            let chars = text.chars().count();
            if chars > MAX_TEXT_CHARS {
                findings.note(
                    field,
                    format!("{chars} characters"),
                    format!("at most {MAX_TEXT_CHARS} characters"),
                );
            }
        }
        value => findings.note(field, kind(Some(value)), "a text, a number, true or false"),
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(values)) if values.is_empty() => "an empty list",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

/// The columns that a filter names, each with its field below `field`.
pub(super) fn columns<'a>(field: &str, filter: &'a RowFilter) -> Vec<(String, &'a str)> {
    let mut found = Vec::new();
    if !filter.column.is_empty() {
        found.push((format!("{field}.column"), filter.column.as_str()));
    }
    for (part, filters) in [("all", &filter.all), ("any", &filter.any)] {
        for (index, filter) in filters.iter().enumerate() {
            found.extend(columns(&format!("{field}.{part}[{index}]"), filter));
        }
    }
    if let Some(filter) = &filter.not {
        found.extend(columns(&format!("{field}.not"), filter));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &RowFilter) -> Vec<String> {
        let mut findings = Findings::default();
        row_filter(&mut findings, "filter", filter);
        let all = findings.into_result().err().unwrap_or_default();
        all.into_iter()
            .map(|each| format!("{}: {} → {}", each.field, each.found, each.expected))
            .collect()
    }

    fn found(json: &str) -> Vec<String> {
        check(&crate::read::from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn conditions_that_a_source_understands_pass() {
        for good in [
            r#"{"column":"city","value":"DDN"}"#,
            r#"{"column":"age","operator":">=","value":20}"#,
            r#"{"column":"name","operator":"like","value":"A%"}"#,
            r#"{"column":"city","operator":"in","value":["A","B"]}"#,
            r#"{"column":"city","operator":"isNull"}"#,
            r#"{"all":[{"column":"a","value":true},{"any":[{"not":{"column":"b","value":1}}]}]}"#,
        ] {
            assert_eq!(found(good), [""; 0], "{good}");
        }
    }

    #[test]
    fn what_is_no_condition_is_named() {
        let cases = [
            ("{}", "filter: nothing → `column`, `all`, `any` or `not`"),
            (
                r#"{"column":"a","value":1,"all":[{"column":"b","value":1}]}"#,
                "filter: several of `column`, `all`, `any` and `not` → one of the four",
            ),
            (
                r#"{"operator":"=","any":[{"column":"b","value":1}]}"#,
                "filter: `operator` or `value` without `column` → both beside a column alone",
            ),
            (
                r#"{"all":[{"column":"a","operator":"==","value":1}]}"#,
                "filter.all[0].operator: `==` → one of =, !=, <, >, <=, >=, like, in, isNull",
            ),
            (
                r#"{"not":{"column":"a"}}"#,
                "filter.not.value: nothing → a text, a number, true or false",
            ),
            (
                r#"{"column":"a","value":{"env":"X"}}"#,
                "filter.value: an object → a text, a number, true or false",
            ),
            (
                r#"{"column":"a","operator":"in","value":"x"}"#,
                "filter.value: a text → a list of values",
            ),
            (
                r#"{"column":"a","operator":"in","value":[]}"#,
                "filter.value: an empty list → a list of values",
            ),
            (
                r#"{"column":"a","operator":"in","value":["x",[1]]}"#,
                "filter.value[1]: a list → a text, a number, true or false",
            ),
            (
                r#"{"column":"a","operator":"isNull","value":1}"#,
                "filter.value: a value → nothing with `isNull`",
            ),
            (
                r#"{"column":"a","operator":"like","value":1}"#,
                "filter.value: a number → a text such as \"A%\"",
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(found(filter), [expected], "{filter}");
        }
        let long = format!(r#"{{"column":"a","value":"{}"}}"#, "x".repeat(1_001));
        assert_eq!(
            found(&long),
            ["filter.value: 1001 characters → at most 1000 characters"]
        );
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let leaf = RowFilter {
            column: "a".to_owned(),
            value: Some(crate::json::Anything(1.into())),
            ..RowFilter::default()
        };
        let nested = |depth: usize| {
            (1..depth).fold(leaf.clone(), |filter, _| RowFilter {
                not: Some(Box::new(filter)),
                ..RowFilter::default()
            })
        };
        assert_eq!(check(&nested(16)), [""; 0]);
        let deep = check(&nested(17));
        assert_eq!(deep.len(), 1);
        assert!(
            deep[0].ends_with("conditions in conditions → at most 16 in each other"),
            "{deep:?}"
        );
        let many = |count: usize| RowFilter {
            all: vec![leaf.clone(); count],
            ..RowFilter::default()
        };
        assert_eq!(check(&many(999)), [""; 0]);
        assert_eq!(
            check(&many(1_000)),
            ["filter: 1001 conditions → at most 1000 conditions"]
        );
    }

    #[test]
    fn its_columns_are_told_with_their_places() {
        let filter =
            r#"{"all":[{"column":"a","value":1},{"any":[{"not":{"column":"b","value":1}}]}]}"#;
        let filter = crate::read::from_json(filter.as_bytes()).unwrap();
        let expected = [
            ("filter.all[0].column".to_owned(), "a"),
            ("filter.all[1].any[0].not.column".to_owned(), "b"),
        ];
        assert_eq!(columns("filter", &filter), expected);
    }
}

//! `property=<path><operator><value>` in the lists of Flow Service.
//!
//! Repeated properties are joined by AND. A comma in a value means OR, so a value with a comma
//! can't be matched. Source: sort and filter responses in Flow Service, read 2026-11.

use std::cmp::Ordering;

use serde_json::Value;

use crate::problem::Problem;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) path: String,
    operator: FilterOperator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FilterOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Parses one `property`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let Some(start) = text.find(['=', '!', '<', '>', '~']) else {
            return Err(Problem::flow(
                1450,
                400,
                format!("Filter {text} is not valid: it has no operator."),
            ));
        };
        let (path, rest) = text.split_at(start);
        let (operator, value) = if let Some(value) = rest.strip_prefix("==") {
            (FilterOperator::Equal, value)
        } else if let Some(value) = rest.strip_prefix("!=") {
            (FilterOperator::NotEqual, value)
        } else if rest.starts_with("!>") || rest.starts_with("!<") {
            return Err(Problem::flow(
                1440,
                400,
                format!("Filter operator of {text} is not implemented."),
            ));
        } else if let Some(value) = rest.strip_prefix("<=") {
            (FilterOperator::LessOrEqual, value)
        } else if let Some(value) = rest.strip_prefix(">=") {
            (FilterOperator::GreaterOrEqual, value)
        } else if let Some(value) = rest.strip_prefix('<') {
            (FilterOperator::Less, value)
        } else if let Some(value) = rest.strip_prefix('>') {
            (FilterOperator::Greater, value)
        } else {
            return Err(Problem::flow(
                1450,
                400,
                format!("Filter {text} is not valid: unknown operator."),
            ));
        };
        if path.is_empty() {
            return Err(Problem::flow(
                1451,
                400,
                format!("Filter {text} is not valid: it has no field."),
            ));
        }
        let values: Vec<String> = unquoted(value)
            .split(',')
            .map(|part| unquoted(part).to_owned())
            .collect();
        if values.len() > 1 && !matches!(operator, FilterOperator::Equal | FilterOperator::NotEqual)
        {
            return Err(Problem::flow(
                1443,
                400,
                format!("Operator of {text} doesn't take several values."),
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            operator,
            values,
        })
    }

    /// The first segment of the path, without brackets.
    pub(crate) fn root(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }

    /// Whether a resource meets the condition.
    pub(crate) fn accepts(&self, body: &Value) -> bool {
        match self.operator {
            FilterOperator::Equal => self.is_one(body),
            FilterOperator::NotEqual => !self.is_one(body),
            FilterOperator::Less => self.holds(body, &[Ordering::Less]),
            FilterOperator::LessOrEqual => self.holds(body, &[Ordering::Less, Ordering::Equal]),
            FilterOperator::Greater => self.holds(body, &[Ordering::Greater]),
            FilterOperator::GreaterOrEqual => {
                self.holds(body, &[Ordering::Greater, Ordering::Equal])
            }
        }
    }

    fn is_one(&self, body: &Value) -> bool {
        any_at(body, &self.path, &|value| {
            self.values.iter().any(|wanted| is(value, wanted))
        })
    }

    fn holds(&self, body: &Value, accepted: &[Ordering]) -> bool {
        let Some(wanted) = self.values.first() else {
            return false;
        };
        any_at(body, &self.path, &|value| {
            compare_to(value, wanted).is_some_and(|order| accepted.contains(&order))
        })
    }
}

/// Whether a value at a path with dots passes the test. `[]` means every member of an array. This
/// allocates nothing, because a list calls it for every resource.
fn any_at(body: &Value, path: &str, test: &dyn Fn(&Value) -> bool) -> bool {
    let (segment, rest) = match path.split_once('.') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    };
    let go_on = |value: &Value| match rest {
        Some(rest) => any_at(value, rest, test),
        None => test(value),
    };
    match segment.strip_suffix("[]") {
        Some(name) => body
            .get(name)
            .and_then(Value::as_array)
            .is_some_and(|members| members.iter().any(go_on)),
        None => body.get(segment).is_some_and(go_on),
    }
}

/// The first value at a path that has the form of [`any_at`]'s.
pub(crate) fn first_at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(body, |value, segment| match segment.strip_suffix("[]") {
            Some(name) => value.get(name)?.as_array()?.first(),
            None => value.get(segment),
        })
}

/// The text without one pair of quotes around it. The documents write values with and without
/// quotes.
fn unquoted(text: &str) -> &str {
    let quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    if quoted {
        &text[1..text.len() - 1]
    } else {
        text
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Number(number) => number.to_string() == wanted,
    }
}

fn compare_to(value: &Value, wanted: &str) -> Option<Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&wanted.parse().ok()?),
        Value::String(text) => Some(text.as_str().cmp(wanted)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(filter: &str) -> bool {
        let body = json!({
            "name": "a==b", "createdAt": 100, "state": "enabled", "sourceConnectionIds": ["s1", "s2"],
            "flowSpec": {"id": "f"}, "params": {"columns": [{"name": "id"}]},
        });
        Filter::parse(filter).unwrap().accepts(&body)
    }

    #[test]
    fn conditions_hold_or_not() {
        for (filter, expected) in [
            ("state==enabled", true),
            ("state==\"enabled\"", true),
            ("state==Enabled", false),
            ("state==draft,enabled", true),
            ("state!=draft", true),
            ("state!=draft,enabled", false),
            ("name==a==b", true),
            ("flowSpec.id==f", true),
            ("sourceConnectionIds[]==s2", true),
            ("sourceConnectionIds[]==s3", false),
            ("params.columns[].name==id", true),
            ("createdAt>99", true),
            ("createdAt>=100", true),
            ("createdAt<100", false),
            ("createdAt<=99", false),
            ("missing==x", false),
        ] {
            assert_eq!(accepts(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_value_with_a_comma_is_two_values() {
        let body = json!({"name": "a,b"});
        for filter in ["name==a,b", "name==\"a,b\""] {
            assert!(!Filter::parse(filter).unwrap().accepts(&body), "{filter}");
        }
    }

    #[test]
    fn an_invalid_condition_is_refused() {
        for (filter, wanted) in [
            ("name", 1450),
            ("name~x", 1450),
            ("name!>x", 1440),
            ("==x", 1451),
            ("a<=1,2", 1443),
        ] {
            let problem = Filter::parse(filter).unwrap_err();
            assert!(
                matches!(problem, Problem::Flow { number, .. } if number == wanted),
                "{filter}: {problem}"
            );
        }
    }
}

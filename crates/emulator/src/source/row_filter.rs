//! Row filters, which some sources accept: PQL as JSON.
//!
//! Source: filter row-level data for a source, and the sources error messages, read 2026-11.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::rows::rows;
use super::table::{Column, ColumnKind, Table};

/// A filter on the rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowFilter(RowCondition);

#[derive(Clone, Debug, PartialEq)]
enum RowCondition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    IsNull(String),
    Compare {
        field: String,
        operator: RowOperator,
        values: Vec<Value>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    In,
}

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RowFilterError {
    #[error("An error occurred while parsing the provided base64-encoded string.")]
    Base64,
    #[error("An error occurred while serializing the filter params for explore.")]
    Json,
    #[error("The provided filter type is invalid. The supported filter type is: PQL.")]
    Type,
    #[error("The provided filter format is invalid. The supported filter format is: pql/json.")]
    Format,
    #[error("The provided filter is invalid. The value must be provided with detailed filters.")]
    NoValue,
    #[error("The provided filter params are invalid: {0}.")]
    Shape(&'static str),
    #[error("No operator was provided for filter at source.")]
    NoOperator,
    #[error("The provided operator {0} is not supported for filter at source for this connector.")]
    UnknownOperator(String),
    #[error("The 'not' operator cannot have more than one comparison.")]
    NotTakesOne,
    #[error("The provided value param is null and cannot be compared with operator {0}.")]
    NullValue(String),
    #[error("The column {0} is not a valid column in the table.")]
    UnknownColumn(String),
    #[error("The data type of column {0} and the data type of the value do not match.")]
    ValueType(String),
}

impl RowFilterError {
    /// Its number in the error catalogue of the sources.
    pub(crate) fn number(&self) -> u16 {
        match self {
            Self::Json => 1335,
            Self::Shape(_) => 1349,
            Self::NoOperator => 1350,
            Self::UnknownOperator(_) => 1351,
            Self::Type => 1355,
            Self::Format => 1356,
            Self::NoValue => 1357,
            Self::NullValue(_) => 1377,
            Self::UnknownColumn(_) => 1378,
            Self::ValueType(_) => 1379,
            Self::Base64 => 1389,
            Self::NotTakesOne => 1390,
        }
    }
}

impl RowFilter {
    /// Parses the filter of an explore call: JSON in Base64.
    pub(crate) fn decode(text: &str) -> Result<Self, RowFilterError> {
        let json = BASE64_STANDARD
            .decode(text)
            .map_err(|_| RowFilterError::Base64)?;
        Self::parse(&serde_json::from_slice(&json).map_err(|_| RowFilterError::Json)?)
    }

    /// Parses the filter of a source connection.
    pub(crate) fn parse(filter: &Value) -> Result<Self, RowFilterError> {
        let Some(filter) = filter.as_object() else {
            return Err(RowFilterError::Shape("a filter is an object"));
        };
        if filter.get("type").is_none_or(|kind| kind != "PQL") {
            return Err(RowFilterError::Type);
        }
        if filter
            .get("format")
            .is_none_or(|format| format != "pql/json")
        {
            return Err(RowFilterError::Format);
        }
        match filter.get("value") {
            None | Some(Value::Null) => Err(RowFilterError::NoValue),
            Some(node) => RowCondition::parse(node).map(Self),
        }
    }

    /// Refuses a filter if the table lacks a column of it, or if a value doesn't fit the type of
    /// its column.
    pub(crate) fn check(&self, table: &Table) -> Result<(), RowFilterError> {
        self.0.check(table)
    }

    /// Whether a row of the table passes. As in SQL, an unknown result does not pass.
    fn accepts(&self, table: &Table, row: &Value) -> bool {
        self.0.holds(table, row) == Some(true)
    }
}

/// The rows of a table that pass a filter.
pub(crate) fn passing(table: &Table, filter: Option<&RowFilter>) -> impl Iterator<Item = Value> {
    rows(table).filter(move |row| filter.is_none_or(|filter| filter.accepts(table, row)))
}

/// How many rows of a table pass a filter.
pub(crate) fn count_passing(table: &Table, filter: Option<&RowFilter>) -> usize {
    match filter {
        None => table.row_count,
        Some(_) => passing(table, filter).count(),
    }
}

impl RowCondition {
    fn parse(node: &Value) -> Result<Self, RowFilterError> {
        if node["nodeType"] != "fnApply" {
            return Err(RowFilterError::Shape("a condition has nodeType fnApply"));
        }
        let Some(name) = node["fnName"].as_str().filter(|name| !name.is_empty()) else {
            return Err(RowFilterError::NoOperator);
        };
        let Some(params) = node["params"]
            .as_array()
            .filter(|params| !params.is_empty())
        else {
            return Err(RowFilterError::Shape("a condition has params"));
        };
        let members = || {
            params
                .iter()
                .map(Self::parse)
                .collect::<Result<Vec<_>, _>>()
        };
        match name.to_ascii_lowercase().as_str() {
            "and" => return Ok(Self::All(members()?)),
            "or" => return Ok(Self::Any(members()?)),
            "not" => {
                return match params.as_slice() {
                    [only] => Ok(Self::Not(Box::new(Self::parse(only)?))),
                    _ => Err(RowFilterError::NotTakesOne),
                };
            }
            "isnull" => {
                return match params.as_slice() {
                    [field] => Ok(Self::IsNull(field_of(field)?)),
                    _ => Err(RowFilterError::Shape("isNull has one field")),
                };
            }
            _ => {}
        }
        let operator = RowOperator::named(name)
            .ok_or_else(|| RowFilterError::UnknownOperator(name.to_owned()))?;
        let [field, literal] = params.as_slice() else {
            return Err(RowFilterError::Shape(
                "a comparison has a field and a literal",
            ));
        };
        let field = field_of(field)?;
        if literal["nodeType"] != "literal" {
            return Err(RowFilterError::Shape(
                "what a field is compared with has nodeType literal",
            ));
        }
        let values = match (operator, &literal["value"]) {
            (_, Value::Null) => return Err(RowFilterError::NullValue(name.to_owned())),
            (RowOperator::In, Value::Array(values)) if !values.is_empty() => values.clone(),
            (RowOperator::In, _) => return Err(RowFilterError::Shape("in has a list of values")),
            (_, Value::Array(_) | Value::Object(_)) => {
                return Err(RowFilterError::Shape("a field is compared with one value"));
            }
            (_, value) => vec![value.clone()],
        };
        Ok(Self::Compare {
            field,
            operator,
            values,
        })
    }

    fn check(&self, table: &Table) -> Result<(), RowFilterError> {
        match self {
            Self::All(members) | Self::Any(members) => {
                members.iter().try_for_each(|member| member.check(table))
            }
            Self::Not(member) => member.check(table),
            Self::IsNull(field) => column(table, field).map(|_| ()),
            Self::Compare {
                field,
                operator,
                values,
            } => {
                let column = column(table, field)?;
                let fits = values.iter().all(|value| fits(column.kind, value))
                    && (*operator != RowOperator::Like || values.iter().all(Value::is_string));
                if fits {
                    Ok(())
                } else {
                    Err(RowFilterError::ValueType(field.clone()))
                }
            }
        }
    }

    /// `None` means unknown: a value of the comparison is null.
    fn holds(&self, table: &Table, row: &Value) -> Option<bool> {
        match self {
            Self::All(members) => all(members.iter().map(|member| member.holds(table, row))),
            // One is true unless all are false.
            Self::Any(members) => {
                let none = members.iter().map(|member| {
                    let holds = member.holds(table, row);
                    holds.map(|holds| !holds)
                });
                all(none).map(|none| !none)
            }
            Self::Not(member) => member.holds(table, row).map(|holds| !holds),
            Self::IsNull(field) => cell(table, row, field).map(Value::is_null),
            Self::Compare {
                field,
                operator,
                values,
            } => {
                let cell = cell(table, row, field).filter(|cell| !cell.is_null())?;
                Some(values.iter().any(|value| operator.holds(cell, value)))
            }
        }
    }
}

/// False if one is false; otherwise unknown if one is unknown.
fn all(members: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for member in members {
        match member {
            Some(false) => return Some(false),
            Some(true) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(true)
}

impl RowOperator {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "=" | "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "like" => Self::Like,
            "in" => Self::In,
            _ => return None,
        })
    }

    fn holds(self, cell: &Value, value: &Value) -> bool {
        if self == Self::Like {
            let (cell, pattern) = (cell.as_str(), value.as_str());
            return cell
                .zip(pattern)
                .is_some_and(|(cell, pattern)| is_like(cell, pattern));
        }
        let order = match (cell, value) {
            (Value::Number(cell), Value::Number(value)) => cell
                .as_f64()
                .zip(value.as_f64())
                .and_then(|(cell, value)| cell.partial_cmp(&value)),
            (Value::String(cell), Value::String(value)) => Some(cell.cmp(value)),
            (Value::Bool(cell), Value::Bool(value)) => Some(cell.cmp(value)),
            _ => None,
        };
        order.is_some_and(|order| match self {
            Self::Equal | Self::In => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
            Self::Like => false,
        })
    }
}

fn field_of(node: &Value) -> Result<String, RowFilterError> {
    match (&node["nodeType"], &node["fieldName"]) {
        (Value::String(kind), Value::String(name)) if kind == "fieldLookup" => Ok(name.clone()),
        _ => Err(RowFilterError::Shape(
            "a field has nodeType fieldLookup and a fieldName",
        )),
    }
}

/// Finds a column by its name. The case of a name differs in Adobe's own example.
fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, RowFilterError> {
    let exact = table.columns.iter().find(|column| column.name == name);
    exact
        .or_else(|| {
            let alike = |column: &&Column| column.name.eq_ignore_ascii_case(name);
            table.columns.iter().find(alike)
        })
        .ok_or_else(|| RowFilterError::UnknownColumn(name.to_owned()))
}

fn cell<'r>(table: &Table, row: &'r Value, name: &str) -> Option<&'r Value> {
    row.get(&column(table, name).ok()?.name)
}

fn fits(kind: ColumnKind, value: &Value) -> bool {
    match kind {
        ColumnKind::Integer
        | ColumnKind::Long
        | ColumnKind::Double
        | ColumnKind::Float
        | ColumnKind::Decimal
        | ColumnKind::Number => value.is_number(),
        ColumnKind::Boolean => value.is_boolean(),
        ColumnKind::String
        | ColumnKind::Date
        | ColumnKind::DateTime
        | ColumnKind::Binary
        | ColumnKind::Uuid => value.is_string(),
    }
}

/// SQL's `like`: `%` matches any text, `_` any letter.
fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Whether the pattern so far matches the first `n` letters.
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match wanted {
                '%' => matched[end] || (end > 0 && next[end - 1]),
                _ => end > 0 && matched[end - 1] && (wanted == '_' || wanted == text[end - 1]),
            };
        }
        matched = next;
    }
    matched[text.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tables::Tables;
    use super::*;
    use crate::config::SourceSettings;

    fn pql(value: Value) -> Value {
        json!({"type": "PQL", "format": "pql/json", "value": value})
    }

    fn apply(name: &str, params: Value) -> Value {
        json!({"nodeType": "fnApply", "fnName": name, "params": params})
    }

    fn compare(name: &str, field: &str, value: Value) -> Value {
        apply(
            name,
            json!([
                {"nodeType": "fieldLookup", "fieldName": field},
                {"nodeType": "literal", "value": value},
            ]),
        )
    }

    fn with_table<T>(use_it: impl FnOnce(&Table) -> T) -> T {
        let tables = Tables::new(&SourceSettings::default());
        let table = tables
            .of("databases")
            .iter()
            .find(|table| table.path == "public.customers");
        use_it(table.unwrap())
    }

    /// How many of the 50 rows pass.
    fn passing(value: Value) -> usize {
        with_table(|table| {
            let filter = RowFilter::parse(&pql(value)).unwrap();
            filter.check(table).unwrap();
            count_passing(table, Some(&filter))
        })
    }

    #[test]
    fn rows_pass_as_sql_lets_them() {
        assert_eq!(passing(compare("=", "customer_id", json!(7))), 1);
        assert_eq!(passing(compare("==", "CUSTOMER_ID", json!(7))), 1);
        assert_eq!(passing(compare("!=", "customer_id", json!(7))), 49);
        assert_eq!(passing(compare("<=", "customer_id", json!(7))), 7);
        assert_eq!(passing(compare(">", "customer_id", json!(7))), 43);
        assert_eq!(passing(compare("in", "customer_id", json!([1, 2, 99]))), 2);
        assert_eq!(
            passing(compare("like", "email", json!("customer1_@%.com"))),
            10
        );
        // The column is null in every third row, and null is neither equal nor different.
        let unborn = apply(
            "isNull",
            json!([{"nodeType": "fieldLookup", "fieldName": "born_on"}]),
        );
        assert_eq!(passing(unborn.clone()), 17);
        assert_eq!(passing(apply("NOT", json!([unborn]))), 33);
        assert_eq!(
            passing(apply("not", json!([compare("=", "born_on", json!("x"))]))),
            33
        );
        let low = compare("<", "customer_id", json!(5));
        let high = compare(">=", "customer_id", json!(50));
        assert_eq!(passing(apply("or", json!([low, high]))), 5);
        assert_eq!(passing(apply("and", json!([low, high]))), 0);
    }

    #[test]
    fn each_invalid_filter_has_its_number() {
        let field = json!({"nodeType": "fieldLookup", "fieldName": "city"});
        for (filter, number) in [
            (json!("city"), 1349),
            (
                json!({"type": "SQL", "format": "pql/json", "value": {}}),
                1355,
            ),
            (json!({"type": "PQL", "format": "sql", "value": {}}), 1356),
            (json!({"type": "PQL", "format": "pql/json"}), 1357),
            (pql(json!({"nodeType": "literal"})), 1349),
            (pql(json!({"nodeType": "fnApply", "params": [field]})), 1350),
            (
                pql(apply(
                    "between",
                    json!([field, {"nodeType": "literal", "value": "a"}]),
                )),
                1351,
            ),
            (pql(apply("=", json!([]))), 1349),
            (pql(apply("=", json!([field]))), 1349),
            (pql(apply("=", json!([field, field]))), 1349),
            (pql(compare("in", "city", json!("a"))), 1349),
            (pql(compare("=", "city", json!(["a"]))), 1349),
            (pql(compare("=", "city", json!(null))), 1377),
            (
                pql(apply(
                    "not",
                    json!([
                        compare("=", "city", json!("a")),
                        compare("=", "city", json!("b"))
                    ]),
                )),
                1390,
            ),
        ] {
            assert_eq!(
                RowFilter::parse(&filter).unwrap_err().number(),
                number,
                "{filter}"
            );
        }
        for (filter, number) in [
            (compare("=", "town", json!("a")), 1378),
            (apply("or", json!([compare("=", "town", json!("a"))])), 1378),
            (compare("=", "city", json!(1)), 1379),
            (compare("=", "customer_id", json!("1")), 1379),
            (compare("=", "is_active", json!("true")), 1379),
            (compare("like", "customer_id", json!(1)), 1379),
        ] {
            let parsed = RowFilter::parse(&pql(filter.clone())).unwrap();
            let refused = with_table(|table| parsed.check(table)).unwrap_err();
            assert_eq!(refused.number(), number, "{filter}");
        }
        assert_eq!(RowFilter::decode("%%%").unwrap_err().number(), 1389);
        assert_eq!(RowFilter::decode("e30").unwrap_err().number(), 1389);
        assert_eq!(RowFilter::decode("bm8=").unwrap_err().number(), 1335);
        assert_eq!(RowFilter::decode("e30=").unwrap_err().number(), 1355);
    }
}

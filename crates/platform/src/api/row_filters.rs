//! Which rows a source connection loads, in Flow Service's form: a tree of conditions.
//!
//! Source: "Filter row-level data for a source using the Flow Service API", read 2026-11.

use serde_json::{Value, json};

use super::specs::ConnectionSpec;
use crate::fields;

/// A condition on rows.
#[derive(Debug, Clone, PartialEq)]
pub enum RowFilter {
    /// A column held against a value.
    Compare {
        /// The column, by its name in the source.
        column: String,
        /// As Flow Service writes it: `=`, `!=`, `<`, `>`, `<=`, `>=`, `like`, `in` or `isNull`.
        operator: String,
        /// What it is held against; a list of values for `in`, nothing for `isNull`.
        value: Option<Value>,
    },
    /// Every one of these.
    All(Vec<RowFilter>),
    /// One of these at least.
    Any(Vec<RowFilter>),
    /// Not this.
    Not(Box<RowFilter>),
}

impl RowFilter {
    /// `params.filters` of a source connection.
    #[must_use]
    pub fn to_params(&self) -> Value {
        json!({"type": "PQL", "format": "pql/json", "value": self.node()})
    }

    fn node(&self) -> Value {
        match self {
            Self::Compare {
                column,
                operator,
                value,
            } => {
                let column = json!({"nodeType": "fieldLookup", "fieldName": column});
                let value = value.as_ref();
                let value = value.map(|value| json!({"nodeType": "literal", "value": value}));
                apply(operator, std::iter::once(column).chain(value).collect())
            }
            Self::All(filters) => apply("and", filters.iter().map(Self::node).collect()),
            Self::Any(filters) => apply("or", filters.iter().map(Self::node).collect()),
            // In capitals in the guide, unlike the two others.
            Self::Not(filter) => apply("NOT", vec![filter.node()]),
        }
    }

    /// The operators in it, each as Flow Service writes it.
    #[must_use]
    pub fn operators(&self) -> Vec<&str> {
        match self {
            Self::Compare { operator, .. } => vec![operator],
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().flat_map(Self::operators).collect()
            }
            Self::Not(filter) => filter.operators(),
        }
    }
}

fn apply(function: &str, params: Vec<Value>) -> Value {
    json!({"nodeType": "fnApply", "fnName": function, "params": params})
}

/// What a kind of source can do to filter its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFiltering {
    /// Whether it accepts a filter at all.
    pub is_enabled: bool,
    /// The operators that it compares by; empty if it lists none.
    pub comparison_operators: Vec<String>,
}

impl RowFiltering {
    /// Whether it compares by that operator. No list has `isNull`, though the guide uses it.
    #[must_use]
    pub fn knows(&self, operator: &str) -> bool {
        let is_same =
            |other: &String| other == operator || (is_equality(other) && is_equality(operator));
        operator == "isNull"
            || self.comparison_operators.is_empty()
            || self.comparison_operators.iter().any(is_same)
    }
}

/// The guide's table has `==` where its examples and specifications have `=`.
fn is_equality(operator: &str) -> bool {
    matches!(operator, "=" | "==")
}

impl ConnectionSpec {
    /// What it can do to filter rows. A spec without this entry accepts no filter.
    #[must_use]
    pub fn row_filtering(&self) -> RowFiltering {
        let raw = self.raw.as_value();
        let operators = fields::list(raw, "/attributes/filterAtSource/comparisonOperators");
        RowFiltering {
            is_enabled: fields::flag(raw, "/attributes/filterAtSource/enabled").unwrap_or_default(),
            comparison_operators: operators
                .iter()
                .filter_map(|operator| operator.as_str().map(str::to_owned))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::flow_service::Entity as _;

    fn compare(column: &str, operator: &str, value: Option<Value>) -> RowFilter {
        RowFilter::Compare {
            column: column.to_owned(),
            operator: operator.to_owned(),
            value,
        }
    }

    #[test]
    fn one_condition_is_the_tutorials() {
        assert_eq!(
            compare("city", "=", Some(json!("DDN"))).to_params(),
            json!({"type": "PQL", "format": "pql/json", "value": {
                "nodeType": "fnApply", "fnName": "=", "params": [
                    {"nodeType": "fieldLookup", "fieldName": "city"},
                    {"nodeType": "literal", "value": "DDN"}]}})
        );
    }

    #[test]
    fn nested_conditions_are_the_tutorials() {
        let filter = RowFilter::All(vec![
            compare("age", ">=", Some(json!(20))),
            RowFilter::Any(vec![
                compare("firstname", "in", Some(json!(["Ramen", "John"]))),
                RowFilter::Not(Box::new(compare("complaint_type", "isNull", None))),
            ]),
        ]);
        assert_eq!(
            filter.to_params()["value"],
            json!({"nodeType": "fnApply", "fnName": "and", "params": [
                {"nodeType": "fnApply", "fnName": ">=", "params": [
                    {"nodeType": "fieldLookup", "fieldName": "age"},
                    {"nodeType": "literal", "value": 20}]},
                {"nodeType": "fnApply", "fnName": "or", "params": [
                    {"nodeType": "fnApply", "fnName": "in", "params": [
                        {"nodeType": "fieldLookup", "fieldName": "firstname"},
                        {"nodeType": "literal", "value": ["Ramen", "John"]}]},
                    {"nodeType": "fnApply", "fnName": "NOT", "params": [
                        {"nodeType": "fnApply", "fnName": "isNull", "params": [
                            {"nodeType": "fieldLookup", "fieldName": "complaint_type"}]}]}]}]})
        );
        assert_eq!(filter.operators(), [">=", "in", "isNull"]);
    }

    #[test]
    fn a_spec_says_what_its_source_can_filter_by() {
        let spec = |attributes: Value| {
            let spec = json!({"id": "3c9b37f8", "attributes": attributes});
            ConnectionSpec::read(spec).unwrap().row_filtering()
        };
        let big_query = spec(json!({"filterAtSource": {
            "enabled": true, "queryLanguage": "SQL", "comparisonOperators": ["=", "<", "in"]}}));
        assert!(big_query.is_enabled);
        for (operator, is_known) in [("=", true), ("in", true), ("isNull", true), ("like", false)] {
            assert_eq!(big_query.knows(operator), is_known, "{operator}");
        }
        let says_little = spec(json!({"filterAtSource": {"enabled": true}}));
        assert!(says_little.is_enabled && says_little.knows("like"));
        for attributes in [json!({}), json!({"filterAtSource": {"enabled": false}})] {
            assert!(!spec(attributes).is_enabled);
        }
    }
}

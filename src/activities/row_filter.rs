//! Which rows a source connection takes: from the input's words to the platform's, and whether
//! the source can tell rows apart at all.

use aep_flow_proto::{
    v1::{RowFilter as Given, Violation},
    validate::{self, Findings},
};
use aep_platform::{ConnectionSpecId, RowFilter, RowFiltering, Sandbox};
use serde_json::Value;

use super::{failure::ActivityFailure, platform::Platform};

const AT: &str = "filter";

/// The sources that take a filter.
/// Source: "Filter row-level data for a source using the Flow Service API", read 2026-11.
const SOURCES_THAT_FILTER: &str = "Google BigQuery, Microsoft Dynamics, Salesforce and Snowflake";

/// The filter in the platform's words.
pub(super) fn read(given: &Given) -> Result<RowFilter, ActivityFailure> {
    let mut findings = Findings::default();
    validate::row_filter(&mut findings, AT, given);
    findings.into_result().map_err(ActivityFailure::invalid)?;
    Ok(translated(given))
}

/// One that was found good.
fn translated(given: &Given) -> RowFilter {
    if let Some(filter) = &given.not {
        return RowFilter::Not(Box::new(translated(filter)));
    }
    let all = |filters: &[Given]| filters.iter().map(translated).collect();
    if !given.all.is_empty() {
        return RowFilter::All(all(&given.all));
    }
    if !given.any.is_empty() {
        return RowFilter::Any(all(&given.any));
    }
    let operator = match given.operator.as_str() {
        "" => "=",
        operator => operator,
    };
    let value = given.value.as_ref().map(|value| value.0.clone());
    RowFilter::Compare {
        column: given.column.clone(),
        operator: operator.to_owned(),
        value: value.filter(|value| *value != Value::Null),
    }
}

/// Whether the source of that specification takes the filter, as the platform says now.
pub(super) async fn check(
    platform: &Platform,
    sandbox: &Sandbox,
    spec: &ConnectionSpecId,
    filter: &RowFilter,
) -> Result<(), ActivityFailure> {
    let Some(spec) = platform.connection_spec(sandbox, spec).await? else {
        // The create is refused for it, and the platform says why.
        return Ok(());
    };
    refused(&spec.name, &spec.row_filtering(), filter).map_or(Ok(()), |violation| {
        Err(ActivityFailure::invalid(vec![violation]))
    })
}

fn refused(source: &str, filtering: &RowFiltering, filter: &RowFilter) -> Option<Violation> {
    let refused = |found: String, expected: String| {
        Some(Violation {
            field: AT.to_owned(),
            found,
            expected,
        })
    };
    if !filtering.is_enabled {
        return refused(
            format!("a filter for `{source}`, which takes all rows or none"),
            format!("nothing: {SOURCES_THAT_FILTER} are the sources that Adobe names for it"),
        );
    }
    let operators = filter.operators();
    let unknown = operators.iter().find(|each| !filtering.knows(each))?;
    refused(
        format!("the operator `{unknown}`"),
        format!(
            "one that `{source}` has: {}, isNull",
            filtering.comparison_operators.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::read;
    use serde_json::json;

    use super::*;

    fn filter(json: &Value) -> RowFilter {
        super::read(&read::from_json(json.to_string().as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_condition_is_translated() {
        let given = json!({"all": [
            {"column": "city", "value": "DDN"},
            {"any": [{"column": "age", "operator": ">=", "value": 20},
                     {"not": {"column": "name", "operator": "isNull", "value": null}}]}]});
        let compare = |column: &str, operator: &str, value| RowFilter::Compare {
            column: column.to_owned(),
            operator: operator.to_owned(),
            value,
        };
        assert_eq!(
            filter(&given),
            RowFilter::All(vec![
                compare("city", "=", Some(json!("DDN"))),
                RowFilter::Any(vec![
                    compare("age", ">=", Some(json!(20))),
                    RowFilter::Not(Box::new(compare("name", "isNull", None))),
                ]),
            ])
        );
        let bad = read::from_json(br#"{"column":"a","operator":"~","value":1}"#).unwrap();
        assert!(super::read(&bad).is_err());
    }

    #[test]
    fn a_source_takes_what_it_says_it_takes() {
        let like = filter(&json!({"not": {"column": "a", "operator": "like", "value": "A%"}}));
        let none = RowFiltering::default();
        let told = refused("oracle-service-cloud", &none, &like).unwrap();
        assert_eq!(told.field, "filter");
        assert!(told.found.contains("oracle-service-cloud"), "{told:?}");
        assert!(told.expected.contains("Snowflake"), "{told:?}");
        let some = RowFiltering {
            is_enabled: true,
            comparison_operators: vec!["=".to_owned()],
        };
        let told = refused("snowflake", &some, &like).unwrap();
        assert_eq!(told.found, "the operator `like`");
        assert_eq!(told.expected, "one that `snowflake` has: =, isNull");
        let equal = filter(&json!({"column": "a", "value": 1}));
        assert_eq!(refused("snowflake", &some, &equal), None);
    }
}

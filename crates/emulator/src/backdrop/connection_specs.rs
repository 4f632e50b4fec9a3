//! The connection specs in Adobe's JSON.
//!
//! Adobe prints only Google BigQuery's spec, and only a part of it. The others have the same form.
//! Source: Flow Service API reference; filter row-level data for a source, read 2026-11.

use serde_json::{Map, Value, json};

use super::sources::{AuthSpec, Source};

/// The connection spec of the data lake, the target of every flow.
pub(crate) const DATA_LAKE: &str = "c604ff05-7f1a-43c0-8e18-33bf874cb11c";

/// The provider of every spec.
pub(super) const PROVIDER: &str = "0ed90a81-07f4-4586-8190-b40eccef1c5a";

/// The spec of a source.
pub(super) fn of_source(source: &Source) -> Value {
    let auth: Vec<Value> = source.auth.iter().map(auth_spec).collect();
    let mut properties = json!({
        "tableName": {"type": "string"},
        "columns": {"type": "array", "items": {"type": "object"}},
    });
    let mut attributes = json!({
        "category": source.category,
        "connectorName": source.name,
        "isSource": true,
        "uiAttributes": {"apiFeatures": {"explorePaginationSupported": false}},
    });
    if source.filter_at_source {
        properties["filters"] = json!({"type": "object"});
        attributes["filterAtSource"] = filter_at_source();
    }
    json!({
        "id": source.id,
        "name": source.name,
        "providerId": PROVIDER,
        "version": "1.0",
        "authSpec": auth,
        "sourceSpec": {
            "name": source.name,
            "type": "Tabular",
            "spec": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": properties,
                "required": ["tableName", "columns"],
            },
        },
        "exploreSpec": {
            "name": "Tabular",
            "type": "Tabular",
            "requestSpec": {"type": "object"},
            "responseSpec": {"type": "object"},
        },
        "attributes": attributes,
        "permissionsInfo": {
            "manage": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["write"]}],
            "view": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["read"]}],
        },
    })
}

fn auth_spec(auth: &AuthSpec) -> Value {
    let properties: Map<String, Value> = auth
        .params
        .iter()
        .map(|param| {
            let mut described = json!({"type": param.kind});
            if param.secret {
                described["format"] = Value::from("password");
            }
            (param.name.clone(), described)
        })
        .collect();
    let required = auth.params.iter().filter(|param| !param.optional);
    let required: Vec<&str> = required.map(|param| param.name.as_str()).collect();
    json!({
        "name": auth.spec_name,
        "type": auth.spec_name.replace(' ', ""),
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": properties,
            "required": required,
        },
    })
}

/// The attribute as printed for Google BigQuery. Adobe doesn't print it for the other three
/// sources.
fn filter_at_source() -> Value {
    json!({
        "enabled": true,
        "queryLanguage": "SQL",
        "logicalOperators": ["and", "or", "not"],
        "comparisonOperators": ["=", "!=", "<", "<=", ">", ">=", "like", "in"],
        "columnNameEscapeChar": "`",
        "valueEscapeChar": "'",
    })
}

/// The spec of the data lake, the target of every flow.
pub(super) fn data_lake() -> Value {
    json!({
        "id": DATA_LAKE,
        "name": "data-lake",
        "providerId": PROVIDER,
        "version": "1.0",
        "targetSpec": {
            "name": "data-lake",
            "type": "DataSet",
            "spec": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {"dataSetId": {"type": "string"}},
                "required": ["dataSetId"],
            },
        },
        "attributes": {"isTarget": true},
    })
}

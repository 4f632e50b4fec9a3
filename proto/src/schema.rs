//! A JSON Schema of an ingestion's specification, for editors and for checks before a commit.
//!
//! It is generated from the `.proto` files at build time. It checks what a JSON Schema can say;
//! `validate` checks more.

use serde_json::{Value, json};

/// The schema of the input of either workflow: of `IngestOracleServiceCloud` where the
/// connection has its fields and names no source, else of `IngestSource`.
#[must_use]
pub fn ingestion() -> Value {
    let made = include_str!(concat!(env!("OUT_DIR"), "/inputs.schema.json"));
    let mut schema: Value = serde_json::from_str(made).expect("the build wrote JSON");
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("aep-flow: an ingestion");
    let has = |field| json!({"required": [field]});
    schema["if"] = json!({
        "required": ["connection"],
        "properties": {"connection": {
            "not": has("source"),
            "anyOf": [has("host"), has("username"), has("password")],
        }},
    });
    schema["then"] = json!({"$ref": "#/$defs/IngestOracleServiceCloudInput"});
    schema["else"] = json!({"$ref": "#/$defs/IngestSourceInput"});
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        read,
        v1::{IngestOracleServiceCloudInput, IngestSourceInput},
        validate,
    };

    fn oracle() -> Value {
        json!({
            "connection": {"name": "OSC", "host": "acme.custhelp.com", "username": "svc",
                           "password": {"env": "OSC_PASSWORD"}},
            "tables": [{"table": "Contacts"}],
        })
    }

    fn any() -> Value {
        json!({
            "connection": {
                "name": "SFSC", "source": "salesforce-service-cloud",
                "auth": "OAuth2 Client Credential",
                "params": {"clientId": "3MVG9", "port": 1, "enableSsl": true,
                           "clientSecret": {"vault": {"path": "sfsc", "key": "secret"}}},
            },
            "tables": [{
                "match": "crm_*", "except": ["crm_old"], "columns": ["id"],
                "deltaColumn": "updated",
                "filter": {"all": [{"column": "city", "operator": "in", "value": ["Z", 1]},
                                   {"not": {"column": "id", "operator": "isNull"}}]},
                "mapping": [{"source": "id", "destination": "_tenant.id"}],
                "schema": {"behavior": "EXPERIENCE_EVENT", "eventId": "id",
                           "eventTimestamp": "updated",
                           "identity": {"column": "id", "namespace": "Email", "primary": true}},
                "schedule": {"frequency": "HOUR", "interval": 1},
            }],
            "waitForFirstRun": true,
            "tablesAtOnce": 64,
        })
    }

    /// What schema and reader say of `input`.
    fn verdicts(input: &Value) -> (bool, bool) {
        let schema = jsonschema::validator_for(&ingestion()).unwrap();
        let json = input.to_string();
        let is_of_any = input["connection"]["source"].is_string();
        let is_read = if is_of_any {
            read::from_json::<IngestSourceInput>(json.as_bytes())
                .is_ok_and(|input| validate::ingest_source(&input).is_ok())
        } else {
            read::from_json::<IngestOracleServiceCloudInput>(json.as_bytes())
                .is_ok_and(|input| validate::ingest(&input, validate::Rules::default()).is_ok())
        };
        (schema.is_valid(input), is_read)
    }

    #[test]
    fn a_good_input_passes_both() {
        assert_eq!(verdicts(&oracle()), (true, true));
        assert_eq!(verdicts(&any()), (true, true));
        let mut alone = any();
        alone["tables"] = json!({"match": "*"});
        assert_eq!(verdicts(&alone), (true, true));
    }

    #[test]
    fn what_the_schema_refuses_the_reader_refuses_too() {
        type Change = fn(&mut Value);
        let changes: [Change; 22] = [
            |input| drop(input["connection"].as_object_mut().unwrap().remove("name")),
            |input| drop(input.as_object_mut().unwrap().remove("tables")),
            |input| input["tables"] = json!([{"deltaColumn": "a"}]),
            |input| input["tables"] = json!([{"table": "a", "match": "a*"}]),
            |input| input["tables"][0]["deltaColum"] = json!("a"),
            |input| input["tables"] = json!("Contacts"),
            |input| input["tables"][0]["schedule"]["frequency"] = json!("HOURLY"),
            |input| input["tables"][0]["mapping"] = json!([{"source": "a"}]),
            |input| input["tablesAtOnce"] = json!(65),
            |input| input["stepDeadlineSeconds"] = json!(4),
            |input| input["stepDeadlineSeconds"] = json!(2_592_001),
            |input| input["waitForFirstRun"] = json!("yes"),
            |input| input["continued"] = json!({}),
            |input| input["connection"]["sandbox"] = json!(7),
            |input| input["connection"]["params"] = json!({"a": {"env": "A", "file": "a"}}),
            |input| input["connection"]["params"] = json!({"a": {"keyring": "A"}}),
            |input| input["connection"]["params"] = json!({"a": {"vault": {"path": "a"}}}),
            |input| input["connection"]["params"] = json!({"a": null}),
            |input| input["connection"]["params"] = json!({"a": ["b"]}),
            |input| input["connection"]["params"] = json!([]),
            |input| input["connection"]["onExisting"] = json!("ADOPT"),
            |input| input["connection"]["host"] = json!("a.example"),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut input = any();
            change(&mut input);
            assert_eq!(verdicts(&input), (false, false), "change {number}: {input}");
        }
        let changes: [Change; 4] = [
            |input| drop(input["connection"].as_object_mut().unwrap().remove("host")),
            |input| input["connection"]["password"] = json!("hunter2"),
            |input| input["connection"]["params"] = json!({}),
            |input| input["connection"] = json!([]),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut input = oracle();
            change(&mut input);
            assert_eq!(verdicts(&input), (false, false), "change {number}: {input}");
        }
    }

    #[test]
    fn every_field_is_described() {
        let schema = ingestion();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            assert_ne!(definition["description"], json!(""), "{name}");
            for (field, property) in definition["properties"].as_object().into_iter().flatten() {
                assert_ne!(property["description"], json!(""), "{name}.{field}");
            }
        }
        let port = &schema["$defs"]["IngestSourceInput"]["properties"]["stepDeadlineSeconds"];
        assert_eq!(
            (&port["minimum"], &port["maximum"]),
            (&json!(5), &json!(2_592_000))
        );
    }
}

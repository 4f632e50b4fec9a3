//! Mapping sets, and how they are validated.

use serde_json::{Value, json};

use crate::support::*;

/// A set of mappings, each with a source type, a source and a destination.
fn set(schema: &str, mappings: &[(&str, &str, &str)]) -> Value {
    let mappings: Vec<Value> = mappings
        .iter()
        .map(|(kind, source, destination)| {
            json!({"sourceType": kind, "source": source, "destination": destination})
        })
        .collect();
    json!({"outputSchema": {"schemaRef": {"id": schema, "contentType": XED_FULL}}, "mappings": mappings})
}

async fn validated(aep: &Aep, set: &Value) -> Vec<Value> {
    let reply = aep.post(&format!("{PREP}/mappingSets/validate"), set).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["validationResponse"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_mapping_is_validated_in_its_place() {
    let aep = Aep::start().await;
    let schema = aep.schema("judged", &["name", "email"]).await;
    let cases = [
        (("ATTRIBUTE", "id", "_acme.name"), None),
        (("ATTRIBUTE", "emails\\.address", "_acme.email"), None),
        (("ATTRIBUTE", "${First Name}", "_acme.name"), None),
        (
            ("ATTRIBUTE", "a..b", "_acme.name"),
            Some("source a..b is not a path"),
        ),
        (
            ("ATTRIBUTE", "", "_acme.name"),
            Some("mapping to _acme.name has no source"),
        ),
        (
            ("ATTRIBUTE", "id", ""),
            Some("mapping of id has no destination"),
        ),
        (
            ("ATTRIBUTE", "id", "_acme.nickname"),
            Some("destination _acme.nickname is not in the schema"),
        ),
        (
            ("ATTRIBUTE", "id", "_other.name"),
            Some("destination _other.name is not in the schema"),
        ),
        (("STATIC", "fixed", "_acme.name"), None),
        (
            (
                "EXPRESSION",
                "concat(firstName, ' ', lastName)",
                "_acme.name",
            ),
            None,
        ),
        (
            ("EXPRESSION", "concat(firstName, lastName", "_acme.name"),
            Some(
                "expression of _acme.name is not valid: expression ends where a comma or the end of the list is expected",
            ),
        ),
        (
            ("EXPRESSION", "shout(name)", "_acme.name"),
            Some("expression of _acme.name is not valid: function shout is not known"),
        ),
        (
            ("EXPRESSION", "", "_acme.name"),
            Some(
                "expression of _acme.name is not valid: expression ends where a value is expected",
            ),
        ),
        (
            ("FORMULA", "id", "_acme.name"),
            Some("sourceType FORMULA is not known"),
        ),
    ];
    let mappings: Vec<_> = cases.iter().map(|(mapping, _)| *mapping).collect();
    let verdicts = validated(&aep, &set(&schema, &mappings)).await;
    assert_eq!(verdicts.len(), cases.len());
    for (verdict, ((kind, source, destination), expected)) in verdicts.iter().zip(cases) {
        match expected {
            None => assert_eq!(
                *verdict,
                json!({"status": "SUCCESS", "errors": null}),
                "{source}"
            ),
            Some(exception) => {
                assert_eq!(verdict["status"], "FAILED", "{source}");
                let error = json!({
                    "source": source, "sourceType": kind, "destination": destination, "exception": exception,
                });
                assert_eq!(verdict["errors"], json!([error]));
            }
        }
        // What fails there is refused on creation too, and nothing else is.
        let created = aep
            .post(
                &format!("{PREP}/mappingSets"),
                &set(&schema, &[(kind, source, destination)]),
            )
            .await;
        assert_eq!(
            created.status,
            if expected.is_none() { 200 } else { 400 },
            "{source}: {created:?}"
        );
    }
}

#[tokio::test]
async fn without_a_schema_nothing_is_valid() {
    let aep = Aep::start().await;
    let unknown = "https://ns.adobe.com/acme/schemas/00";
    let verdicts = validated(&aep, &set(unknown, &[("ATTRIBUTE", "id", "_acme.name")])).await;
    assert_eq!(verdicts[0]["status"], "FAILED");
}

#[tokio::test]
async fn a_long_expression_is_refused() {
    let aep = Aep::start().await;
    let schema = aep.schema("long", &["name"]).await;
    for (letters, status) in [(4096, "SUCCESS"), (4097, "FAILED")] {
        let expression = format!("\"{}\"", "é".repeat(letters - 2));
        let set = set(&schema, &[("EXPRESSION", &expression, "_acme.name")]);
        assert_eq!(
            validated(&aep, &set).await[0]["status"],
            status,
            "{letters}"
        );
    }
}

#[tokio::test]
async fn a_flow_leaves_no_required_field_unmapped() {
    let aep = Aep::start().await;
    let event = "https://ns.adobe.com/xdm/context/experienceevent";
    let mut group = fieldgroup("event fields", &["incident", "note"]);
    group["meta:intendedToExtend"] = json!([event]);
    group["definitions"]["customFields"]["properties"]["_acme"]["required"] = json!(["incident"]);
    let group = aep
        .post(&format!("{REGISTRY}/tenant/fieldgroups"), &group)
        .await;
    let mut body = schema("events", group.body["$id"].as_str().unwrap());
    body["allOf"][0]["$ref"] = json!(event);
    let created = aep.post(&format!("{REGISTRY}/tenant/schemas"), &body).await;
    let schema = created.body["$id"].as_str().unwrap();
    let mut parts = aep.parts("Contacts").await;
    let dataset = aep.dataset("events", schema).await;
    parts.target = aep.target_connection(schema, &dataset).await;
    let all = [
        ("ATTRIBUTE", "id", "_id"),
        ("ATTRIBUTE", "updatedTime", "timestamp"),
        ("ATTRIBUTE", "id", "_acme.incident"),
        ("EXPRESSION", "now()", "_acme.note"),
    ];
    for left_out in 0..all.len() {
        let mut mappings = all.to_vec();
        let (_, _, destination) = mappings.remove(left_out);
        let created = aep
            .post(&format!("{PREP}/mappingSets"), &set(schema, &mappings))
            .await;
        assert_eq!(created.status, 200, "{created:?}");
        parts.mapping = created.id();
        let flow = aep.flow(&parts.once()).await;
        if destination == "_acme.note" {
            assert_eq!(flow.status, 201, "{flow:?}");
        } else {
            assert_eq!(flow.code(), "FLOW-1419-400", "{destination}");
            assert!(flow.text.contains(destination), "{flow:?}");
        }
    }
}

//! Descriptors: which field of a schema is an identity.

use aep_emulator::Config;
use serde_json::{Value, json};

use crate::support::*;

fn path() -> String {
    format!("{REGISTRY}/tenant/descriptors")
}

fn identity(schema: &str, property: &str) -> Value {
    json!({
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": property,
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": true,
    })
}

/// A schema with two strings and a number.
async fn schema_with_a_number(aep: &Aep) -> String {
    let mut group = fieldgroup("described fields", &["email", "phone"]);
    group["definitions"]["customFields"]["properties"]["_acme"]["properties"]["age"] =
        json!({"type": "integer"});
    let group = aep
        .post(&format!("{REGISTRY}/tenant/fieldgroups"), &group)
        .await;
    let body = schema("described", group.body["$id"].as_str().unwrap());
    let created = aep.post(&format!("{REGISTRY}/tenant/schemas"), &body).await;
    created.body["$id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_identity_is_a_text_of_the_schema_in_a_namespace() {
    let aep = Aep::with(Config::default()).await;
    let schema = schema_with_a_number(&aep).await;
    let fine = identity(&schema, "/_acme/email");
    for (field, value, code) in [
        ("@type", Value::Null, "XDM-1018-400"),
        ("xdm:sourceSchema", Value::Null, "XDM-1018-400"),
        (
            "xdm:sourceSchema",
            json!("https://ns.adobe.com/acme/schemas/00"),
            "XDM-1012-404",
        ),
        ("xdm:sourceVersion", Value::Null, "XDM-1018-400"),
        ("xdm:sourceVersion", json!(2), "XDM-1018-400"),
        ("xdm:sourceProperty", Value::Null, "XDM-1018-400"),
        ("xdm:sourceProperty", json!("_acme/email"), "XDM-1018-400"),
        ("xdm:sourceProperty", json!("/_acme/email/"), "XDM-1018-400"),
        ("xdm:sourceProperty", json!("/_acme/mail"), "XDM-1018-400"),
        ("xdm:sourceProperty", json!("/_acme/age"), "XDM-1018-400"),
        ("xdm:sourceProperty", json!("/_acme"), "XDM-1018-400"),
        ("xdm:namespace", Value::Null, "XDM-1018-400"),
        ("xdm:property", json!("code"), "XDM-1018-400"),
        ("xdm:isPrimary", json!("true"), "XDM-1018-400"),
    ] {
        let mut body = fine.clone();
        body[field] = value.clone();
        assert_eq!(
            aep.post(&path(), &body).await.code(),
            code,
            "{field}: {value}"
        );
    }
    assert!(aep.emulator.resources("prod", "descriptors").is_empty());
    let created = aep.post(&path(), &fine).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(created.body["@id"].is_string());
    assert_eq!(created.body["meta:containerId"], "tenant");
}

#[tokio::test]
async fn a_schema_has_one_primary_identity() {
    let aep = Aep::start().await;
    let schema = schema_with_a_number(&aep).await;
    let first = aep.post(&path(), &identity(&schema, "/_acme/email")).await;
    assert_eq!(first.status, 201, "{first:?}");
    let refused = aep.post(&path(), &identity(&schema, "/_acme/phone")).await;
    assert_eq!(refused.code(), "XDM-1018-400");
    let mut second = identity(&schema, "/_acme/phone");
    second["xdm:isPrimary"] = json!(false);
    assert_eq!(aep.post(&path(), &second).await.status, 201);
    let first = format!("{}/{}", path(), first.body["@id"].as_str().unwrap());
    assert_eq!(aep.get(&first).await.body["xdm:isPrimary"], true);
    assert_eq!(aep.delete(&first).await.status, 204);
    assert_eq!(aep.get(&first).await.status, 404);
    assert_eq!(aep.delete(&first).await.status, 404);
    let again = aep.post(&path(), &identity(&schema, "/_acme/phone")).await;
    assert_eq!(again.status, 201, "{again:?}");
}

#[tokio::test]
async fn a_list_has_an_array_for_each_type_in_the_requested_form() {
    let aep = Aep::start().await;
    let get = |form: &'static str| {
        let accept = format!("application/vnd.adobe.{form}+json");
        let aep = &aep;
        async move { aep.get_as(&path(), &accept).await }
    };
    assert_eq!(get("xdm").await.body, json!({}));
    let schema = schema_with_a_number(&aep).await;
    let created = aep
        .post(&path(), &identity(&schema, "/_acme/email"))
        .await
        .body;
    let id = created["@id"].as_str().unwrap();
    let name = json!({
        "@type": "xdm:alternateDisplayInfo", "xdm:sourceSchema": schema, "xdm:sourceProperty": "/_acme/email",
    });
    assert_eq!(aep.post(&path(), &name).await.status, 201);
    let kind = "xdm:descriptorIdentity";
    assert_eq!(get("xdm-id").await.body[kind], json!([id]));
    assert_eq!(
        get("xdm-link").await.body[kind],
        json!([format!("/tenant/descriptors/{id}")])
    );
    let whole = get("xdm").await.body;
    assert_eq!(whole.as_object().unwrap().len(), 2);
    assert_eq!(whole[kind][0]["xdm:sourceProperty"], "/_acme/email");
    assert_eq!(
        get("xdm-v2").await.body["results"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(get("xed").await.code(), "XDM-1008-400");
    assert_eq!(aep.get(&path()).await.code(), "XDM-1008-400");
}

//! Datasets and mapping sets.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::*;

fn datasets() -> String {
    format!("{CATALOG}/dataSets")
}

fn sets() -> String {
    format!("{PREP}/mappingSets")
}

#[tokio::test]
async fn datasets_of_one_name_are_found_by_name_and_tag() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let (one, two) = (
        aep.dataset("twin*", &schema).await,
        aep.dataset("twin*", &schema).await,
    );
    let other = aep.dataset("twinned", &schema).await;
    let found = async |query: &[(&str, &str)]| -> Vec<String> {
        let reply = send(aep.request(Method::GET, &datasets()).query(query)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        // Keys in the order of the text. A map would sort them.
        let mut keys: Vec<_> = reply.body.as_object().unwrap().keys().cloned().collect();
        keys.sort_by_key(|key| reply.text.find(&format!("\"{key}\":{{")).unwrap());
        keys
    };
    assert_eq!(found(&[("name", "twin**")]).await, [one.as_str(), &two]);
    assert_eq!(
        found(&[("name", "twin*")]).await,
        [one.as_str(), &two, &other]
    );
    assert_eq!(
        found(&[("name", "twinned,nothing")]).await,
        [other.as_str()]
    );
    assert_eq!(
        found(&[("property", "name==twin*")]).await,
        [one.as_str(), &two]
    );
    assert_eq!(
        found(&[("tags", "acme-flow:v1*"), ("limit", "1"), ("start", "1")]).await,
        [two.as_str()]
    );
    assert_eq!(found(&[("tags", "acme-flow:v2*")]).await, [""; 0]);
    assert_eq!(
        found(&[("orderBy", "desc:name")]).await,
        [other.as_str(), &one, &two]
    );
    let projected = aep
        .get(&format!(
            "{}?name=twinned&properties=name,description",
            datasets()
        ))
        .await;
    assert_eq!(projected.body, json!({other.clone(): {"name": "twinned"}}));
    assert_eq!(
        aep.get(&format!("{}?name=nothing", datasets())).await.body,
        json!({})
    );
    assert_eq!(
        aep.get(&format!("{}?limit=101", datasets())).await.status,
        400
    );
}

#[tokio::test]
async fn offsets_reach_every_dataset() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    for number in 0..25 {
        aep.dataset(&format!("d{number}"), &schema).await;
    }
    let first = aep.get(&datasets()).await;
    assert_eq!(first.body.as_object().unwrap().len(), 20);
    let rest = aep.get(&format!("{}?start=20", datasets())).await;
    assert_eq!(rest.body.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn a_dataset_needs_a_schema_that_exists() {
    let aep = Aep::start().await;
    let unknown = dataset("d", "https://ns.adobe.com/acme/schemas/00");
    assert_eq!(aep.post(&datasets(), &unknown).await.status, 400);
    let schema = aep.schema("s", &["a"]).await;
    let mut tags = dataset("d", &schema);
    tags["tags"] = json!({"acme-flow": "no array"});
    assert_eq!(aep.post(&datasets(), &tags).await.status, 400);
    tags["tags"] = json!({"adobe/x": ["y"]});
    assert_eq!(aep.post(&datasets(), &tags).await.status, 400);
    assert!(aep.emulator.resources("prod", "dataSets").is_empty());
}

#[tokio::test]
async fn a_dataset_is_changed_and_its_version_rises() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let id = aep.dataset("old", &schema).await;
    let path = format!("{}/{id}", datasets());
    let read = aep.get(&path).await;
    assert_eq!(read.headers["e-tag"], "1.0.0");
    let stale = aep.patch(&path, "0.9.9", &json!({"name": "new"})).await;
    assert_eq!(stale.status, 412);
    let changed = aep.patch(&path, "1.0.0", &json!({"name": "new"})).await;
    assert_eq!(changed.body, json!([format!("@/dataSets/{id}")]));
    let read = aep.get(&path).await;
    assert_eq!(
        (&read.body[&id]["name"], &read.body[&id]["version"]),
        (&json!("new"), &json!("1.0.1"))
    );
}

#[tokio::test]
async fn a_dataset_is_merged_or_patched() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let id = aep.dataset("old", &schema).await;
    let path = format!("{}/{id}", datasets());
    let merge = json!({"description": "d", "tags": {"other": ["x"], "acme-flow": null}});
    // Without `If-Match` a change applies to any version.
    let merged = send(aep.request(Method::PATCH, &path).json(&merge)).await;
    assert_eq!(merged.status, 200, "{merged:?}");
    let read = aep.get(&path).await;
    assert_eq!(read.body[&id]["tags"], json!({"other": ["x"]}));
    assert_eq!(read.body[&id]["name"], "old");
    let patch = async |operations: Value| {
        let request = aep
            .request(Method::PATCH, &path)
            .header("content-type", "application/json-patch+json")
            .body(operations.to_string());
        send(request).await
    };
    let operations = json!([
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "remove", "path": "/description"},
        {"op": "add", "path": "/tags/more", "value": ["y"]},
    ]);
    let patched = patch(operations).await;
    assert_eq!(patched.body, json!([format!("@/dataSets/{id}")]));
    let read = aep.get(&path).await;
    assert_eq!(read.headers["e-tag"], "1.0.2");
    let dataset = &read.body[&id];
    assert_eq!(
        (&dataset["name"], dataset.get("description")),
        (&json!("new"), None)
    );
    assert_eq!(dataset["tags"], json!({"other": ["x"], "more": ["y"]}));
    for operations in [
        json!([{"op": "replace", "path": "/created", "value": 0}]),
        json!([{"op": "move", "path": "/name", "value": 0}]),
        json!({"name": "no array"}),
    ] {
        assert_eq!(patch(operations.clone()).await.status, 400, "{operations}");
    }
}

#[tokio::test]
async fn a_mapping_set_cannot_be_deleted() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let set = aep.mapping_set(&schema, &[("id", "_acme.a")]).await;
    let path = format!("{PREP}/mappingSets/{set}");
    assert_eq!(aep.delete(&path).await.status, 405);
    assert_eq!(aep.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_mapping_set_accepts_both_forms() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let tutorial = json!({
        "version": 0, "xdmSchema": schema, "xdmVersion": "1.0", "id": null,
        "mappings": [{"sourceAttribute": "id", "destinationXdmPath": "_acme.a", "identity": false, "version": 0}],
    });
    for body in [tutorial, mapping_set(&schema, &[("id", "_acme.a")])] {
        let created = aep.post(&sets(), &body).await;
        assert_eq!(
            (created.status, &created.body["version"]),
            (200, &json!(0)),
            "{created:?}"
        );
        assert_eq!(created.id().len(), 32);
        let read = aep
            .get(&format!("{}/{}?version=0", sets(), created.id()))
            .await;
        let mapping = &read.body["mappings"][0];
        assert_eq!(mapping["destination"], "_acme.a");
        assert_eq!(mapping["sourceType"], "text/x.schema-path");
        let mappings = aep
            .get(&format!("{}/{}/mappings", sets(), created.id()))
            .await;
        assert_eq!(mappings.body, read.body["mappings"]);
    }
}

#[tokio::test]
async fn a_mapping_set_must_fit_its_schema() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    for body in [
        mapping_set("https://ns.adobe.com/acme/schemas/00", &[("id", "_acme.a")]),
        mapping_set(&schema, &[("id", "_acme.b")]),
        mapping_set(&schema, &[("id", "")]),
        mapping_set(&schema, &[]),
    ] {
        assert_eq!(aep.post(&sets(), &body).await.status, 400, "{body}");
    }
    assert!(aep.emulator.resources("prod", "mappingSets").is_empty());
    let mixed = mapping_set(&schema, &[("id", "_acme.a"), ("id", "_acme.b")]);
    let validated = aep.post(&format!("{}/validate", sets()), &mixed).await;
    assert_eq!(validated.status, 200);
    let statuses: Vec<&Value> = validated.body["validationResponse"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["status"])
        .collect();
    assert_eq!(statuses, ["SUCCESS", "FAILED"]);
}

#[tokio::test]
async fn a_list_of_mapping_sets_needs_limit_and_start() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let id = aep.mapping_set(&schema, &[("id", "_acme.a")]).await;
    for query in ["", "?limit=10", "?start=0"] {
        assert_eq!(
            aep.get(&format!("{}{query}", sets())).await.status,
            400,
            "{query}"
        );
    }
    let found = aep
        .get(&format!(
            "{}?limit=10&start=0&name=mapping&orderBy=-createdDate",
            sets()
        ))
        .await;
    assert_eq!(found.body["data"][0]["id"], id);
    let none = aep
        .get(&format!("{}?limit=10&start=0&name=other", sets()))
        .await;
    assert_eq!(none.body["data"], json!([]));
    assert_eq!(aep.delete(&format!("{}/{id}", sets())).await.status, 405);
}

#[tokio::test]
async fn a_replaced_mapping_set_has_the_next_version() {
    let aep = Aep::start().await;
    let parts = aep.parts("Contacts").await;
    let path = format!("{}/{}", sets(), parts.mapping);
    let body = mapping_set(&parts.schema, &[("id", "_acme.tableId")]);
    let replaced = send(aep.request(Method::PUT, &path).json(&body)).await;
    assert_eq!(
        (replaced.status, &replaced.body["version"]),
        (200, &json!(1))
    );
    let mut flow = parts.once();
    flow["transformations"][0]["params"]["mappingVersion"] = json!(1);
    assert_eq!(aep.flow(&flow).await.status, 201);
}

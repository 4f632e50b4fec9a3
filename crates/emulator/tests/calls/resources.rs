//! Specs, and the common fields of every resource of Flow Service.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn specs_are_read_by_id_and_by_name() {
    let aep = Aep::start().await;
    for (path, id) in [
        ("connectionSpecs", OSC),
        ("connectionSpecs", DATA_LAKE),
        ("flowSpecs", CRM_TO_AEP),
    ] {
        let one = aep.get(&format!("{FLOW}/{path}/{id}")).await;
        assert_eq!(one.items()[0]["id"], id);
        let name = one.names()[0].to_owned();
        let listed = aep
            .get(&format!("{FLOW}/{path}?property=name=={name}"))
            .await;
        assert_eq!(listed.items()[0]["id"], id);
        assert_eq!(
            aep.get(&format!("{FLOW}/{path}/unknown")).await.code(),
            "FLOW-1439-404"
        );
    }
    let spec = aep.get(&format!("{FLOW}/connectionSpecs/{OSC}")).await;
    let auth = &spec.items()[0]["authSpec"][0];
    assert_eq!(auth["name"], "Basic Authentication");
    assert_eq!(
        auth["spec"]["required"],
        json!(["host", "username", "password"])
    );
    assert_eq!(auth["spec"]["properties"]["password"]["format"], "password");
    assert_eq!(
        aep.post(&format!("{FLOW}/connectionSpecs"), &json!({}))
            .await
            .code(),
        "FLOW-1426-400"
    );
}

#[tokio::test]
async fn a_resource_has_the_common_fields() {
    let aep = Aep::start().await;
    let id = aep.base_connection("common").await;
    let read = aep.get(&format!("{FLOW}/connections/{id}")).await;
    let item = &read.items()[0];
    assert_eq!(item["id"], id);
    assert_eq!(item["state"], "enabled");
    assert_eq!(item["sandboxName"], "prod");
    assert_eq!(item["imsOrgId"], aep_emulator::DEFAULT_ORG);
    assert_eq!(item["createdClient"], aep_emulator::DEFAULT_CLIENT_ID);
    assert_eq!(item["version"], item["etag"]);
    assert!(item["createdAt"].as_i64().unwrap() > 1_600_000_000_000);
    assert_eq!(item["description"], "of a test");
}

#[tokio::test]
async fn a_trailing_slash_is_ignored() {
    let aep = Aep::start().await;
    let id = aep.base_connection("slash").await;
    assert_eq!(
        aep.get(&format!("{FLOW}/connections/?property=name==slash"))
            .await
            .names(),
        ["slash"]
    );
    assert_eq!(
        aep.delete(&format!("{FLOW}/connections/{id}/"))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn other_sources_take_their_own_credentials() {
    let aep = Aep::start().await;
    let body = json!({
        "name": "ServiceNow",
        "auth": {"specName": "Basic Authentication", "params": {
            "endpoint": "https://acme.service-now.com", "username": "svc_aep", "password": "osc-password",
        }},
        "connectionSpec": {"id": "eb13cb25-47ab-407f-ba89-c0125281c563"},
    });
    let id = aep.post(&format!("{FLOW}/connections"), &body).await.id();
    assert_eq!(
        aep.get(&format!("{FLOW}/connections/{id}/test")).await.body["result"],
        true
    );
}

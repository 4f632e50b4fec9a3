//! The complete chain of a customer success source, in the order of the tutorials.

use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_table_becomes_a_flow_with_a_run() {
    let aep = Aep::start().await;

    let sandboxes = aep.get(&format!("{SANDBOXES}/")).await;
    let names: Vec<_> = sandboxes.body["sandboxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["name"])
        .collect();
    assert_eq!(names, ["prod", "dev", "resetting"]);

    let base = aep
        .post(&format!("{FLOW}/connections"), &base_connection("OSC"))
        .await;
    assert_eq!(base.status, 201);
    let id = base.id();
    assert_eq!(id.len(), 36);
    let etag = base.body["etag"].as_str().unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(base.headers["location"], format!("/connections/{id}"));

    let tested = aep.get(&format!("{FLOW}/connections/{id}/test")).await;
    assert_eq!((tested.status, tested.body), (200, json!({"result": true})));

    let root = aep
        .get(&format!("{FLOW}/connections/{id}/explore?objectType=root"))
        .await;
    let paths: Vec<_> = root
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|table| &table["path"])
        .collect();
    assert_eq!(paths, ["Contacts", "Accounts", "Incidents"]);

    let table = aep
        .get(&format!(
            "{FLOW}/connections/{id}/explore?objectType=TABLE&object=Contacts&preview=true"
        ))
        .await;
    assert_eq!(table.body["format"], "flat");
    let columns = &table.body["schema"]["columns"];
    let email = columns
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["name"] == "emails.address");
    assert_eq!(email.unwrap()["xdm"], json!({"type": "string"}));
    assert_eq!(table.body["data"][0]["id"], 1001);

    let source = source_connection(&id, "Contacts", columns);
    let source = aep
        .post(&format!("{FLOW}/sourceConnections"), &source)
        .await;
    assert_eq!(source.status, 201);
    assert!(!source.headers.contains_key("location"));

    let stats = aep.get(&format!("{REGISTRY}/stats")).await;
    assert_eq!(stats.body["tenantId"], "acme");
    let schema = aep.schema("osc_contacts", &["contactId", "email"]).await;
    assert!(
        schema.starts_with("https://ns.adobe.com/acme/schemas/"),
        "{schema}"
    );

    let dataset = aep
        .post(
            &format!("{CATALOG}/dataSets"),
            &dataset("osc_contacts", &schema),
        )
        .await;
    assert_eq!(dataset.status, 201);
    let reference = dataset.body[0].as_str().unwrap();
    let dataset_id = reference.strip_prefix("@/dataSets/").unwrap();
    assert_eq!(dataset_id.len(), 24);

    let target = aep.target_connection(&schema, dataset_id).await;
    let mapping = aep
        .mapping_set(
            &schema,
            &[
                ("id", "_acme.contactId"),
                ("emails\\.address", "_acme.email"),
            ],
        )
        .await;
    assert_eq!(mapping.len(), 32);

    let spec = aep
        .get(&format!("{FLOW}/flowSpecs?property=name==%22CRMToAEP%22"))
        .await;
    let spec = &spec.items()[0];
    assert_eq!(spec["id"], CRM_TO_AEP);
    assert!(
        spec["sourceConnectionSpecIds"]
            .as_array()
            .unwrap()
            .contains(&json!(OSC))
    );

    let parts = Parts {
        base: id.clone(),
        source: source.id(),
        schema,
        dataset: dataset_id.to_owned(),
        target,
        mapping,
    };
    let flow = aep.flow(&Parts::soon(parts.once())).await;
    assert_eq!(flow.status, 201, "{flow:?}");
    let read = aep.get(&format!("{FLOW}/flows/{}", flow.id())).await;
    let read = &read.items()[0];
    assert_eq!(read["state"], "enabled");
    assert_eq!(read["sandboxName"], "prod");
    assert_eq!(
        read["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"],
        id
    );
    assert_eq!(
        read["runs"],
        format!("/runs?property=flowId=={}", flow.id())
    );

    let run = aep.run_with_status(&flow.id(), "success").await;
    assert_eq!(run["metrics"]["recordSummary"]["outputRecordCount"], 50);
    assert_eq!(run["flowId"], flow.id());
}

#[tokio::test]
async fn the_chain_is_torn_down_from_its_end() {
    let aep = Aep::start().await;
    let parts = aep.parts("Accounts").await;
    let flow = aep.flow(&parts.hourly()).await.id();
    let base_path = format!("{FLOW}/connections/{}/", parts.base);
    let source_path = format!("{FLOW}/sourceConnections/{}", parts.source);
    let target_path = format!("{FLOW}/targetConnections/{}", parts.target);
    for (path, code) in [
        (&base_path, "FLOW-1418-400"),
        (&source_path, "FLOW-1447-400"),
        (&target_path, "FLOW-1447-400"),
    ] {
        let reply = aep.delete(path).await;
        assert_eq!(reply.code(), code, "{reply:?}");
    }
    let flow_path = format!("{FLOW}/flows/{flow}");
    for path in [&flow_path, &source_path, &target_path, &base_path] {
        let reply = aep.delete(path).await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""), "{path}");
        assert_eq!(
            aep.get(path.trim_end_matches('/')).await.code(),
            "FLOW-1439-404"
        );
    }
    let dataset = format!("{CATALOG}/dataSets/{}", parts.dataset);
    assert_eq!(
        aep.delete(&dataset).await.body,
        json!([format!("@/dataSets/{}", parts.dataset)])
    );
    let again = aep.delete(&dataset).await;
    assert_eq!((again.status, again.body), (200, json!([])));
    assert_eq!(aep.get(&dataset).await.status, 404);
}

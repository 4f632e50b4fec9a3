//! What Flow Service refuses, and with which code.

use aep_emulator::{Config, DEFAULT_SOURCE_PASSWORD, RunSettings, SourceOffer, SourceSettings};
use serde_json::{Value, json};

use crate::support::*;

/// A body with one field replaced, or removed if the value is null.
fn changed(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Value::Null) => {
            fields.remove(key);
        }
        (Value::Object(fields), value) => {
            fields.insert(key.to_owned(), value);
        }
        (Value::Array(items), value) => items[key.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{pointer} leads into {other}"),
    }
    body
}

async fn check(aep: &Aep, path: &str, good: &Value, cases: &[(&str, Value, &str)]) {
    for (pointer, value, code) in cases {
        let reply = aep
            .post(
                &format!("{FLOW}{path}"),
                &changed(good, pointer, value.clone()),
            )
            .await;
        assert_eq!(reply.code(), *code, "{pointer} = {value}: {reply:?}");
    }
}

#[tokio::test]
async fn a_base_connection_must_fit_its_spec() {
    let aep = Aep::start().await;
    let good = base_connection("good");
    let cases = [
        ("/name", json!(null), "FLOW-1304-400"),
        ("/name", json!(""), "FLOW-1304-400"),
        ("/name", json!(7), "FLOW-1312-400"),
        ("/connectionSpec", json!(null), "FLOW-1413-400"),
        ("/connectionSpec/id", json!("unknown"), "FLOW-1413-400"),
        ("/connectionSpec/version", json!("9.0"), "FLOW-1413-400"),
        ("/auth", json!(null), "FLOW-1304-400"),
        ("/auth/specName", json!("OAuth"), "FLOW-1415-400"),
        ("/auth/params", json!(null), "FLOW-1304-400"),
        ("/auth/params/host", json!(null), "FLOW-1304-400"),
        ("/auth/params/password", json!(null), "FLOW-1304-400"),
        ("/auth/params/username", json!(true), "FLOW-1312-400"),
    ];
    check(&aep, "/connections", &good, &cases).await;
    assert!(aep.emulator.resources("prod", "connections").is_empty());
    let no_version = changed(&good, "/connectionSpec/version", json!(null));
    assert_eq!(
        aep.post(&format!("{FLOW}/connections"), &no_version)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn wrong_credentials_show_when_they_are_used() {
    let aep = Aep::start().await;
    let wrong = changed(
        &base_connection("wrong"),
        "/auth/params/password",
        json!("wrong"),
    );
    let id = aep.post(&format!("{FLOW}/connections"), &wrong).await.id();
    let tested = aep.get(&format!("{FLOW}/connections/{id}/test")).await;
    assert_eq!(
        (tested.status, tested.body),
        (200, json!({"result": false}))
    );
    for query in ["objectType=root", "objectType=table&object=Contacts"] {
        let explored = aep
            .get(&format!("{FLOW}/connections/{id}/explore?{query}"))
            .await;
        assert_eq!(explored.code(), "FLOW-1308-400");
    }
    let source = source_connection(&id, "Contacts", &json!([{"name": "id"}]));
    assert_eq!(
        aep.post(&format!("{FLOW}/sourceConnections"), &source)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn wrong_credentials_can_be_refused_at_once() {
    let source = SourceSettings {
        checks_credentials_on_create: true,
        ..SourceSettings::default()
    };
    let aep = Aep::with(Config {
        source,
        ..Config::default()
    })
    .await;
    let wrong = changed(
        &base_connection("wrong"),
        "/auth/params/password",
        json!("wrong"),
    );
    let reply = aep.post(&format!("{FLOW}/connections"), &wrong).await;
    assert_eq!(reply.code(), "FLOW-1100-400");
    assert!(
        reply.body["errorMessage"]
            .as_str()
            .unwrap()
            .contains("401 Unauthorized")
    );
    aep.base_connection("right").await;
}

async fn with_oracle_service_cloud(offer: SourceOffer) -> Aep {
    let mut config = Config::default();
    let offers = &mut config.source.offers;
    offers.insert("oracle-service-cloud".to_owned(), offer);
    Aep::with(config).await
}

#[tokio::test]
async fn a_deprecated_source_is_refused_in_its_ways() {
    for (offer, code) in [
        (SourceOffer::Refused, "FLOW-1305-400"),
        (SourceOffer::Gone, "FLOW-1413-400"),
    ] {
        let aep = with_oracle_service_cloud(offer).await;
        let reply = aep
            .post(&format!("{FLOW}/connections"), &base_connection("late"))
            .await;
        assert_eq!(reply.code(), code, "{offer:?}");
    }
    let aep = with_oracle_service_cloud(SourceOffer::MissingFromFlowSpec).await;
    let parts = aep.parts("Contacts").await;
    assert_eq!(aep.flow(&parts.once()).await.code(), "FLOW-1305-400");
}

#[tokio::test]
async fn exploring_must_say_what() {
    let aep = Aep::start().await;
    let id = aep.base_connection("base").await;
    for (query, code) in [
        ("", "FLOW-1359-400"),
        ("objectType=planet", "FLOW-1358-400"),
        ("objectType=table", "FLOW-1337-400"),
        ("objectType=table&object=", "FLOW-1334-400"),
        ("objectType=table&object=Nothing", "FLOW-1330-400"),
        (
            "objectType=table&object=Contacts&preview=true&filters=e30=",
            "FLOW-1353-400",
        ),
    ] {
        let reply = aep
            .get(&format!("{FLOW}/connections/{id}/explore?{query}"))
            .await;
        assert_eq!(reply.code(), code, "{query}");
    }
    assert_eq!(
        aep.get(&format!(
            "{FLOW}/connections/nothing/explore?objectType=root"
        ))
        .await
        .status,
        404
    );
}

#[tokio::test]
async fn awkward_and_many_tables_can_be_explored() {
    let source = SourceSettings {
        awkward_tables: true,
        extra_tables: 200,
        ..SourceSettings::default()
    };
    let aep = Aep::with(Config {
        source,
        ..Config::default()
    })
    .await;
    let id = aep.base_connection("base").await;
    let root = aep
        .get(&format!("{FLOW}/connections/{id}/explore?objectType=root"))
        .await;
    let paths: Vec<_> = root
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"Table200"));
    for path in paths.iter().filter(|path| !path.starts_with("Table")) {
        let request = aep.request(
            reqwest::Method::GET,
            &format!("{FLOW}/connections/{id}/explore"),
        );
        let reply = send(request.query(&[("objectType", "table"), ("object", path)])).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
    }
    let source = SourceSettings {
        no_tables: true,
        ..SourceSettings::default()
    };
    let aep = Aep::with(Config {
        source,
        ..Config::default()
    })
    .await;
    let id = aep.base_connection("base").await;
    let root = aep
        .get(&format!("{FLOW}/connections/{id}/explore?objectType=root"))
        .await;
    assert_eq!(root.body, json!([]));
}

#[tokio::test]
async fn a_source_connection_must_fit_its_base() {
    let aep = Aep::start().await;
    let base = aep.base_connection("base").await;
    let good = source_connection(
        &base,
        "Contacts",
        &json!([{"name": "id", "type": "integer"}]),
    );
    let cases = [
        ("/name", json!(null), "FLOW-1304-400"),
        ("/baseConnectionId", json!(null), "FLOW-1304-400"),
        ("/baseConnectionId", json!("unknown"), "FLOW-1439-404"),
        (
            "/connectionSpec/id",
            json!("eb13cb25-47ab-407f-ba89-c0125281c563"),
            "FLOW-1413-400",
        ),
        ("/data/format", json!(null), "FLOW-1326-400"),
        ("/data/format", json!("delimited"), "FLOW-1327-400"),
        ("/params/tableName", json!(null), "FLOW-1324-400"),
        ("/params/columns", json!(null), "FLOW-1304-400"),
        ("/params/columns", json!([]), "FLOW-1370-400"),
        ("/params/columns", json!("id"), "FLOW-1312-400"),
        ("/params/filters", json!({"type": "PQL"}), "FLOW-1353-400"),
    ];
    check(&aep, "/sourceConnections", &good, &cases).await;
    let mut older = changed(&good, "/params/tableName", json!(null));
    older["params"]["path"] = json!("Contacts");
    assert_eq!(
        aep.post(&format!("{FLOW}/sourceConnections"), &older)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_target_connection_must_have_a_dataset() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let dataset = aep.dataset("d", &schema).await;
    let good = target_connection(&schema, &dataset);
    let cases = [
        ("/connectionSpec/id", json!("unknown"), "FLOW-1413-400"),
        ("/connectionSpec/id", json!(OSC), "FLOW-1307-400"),
        ("/data/schema/id", json!(null), "FLOW-1304-400"),
        ("/data/schema/version", json!(null), "FLOW-1304-400"),
        ("/params/dataSetId", json!(null), "FLOW-1325-400"),
        (
            "/params/dataSetId",
            json!("5e543e8a60b15218ad44b95f"),
            "FLOW-1325-400",
        ),
        ("/baseConnectionId", json!("any"), "FLOW-1332-400"),
    ];
    check(&aep, "/targetConnections", &good, &cases).await;
    assert_eq!(
        aep.post(&format!("{FLOW}/targetConnections"), &good)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_flow_must_be_whole() {
    let aep = Aep::start().await;
    let parts = aep.parts("Contacts").await;
    let once = parts.once();
    let delta = json!({"name": "Copy", "params": {"deltaColumn": {"name": "updatedTime"}}});
    let cases = [
        ("/name", json!(null), "FLOW-1304-400"),
        ("/flowSpec/id", json!("unknown"), "FLOW-1413-400"),
        (
            "/flowSpec/id",
            json!("9753525b-82c7-4dce-8a9b-5ccfce2b9876"),
            "FLOW-1305-400",
        ),
        ("/state", json!("enabled"), "FLOW-1410-400"),
        ("/sourceConnectionIds", json!(null), "FLOW-1338-400"),
        ("/sourceConnectionIds", json!([]), "FLOW-1321-400"),
        ("/sourceConnectionIds", json!([""]), "FLOW-1320-400"),
        (
            "/sourceConnectionIds",
            json!([parts.source, parts.source]),
            "FLOW-1321-400",
        ),
        ("/sourceConnectionIds", json!(["unknown"]), "FLOW-1439-404"),
        (
            "/targetConnectionIds",
            json!([parts.source]),
            "FLOW-1439-404",
        ),
        ("/targetConnectionIds", json!(null), "FLOW-1338-400"),
        ("/scheduleParams", json!(null), "FLOW-1317-400"),
        (
            "/scheduleParams/startTime",
            json!(seconds_from_now(-1).to_string()),
            "FLOW-1360-400",
        ),
        (
            "/scheduleParams/startTime",
            json!("tomorrow"),
            "FLOW-1340-400",
        ),
        ("/scheduleParams/interval", json!("1"), "FLOW-1361-400"),
        ("/scheduleParams/backfill", json!(true), "FLOW-1364-400"),
        ("/transformations", json!(null), "FLOW-1328-400"),
        (
            "/transformations/0",
            json!({"name": "Mapping", "params": {}}),
            "FLOW-1329-400",
        ),
        (
            "/transformations/0/params/mappingId",
            json!("unknown"),
            "FLOW-1419-400",
        ),
        (
            "/transformations/0/params/mappingVersion",
            json!(1),
            "FLOW-1412-400",
        ),
        (
            "/transformations",
            json!([delta, once["transformations"][0]]),
            "FLOW-1369-400",
        ),
    ];
    check(&aep, "/flows", &once, &cases).await;
    let hourly = parts.hourly();
    let cases = [
        ("/scheduleParams/frequency", json!("year"), "FLOW-1397-400"),
        ("/scheduleParams/interval", json!(0), "FLOW-1362-400"),
        ("/scheduleParams/interval", json!(null), "FLOW-1304-400"),
        (
            "/scheduleParams/frequency",
            json!("minute"),
            "FLOW-1362-400",
        ),
        ("/transformations/0/params", json!({}), "FLOW-1367-400"),
        (
            "/transformations",
            json!([hourly["transformations"][1]]),
            "FLOW-1367-400",
        ),
    ];
    check(&aep, "/flows", &hourly, &cases).await;
    assert!(aep.emulator.resources("prod", "flows").is_empty());
    let plain = changed(&once, "/transformations/0/params/mappingVersion", json!(0));
    assert_eq!(aep.flow(&plain).await.status, 201);
    assert_eq!(aep.flow(&hourly).await.status, 201);
}

#[tokio::test]
async fn schemas_of_mapping_and_target_must_be_one() {
    let aep = Aep::start().await;
    let mut parts = aep.parts("Contacts").await;
    let other = aep.schema("another", &["tableId"]).await;
    parts.mapping = aep.mapping_set(&other, &[("id", "_acme.tableId")]).await;
    assert_eq!(aep.flow(&parts.once()).await.code(), "FLOW-1425-400");
    let mut set = mapping_set(&parts.schema, &[("id", "_acme.tableId")]);
    set["outputSchema"]["schemaRef"]["contentType"] =
        json!("application/vnd.adobe.xed-full+json;version=2");
    parts.mapping = aep.post(&format!("{PREP}/mappingSets"), &set).await.id();
    assert_eq!(aep.flow(&parts.once()).await.code(), "FLOW-1425-400");
    parts.target = aep.target_connection(&other, &parts.dataset).await;
    parts.mapping = aep.mapping_set(&other, &[("id", "_acme.tableId")]).await;
    assert_eq!(
        aep.flow(&parts.once()).await.code(),
        "FLOW-1425-400",
        "the dataset has the first schema"
    );
}

#[tokio::test]
async fn a_mapping_must_fit_source_and_schema() {
    let aep = Aep::start().await;
    let mut parts = aep.parts("Contacts").await;
    for source in ["nothing", "emails.address"] {
        parts.mapping = aep
            .mapping_set(&parts.schema, &[(source, "_acme.tableId")])
            .await;
        assert_eq!(
            aep.flow(&parts.once()).await.code(),
            "FLOW-1419-400",
            "{source}"
        );
    }
    for source in ["emails\\.address", "${emails.address}"] {
        parts.mapping = aep
            .mapping_set(&parts.schema, &[(source, "_acme.tableId")])
            .await;
        assert_eq!(aep.flow(&parts.once()).await.status, 201, "{source}");
    }
    let unchecked = mapping_set(&parts.schema, &[("id", "_acme.nothing")]);
    parts.mapping = aep
        .post(&format!("{PREP}/mappingSets?validate=false"), &unchecked)
        .await
        .id();
    assert_eq!(aep.flow(&parts.once()).await.code(), "FLOW-1419-400");
}

#[tokio::test]
async fn etags_guard_changes() {
    let aep = Aep::start().await;
    let id = aep.base_connection("old").await;
    let path = format!("{FLOW}/connections/{id}");
    let rename = json!([{"op": "replace", "path": "/name", "value": "new"}]);
    let without = send(aep.request(reqwest::Method::PATCH, &path).json(&rename)).await;
    assert_eq!(without.code(), "FLOW-1403-400");
    assert_eq!(
        aep.patch(&path, "\"stale\"", &rename).await.code(),
        "FLOW-1404-412"
    );
    let read = aep.get(&path).await;
    let etag = read.items()[0]["etag"].as_str().unwrap();
    let renamed = aep.patch(&path, etag, &rename).await;
    assert_eq!(renamed.status, 200);
    assert_ne!(renamed.body["etag"], etag);
    assert_eq!(
        aep.patch(&path, etag, &rename).await.code(),
        "FLOW-1404-412"
    );
    let unquoted = renamed.body["etag"].as_str().unwrap().trim_matches('"');
    assert_eq!(aep.patch(&path, unquoted, &rename).await.status, 200);
    let now = aep.get(&path).await.items()[0]["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path_in_body, code) in [
        ("/connectionSpec/id", "FLOW-1414-400"),
        ("/state", "FLOW-1455-400"),
    ] {
        let body = json!([{"op": "replace", "path": path_in_body, "value": "x"}]);
        assert_eq!(aep.patch(&path, &now, &body).await.code(), code);
    }
    assert_eq!(aep.get(&path).await.names(), ["new"]);
}

#[tokio::test]
async fn names_and_descriptions_are_changed_with_the_right_version() {
    let aep = Aep::start().await;
    let parts = aep.parts("Contacts").await;
    let flow = aep.flow(&parts.once()).await.id();
    for (kind, id) in [
        ("connections", &parts.base),
        ("sourceConnections", &parts.source),
        ("targetConnections", &parts.target),
        ("flows", &flow),
    ] {
        let path = format!("{FLOW}/{kind}/{id}");
        let etag = aep.get(&path).await.items()[0]["etag"].clone();
        let etag = etag.as_str().unwrap();
        let operations = json!([
            {"op": "replace", "path": "/name", "value": "renamed"},
            {"op": "add", "path": "/description", "value": "described"},
        ]);
        let without = send(aep.request(reqwest::Method::PATCH, &path).json(&operations));
        assert_eq!(without.await.code(), "FLOW-1403-400", "{kind}");
        let changed = aep.patch(&path, etag, &operations).await;
        assert_eq!(changed.status, 200, "{kind}: {changed:?}");
        let stale = aep.patch(&path, etag, &operations).await;
        assert_eq!(stale.code(), "FLOW-1404-412", "{kind}");
        let read = aep.get(&path).await.items()[0].clone();
        assert_eq!(
            (&read["name"], &read["description"], &read["etag"]),
            (
                &json!("renamed"),
                &json!("described"),
                &changed.body["etag"]
            )
        );
    }
}

#[tokio::test]
async fn a_base_connection_can_be_deleted_when_no_flow_uses_it() {
    let aep = Aep::start().await;
    let base = aep.base_connection("base").await;
    aep.source_connection(&base, "Contacts").await;
    let path = format!("{FLOW}/connections/{base}");
    assert_eq!(aep.delete(&path).await.status, 204);
    assert_eq!(aep.get(&path).await.status, 404);
}

#[tokio::test]
async fn credentials_are_rotated_and_never_shown() {
    let aep = Aep::start().await;
    let wrong = changed(
        &base_connection("rotated"),
        "/auth/params/password",
        json!("wrong-one"),
    );
    let created = aep.post(&format!("{FLOW}/connections"), &wrong).await;
    let path = format!("{FLOW}/connections/{}", created.id());
    let params = json!({"host": "h", "username": "svc_aep", "password": DEFAULT_SOURCE_PASSWORD});
    let patch = json!([{"op": "replace", "path": "/auth/params", "value": params}]);
    let patched = aep
        .patch(&path, created.body["etag"].as_str().unwrap(), &patch)
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(aep.get(&format!("{path}/test")).await.body["result"], true);
    let incomplete = json!([{"op": "replace", "path": "/auth/params", "value": {"host": "h"}}]);
    let refused = aep
        .patch(&path, patched.body["etag"].as_str().unwrap(), &incomplete)
        .await;
    assert_eq!(refused.code(), "FLOW-1304-400");
    let read = aep.get(&path).await;
    let shown = &read.items()[0]["auth"]["params"];
    assert_eq!(
        *shown,
        json!({"host": "h", "username": "svc_aep", "password": "******"})
    );
    let journal = serde_json::to_string(&aep.emulator.journal()).unwrap();
    let state = aep.emulator.state().to_string();
    for secret in [
        DEFAULT_SOURCE_PASSWORD,
        "wrong-one",
        aep.token.as_str(),
        aep_emulator::DEFAULT_CLIENT_SECRET,
    ] {
        assert!(
            !journal.contains(secret) && !state.contains(secret),
            "{secret} is shown"
        );
    }
}

#[tokio::test]
async fn a_secret_can_be_left_out_when_read() {
    let config = Config {
        shown_secrets: aep_emulator::ShownSecrets::Absent,
        ..Config::default()
    };
    let aep = Aep::with(config).await;
    let id = aep.base_connection("absent").await;
    let read = aep.get(&format!("{FLOW}/connections/{id}")).await;
    assert!(read.items()[0]["auth"]["params"].get("password").is_none());
    assert_eq!(
        aep.get(&format!("{FLOW}/connections/{id}/test")).await.body["result"],
        true
    );
}

#[tokio::test]
async fn a_flow_is_paused_changed_and_resumed() {
    let aep = Aep::with(Config {
        runs: RunSettings::realistic(),
        ..Config::default()
    })
    .await;
    let parts = aep.parts("Contacts").await;
    let mut body = parts.hourly();
    body["scheduleParams"]["startTime"] = json!(seconds_from_now(3600));
    let id = aep.flow(&body).await.id();
    let path = format!("{FLOW}/flows/{id}");
    let action = async |op: &str| {
        aep.post(&format!("{path}/action?op={op}"), &json!({}))
            .await
    };
    assert_eq!(action("enable").await.code(), "FLOW-1422-400");
    assert_eq!(action("DISABLE").await.status, 200);
    assert_eq!(aep.get(&path).await.items()[0]["state"], "disabled");
    assert_eq!(action("disable").await.code(), "FLOW-1422-400");
    assert_eq!(action("enable").await.status, 200);
    assert_eq!(action("explode").await.code(), "FLOW-1434-400");
    let etag = aep.get(&path).await.items()[0]["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let patch = json!([{"op": "replace", "path": "/scheduleParams/interval", "value": "2"}]);
    let patched = aep.patch(&path, &etag, &patch).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let read = aep.get(&path).await;
    assert_eq!(read.items()[0]["scheduleParams"]["interval"], "2");
    assert_eq!(read.items()[0]["lastOperation"]["operation"], "update");
    let bad = json!([{"op": "replace", "path": "/scheduleParams/interval", "value": "0"}]);
    let refused = aep
        .patch(&path, patched.body["etag"].as_str().unwrap(), &bad)
        .await;
    assert_eq!(refused.code(), "FLOW-1362-400");
}

#[tokio::test]
async fn a_draft_is_published_when_it_is_whole() {
    let aep = Aep::start().await;
    let parts = aep.parts("Contacts").await;
    let whole = parts.once();
    let draft = changed(
        &changed(&whole, "/transformations", json!(null)),
        "/scheduleParams",
        json!(null),
    );
    let created = aep.post(&format!("{FLOW}/flows?mode=draft"), &draft).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("{FLOW}/flows/{}", created.id());
    let publish = format!("{path}/action?op=publish");
    assert_eq!(aep.post(&publish, &json!({})).await.code(), "FLOW-1317-400");
    let patch = json!([
        {"op": "add", "path": "/transformations", "value": whole["transformations"]},
        {"op": "add", "path": "/scheduleParams", "value": whole["scheduleParams"]},
    ]);
    let patched = aep
        .patch(&path, created.body["etag"].as_str().unwrap(), &patch)
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(aep.get(&path).await.items()[0]["state"], "draft");
    assert_eq!(aep.post(&publish, &json!({})).await.status, 200);
    assert_eq!(aep.get(&path).await.items()[0]["state"], "enabled");
    assert_eq!(
        aep.post(&format!("{FLOW}/flows?mode=odd"), &whole)
            .await
            .code(),
        "FLOW-1368-400"
    );
}

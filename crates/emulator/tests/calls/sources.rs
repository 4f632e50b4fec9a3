//! Every documented source and auth spec, with the bodies that the tutorials print.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aep_emulator::{Config, SourceOffer, SourceSettings, UnknownParams};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::*;

/// A way to log in to a source, as in a file of `tests/fixtures/base_connections`.
struct Way {
    file: String,
    written: Value,
}

impl Way {
    fn body(&self) -> &Value {
        &self.written["body"]
    }

    fn spec_id(&self) -> &str {
        self.body()["connectionSpec"]["id"].as_str().unwrap()
    }

    /// The secret parameters, as in JSON.
    fn secrets(&self) -> Vec<(String, String)> {
        let params = self.body()["auth"]["params"].as_object().unwrap();
        params
            .iter()
            .filter(|(name, _)| self.written["params"][name]["env"].is_string())
            .map(|(name, secret)| {
                (
                    name.clone(),
                    secret.to_string().trim_matches('"').to_owned(),
                )
            })
            .collect()
    }

    fn spec_name(&self) -> &str {
        self.body()["auth"]["specName"].as_str().unwrap()
    }
}

fn ways() -> Vec<Way> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/base_connections");
    let mut ways: Vec<Way> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            Way {
                file: path.file_name().unwrap().to_string_lossy().into_owned(),
                written: serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
            }
        })
        .collect();
    ways.sort_by(|left, right| left.file.cmp(&right.file));
    ways
}

fn way(file: &str) -> Way {
    let named = ways()
        .into_iter()
        .find(|way| way.file == format!("{file}.json"));
    named.unwrap_or_else(|| panic!("there is no {file}"))
}

async fn connect(aep: &Aep, body: &Value) -> Reply {
    aep.post(&format!("{FLOW}/connections"), body).await
}

async fn auth_spec(aep: &Aep, way: &Way) -> Value {
    let spec = aep
        .get(&format!("{FLOW}/connectionSpecs/{}", way.spec_id()))
        .await;
    let auth = spec.items()[0]["authSpec"].as_array().unwrap();
    let found = auth.iter().find(|auth| auth["name"] == way.spec_name());
    found
        .unwrap_or_else(|| panic!("{}: {spec:?}", way.file))
        .clone()
}

async fn explore(aep: &Aep, connection: &str, query: &[(&str, &str)]) -> Reply {
    let path = format!("{FLOW}/connections/{connection}/explore");
    send(aep.request(Method::GET, &path).query(query)).await
}

#[test]
fn every_way_has_a_file() {
    let sources: BTreeSet<String> = ways()
        .iter()
        .map(|way| way.written["source"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((ways().len(), sources.len()), (52, 38));
    for way in ways() {
        assert_eq!(way.written["auth"], way.spec_name(), "{}", way.file);
    }
}

#[tokio::test]
async fn every_auth_spec_connects_tests_and_explores() {
    let source = SourceSettings {
        checks_credentials_on_create: true,
        unknown_params: UnknownParams::Refused,
        ..SourceSettings::default()
    };
    let aep = Aep::with(Config {
        source,
        ..Config::default()
    })
    .await;
    for way in ways() {
        let created = connect(&aep, way.body()).await;
        assert_eq!(created.status, 201, "{}: {created:?}", way.file);
        let id = created.id();
        let test = aep.get(&format!("{FLOW}/connections/{id}/test")).await;
        assert_eq!(test.body["result"], true, "{}", way.file);
        let root = explore(&aep, &id, &[("objectType", "root")]).await;
        let tables = root.body.as_array().unwrap();
        assert!(tables.len() >= 3, "{}: {root:?}", way.file);
        for table in tables {
            let query = [
                ("objectType", "table"),
                ("object", table["path"].as_str().unwrap()),
                ("preview", "true"),
            ];
            let explored = explore(&aep, &id, &query).await;
            let columns = explored.body["schema"]["columns"].as_array().unwrap();
            let row = explored.body["data"][0].as_object().unwrap();
            assert_eq!(columns.len(), row.len(), "{}: {table}", way.file);
        }
        // The login uses what was sent. What is read back hides every secret.
        let sent = &way.body()["auth"]["params"];
        assert_eq!(
            aep.emulator.login_params("prod", &id).as_ref(),
            Some(sent),
            "{}",
            way.file
        );
        let read = aep.get(&format!("{FLOW}/connections/{id}")).await;
        let journal = serde_json::to_string(&aep.emulator.journal()).unwrap();
        for (name, secret) in way.secrets() {
            assert!(!read.text.contains(&secret), "{}: {name}", way.file);
            assert!(!journal.contains(&secret), "{}: {name}", way.file);
        }
        assert_eq!(read.items()[0]["auth"]["type"], way.body()["auth"]["type"]);
    }
    let journal = serde_json::to_string(&aep.emulator.journal()).unwrap();
    assert!(journal.contains("acme-phoenix.azurehdinsight.net"));
}

#[tokio::test]
async fn every_parameter_of_a_file_is_in_the_spec_and_the_other_way_round() {
    let aep = Aep::start().await;
    for way in ways() {
        let auth = auth_spec(&aep, &way).await;
        let names =
            |of: &Value| -> BTreeSet<String> { of.as_object().unwrap().keys().cloned().collect() };
        let in_spec = names(&auth["spec"]["properties"]);
        assert_eq!(
            names(&way.body()["auth"]["params"]),
            in_spec,
            "{}",
            way.file
        );
        assert_eq!(names(&way.written["params"]), in_spec, "{}", way.file);
        for (name, property) in auth["spec"]["properties"].as_object().unwrap() {
            let is_reference = way.written["params"][name]["env"].is_string();
            assert_eq!(
                is_reference,
                property["format"] == "password",
                "{}: {name}",
                way.file
            );
        }
    }
}

#[tokio::test]
async fn a_missing_a_wrong_and_an_empty_parameter_are_refused_by_name() {
    let aep = Aep::start().await;
    for way in ways() {
        let auth = auth_spec(&aep, &way).await;
        let required = auth["spec"]["required"].as_array().unwrap();
        for (name, property) in auth["spec"]["properties"].as_object().unwrap() {
            let is_required = required.contains(&Value::from(name.as_str()));
            let mut missing = way.body().clone();
            missing["auth"]["params"]
                .as_object_mut()
                .unwrap()
                .remove(name);
            let mut empty = way.body().clone();
            empty["auth"]["params"][name] = Value::Null;
            for body in [missing, empty] {
                let reply = connect(&aep, &body).await;
                if is_required {
                    assert_eq!(reply.code(), "FLOW-1304-400", "{}: {name}", way.file);
                    let message = reply.body["errorMessage"].as_str().unwrap();
                    assert!(
                        message.contains(&format!("auth.params.{name} ")),
                        "{message}"
                    );
                } else {
                    assert_eq!(reply.status, 201, "{}: {name}", way.file);
                }
            }
            let mut wrong = way.body().clone();
            wrong["auth"]["params"][name] = match property["type"].as_str().unwrap() {
                "string" => json!(1),
                _ => json!("1"),
            };
            let reply = connect(&aep, &wrong).await;
            assert_eq!(reply.code(), "FLOW-1312-400", "{}: {name}", way.file);
        }
        let mut unknown = way.body().clone();
        unknown["auth"]["specName"] = json!("Handshake");
        assert_eq!(connect(&aep, &unknown).await.code(), "FLOW-1415-400");
    }
}

#[tokio::test]
async fn each_wrong_secret_keeps_a_connection_out() {
    let aep = Aep::start().await;
    for way in ways() {
        let auth = auth_spec(&aep, &way).await;
        for (name, property) in auth["spec"]["properties"].as_object().unwrap() {
            if property["format"] != "password" {
                continue;
            }
            let mut wrong = way.body().clone();
            wrong["auth"]["params"][name] = json!("Password=wrong");
            let id = connect(&aep, &wrong).await.id();
            let test = aep.get(&format!("{FLOW}/connections/{id}/test")).await;
            assert_eq!(test.body["result"], false, "{}: {name}", way.file);
            let explored = explore(&aep, &id, &[("objectType", "root")]).await;
            assert_eq!(explored.code(), "FLOW-1308-400", "{}: {name}", way.file);
            let etag =
                aep.get(&format!("{FLOW}/connections/{id}")).await.items()[0]["etag"].clone();
            let change = json!([{"op": "replace", "path": "/auth/params", "value": way.body()["auth"]["params"]}]);
            let path = format!("{FLOW}/connections/{id}");
            assert_eq!(
                aep.patch(&path, etag.as_str().unwrap(), &change)
                    .await
                    .status,
                200
            );
            let test = aep.get(&format!("{path}/test")).await;
            assert_eq!(test.body["result"], true, "{}: {name}", way.file);
        }
    }
}

#[tokio::test]
async fn a_change_of_credentials_is_checked_like_a_new_connection() {
    let aep = Aep::start().await;
    let way = way("phoenix--basic-authentication");
    let id = connect(&aep, way.body()).await.id();
    let path = format!("{FLOW}/connections/{id}");
    for (name, value, code) in [
        ("port", json!("8765"), "FLOW-1312-400"),
        ("enableSsl", json!("true"), "FLOW-1312-400"),
        ("httpPath", json!(""), "FLOW-1304-400"),
    ] {
        let etag = aep.get(&path).await.items()[0]["etag"].clone();
        let mut params = way.body()["auth"]["params"].clone();
        params[name] = value;
        let change = json!([{"op": "replace", "path": "/auth/params", "value": params}]);
        let refused = aep.patch(&path, etag.as_str().unwrap(), &change).await;
        assert_eq!(refused.code(), code, "{name}");
    }
}

#[tokio::test]
async fn a_parameter_that_no_spec_has_is_kept_or_refused() {
    let mut body = way("postgresql--basic-authentication").body().clone();
    body["auth"]["params"]["fetchSize"] = json!("100");
    let aep = Aep::start().await;
    let id = connect(&aep, &body).await.id();
    let read = aep.get(&format!("{FLOW}/connections/{id}")).await;
    assert_eq!(read.items()[0]["auth"]["params"]["fetchSize"], "100");
    let source = SourceSettings {
        unknown_params: UnknownParams::Refused,
        ..SourceSettings::default()
    };
    let strict = Aep::with(Config {
        source,
        ..Config::default()
    })
    .await;
    let refused = connect(&strict, &body).await;
    assert_eq!(refused.code(), "FLOW-1312-400");
    assert!(
        refused.text.contains("auth.params.fetchSize"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn any_source_can_be_deprecated() {
    let way = way("zoho-crm--basic-authentication");
    for (offer, code) in [
        (SourceOffer::Refused, "FLOW-1305-400"),
        (SourceOffer::Gone, "FLOW-1413-400"),
    ] {
        let mut source = SourceSettings::default();
        source.offers.insert("zoho-crm".to_owned(), offer);
        let aep = Aep::with(Config {
            source,
            ..Config::default()
        })
        .await;
        assert_eq!(connect(&aep, way.body()).await.code(), code, "{offer:?}");
        aep.base_connection("another source").await;
    }
}

#[tokio::test]
async fn views_are_distinguished_and_may_be_sorted_by_their_key() {
    let aep = Aep::start().await;
    let way = way("microsoft-dynamics--service-principal-key-based-authentication");
    let id = connect(&aep, way.body()).await.id();
    let root = explore(&aep, &id, &[("objectType", "root")]).await;
    let views: Vec<&Value> = root
        .body
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["type"] == "view")
        .collect();
    assert_eq!(views.len(), 1);
    let path = views[0]["path"].as_str().unwrap();
    for object_type in ["table", "view"] {
        let query = [
            ("objectType", object_type),
            ("object", path),
            ("preview", "true"),
            ("primaryKey", "contactid"),
        ];
        let explored = explore(&aep, &id, &query).await;
        assert_eq!(explored.status, 200, "{explored:?}");
    }
    let query = [
        ("objectType", "view"),
        ("object", path),
        ("primaryKey", "fullname"),
    ];
    assert_eq!(explore(&aep, &id, &query).await.code(), "FLOW-1312-400");
}

/// A row filter with one comparison.
fn pql(operator: &str, field: &str, value: &Value) -> Value {
    json!({"type": "PQL", "format": "pql/json", "value": {
        "nodeType": "fnApply", "fnName": operator, "params": [
            {"nodeType": "fieldLookup", "fieldName": field},
            {"nodeType": "literal", "value": value},
        ],
    }})
}

#[tokio::test]
async fn four_sources_filter_rows_and_the_others_refuse() {
    let aep = Aep::start().await;
    let filter = json!({"type": "PQL", "format": "pql/json", "value": {
        "nodeType": "fnApply", "fnName": "isNull", "params": [{"nodeType": "fieldLookup", "fieldName": "no such column"}],
    }});
    let encoded = base64(&filter);
    let mut filtering = BTreeSet::new();
    for way in ways() {
        let id = connect(&aep, way.body()).await.id();
        let root = explore(&aep, &id, &[("objectType", "root")]).await;
        let table = root.body[0]["path"].as_str().unwrap();
        let query = [
            ("objectType", "table"),
            ("object", table),
            ("preview", "true"),
            ("filters", &encoded),
        ];
        let code = explore(&aep, &id, &query).await.code().to_owned();
        let source = json!({
            "name": "filtered", "baseConnectionId": id, "data": {"format": "tabular"},
            "params": {"tableName": table, "columns": [{"name": "id"}], "filters": filter},
            "connectionSpec": way.body()["connectionSpec"],
        });
        let created = aep
            .post(&format!("{FLOW}/sourceConnections"), &source)
            .await;
        assert_eq!(created.code(), code, "{}", way.file);
        if code == "FLOW-1378-400" {
            filtering.insert(way.written["source"].as_str().unwrap().to_owned());
        } else {
            assert_eq!(code, "FLOW-1353-400", "{}", way.file);
        }
    }
    let expected = [
        "google-bigquery",
        "microsoft-dynamics",
        "salesforce",
        "snowflake",
    ];
    assert_eq!(
        filtering.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn a_preview_shows_the_rows_that_pass() {
    let aep = Aep::start().await;
    let id = connect(&aep, way("google-bigquery--service-authentication").body())
        .await
        .id();
    let filter = base64(&pql("in", "customer_id", &json!([3, 40])));
    let query = [
        ("objectType", "table"),
        ("object", "public.customers"),
        ("preview", "true"),
        ("filters", &filter),
    ];
    let explored = explore(&aep, &id, &query).await;
    let rows = explored.body["data"].as_array().unwrap();
    let ids: Vec<i64> = rows
        .iter()
        .map(|row| row["customer_id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [3, 40]);
    let query = [
        ("objectType", "table"),
        ("object", "public.customers"),
        ("filters", "no base64"),
    ];
    assert_eq!(explore(&aep, &id, &query).await.code(), "FLOW-1389-400");
}

#[tokio::test]
async fn a_change_of_a_source_connection_is_checked_like_a_new_one() {
    let aep = Aep::start().await;
    let base = aep.base_connection("base").await;
    let id = aep.source_connection(&base, "Contacts").await;
    let path = format!("{FLOW}/sourceConnections/{id}");
    let etag = aep.get(&path).await.items()[0]["etag"].clone();
    for (change, code) in [
        (
            json!({"op": "add", "path": "/params/filters", "value": pql("=", "id", &json!(1))}),
            "FLOW-1353-400",
        ),
        (
            json!({"op": "replace", "path": "/params/columns", "value": []}),
            "FLOW-1370-400",
        ),
    ] {
        let refused = aep
            .patch(&path, etag.as_str().unwrap(), &json!([change]))
            .await;
        assert_eq!(refused.code(), code, "{change}");
    }
    let change = json!([{"op": "replace", "path": "/params/tableName", "value": "Accounts"}]);
    let changed = aep.patch(&path, etag.as_str().unwrap(), &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

#[tokio::test]
async fn a_run_takes_the_rows_that_pass() {
    let aep = Aep::start().await;
    let mut parts = aep.parts("Contacts").await;
    let way = way("snowflake--keypair-authentication");
    let base = connect(&aep, way.body()).await.id();
    let source = json!({
        "name": "filtered", "baseConnectionId": base, "data": {"format": "tabular"},
        "params": {
            "tableName": "archive.plain_types",
            "columns": [{"name": "id", "type": "integer"}, {"name": "updatedTime", "type": "string"}],
            "filters": pql("<=", "id", &json!(4)),
        },
        "connectionSpec": way.body()["connectionSpec"],
    });
    let created = aep
        .post(&format!("{FLOW}/sourceConnections"), &source)
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    parts.source = created.id();
    let flow = aep.flow(&Parts::soon(parts.once())).await;
    assert_eq!(flow.status, 201, "{flow:?}");
    let run = aep.run_with_status(&flow.id(), "success").await;
    assert_eq!(run["metrics"]["recordSummary"]["inputRecordCount"], 4);
}

fn base64(value: &Value) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(value.to_string())
}

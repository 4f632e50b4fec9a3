//! The chain from a connection to its dataflows, where nothing goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use aep_emulator::{Emulator, RunOutcome};
use aep_flow_testkit::platform::{counts, the, versions, whole_chain, writes};
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, input, table};
use serde_json::{Value, json};

#[tokio::test]
async fn one_table_becomes_a_dataflow() {
    let world = World::new().await;
    let worker = world.worker();
    let result = world.ingest(&input(&[table("Contacts")])).await.unwrap();

    let emulator = &world.emulator;
    assert_eq!(counts(emulator), whole_chain(1));
    let id = |kind: &str, field: &str| the(emulator, kind, "")[field].clone();
    assert_eq!(result["baseConnectionId"], id("connections", "id"));
    assert_eq!(
        result["tables"],
        json!([{
            "table": "Contacts",
            "sourceConnectionId": id("sourceConnections", "id"),
            "schemaId": id("schemas", "$id"),
            "datasetId": the(emulator, "targetConnections", "")["params"]["dataSetId"],
            "targetConnectionId": id("targetConnections", "id"),
            "mappingSetId": id("mappingSets", "id"),
            "flowId": id("flows", "id"),
            "flowSpecId": "14518937-270c-4525-bdec-c2ba7cce3860",
        }])
    );
    let warnings = result["warnings"].as_array().unwrap();
    assert!(
        warnings[0].as_str().unwrap().contains("deprecated"),
        "{warnings:?}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn ten_tables_become_ten_dataflows_and_again_none() {
    let mut config = emulator_config();
    config.source.extra_tables = 8;
    let world = World::with(config).await;
    let worker = world.worker();
    let names = ["Contacts", "Incidents"].map(str::to_owned);
    let more = (1..=8).map(|number| format!("Table{number:03}"));
    let tables: Vec<Value> = names
        .into_iter()
        .chain(more)
        .map(|name| table(&name))
        .collect();

    let first = world.ingest(&input(&tables)).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(10));
    let before = versions(&world.emulator);
    world.emulator.clear_journal();

    let second = world.ingest(&input(&tables)).await.unwrap();
    for field in ["baseConnectionId", "tables", "warnings"] {
        assert!(second[field] == first[field], "{first:#}\n{second:#}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);
    assert_eq!(versions(&world.emulator), before);
    world.end(worker).await;
}

#[tokio::test]
async fn what_is_made_is_what_the_tutorials_make() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = input(&[json!({
        "table": "Contacts",
        "columns": ["id", "emails.address", "updatedTime"],
        "deltaColumn": "updatedTime",
        "mapping": [{"source": "id", "destination": "_tenant.contactId"},
                    {"source": "emails.address", "destination": "_tenant.email"}],
        "schedule": {"startTime": "2036-12-01T00:00:00Z", "frequency": "HOUR", "interval": 1,
                     "backfill": true},
        "dataset": "osc_contacts",
    })]);
    input["connection"]["description"] = "Cases of EMEA".into();
    let result = world.ingest(&input).await.unwrap();

    let made = &result["tables"][0];
    let emulator = &world.emulator;
    let columns = json!([
        {"name": "id", "type": "integer", "meta:xdmType": "int",
         "xdm": {"type": "integer", "minimum": -2147483648i64, "maximum": 2147483647}},
        {"name": "emails.address", "type": "string", "xdm": {"type": "string"}},
        {"name": "updatedTime", "type": "string", "meta:xdmType": "date-time",
         "xdm": {"type": "string", "format": "date-time"}},
    ]);
    let source_spec = json!({"id": "ba5126ec-c9ac-11eb-b8bc-0242ac130003", "version": "1.0"});
    let described = "Cases of EMEA [ours]";
    let full = "application/vnd.adobe.xed-full+json;version=1";

    // Source: Adobe's tutorial on the Oracle Service Cloud base connection, read 2026-11.
    let base = json!({
        "name": "Oracle Service Cloud",
        "description": described,
        "auth": {"specName": "Basic Authentication",
                 "params": {"host": "acme.custhelp.com", "username": "svc_aep",
                            "password": "******"}},
        "connectionSpec": source_spec,
    });
    assert_eq!(posted(emulator, "connections"), base);

    // Source: Adobe's tutorial on collecting from a customer success source, read 2026-11.
    let source = json!({
        "name": "Oracle Service Cloud - Contacts",
        "description": described,
        "baseConnectionId": result["baseConnectionId"],
        "data": {"format": "tabular"},
        "params": {"tableName": "Contacts", "columns": columns},
        "connectionSpec": source_spec,
    });
    assert_eq!(posted(emulator, "sourceConnections"), source);

    // Source: Schema Registry API, create a field group and a schema, read 2026-11.
    let field_group = json!({
        "type": "object",
        "title": "osc_contacts fields",
        "description": described,
        "meta:intendedToExtend": ["https://ns.adobe.com/xdm/context/profile"],
        "definitions": {"customFields": {"type": "object", "properties": {
            "_acme": {"type": "object", "properties": {
                "contactId": {"title": "id", "type": "integer",
                              "minimum": -2147483648i64, "maximum": 2147483647},
                "email": {"title": "emails.address", "type": "string"},
            }},
        }}},
        "allOf": [{"$ref": "#/definitions/customFields"}],
    });
    assert_eq!(posted(emulator, "fieldgroups"), field_group);
    let schema = json!({
        "type": "object",
        "title": "osc_contacts",
        "description": described,
        "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"},
                  {"$ref": the(emulator, "fieldgroups", "")["$id"]}],
    });
    assert_eq!(posted(emulator, "schemas"), schema);

    // Source: Catalog API, create a dataset, read 2026-11.
    let dataset = json!({
        "name": "osc_contacts",
        "description": described,
        "schemaRef": {"id": made["schemaId"],
                      "contentType": "application/vnd.adobe.xed+json;version=1"},
        "fileDescription": {"persisted": true, "containerFormat": "parquet", "format": "parquet"},
        "enableErrorDiagnostics": true,
        "tags": {"aep-flow": ["[ours]"]},
    });
    assert_eq!(posted(emulator, "dataSets"), dataset);

    // Source: the tutorial on collecting, again.
    let target = json!({
        "name": "Oracle Service Cloud - Contacts",
        "description": described,
        "data": {"format": "parquet_xdm", "schema": {"id": made["schemaId"], "version": full}},
        "params": {"dataSetId": made["datasetId"]},
        "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"},
    });
    assert_eq!(posted(emulator, "targetConnections"), target);

    // Source: Data Prep API, create a mapping set, read 2026-11.
    let mut mapping_set = posted(emulator, "mappingSets");
    let name = mapping_set["name"].take();
    assert!(
        name.as_str()
            .unwrap()
            .starts_with("Oracle Service Cloud - Contacts"),
        "{name}"
    );
    assert_eq!(
        mapping_set,
        json!({
            "name": null,
            "outputSchema": {"schemaRef": {"id": made["schemaId"], "contentType": full}},
            "mappings": [
                {"sourceType": "ATTRIBUTE", "source": "id", "destination": "_acme.contactId"},
                {"sourceType": "ATTRIBUTE", "source": "emails\\.address",
                 "destination": "_acme.email"},
            ],
        })
    );

    // Source: the tutorial on collecting, and Flow Service's schema of a schedule.
    let flow = json!({
        "name": "Oracle Service Cloud - Contacts",
        "description": described,
        "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
        "sourceConnectionIds": [made["sourceConnectionId"]],
        "targetConnectionIds": [made["targetConnectionId"]],
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": {"name": "updatedTime"}}},
            {"name": "Mapping", "params": {"mappingId": made["mappingSetId"],
                                           "mappingVersion": "0"}},
        ],
        "scheduleParams": {"startTime": "2111702400", "frequency": "hour", "interval": "1",
                           "backfill": "true"},
    });
    assert_eq!(posted(emulator, "flows"), flow);
    world.end(worker).await;
}

/// The body of the only POST to a kind, our marker written as `[ours]`.
fn posted(emulator: &Emulator, kind: &str) -> Value {
    let bodies: Vec<Value> = emulator
        .journal()
        .into_iter()
        .filter(|entry| entry.method == "POST")
        .filter(|entry| entry.route.rsplit('/').next() == Some(kind))
        .filter_map(|entry| entry.body)
        .collect();
    let [body] = &bodies[..] else {
        panic!("{} POSTs to {kind}", bodies.len());
    };
    let mut body = body.clone();
    for place in ["/description", "/tags/aep-flow/0"] {
        if let Some(text) = body.pointer_mut(place) {
            *text = without_marker(text);
        }
    }
    body
}

fn without_marker(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    let (before, marker) = text.split_once("[aep-flow:v1 ").unwrap();
    let (_, behind) = marker.split_once(']').unwrap();
    Value::from(format!("{before}[ours]{behind}"))
}

#[tokio::test]
async fn the_first_runs_are_waited_for_and_reported() {
    let mut config = emulator_config();
    config.runs.outcomes = BTreeMap::from([("Incidents".to_owned(), RunOutcome::FailedRows(3))]);
    let world = World::with(config).await;
    let worker = world.worker_with(|config| config.aep.start_margin = Duration::from_secs(4));
    let mut input = input(&[table("Contacts"), table("Incidents")]);
    input["waitForFirstRun"] = true.into();
    let result = world.ingest(&input).await.unwrap();

    let runs = ["0", "1"].map(|at| {
        result["tables"]
            .pointer(&format!("/{at}/firstRun"))
            .unwrap()
    });
    for (run, [read, written, failed]) in runs.into_iter().zip([[50, 50, 0], [40, 37, 3]]) {
        assert_eq!(run["status"], "success", "{run}");
        assert_eq!(run["finished"], true, "{run}");
        assert_eq!(run["inputRecords"].as_f64(), Some(f64::from(read)), "{run}");
        assert_eq!(
            run["outputRecords"].as_f64(),
            Some(f64::from(written)),
            "{run}"
        );
        let found = run["failedRecords"].as_f64().unwrap_or_default();
        assert!((found - f64::from(failed)).abs() < 0.5, "{run}");
    }
    world.end(worker).await;
}

#[tokio::test]
async fn a_start_time_that_has_passed_is_good_for_what_was_made_with_it() {
    let world = World::new().await;
    let worker = world.worker();
    // Later than the first ingestion takes on a busy machine.
    let start = jiff::Timestamp::now() + Duration::from_secs(10);
    let recurring = |name: &str| {
        let mut table = table(name);
        table["deltaColumn"] = "updatedTime".into();
        table["schedule"] =
            json!({"startTime": start.to_string(), "frequency": "HOUR", "interval": 1});
        table
    };
    let first = world
        .ingest(&input(&[recurring("Contacts")]))
        .await
        .unwrap();
    while jiff::Timestamp::now() <= start {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let again = world
        .ingest(&input(&[recurring("Contacts")]))
        .await
        .unwrap();
    assert_eq!(first["tables"], again["tables"]);

    world.emulator.clear_journal();
    let added = input(&[recurring("Contacts"), recurring("Incidents")]);
    let failed = world.ingest(&added).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput");
    assert_eq!(failed.details["field"], "tables[1].schedule.startTime");
    assert!(world.emulator.journal().iter().all(|entry| !entry.changed));
    world.end(worker).await;
}

#[tokio::test]
async fn the_status_tells_what_is_done_of_what() {
    let world = World::new().await;
    let run = world
        .start(&input(&[table("Contacts"), table("Incidents")]))
        .await;
    let worker = world.worker();
    run.end().await.unwrap();

    let status = run.status().await;
    assert_eq!(status["phase"], "done", "{status}");
    assert_eq!(status["tablesDone"], 2, "{status}");
    assert_eq!(status["tablesTotal"], 2, "{status}");
    let table = &status["tables"][0];
    assert_eq!(table["done"].as_array().unwrap().len(), 7, "{table}");
    assert_eq!(
        table["flowId"],
        the(&world.emulator, "flows", "Contacts")["id"]
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_name_of_any_letters_is_found_again() {
    let mut config = emulator_config();
    config.source.awkward_tables = true;
    let world = World::with(config).await;
    let worker = world.worker();
    let tables = [
        "Sales, EMEA",
        "The \"big\" one",
        "R&D",
        "A+B",
        "100%",
        "a==b",
        "Kunden 🚀",
    ];
    let mut input = input(&tables.map(table));
    input["connection"]["name"] = "Größe, \"EMEA\" & 100% == x+y 🚀".into();

    let first = world.ingest(&input).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(tables.len()));
    world.emulator.clear_journal();
    let second = world.ingest(&input).await.unwrap();
    assert!(second["tables"] == first["tables"], "{first:#}\n{second:#}");
    assert_eq!(writes(&world.emulator), [""; 0]);
    world.end(worker).await;
}

//! Ingestions of any source of the catalogue, and sources that Adobe drops.

use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, CutAt, DEFAULT_SOURCE_USERNAME, Rule, SourceOffer};
use aep_flow::secrets::SecretRule;
use aep_flow_testkit::platform::{counts, the, whole_chain, writes};
use aep_flow_testkit::world::{PASSWORD_FILE, Run, assert_no_secret, emulator_config};
use aep_flow_testkit::{World, input, table};
use serde_json::{Value, json};

use crate::attempts::{cli, cli_json, found};

/// An ingestion of a Salesforce Service Cloud.
fn salesforce(tables: Value) -> Value {
    json!({
        "connection": {
            "name": "Salesforce Service Cloud",
            "source": "salesforce-service-cloud",
            "auth": "OAuth2 Client Credential",
            "params": {
                "environmentUrl": "https://acme.my.salesforce.example.com",
                "clientId": "3MVG9",
                "clientSecret": {"file": PASSWORD_FILE},
                "apiVersion": "60.0",
            },
        },
        "tables": tables,
    })
}

/// The ingestion of an Oracle Service Cloud that [`input`] gives, as one of any source.
fn oracle_service_cloud(tables: Value) -> Value {
    json!({
        "connection": {
            "name": "Oracle Service Cloud",
            "source": "oracle-service-cloud",
            "params": {
                "host": "acme.custhelp.com",
                "username": DEFAULT_SOURCE_USERNAME,
                "password": {"file": PASSWORD_FILE},
            },
        },
        "tables": tables,
    })
}

/// How often the specification was read.
fn spec_reads(world: &World) -> usize {
    let journal = world.emulator.journal();
    let reads = journal
        .iter()
        .filter(|entry| entry.method == "GET" && entry.route.ends_with("/connectionSpecs/{id}"));
    reads.count()
}

/// The activities that a workflow asked for, in their order.
async fn activities(run: &Run) -> Vec<String> {
    use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
    let events = run.history().await.into_iter();
    events
        .filter_map(|event| match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                Some(scheduled.activity_type.unwrap().name)
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_source_is_ingested_by_its_name() {
    let world = World::new().await;
    let worker = world.worker();
    let input = salesforce(json!({"table": "Account"}));
    let run = world.start_as("IngestSource", &input).await;
    let result = run.end().await.unwrap();
    assert_eq!(result["warnings"], json!([]), "{result}");
    assert_eq!(counts(&world.emulator), whole_chain(1));

    let base = the(&world.emulator, "connections", "");
    assert_eq!(base["id"], result["baseConnectionId"]);
    let spec = "cb66ab34-8619-49cb-96d1-39b37ede86ea";
    for kind in ["connections", "sourceConnections"] {
        let made = the(&world.emulator, kind, "");
        let expected = json!({"id": spec, "version": "1.0"});
        assert_eq!(made["connectionSpec"], expected, "{kind}");
    }
    // What is asked of the source alone is not asked again.
    assert_eq!(spec_reads(&world), 1);
    assert_eq!(world.ingest_source(&input).await.unwrap(), result);
    assert_eq!(spec_reads(&world), 1);
    let asked = activities(&run).await;
    assert!(
        !asked.iter().any(|activity| activity == "ExploreTables"),
        "{asked:?}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_pattern_means_the_tables_that_it_fits() {
    let mut config = emulator_config();
    config.source.extra_tables = 12;
    config.lists.page_size = 100;
    let world = World::with(config).await;
    let worker = world.worker();
    let mut input = salesforce(json!([
        {"match": "Table00?", "except": ["*3"], "columns": ["id"]},
        {"table": "Table002"},
        {"match": "Table01*", "except": ["Table011"]},
    ]));
    // So that the rest is done by another run, which gets the tables and no patterns.
    input["continueAfterEvents"] = 200.into();
    input["tablesAtOnce"] = 2.into();
    let result = world.ingest_source(&input).await.unwrap();
    let tables: Vec<&str> = result["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["table"].as_str().unwrap())
        .collect();
    let expected = [1, 4, 5, 6, 7, 8, 9, 2, 10, 12].map(|number| format!("Table{number:03}"));
    assert_eq!(tables, expected);
    assert_eq!(counts(&world.emulator), whole_chain(10));
    // The workflow of the older name understands them as well.
    let mut older = aep_flow_testkit::input(&[json!({"match": "Table00?"})]);
    older["connection"]["name"] = "Another".into();
    let result = world.ingest(&older).await.unwrap();
    assert_eq!(result["tables"].as_array().unwrap().len(), 9);
    world.end(worker).await;
}

#[tokio::test]
async fn a_pattern_that_fits_nothing_is_refused_with_what_there_is() {
    let world = World::new().await;
    let worker = world.worker();
    let input = salesforce(json!([{"table": "Account"}, {"match": "account*"}]));
    let failed = world.ingest_source(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    assert_eq!(failed.details["field"], "tables[1].match", "{failed:?}");
    assert!(failed.message.contains("Account"), "{failed:?}");
    let base = the(&world.emulator, "connections", "");
    assert_eq!(failed.details["created"][0]["id"], base["id"], "{failed:?}");
    assert_eq!(writes(&world.emulator), ["POST connections"]);
    world.end(worker).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_tables_columns_names_the_callers_entry() {
    let mut config = emulator_config();
    config.source.extra_tables = 3;
    let world = World::with(config).await;
    let worker = world.worker();
    let input = salesforce(json!([
        {"match": "Table*"},
        {"table": "Account", "columns": ["nope"]},
    ]));
    let failed = world.ingest_source(&input).await.unwrap_err();
    let told = &failed.details["failed"][0];
    assert_eq!(told["field"], "tables[1].columns[0]", "{failed:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn a_start_that_has_passed_is_refused_of_what_a_pattern_fits_too() {
    let world = World::new().await;
    let worker = world.worker();
    let schedule = json!({"startTime": "2020-01-01T00:00:00Z", "frequency": "HOUR", "interval": 1});
    let input = salesforce(json!([{"match": "Acc*", "deltaColumn": "LastModifiedDate",
                                    "schedule": schedule}]));
    let failed = world.ingest_source(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    assert_eq!(
        failed.details["field"], "tables[0].schedule.startTime",
        "{failed:?}"
    );
    assert_eq!(writes(&world.emulator), ["POST connections"]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_secret_that_is_written_out_is_refused_and_not_repeated() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = salesforce(json!([{"table": "Account"}]));
    // Under a name that the catalogue knows as a secret, and under one that nobody knows.
    input["connection"]["params"]["clientSecret"] = "correct horse battery".into();
    input["connection"]["params"]["clientSecrt"] = "correct horse battery".into();
    let run = world.start_as("IngestSource", &input).await;
    let failed = run.end().await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    let fields: Vec<&Value> = failed.details["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| &violation["field"])
        .collect();
    let expected = [
        "connection.params.clientSecret",
        "connection.params.clientSecrt",
    ];
    assert_eq!(fields, expected);
    assert!(!format!("{failed:?}").contains("horse"), "{failed:?}");
    assert!(!run.current_details().await.contains("horse"));
    assert_eq!(writes(&world.emulator), [""; 0]);
    assert_eq!(spec_reads(&world), 0);
    world.end(worker).await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_named_by_its_parameter() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = salesforce(json!([{"table": "Account"}]));
    input["connection"]["params"]["clientSecret"] = json!({"env": "NOT_ALLOWED"});
    let failed = world.ingest_source(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    assert_eq!(
        failed.details["field"], "connection.params.clientSecret.env",
        "{failed:?}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_reference_is_taken_for_a_secret_parameter_only() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = oracle_service_cloud(json!([{"table": "Contacts"}]));
    // The platform would show it to everybody who reads the connection.
    input["connection"]["params"]["username"] = json!({"file": PASSWORD_FILE});
    // The catalogue does not know it, so nobody knows whether it is a secret.
    input["connection"]["params"]["token"] = json!({"file": PASSWORD_FILE});
    let failed = world.ingest_source(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    let said = failed.details["violations"].to_string();
    for part in [
        "connection.params.username",
        "connection.params.token",
        "a reference to a secret, for a parameter that is not secret",
        "a reference to a secret, for an unknown parameter",
        "a text: Name of the user",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);
    assert_no_secret(
        "the platform",
        world.emulator.state().to_string().as_bytes(),
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_secret_goes_only_where_a_rule_lets_it_go() {
    let world = World::new().await;
    let rule = SecretRule {
        secret: format!("file:{PASSWORD_FILE}"),
        sources: vec!["oracle-*".to_owned()],
        hosts: vec!["*.custhelp.com".to_owned()],
    };
    let worker = world.worker_with(|config| config.secrets.rule = vec![rule]);
    let mut good = oracle_service_cloud(json!([{"table": "Contacts"}]));
    good["connection"]["acknowledgeDeprecation"] = true.into();
    let mut elsewhere = good.clone();
    elsewhere["connection"]["params"]["host"] = json!("custhelp.com.evil.example");
    let another_source = salesforce(json!([{"table": "Account"}]));
    let mut unknown = good.clone();
    unknown["connection"]["params"]["aHost"] = json!("evil.example");
    for (input, field, destination) in [
        (
            &elsewhere,
            "connection.params.password.file",
            "`oracle-service-cloud` at `custhelp.com.evil.example`",
        ),
        (
            &another_source,
            "connection.params.clientSecret.file",
            "`salesforce-service-cloud` at `acme.my.salesforce.example.com`",
        ),
        (
            &unknown,
            "connection.params.password.file",
            "at a host that no pattern but `*` matches",
        ),
    ] {
        let failed = world.ingest_source(input).await.unwrap_err();
        assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
        assert_eq!(failed.details["field"], field, "{failed:?}");
        assert!(format!("{failed:?}").contains(destination), "{failed:?}");
    }
    // The other workflow too, whose parameters are fields.
    let mut typed = input(&[table("Contacts")]);
    typed["connection"]["host"] = json!("evil.example");
    let failed = world.ingest(&typed).await.unwrap_err();
    assert_eq!(
        failed.details["field"], "connection.password.file",
        "{failed:?}"
    );
    assert_eq!(writes(&world.emulator), [""; 0]);
    assert_no_secret(
        "the platform",
        world.emulator.state().to_string().as_bytes(),
    );

    world.ingest_source(&good).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn the_platforms_word_wins_over_the_catalogue() {
    let id = "aaaaaaaa-0000-4000-8000-000000000001";
    let folder = tempfile::tempdir().unwrap();
    let mut config = emulator_config();
    config.source.extra_connection_specs = vec![json!({
        "id": id, "name": "acme-base", "version": "2.0",
        "authSpec": [
            {"name": "Key", "spec": {
                "properties": {
                    "host": {"type": "string"}, "port": {"type": "integer"},
                    "account": {"type": "string"},
                    "region": {"type": "string"}, "pin": {"type": "string", "format": "password"},
                    "key": {"type": "string", "format": "password"}},
                "required": ["host", "key", "region"], "additionalProperties": false}},
            {"name": "Newer", "spec": {"properties": {"host": {}}}},
        ],
    })];
    let world = World::with(config).await;
    std::fs::write(
        folder.path().join("acme-base.toml"),
        format!(
            r#"
name = "acme-base"
title = "Acme Base"
kind = "tabular"
category = "databases"
document = "none"
connection_spec = {{ id = "{id}", version = "1.0" }}
[source_connection]
data_format = "tabular"
table_param = "tableName"
columns_param = "columns"
[[auth]]
spec_name = "Key"
params = [
  {{ name = "host", description = "Host.", format = "host" }},
  {{ name = "key", description = "Key.", secret = true }},
  {{ name = "account", description = "Account." }},
  {{ name = "zone", description = "Zone.", optional = true }},
]
[[auth]]
spec_name = "Older"
params = []
"#
        ),
    )
    .unwrap();
    let worker = world.worker_with(|config| config.catalog.dir = Some(folder.path().to_owned()));
    let input = |change: &dyn Fn(&mut Value)| {
        let mut input = json!({
            "connection": {
                "name": "Acme", "source": "acme-base", "auth": "Key",
                // The port and the region are known to the platform alone, and it does not ask
                // for the account.
                "params": {"host": "db.acme.example.com", "port": 5432, "region": "eu",
                           "key": {"file": PASSWORD_FILE}},
            },
            "tables": [{"table": "Contacts"}],
        });
        change(&mut input["connection"]);
        input
    };
    type Case = (&'static str, &'static str, fn(&mut Value));
    let cases: [Case; 5] = [
        ("connection.params.region", "requires", |input| {
            input["params"].as_object_mut().unwrap().remove("region");
        }),
        ("connection.params.zone", "does not take", |input| {
            input["params"]["zone"] = "a".into()
        }),
        ("connection.params.pin", "a literal secret", |input| {
            input["params"]["pin"] = "1234".into()
        }),
        ("connection.params.other", "unknown", |input| {
            input["params"]["other"] = "1234".into()
        }),
        ("connection.auth", "`Newer`", |input| {
            input["auth"] = "Older".into();
            input["params"] = json!({});
        }),
    ];
    for (field, text, change) in cases {
        let failed = world.ingest_source(&input(&change)).await.unwrap_err();
        assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
        assert_eq!(failed.details["field"], field, "{failed:?}");
        assert!(failed.message.contains(text), "{failed:?}");
        assert!(!failed.message.contains("1234"), "{failed:?}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);

    let result = world.ingest_source(&input(&|_| ())).await.unwrap();
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("version 2.0"), "{warnings}");
    let base = the(&world.emulator, "connections", "");
    let expected = json!({"id": id, "version": "2.0"});
    assert_eq!(base["connectionSpec"], expected);
    assert_eq!(base["auth"]["params"]["port"], 5432);
    assert_eq!(spec_reads(&world), 1);
    world.end(worker).await;
}

#[tokio::test]
async fn a_dropped_source_needs_a_word() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = oracle_service_cloud(json!([{"table": "Contacts"}]));
    let failed = world.ingest_source(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    let field = "connection.acknowledgeDeprecation";
    assert_eq!(failed.details["field"], field, "{failed:?}");
    for part in ["2025-06", "Adobe announced", "Data Landing Zone"] {
        assert!(failed.message.contains(part), "{failed:?}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);

    input["connection"]["acknowledgeDeprecation"] = true.into();
    let run = world.start_as("IngestSource", &input).await;
    let result = run.end().await.unwrap();
    let warning = &result["warnings"][0];
    assert!(
        warning.to_string().contains("deprecated since 2025-06"),
        "{result}"
    );
    assert_eq!(run.status().await["warnings"][0], *warning);
    assert!(
        run.current_details()
            .await
            .contains("deprecated since 2025-06")
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_worker_may_speak_for_its_callers() {
    let world = World::new().await;
    let worker = world.worker_with(|config| config.source.acknowledge_deprecation = true);
    let input = oracle_service_cloud(json!([{"table": "Contacts"}]));
    let result = world.ingest_source(&input).await.unwrap();
    assert!(
        result["warnings"].to_string().contains("deprecated"),
        "{result}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn either_workflow_adopts_what_the_other_made() {
    for older_first in [true, false] {
        let world = World::new().await;
        let worker = world.worker_with(|config| {
            config.source.acknowledge_deprecation = true;
            config.ensure.fingerprint_key = Some("a key".to_owned().into());
        });
        let older = input(&[table("Contacts")]);
        let newer = oracle_service_cloud(json!([{"table": "Contacts"}]));
        let (first, second) = if older_first {
            let first = world.ingest(&older).await.unwrap();
            (first, world.ingest_source(&newer).await.unwrap())
        } else {
            let first = world.ingest_source(&newer).await.unwrap();
            (first, world.ingest(&older).await.unwrap())
        };
        assert_eq!(first["baseConnectionId"], second["baseConnectionId"]);
        assert_eq!(first["tables"], second["tables"]);
        // The marker is the one that there was before there was any other source.
        let base = the(&world.emulator, "connections", "");
        let marker = base["description"].as_str().unwrap().trim_end_matches(']');
        let words = marker.split(' ').filter_map(|word| word.split_once('='));
        let names: Vec<&str> = words.map(|(name, _)| name).collect();
        assert_eq!(names, ["k", "by", "host", "password", "username"]);
        // The field that differs has the name that the caller knows.
        let mut other = newer.clone();
        other["connection"]["params"]["username"] = "somebody".into();
        let failed = world.ingest_source(&other).await.unwrap_err();
        assert_eq!(failed.kind, "IdempotencyMismatch", "{failed:?}");
        let field = "params.username";
        assert_eq!(failed.details["field"], field, "{failed:?}");
        world.end(worker).await;
    }
}

#[tokio::test]
async fn a_source_that_the_platform_no_longer_has_is_final() {
    let mut config = emulator_config();
    let offers = &mut config.source.offers;
    offers.insert("oracle-service-cloud".to_owned(), SourceOffer::Gone);
    let world = World::with(config).await;
    let worker = world.worker();
    let mut newer = oracle_service_cloud(json!([{"table": "Contacts"}]));
    newer["connection"]["acknowledgeDeprecation"] = true.into();
    for failed in [
        world.ingest_source(&newer).await.unwrap_err(),
        world
            .ingest(&input(&[table("Contacts")]))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(failed.kind, "PlatformRejected", "{failed:?}");
        assert!(failed.is_non_retryable, "{failed:?}");
        assert!(failed.message.contains("no longer has"), "{failed:?}");
        assert!(failed.message.contains("end of June 2025"), "{failed:?}");
        assert_eq!(failed.details["httpStatus"], 404, "{failed:?}");
        let code = failed.details["adobeCode"].as_str().unwrap();
        assert!(code.contains("1439"), "{failed:?}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_specification_that_cannot_be_read_now_is_read_later() {
    let world = World::new().await;
    world.emulator.add_fault(
        Rule::new(
            "GET",
            "/connectionSpecs/{id}",
            Action::Refuse(CannedAnswer::html(503)),
        )
        .first(2),
    );
    let worker = world.worker();
    let input = salesforce(json!([{"table": "Account"}]));
    world.ingest_source(&input).await.unwrap();
    assert!(spec_reads(&world) >= 2);
    world.end(worker).await;
}

#[tokio::test]
async fn without_the_right_to_read_specifications_the_catalogue_holds() {
    let world = World::new().await;
    let denied = json!({"status": 403, "title": "Forbidden", "error_code": "403027",
                        "message": "User region is missing"});
    world.emulator.add_fault(Rule::new(
        "GET",
        "/connectionSpecs/{id}",
        Action::Refuse(CannedAnswer::json(403, denied)),
    ));
    let worker = world.worker();
    let input = salesforce(json!([{"table": "Account"}]));
    let result = world.ingest_source(&input).await.unwrap();
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("was not checked"), "{warnings}");
    let mut lacking = input;
    let params = lacking["connection"]["params"].as_object_mut().unwrap();
    params.remove("apiVersion");
    let failed = world.ingest_source(&lacking).await.unwrap_err();
    assert_eq!(failed.details["field"], "connection.params.apiVersion");
    world.end(worker).await;
}

#[tokio::test]
async fn what_may_have_been_made_outlives_the_specification() {
    let world = World::new().await;
    let lost = Action::ApplyThenDrop {
        at: CutAt::default(),
    };
    let gone = Action::Refuse(CannedAnswer::json(
        404,
        json!({"errorCode": "1439-404", "message": "Resource not found"}),
    ));
    let faults = [
        Rule::new("POST", "/connections", lost).first(1),
        Rule::new("GET", "/connectionSpecs/{id}", gone).nth(2..100),
    ];
    for fault in faults {
        world.emulator.add_fault(fault);
    }
    let worker = world.worker_with(|config| config.source.spec_ttl = Duration::ZERO);
    let result = world
        .ingest_source(&salesforce(json!([{"table": "Account"}])))
        .await
        .unwrap();
    let base = the(&world.emulator, "connections", "");
    assert_eq!(base["id"], result["baseConnectionId"]);
    assert!(spec_reads(&world) > 1);
    world.end(worker).await;
}

#[tokio::test]
async fn the_command_takes_a_specification_of_either_workflow() {
    let world = World::new().await;
    let worker = world.worker();
    let file = world.folder().join("spec.json");
    let ingest = ["ingest", "-f", file.to_str().unwrap(), "--wait"];
    let mut spec = salesforce(json!({"match": "Acc*"}));
    let params = &mut spec["connection"]["params"];
    params["clientSecret"] = "correct horse battery".into();
    std::fs::write(&file, spec.to_string()).unwrap();
    let (code, answer, errors) = cli(&world, &ingest).await;
    assert_eq!((code, &*answer), (1, ""), "{errors}");
    assert!(
        errors.contains("connection.params.clientSecret"),
        "{errors}"
    );
    assert!(!errors.contains("horse"), "{errors}");
    // It got no further than the command.
    let listed = cli_json(&world, &["list", "--all"]).await;
    assert_eq!(listed["ingestions"], json!([]), "{listed:#}");

    for spec in [
        salesforce(json!({"match": "Acc*"})),
        input(&[table("Contacts")]),
    ] {
        std::fs::write(&file, spec.to_string()).unwrap();
        let ingested = cli_json(&world, &ingest).await;
        assert_eq!(ingested["status"], "done", "{ingested:#}");
        let id = ingested["workflowId"].as_str().unwrap();
        let status = cli_json(&world, &["status", id]).await;
        assert_eq!(status["ingest"]["phase"], "done", "{status:#}");
    }
    found(
        &world,
        "AepSource = 'salesforce-service-cloud' AND AepPhase = 'done' AND AepDeprecated IS NULL",
        1,
    )
    .await;
    let dropped = "AepSource = 'oracle-service-cloud' AND AepDeprecated = true";
    found(&world, dropped, 1).await;
    let listed = cli_json(&world, &["list", "--all"]).await;
    assert_eq!(
        listed["ingestions"].as_array().unwrap().len(),
        2,
        "{listed:#}"
    );
    world.end(worker).await;
}

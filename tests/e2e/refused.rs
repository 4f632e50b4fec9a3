//! What the platform, the source or the worker's own credentials refuse.

use aep_emulator::{Action, CannedAnswer, Client, Rights, Rule, SourceOffer};
use aep_flow_testkit::platform::{counts, whole_chain, writes};
use aep_flow_testkit::world::{WRONG_PASSWORD, emulator_config};
use aep_flow_testkit::{World, input, table};
use serde_json::json;

#[tokio::test]
async fn a_sandbox_that_is_not_there() {
    let world = World::new().await;
    let worker = world.worker();
    for sandbox in ["nowhere", "resetting"] {
        let mut input = input(&[table("Contacts")]);
        input["connection"]["sandbox"] = sandbox.into();
        let failed = world.ingest(&input).await.unwrap_err();
        assert_eq!(failed.kind, "SandboxNotFound", "{failed:?}");
        assert!(failed.message.contains(sandbox), "{failed:?}");
        assert!(failed.is_non_retryable, "{failed:?}");
    }
    assert_eq!(writes(&world.emulator), [""; 0]);
    world.end(worker).await;
}

#[tokio::test]
async fn another_sandbox_is_another_world() {
    let world = World::new().await;
    let worker = world.worker();
    let mut input = input(&[table("Contacts")]);
    let prod = world.ingest(&input).await.unwrap();
    input["connection"]["sandbox"] = "dev".into();
    let dev = world.ingest(&input).await.unwrap();
    assert_ne!(prod["baseConnectionId"], dev["baseConnectionId"]);
    assert_eq!(world.emulator.resources("dev", "flows").len(), 1);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn wrong_credentials_of_the_source() {
    let world = World::new().await;
    world.keep_password(WRONG_PASSWORD);
    let worker = world.worker();
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();

    assert_eq!(failed.kind, "SourceRejectedCredentials", "{failed:?}");
    let id = &world.emulator.resources("prod", "connections")[0]["id"];
    assert!(
        format!("{failed:?}").contains(id.as_str().unwrap()),
        "{failed:?}"
    );
    assert_eq!(writes(&world.emulator), ["POST connections"]);
    world.end(worker).await;
}

#[tokio::test]
async fn wrong_credentials_of_the_source_noticed_at_once() {
    let mut config = emulator_config();
    config.source.checks_credentials_on_create = true;
    let world = World::with(config).await;
    world.keep_password(WRONG_PASSWORD);
    let worker = world.worker();
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();
    assert_eq!(failed.kind, "SourceRejectedCredentials", "{failed:?}");
    assert!(counts(&world.emulator).is_empty());

    // The password is read again by each attempt.
    world.keep_password("osc-password\n");
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    world.end(worker).await;
}

#[tokio::test]
async fn rights_that_are_missing() {
    for (name, rights, made) in [
        (
            "to write connections",
            Rights {
                flow_write: false,
                ..Rights::default()
            },
            0,
        ),
        (
            "to read connections",
            Rights {
                flow_read: false,
                ..Rights::default()
            },
            0,
        ),
        (
            "to write schemas",
            Rights {
                schema_write: false,
                ..Rights::default()
            },
            1,
        ),
        (
            "to write datasets",
            Rights {
                dataset_write: false,
                ..Rights::default()
            },
            1,
        ),
        (
            "to write mapping sets",
            Rights {
                mapping_write: false,
                ..Rights::default()
            },
            1,
        ),
    ] {
        let mut config = emulator_config();
        config.clients = vec![Client {
            rights,
            ..Client::default()
        }];
        let world = World::with(config).await;
        let worker = world.worker();
        let failed = world
            .ingest(&input(&[table("Contacts")]))
            .await
            .unwrap_err();
        assert_eq!(failed.kind, "PermissionDenied", "{name}: {failed:?}");
        assert!(failed.is_non_retryable, "{name}: {failed:?}");
        let connections = world.emulator.resources("prod", "connections");
        assert_eq!(connections.len(), made, "{name}");
        world.end(worker).await;
    }
}

#[tokio::test]
async fn a_worker_without_credentials() {
    let world = World::new().await;
    world.expect(("aep_flow::worker", "no credentials for Adobe"));
    let worker = world.worker_with(|config| config.aep.client_secret = None);
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();
    assert_eq!(failed.kind, "Unauthenticated", "{failed:?}");
    assert!(failed.message.contains("aep-flow check"), "{failed:?}");
    assert!(failed.is_non_retryable, "{failed:?}");
    assert!(world.emulator.journal().is_empty());
    world.end(worker).await;
}

#[tokio::test]
async fn a_source_that_adobe_dropped() {
    for (offer, code, left) in [
        (SourceOffer::Gone, "FLOW-1439-404", "connections"),
        (SourceOffer::Refused, "FLOW-1305-400", "connections"),
        (SourceOffer::MissingFromFlowSpec, "", "flows"),
    ] {
        let mut config = emulator_config();
        let offers = &mut config.source.offers;
        offers.insert("oracle-service-cloud".to_owned(), offer);
        let world = World::with(config).await;
        let worker = world.worker();
        let failed = world
            .ingest(&input(&[table("Contacts")]))
            .await
            .unwrap_err();
        assert_eq!(failed.kind, "PlatformRejected", "{offer:?}: {failed:?}");
        assert!(
            failed.message.contains("move to another source"),
            "{offer:?}: {failed:?}"
        );
        assert!(failed.message.contains(code), "{offer:?}: {failed:?}");
        assert!(failed.is_non_retryable, "{offer:?}: {failed:?}");
        assert!(
            world.emulator.resources("prod", left).is_empty(),
            "{offer:?}"
        );
        world.end(worker).await;
    }
}

#[tokio::test]
async fn one_table_of_three_fails_and_the_others_go_through() {
    let world = World::new().await;
    let worker = world.worker();
    let mut broken = table("Incidents");
    broken["columns"] = json!(["no-such-column"]);
    let tables = [table("Contacts"), broken, table("Accounts")];
    let failed = world.ingest(&input(&tables)).await.unwrap_err();

    assert_eq!(failed.kind, "InvalidInput", "{failed:?}");
    assert!(
        failed.message.starts_with("1 of 3 tables failed"),
        "{failed:?}"
    );
    let through: Vec<_> = failed.details["tables"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(through.len(), 2, "{failed:?}");
    for (table, name) in through.iter().zip(["Contacts", "Accounts"]) {
        assert_eq!(table["table"], name, "{failed:?}");
        assert!(table["flowId"].is_string(), "{failed:?}");
    }
    assert_eq!(
        failed.details["failed"][0]["table"], "Incidents",
        "{failed:?}"
    );
    assert_eq!(
        failed.details["failed"][0]["type"], "InvalidInput",
        "{failed:?}"
    );
    assert!(failed.details["baseConnectionId"].is_string(), "{failed:?}");
    assert_eq!(counts(&world.emulator), whole_chain(2));
    world.end(worker).await;
}

#[tokio::test]
async fn a_dataflow_that_is_refused_leaves_its_table_named_with_what_was_made() {
    let world = World::new().await;
    let refusal = CannedAnswer::flow(9999, 400, "Not today");
    world
        .emulator
        .add_fault(Rule::new("POST", "/flows", Action::Refuse(refusal)));
    let worker = world.worker();
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();

    assert_eq!(failed.kind, "PlatformRejected", "{failed:?}");
    let refused = &failed.details["failed"][0];
    assert_eq!(refused["step"], "CreateDataflow", "{failed:?}");
    assert!(
        refused["adobeCode"].as_str().unwrap().contains("9999"),
        "{failed:?}"
    );
    assert!(refused["requestId"].is_string(), "{failed:?}");
    for id in [
        "sourceConnectionId",
        "schemaId",
        "datasetId",
        "targetConnectionId",
        "mappingSetId",
    ] {
        assert!(refused["made"][id].is_string(), "{id}: {failed:?}");
    }
    assert_eq!(refused["made"]["flowId"], "", "{failed:?}");

    // Once the cause is gone, the same ingestion adopts what was created.
    world.emulator.clear_faults();
    world.emulator.clear_journal();
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    assert_eq!(writes(&world.emulator), ["POST flows"]);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

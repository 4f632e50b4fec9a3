//! What is done about resources that are there already, ours or not.

use serde_json::{Value, json};

use crate::support::platform::{counts, the, versions, whole_chain};
use crate::support::{World, input, table};

/// The tests' input with another word for what stands there already.
fn asking(on_existing: &str) -> Value {
    let mut input = input(&[table("Contacts")]);
    input["connection"]["onExisting"] = on_existing.into();
    input
}

/// Makes somebody else's base connection of the name that the tests' inputs use.
async fn make_theirs(world: &World) -> Value {
    world
        .post(
            "/data/foundation/flowservice/connections",
            &json!({
                "name": "Oracle Service Cloud",
                "description": "made by hand",
                "auth": {"specName": "Basic Authentication",
                         "params": {"host": "acme.custhelp.com", "username": "svc_aep",
                                    "password": "osc-password"}},
                "connectionSpec": {"id": "ba5126ec-c9ac-11eb-b8bc-0242ac130003",
                                   "version": "1.0"},
            }),
        )
        .await["id"]
        .clone()
}

#[tokio::test]
async fn what_is_not_ours_is_a_conflict_unless_asked_for() {
    let world = World::new().await;
    let worker = world.worker();
    let theirs = make_theirs(&world).await;
    let before = versions(&world.emulator);

    for on_existing in ["ADOPT_OURS", "FAIL"] {
        let failed = world.ingest(&asking(on_existing)).await.unwrap_err();
        assert_eq!(failed.kind, "Conflict", "{on_existing}: {failed:?}");
        assert!(failed.is_non_retryable, "{on_existing}: {failed:?}");
        assert!(
            failed.message.contains(theirs.as_str().unwrap()),
            "{on_existing}: {failed:?}"
        );
        assert!(
            failed.message.contains("ADOPT_ANY"),
            "{on_existing}: {failed:?}"
        );
        assert_eq!(
            failed.details["created"][0]["id"], theirs,
            "{on_existing}: {failed:?}"
        );
    }
    assert_eq!(versions(&world.emulator), before);

    let result = world.ingest(&asking("ADOPT_ANY")).await.unwrap();
    assert_eq!(result["baseConnectionId"], theirs);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn fail_refuses_what_an_earlier_run_made() {
    let world = World::new().await;
    let worker = world.worker();
    world.ingest(&asking("FAIL")).await.unwrap();
    let failed = world.ingest(&asking("FAIL")).await.unwrap_err();
    assert_eq!(failed.kind, "Conflict", "{failed:?}");
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn the_same_name_for_another_request_is_a_mismatch_that_names_the_field() {
    let world = World::new().await;
    let worker = world.worker();
    let first = world.ingest(&input(&[table("Contacts")])).await.unwrap();
    let before = versions(&world.emulator);

    type Case = (&'static str, fn(&mut Value), &'static str);
    let cases: [Case; 5] = [
        (
            "another host",
            |i| i["connection"]["host"] = "other.custhelp.com".into(),
            "host",
        ),
        (
            "another user",
            |i| i["connection"]["username"] = "svc_other".into(),
            "username",
        ),
        (
            "other columns",
            |i| i["tables"][0]["columns"] = json!(["id"]),
            "columns",
        ),
        (
            "another dataset",
            |i| i["tables"][0]["dataset"] = "elsewhere".into(),
            "schemaId",
        ),
        (
            "another schedule",
            |i| i["tables"][0]["schedule"] = json!({"startTime": "2036-01-01T00:00:00Z"}),
            "schedule",
        ),
    ];
    for (name, change, field) in cases {
        let mut input = input(&[table("Contacts")]);
        change(&mut input);
        let failed = world.ingest(&input).await.expect_err(name);
        assert_eq!(failed.kind, "IdempotencyMismatch", "{name}: {failed:?}");
        assert!(failed.is_non_retryable, "{name}: {failed:?}");
        assert!(
            failed.message.contains(field),
            "{name}: {field} is not in {failed:?}"
        );
    }
    // What the first ingestion made is as it was; a dataset of another name is another.
    let after = versions(&world.emulator);
    assert!(
        before.iter().all(|each| after.contains(each)),
        "{before:#?}\n{after:#?}"
    );
    assert_eq!(
        the(&world.emulator, "flows", "")["id"],
        first["tables"][0]["flowId"]
    );
    world.end(worker).await;
}

//! What is done about resources that are there already, ours or not.

use std::process::{Command, Stdio};

use aep_flow_testkit::platform::{counts, the, versions, whole_chain};
use aep_flow_testkit::world::WRONG_PASSWORD;
use aep_flow_testkit::{World, input, table};
use serde_json::{Value, json};

/// The tests' input with another choice for what exists already.
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
    // What the first ingestion created is unchanged; a dataset of another name is another one.
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

/// `aep-flow adopt` with these arguments: its exit code, and what it said on both streams.
async fn adopt(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    command
        .arg("adopt")
        .args(arguments)
        .env_clear()
        .envs(world.variables())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test]
async fn what_was_made_by_hand_is_ours_once_it_was_adopted() {
    let world = World::new().await;
    let worker = world.worker();
    let theirs = make_theirs(&world).await;
    let theirs = theirs.as_str().unwrap();
    let input = input(&[table("Contacts")]);
    assert_eq!(world.ingest(&input).await.unwrap_err().kind, "Conflict");

    // Without a word of consent it only shows what would change.
    let before = versions(&world.emulator);
    let (code, said) = adopt(&world, &["base-connection", theirs]).await;
    assert_eq!(code, 2, "{said}");
    for part in ["made by hand", "[aep-flow:v1 k=", "--yes"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(versions(&world.emulator), before);

    let (code, said) = adopt(&world, &["base-connection", theirs, "--yes"]).await;
    assert_eq!(code, 0, "{said}");
    let result = world.ingest(&input).await.unwrap();
    assert_eq!(result["baseConnectionId"], theirs);
    let (code, said) = adopt(&world, &["base-connection", theirs]).await;
    assert!(code == 0 && said.contains("ours already"), "{said}");

    // Of one name only one can be ours.
    let second = make_theirs(&world).await;
    let (code, said) = adopt(
        &world,
        &["base-connection", second.as_str().unwrap(), "--yes"],
    )
    .await;
    assert!(code == 1 && said.contains(theirs), "{said}");
    let (code, said) = adopt(&world, &["mapping-set", "1", "--yes"]).await;
    assert!(code == 2 && said.contains("no description"), "{said}");
    let (code, said) = adopt(&world, &["dataflow", theirs, "--yes"]).await;
    assert_eq!(code, 1, "{said}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn every_kind_that_keeps_a_marker_can_be_adopted() {
    const KINDS: [(&str, &str, &str); 5] = [
        (
            "base-connection",
            "flowservice/connections",
            "/baseConnectionId",
        ),
        (
            "source-connection",
            "flowservice/sourceConnections",
            "/tables/0/sourceConnectionId",
        ),
        ("dataset", "catalog/dataSets", "/tables/0/datasetId"),
        (
            "target-connection",
            "flowservice/targetConnections",
            "/tables/0/targetConnectionId",
        ),
        ("dataflow", "flowservice/flows", "/tables/0/flowId"),
    ];
    let world = World::new().await;
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    for (kind, collection, pointer) in KINDS {
        let id = first.pointer(pointer).unwrap().as_str().unwrap();
        let resource = the(&world.emulator, collection.rsplit('/').next().unwrap(), "");
        let path = format!("/data/foundation/{collection}/{id}");
        let patch = if kind == "dataset" {
            json!({"description": "by hand"})
        } else {
            json!([{"op": "replace", "path": "/description", "value": "by hand"}])
        };
        world.patch(&path, resource["etag"].as_str(), &patch).await;
        let failed = world.ingest(&input).await.expect_err(collection);
        assert_eq!(failed.kind, "Conflict", "{collection}: {failed:?}");
        let (code, said) = adopt(&world, &[kind, id, "--yes", "--output", "json"]).await;
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("by hand [aep-flow:v1 k="), "{said}");
        assert_eq!(world.ingest(&input).await.unwrap(), first, "{collection}");
    }
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

/// Everybody who may read a description can copy the marker in it onto another resource, an older
/// one even, which would win.
#[tokio::test]
async fn a_copied_marker_makes_nothing_ours() {
    let world = World::new().await;
    let worker = world.worker();
    let ingest = async |name: &str| {
        let mut input = input(&[table(name)]);
        input["decisionDeadlineSeconds"] = 5.into();
        world.ingest(&input).await.unwrap()
    };
    let accounts = ingest("Accounts").await;
    let contacts = ingest("Contacts").await;
    let source = async |result: &Value| {
        let id = result["tables"][0]["sourceConnectionId"].as_str().unwrap();
        let path = format!("/data/foundation/flowservice/sourceConnections/{id}");
        (world.get(&path).await["items"][0].clone(), path)
    };
    let ((older, path), (ours, _)) = (source(&accounts).await, source(&contacts).await);
    let disguise = json!([
        {"op": "replace", "path": "/name", "value": ours["name"]},
        {"op": "replace", "path": "/description", "value": ours["description"]},
    ]);
    world.patch(&path, older["etag"].as_str(), &disguise).await;
    let before = versions(&world.emulator);
    assert_eq!(ingest("Contacts").await, contacts);
    assert_eq!(versions(&world.emulator), before);
    // Two of one name are what a test must not end with.
    let (disguised, _) = source(&accounts).await;
    let name = json!([{"op": "replace", "path": "/name", "value": older["name"]}]);
    world.patch(&path, disguised["etag"].as_str(), &name).await;
    world.end(worker).await;
}

#[tokio::test]
async fn another_password_is_told_as_such_and_shown_nowhere() {
    let world = World::new().await;
    let worker = world.worker_with(|config| {
        config.ensure.fingerprint_key = Some("a key of the organisation's own".to_owned().into());
    });
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    let marked = the(&world.emulator, "connections", "")["description"].to_string();
    assert!(marked.contains(" password="), "{marked}");

    world.keep_password(WRONG_PASSWORD);
    // `Run::end` searches the history for either password.
    let again = world.ingest(&input).await.unwrap();
    assert_eq!(again["baseConnectionId"], first["baseConnectionId"]);
    let warnings = again["warnings"].to_string();
    assert!(
        warnings.contains("was created with another password"),
        "{warnings}"
    );
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

//! `aep-flow ingest plan`, as its caller sees it.

use std::collections::BTreeSet;

use aep_emulator::Emulator;

use super::{against, finish, folder};

const SPECIFICATION: &str = "\
connection:
  source: postgresql
  auth: Connection String Based Authentication
  name: Orders
  params:
    connectionString: {env: ORDERS_CONNECTION}
tables:
  - table: public.orders
";

#[tokio::test]
async fn a_plan_is_shown_and_nothing_is_written() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    std::fs::write(folder.path().join("spec.yaml"), SPECIFICATION).unwrap();
    let plan = async |more: &[&str]| {
        let mut command = against(&emulator, folder.path());
        command
            .args(["ingest", "plan", "-f", "spec.yaml"])
            .args(more);
        finish(command).await
    };

    let shown = plan(&[]).await;
    insta::assert_snapshot!(shown.shown(), @r###"
    exit 0
    --- stdout
    connection
      + base connection `Orders`: nothing of that name exists

    table public.orders
      + source connection `Orders - public.orders`: nothing of that name exists
      + field group `Orders - public.orders fields`: nothing of that name exists
      + schema `Orders - public.orders`: nothing of that name exists
      + dataset `Orders - public.orders`: nothing of that name exists
      + target connection `Orders - public.orders`: nothing of that name exists
      + mapping set `Orders - public.orders`: nothing of that name exists
      + flow `Orders - public.orders`: nothing of that name exists

    Something to do: 8 to create.
    --- stderr
    "###);
    assert_eq!(plan(&["--detailed-exitcode"]).await.code, 2);

    let json = plan(&["--output", "json"]).await;
    let answer: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&answer["changes"], &answer["refused"]),
        (&true.into(), &false.into())
    );
    assert_eq!(answer["steps"].as_array().unwrap().len(), 8);
    assert_eq!(answer["steps"][0]["action"], "create");

    let methods: BTreeSet<String> = emulator
        .journal()
        .into_iter()
        .filter(|entry| !entry.route.starts_with("/ims/"))
        .map(|entry| entry.method)
        .collect();
    assert_eq!(methods, BTreeSet::from(["GET".to_owned()]));
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_apart_from_what_is_to_do() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    let spec = folder.path().join("spec.yaml");
    let wrong = [
        // Refused before anything is asked.
        (
            SPECIFICATION.replace("table:", "tabel:"),
            "tables[0].tabel",
            "",
        ),
        (
            SPECIFICATION.replace("{env: ORDERS_CONNECTION}", "hunter2"),
            "connection.params.connectionString",
            "",
        ),
        // Refused by what is asked.
        (
            SPECIFICATION.replace("postgresql", "couchbase"),
            "",
            "connection.acknowledgeDeprecation",
        ),
    ];
    for (text, in_stderr, in_stdout) in wrong {
        std::fs::write(&spec, text).unwrap();
        let mut command = against(&emulator, folder.path());
        command.args(["ingest", "plan", "-f", "spec.yaml", "--detailed-exitcode"]);
        let ran = finish(command).await;
        assert_eq!(ran.code, 1, "{}", ran.shown());
        assert!(ran.stderr.contains(in_stderr), "{}", ran.shown());
        assert!(ran.stdout.contains(in_stdout), "{}", ran.shown());
        assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
    }

    std::fs::write(&spec, SPECIFICATION).unwrap();
    let mut command = against(&emulator, folder.path());
    command.env("AEP_FLOW_CLIENT_SECRET", "hunter2");
    command.args(["ingest", "plan", "-f", "spec.yaml", "--detailed-exitcode"]);
    let ran = finish(command).await;
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stderr.contains("Unauthenticated"), "{}", ran.shown());

    // A command line that can't be read is an error too, and no change.
    let mut command = against(&emulator, folder.path());
    command.args(["ingest", "plan", "--detailed-exitcode", "--filee", "a"]);
    assert_eq!(finish(command).await.code, 1);
    emulator.shutdown().await;
}

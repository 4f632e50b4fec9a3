//! The state file: a restarted emulator knows its resources.

use aep_emulator::{Config, Emulator, EmulatorError};
use serde_json::json;

use crate::support::*;

fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        state_file: Some(folder.path().join("state.json")),
        ..Config::default()
    }
}

#[tokio::test]
async fn a_restarted_emulator_knows_its_resources_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let aep = Aep::with(config(&folder)).await;
    let parts = aep.parts("Contacts").await;
    let flow = aep.flow(&Parts::soon(parts.once())).await.id();
    let Aep {
        emulator,
        http,
        token,
        sandbox,
    } = aep;
    let before = emulator.state();
    emulator.shutdown().await;

    let emulator = Emulator::start(config(&folder)).await.unwrap();
    let aep = Aep {
        emulator,
        http,
        token,
        sandbox,
    };
    let after = aep.emulator.state();
    for kind in [
        "connections",
        "sourceConnections",
        "targetConnections",
        "fieldgroups",
        "schemas",
        "dataSets",
        "mappingSets",
    ] {
        assert_eq!(
            before["sandboxes"]["prod"][kind], after["sandboxes"]["prod"][kind],
            "{kind}"
        );
        assert_eq!(
            after["sandboxes"]["prod"][kind].as_array().unwrap().len(),
            1,
            "{kind}"
        );
    }
    // The password is still known, though never shown, and the flow's plan continues.
    let tested = aep
        .get(&format!("{FLOW}/connections/{}/test", parts.base))
        .await;
    assert_eq!(tested.body, json!({"result": true}));
    aep.run_with_status(&flow, "success").await;
}

#[tokio::test]
async fn every_change_is_kept_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let aep = Aep::with(config(&folder)).await;
    let id = aep.base_connection("kept").await;
    // A second emulator reads what the first one wrote, without a shutdown.
    let copy = folder.path().join("copy.json");
    std::fs::copy(folder.path().join("state.json"), &copy).unwrap();
    let other = Emulator::start(Config {
        state_file: Some(copy),
        ..Config::default()
    })
    .await
    .unwrap();
    assert_eq!(other.resources("prod", "connections")[0]["id"], id);
    aep.delete(&format!("{FLOW}/connections/{id}")).await;
    let file = std::fs::read_to_string(folder.path().join("state.json")).unwrap();
    assert!(!file.contains(&id));
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("state.json"), "no state").unwrap();
    let error = Emulator::start(config(&folder)).await.unwrap_err();
    assert!(matches!(error, EmulatorError::State(_)), "{error}");
}

#[tokio::test]
async fn a_state_that_cannot_be_kept_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let aep = Aep::with(config(&folder)).await;
    drop(folder);
    let reply = aep
        .post(&format!("{FLOW}/connections"), &base_connection("lost"))
        .await;
    assert_eq!(reply.status, 500);
}

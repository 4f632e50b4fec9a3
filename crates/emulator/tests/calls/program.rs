//! The program `aep-emulator`.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::*;

async fn started(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_aep-emulator"))
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .await
        .unwrap();
    (child, line.trim().to_owned())
}

#[tokio::test]
async fn the_first_line_is_the_url_and_a_signal_ends_it_well() {
    let folder = tempfile::tempdir().unwrap();
    let faults = folder.path().join("faults.yaml");
    let rules = "# a teapot\n- route: /connections\n  action: {kind: refuse, status: 418}\n";
    std::fs::write(&faults, rules).unwrap();
    let arguments = [
        "--port",
        "0",
        "--control",
        "--client-id",
        "c",
        "--client-secret",
        "s",
        "--sandbox",
        "extra",
        "--faults",
        faults.to_str().unwrap(),
    ];
    let (mut child, url) = started(&arguments).await;
    let http = http_client();
    assert_eq!(
        send(http.get(format!("{url}/_emulator/health"))).await.body,
        json!({"status": "ok"})
    );
    let token = token(&http, &url, "c", "s").await;
    let request = |path: &str| {
        let request = http
            .get(format!("{url}{path}"))
            .bearer_auth(&token)
            .header("x-api-key", "c");
        send(
            request
                .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG)
                .header("x-sandbox-name", "extra"),
        )
    };
    assert_eq!(request(&format!("{FLOW}/connections")).await.status, 418);
    assert_eq!(request(&format!("{FLOW}/flows")).await.status, 200);
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap()
            .success()
    );
    let status = tokio::time::timeout(std::time::Duration::from_secs(10), child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn invalid_rules_are_reported_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let faults = folder.path().join("faults.json");
    std::fs::write(
        &faults,
        r#"[{"nth": [1], "count": 1, "action": {"kind": "pass"}}]"#,
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_aep-emulator"))
        .args(["--faults", faults.to_str().unwrap()])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("a rule takes one of `nth`, `count` and `probability`"),
        "{message}"
    );
}

#[test]
fn the_rules_in_the_manual_are_rules_and_show_every_action() {
    let manual = include_str!("../../README.md");
    let blocks = manual.split("```yaml\n").skip(1);
    let mut kinds = std::collections::BTreeSet::new();
    for block in blocks {
        let (yaml, _) = block.split_once("```").unwrap();
        let rules = aep_emulator::read_rules(yaml).unwrap_or_else(|error| {
            let cause = std::error::Error::source(&error);
            panic!("{error}: {cause:?}\n{yaml}")
        });
        kinds.extend(rules.iter().map(|rule| rule.action.kind()));
    }
    let shown: Vec<_> = kinds.into_iter().collect();
    let all = [
        "applyThenAnswer",
        "applyThenDelay",
        "applyThenDrop",
        "createdAs",
        "delay",
        "dropBeforeApply",
        "dropBeforeRead",
        "lateCommit",
        "listIgnoresFilter",
        "listLag",
        "listNextIsSelf",
        "listOddEntries",
        "listRefusesFilter",
        "listRepeatsEntry",
        "listSkipsEntry",
        "moveEtag",
        "pad",
        "pass",
        "refuse",
        "reset",
        "trickle",
        "truncate",
    ];
    assert_eq!(shown, all);
}

#[tokio::test]
async fn a_source_can_be_removed_by_an_argument() {
    let arguments = [
        "--port",
        "0",
        "--newest-flow-spec",
        "--source-offer",
        "zoho-crm=gone",
    ];
    let (_child, url) = started(&arguments).await;
    let http = http_client();
    let token = token(
        &http,
        &url,
        aep_emulator::DEFAULT_CLIENT_ID,
        aep_emulator::DEFAULT_CLIENT_SECRET,
    )
    .await;
    let get = |path: String| {
        let request = http
            .get(format!("{url}{FLOW}/{path}"))
            .bearer_auth(&token)
            .header("x-api-key", aep_emulator::DEFAULT_CLIENT_ID)
            .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG)
            .header("x-sandbox-name", "prod");
        send(request)
    };
    let zoho = "929e4450-0237-4ed2-9404-b7e1e0a00309";
    assert_eq!(get(format!("connectionSpecs/{zoho}")).await.status, 404);
    assert_eq!(get(format!("connectionSpecs/{OSC}")).await.status, 200);
    let spec = get(format!("flowSpecs/{CRM_TO_AEP}")).await;
    let sources = spec.items()[0]["sourceConnectionSpecIds"]
        .as_array()
        .unwrap();
    assert_eq!(sources.len(), 37 - 6);
    for (offer, message) in [
        ("zoho-crm", "give a source and its offer"),
        ("zoho=gone", "there is no source zoho"),
        ("zoho-crm=away", "an offer is one of offered"),
    ] {
        let refused = Command::new(env!("CARGO_BIN_EXE_aep-emulator"))
            .args(["--source-offer", offer])
            .output()
            .await
            .unwrap();
        let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && stderr.contains(message),
            "{stderr}"
        );
    }
}

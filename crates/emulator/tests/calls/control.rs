//! The control API and the journal.

use aep_emulator::{Config, JournalStatus};
use serde_json::{Value, json};

use crate::support::*;

async fn controlled() -> Aep {
    Aep::with(Config {
        control: true,
        ..Config::default()
    })
    .await
}

async fn ask(aep: &Aep, method: reqwest::Method, path: &str, body: Option<Value>) -> Reply {
    let mut request = aep
        .http
        .request(method, format!("{}/_emulator{path}", aep.emulator.url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

#[tokio::test]
async fn the_control_api_is_off_by_default() {
    let aep = Aep::start().await;
    for path in ["/state", "/journal", "/faults", "/health"] {
        assert_eq!(
            ask(&aep, reqwest::Method::GET, path, None).await.status,
            404,
            "{path}"
        );
    }
    let fault = json!({"action": {"kind": "dropBeforeApply"}});
    assert_eq!(
        ask(&aep, reqwest::Method::POST, "/faults", Some(fault))
            .await
            .status,
        404
    );
    aep.base_connection("unharmed").await;
}

#[tokio::test]
async fn state_and_journal_can_be_read_and_cleared() {
    let aep = controlled().await;
    aep.base_connection("seen").await;
    let state = ask(&aep, reqwest::Method::GET, "/state", None).await;
    assert_eq!(state.body, aep.emulator.state());
    assert_eq!(
        state.body["sandboxes"]["prod"]["connections"][0]["name"],
        "seen"
    );
    let journal = ask(&aep, reqwest::Method::GET, "/journal", None).await;
    let entries = journal.body.as_array().unwrap();
    assert_eq!(
        entries.len(),
        2,
        "the token and the create, not the control calls"
    );
    let create = &entries[1];
    assert_eq!(create["method"], "POST");
    assert_eq!(create["route"], "/data/foundation/flowservice/connections");
    assert_eq!(
        (&create["status"], &create["changed"]),
        (&json!(201), &json!(true))
    );
    assert_eq!(create["body"]["name"], "seen");
    assert_eq!(create["body"]["auth"]["params"]["password"], "******");
    assert_eq!(create["sandbox"], "prod");
    assert_eq!(entries[0]["changed"], false, "a token is no resource");
    let later = ask(&aep, reqwest::Method::GET, "/journal?since=1", None).await;
    assert_eq!(later.body.as_array().unwrap().len(), 1);
    assert_eq!(
        ask(&aep, reqwest::Method::DELETE, "/journal", None)
            .await
            .status,
        204
    );
    assert!(aep.emulator.journal().is_empty());
    assert_eq!(
        ask(&aep, reqwest::Method::DELETE, "/state", None)
            .await
            .status,
        204
    );
    assert!(aep.emulator.resources("prod", "connections").is_empty());
    assert_eq!(
        aep.get(&format!("{FLOW}/connections")).await.status,
        200,
        "the token still holds"
    );
}

#[tokio::test]
async fn reads_and_refusals_change_nothing() {
    let aep = Aep::start().await;
    let id = aep.base_connection("a").await;
    aep.get(&format!("{FLOW}/connections/{id}")).await;
    aep.get(&format!("{FLOW}/connections")).await;
    aep.get(&format!("{FLOW}/connections/{id}/explore?objectType=root"))
        .await;
    aep.post(&format!("{FLOW}/connections"), &json!({})).await;
    aep.patch(&format!("{FLOW}/connections/{id}"), "stale", &json!([]))
        .await;
    let changes: Vec<bool> = aep
        .emulator
        .journal()
        .iter()
        .map(|entry| entry.changed)
        .collect();
    assert_eq!(changes, [false, true, false, false, false, false, false]);
    let last = aep.emulator.journal().pop().unwrap();
    assert_eq!(last.status, JournalStatus::Answered(412));
    assert_eq!(last.route, "/data/foundation/flowservice/connections/{id}");
}

#[tokio::test]
async fn faults_are_set_shown_and_removed() {
    let aep = controlled().await;
    let rule = json!({
        "method": "POST", "route": "/connections", "nth": [1],
        "action": {"kind": "refuse", "status": 503, "body": {"a": 1}},
    });
    let added = ask(&aep, reqwest::Method::POST, "/faults", Some(rule.clone())).await;
    assert_eq!((added.status, added.body), (201, json!({"ids": [1]})));
    let path = format!("{FLOW}/connections");
    let refused = aep.post(&path, &base_connection("a")).await;
    assert_eq!((refused.status, refused.body), (503, json!({"a": 1})));
    let active = ask(&aep, reqwest::Method::GET, "/faults", None).await;
    assert_eq!(
        active.body,
        json!([{"id": 1, "seen": 1, "played": 1, "rule": rule}])
    );
    let many = json!([{"action": {"kind": "pass"}}, {"count": 1, "action": {"kind": "pass"}}]);
    assert_eq!(
        ask(&aep, reqwest::Method::POST, "/faults", Some(many))
            .await
            .body["ids"],
        json!([2, 3])
    );
    assert_eq!(
        ask(&aep, reqwest::Method::DELETE, "/faults/2", None)
            .await
            .status,
        204
    );
    assert_eq!(
        ask(&aep, reqwest::Method::DELETE, "/faults/2", None)
            .await
            .status,
        404
    );
    assert_eq!(
        ask(&aep, reqwest::Method::DELETE, "/faults", None)
            .await
            .status,
        204
    );
    assert!(aep.emulator.faults().is_empty());
    let wrong = json!({"probability": 0.5, "action": {"kind": "pass"}});
    let refused = ask(&aep, reqwest::Method::POST, "/faults", Some(wrong)).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body["error"].as_str().unwrap().contains("seed"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn tokens_can_be_revoked() {
    let aep = controlled().await;
    assert_eq!(
        ask(&aep, reqwest::Method::POST, "/tokens/revoke", None)
            .await
            .status,
        204
    );
    assert_eq!(
        aep.get(&format!("{FLOW}/connections")).await.body["error_code"],
        "401013"
    );
}

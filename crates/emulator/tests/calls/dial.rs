//! Every action of the fault dial: what the caller sees, and what happens to the state.

use std::time::{Duration, Instant};

use aep_emulator::{Action, CannedAnswer, CutAt, JournalStatus, LateReply, Rule};
use reqwest::Method;
use serde_json::json;

use crate::support::*;

fn connections() -> String {
    format!("{FLOW}/connections")
}

fn rule(action: Action) -> Rule {
    Rule::new("POST", "/connections", action).nth([1])
}

fn stored(aep: &Aep) -> usize {
    aep.emulator.resources("prod", "connections").len()
}

/// Sends a create that gets no complete response, and returns reqwest's error.
async fn cut_create(aep: &Aep) -> reqwest::Error {
    let request = aep
        .request(Method::POST, &connections())
        .json(&base_connection("cut"));
    match request.send().await {
        Err(error) => error,
        Ok(response) => response.text().await.expect_err("the body must break off"),
    }
}

#[tokio::test]
async fn a_create_takes_effect_and_its_response_is_lost() {
    let aep = Aep::start().await;
    aep.emulator
        .add_fault(rule(Action::ApplyThenDrop { at: CutAt::Start }));
    let error = cut_create(&aep).await;
    assert!(
        !error.is_timeout() && !error.is_connect() && error.status().is_none(),
        "{error:?}"
    );
    assert_eq!(stored(&aep), 1);
    let entry = aep.emulator.journal().pop().unwrap();
    assert_eq!(
        (entry.status, entry.changed),
        (JournalStatus::Dropped, true)
    );
    assert_eq!(entry.fault.as_deref(), Some("applyThenDrop"));
    // The rule applied to the first request only, and the emulator continues.
    aep.base_connection("next").await;
    assert_eq!(stored(&aep), 2);
}

#[tokio::test]
async fn a_response_can_break_off_in_its_body() {
    let aep = Aep::start().await;
    aep.emulator
        .add_fault(rule(Action::ApplyThenDrop { at: CutAt::Body }));
    let response = aep
        .request(Method::POST, &connections())
        .json(&base_connection("cut"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let error = response.text().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(stored(&aep), 1);
}

#[tokio::test]
async fn a_create_that_is_dropped_before_creates_nothing() {
    let aep = Aep::start().await;
    aep.emulator.add_fault(rule(Action::DropBeforeApply));
    let error = cut_create(&aep).await;
    assert!(!error.is_connect() && error.status().is_none(), "{error:?}");
    assert_eq!(stored(&aep), 0);
    let entry = aep.emulator.journal().pop().unwrap();
    assert_eq!(
        (entry.status, entry.changed),
        (JournalStatus::Dropped, false)
    );
}

#[tokio::test]
async fn the_tcp_connection_is_really_cut() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let aep = Aep::start().await;
    for action in [
        Action::DropBeforeApply,
        Action::ApplyThenDrop { at: CutAt::Start },
    ] {
        aep.emulator.clear_faults();
        aep.emulator.add_fault(Rule::new("*", "*", action));
        let mut stream = tokio::net::TcpStream::connect(aep.emulator.address())
            .await
            .unwrap();
        stream
            .write_all(format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", connections()).as_bytes())
            .await
            .unwrap();
        let mut bytes = Vec::new();
        let read =
            tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
        // A reset is an end too.
        assert!(read.is_ok(), "the connection stayed open");
        assert!(bytes.is_empty(), "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn a_refused_create_gets_the_given_response_and_creates_nothing() {
    let aep = Aep::start().await;
    let answer = CannedAnswer::too_many_requests(Some("7"));
    aep.emulator.add_fault(rule(Action::Refuse(answer)));
    let reply = aep.post(&connections(), &base_connection("refused")).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.headers["retry-after"], "7");
    assert_eq!(reply.body["error_code"], "429050");
    assert_eq!(stored(&aep), 0);
    aep.emulator.clear_faults();
    aep.emulator
        .add_fault(rule(Action::Refuse(CannedAnswer::html(502))));
    let reply = aep.post(&connections(), &base_connection("refused")).await;
    assert_eq!(
        (
            reply.status,
            reply.headers["content-type"].to_str().unwrap()
        ),
        (502, "text/html")
    );
    assert!(reply.text.starts_with("<html>"));
}

#[tokio::test]
async fn a_create_takes_effect_behind_a_504() {
    let aep = Aep::start().await;
    let answer = CannedAnswer::flow(1104, 504, "Gateway timeout");
    aep.emulator
        .add_fault(rule(Action::ApplyThenAnswer(answer)));
    let reply = aep.post(&connections(), &base_connection("there")).await;
    assert_eq!(reply.code(), "FLOW-1104-504");
    assert_eq!(stored(&aep), 1);
}

#[tokio::test]
async fn a_delay_is_before_the_effect_and_outlives_the_caller() {
    let aep = Aep::start().await;
    aep.emulator.add_fault(rule(Action::Delay {
        ms: 1500,
        then: None,
    }));
    let request = aep
        .request(Method::POST, &connections())
        .json(&base_connection("slow"));
    let error = request
        .timeout(Duration::from_millis(100))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(stored(&aep), 0);
    tokio::time::sleep(Duration::from_millis(2000)).await;
    assert_eq!(
        stored(&aep),
        1,
        "a service goes on when its caller has hung up"
    );
}

#[tokio::test]
async fn a_delay_can_end_in_another_action() {
    let aep = Aep::start().await;
    let then = Some(Box::new(Action::DropBeforeApply));
    aep.emulator.add_fault(rule(Action::Delay { ms: 50, then }));
    cut_create(&aep).await;
    assert_eq!(stored(&aep), 0);
}

#[tokio::test]
async fn a_late_response_comes_after_the_effect() {
    let aep = Aep::start().await;
    aep.emulator
        .add_fault(rule(Action::ApplyThenDelay { ms: 1500 }));
    let started = Instant::now();
    let (path, body) = (connections(), base_connection("late"));
    let create = aep.post(&path, &body);
    let look = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        stored(&aep)
    };
    let (reply, seen) = tokio::join!(create, look);
    assert_eq!(reply.status, 201);
    assert!(started.elapsed() >= Duration::from_millis(1500));
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_late_commit_keeps_what_its_response_promised() {
    let aep = Aep::start().await;
    aep.emulator.add_fault(rule(Action::LateCommit {
        after_ms: 1500,
        reply: LateReply::Own,
    }));
    let reply = aep.post(&connections(), &base_connection("late")).await;
    assert_eq!(reply.status, 201);
    let path = format!("{}/{}", connections(), reply.id());
    assert_eq!(aep.get(&path).await.status, 404);
    assert_eq!(stored(&aep), 0);
    tokio::time::sleep(Duration::from_millis(2000)).await;
    let read = aep.get(&path).await;
    assert_eq!(read.items()[0]["etag"], reply.body["etag"]);
    let committed = aep
        .emulator
        .journal()
        .into_iter()
        .find(|entry| entry.fault.as_deref() == Some("committed"));
    assert!(committed.unwrap().changed);
}

#[tokio::test]
async fn a_late_commit_stores_its_own_time_and_is_counted_while_pending() {
    let aep = Aep::start().await;
    let reply = LateReply::Answer(CannedAnswer::empty(504));
    let late = Action::LateCommit {
        after_ms: 1500,
        reply,
    };
    aep.emulator.add_fault(rule(late));
    assert_eq!(aep.emulator.pending_commits(), 0);
    let reply = aep.post(&connections(), &base_connection("late")).await;
    assert_eq!(reply.status, 504);
    assert_eq!(aep.emulator.pending_commits(), 1);
    assert_eq!(aep.emulator.state()["pendingCommits"], 1);
    let deadline = Instant::now() + Duration::from_secs(10);
    while aep.emulator.pending_commits() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(aep.emulator.state()["pendingCommits"], 0);
    let journal = aep.emulator.journal();
    let [asked, committed] = &journal[journal.len() - 2..] else {
        panic!("{journal:?}");
    };
    assert_eq!(asked.sequence, committed.sequence);
    assert_eq!(
        (asked.fault.as_deref(), asked.changed),
        (Some("lateCommit"), false)
    );
    assert_eq!(
        (committed.fault.as_deref(), committed.changed),
        (Some("committed"), true)
    );
    assert!(committed.time_ms >= asked.time_ms + 1500, "{journal:?}");
    let created = &aep.emulator.resources("prod", "connections")[0];
    assert_eq!(created["createdAt"], committed.time_ms);
}

#[tokio::test]
async fn a_late_flow_is_checked_against_the_time_of_its_request() {
    let aep = Aep::start().await;
    let flow = Parts::soon(aep.parts("Contacts").await.once());
    let late = Action::LateCommit {
        after_ms: 4000,
        reply: LateReply::Own,
    };
    aep.emulator.add_fault(Rule::new("POST", "/flows", late));
    // Its start has passed when it takes effect. The caller already has a success.
    let promised = aep.flow(&flow).await;
    assert_eq!(promised.status, 201, "{promised:?}");
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let path = format!("{FLOW}/flows/{}", promised.id());
    assert_eq!(aep.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_late_commit_can_hide_behind_an_error_or_a_cut() {
    let aep = Aep::start().await;
    let reply = LateReply::Answer(CannedAnswer::empty(504));
    aep.emulator.add_fault(rule(Action::LateCommit {
        after_ms: 1000,
        reply,
    }));
    let answered = aep.post(&connections(), &base_connection("one")).await;
    assert_eq!((answered.status, stored(&aep)), (504, 0));
    aep.emulator.clear_faults();
    aep.emulator.add_fault(rule(Action::LateCommit {
        after_ms: 1000,
        reply: LateReply::Drop,
    }));
    cut_create(&aep).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(stored(&aep), 2);
}

#[tokio::test]
async fn rules_from_the_config_are_active_from_the_start() {
    let tokens = Rule::new(
        "POST",
        "/ims/token/v3",
        Action::Refuse(CannedAnswer::empty(503)),
    );
    let config = aep_emulator::Config {
        faults: vec![tokens.first(1)],
        ..Default::default()
    };
    let emulator = aep_emulator::Emulator::start(config).await.unwrap();
    let url = format!("{}/ims/token/v3", emulator.url());
    let reply = send(http_client().post(&url).form(&[("grant_type", "x")])).await;
    assert_eq!((reply.status, reply.body), (503, json!(null)));
    assert_eq!(emulator.faults()[0].played, 1);
    let reply = send(http_client().post(&url).form(&[("grant_type", "x")])).await;
    assert_eq!(reply.body["error"], "unsupported_grant_type");
    assert!(emulator.remove_fault(1));
    assert!(!emulator.remove_fault(1));
}

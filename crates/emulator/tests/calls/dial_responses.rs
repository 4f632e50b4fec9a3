//! Responses of the dial that have a name.

use aep_emulator::{Action, CannedAnswer, Config, NamedAnswer, RetryAfter, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::*;

fn connections() -> String {
    format!("{FLOW}/connections")
}

/// The response to a call under this action, given in YAML.
async fn reply_to(aep: &Aep, path: &str, action: &str) -> Reply {
    aep.emulator.clear_faults();
    for rule in aep_emulator::read_rules(&format!("action: {action}")).unwrap() {
        aep.emulator.add_fault(rule);
    }
    aep.get(path).await
}

#[tokio::test]
async fn too_many_requests_has_three_forms_of_retry_after() {
    let aep = Aep::start().await;
    let limited = CannedAnswer::named(NamedAnswer::RateLimited);
    let mut seen = Vec::new();
    for answer in [
        limited.clone(),
        limited.clone().with_retry_after(RetryAfter::Seconds(12)),
        limited.with_retry_after(RetryAfter::Date { date_in: 30 }),
    ] {
        aep.emulator.clear_faults();
        aep.emulator
            .add_fault(Rule::new("GET", "*", Action::Refuse(answer)));
        let reply = aep.get(&connections()).await;
        assert_eq!(
            (reply.status, &reply.body["error_code"]),
            (429, &json!("429050"))
        );
        let header = reply.headers.get("retry-after");
        seen.push(header.map(|value| value.to_str().unwrap().to_owned()));
    }
    assert_eq!(seen[..2], [None, Some("12".to_owned())]);
    let date = seen[2].as_deref().unwrap();
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .unwrap_or_else(|error| panic!("{date}: {error}"));
    let ahead = date.as_second() - seconds_from_now(0);
    assert!((28..=31).contains(&ahead), "{ahead} s ahead");
}

#[tokio::test]
async fn failures_come_as_json_as_a_page_and_as_nothing() {
    let aep = Aep::start().await;
    for (status, number) in [(500, 1400), (502, 1100), (503, 1103), (504, 1104)] {
        let reply = reply_to(
            &aep,
            &connections(),
            &format!("{{kind: refuse, as: adobe, status: {status}}}"),
        )
        .await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.code(), format!("FLOW-{number}-{status}"));
        assert!(reply.body["errorMessage"].is_string());
        let reply = reply_to(
            &aep,
            &connections(),
            &format!("{{kind: refuse, as: page, status: {status}}}"),
        )
        .await;
        assert_eq!(
            (reply.status, &reply.headers["content-type"]),
            (status, &"text/html".parse().unwrap())
        );
        assert!(reply.text.starts_with("<html>"), "{reply:?}");
        let reply = reply_to(
            &aep,
            &connections(),
            &format!("{{kind: refuse, as: nothing, status: {status}}}"),
        )
        .await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""));
        assert!(!reply.headers.contains_key("content-type"), "{reply:?}");
    }
    let adobe = "{kind: refuse, as: adobe, status: 503}";
    let registry = format!("{REGISTRY}/tenant/schemas");
    assert_eq!(
        reply_to(&aep, &registry, adobe).await.code(),
        "XDM-1000-503"
    );
    let catalog = reply_to(&aep, &format!("{CATALOG}/dataSets"), adobe).await;
    assert_eq!(catalog.body["title"], "Service Unavailable");
}

#[tokio::test]
async fn a_success_can_be_of_the_wrong_type() {
    let aep = Aep::start().await;
    let page = reply_to(
        &aep,
        &connections(),
        "{kind: applyThenAnswer, as: page, status: 200}",
    )
    .await;
    assert_eq!(
        (page.status, &page.headers["content-type"]),
        (200, &"text/html".parse().unwrap())
    );
    let text = reply_to(
        &aep,
        &connections(),
        "{kind: applyThenAnswer, as: jsonString}",
    )
    .await;
    assert_eq!(
        (text.status, &text.headers["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert!(text.body.is_string(), "{text:?}");
}

#[tokio::test]
async fn an_expired_token_has_two_responses() {
    let aep = Aep::start().await;
    let gateway = reply_to(&aep, &connections(), "{kind: refuse, as: tokenInvalid}").await;
    assert_eq!(
        (gateway.status, &gateway.body["error_code"]),
        (401, &json!("401013"))
    );
    let flow = reply_to(&aep, &connections(), "{kind: refuse, as: flowTokenInvalid}").await;
    assert_eq!((flow.status, flow.code()), (400, "FLOW-2115-400"));
}

#[tokio::test]
async fn an_error_can_repeat_what_was_sent() {
    let aep = Aep::start().await;
    let echo = Action::Refuse(CannedAnswer::named(NamedAnswer::Echo).with_status(500));
    aep.emulator
        .add_fault(Rule::new("POST", "/connections", echo));
    let sent = base_connection("told back");
    let reply = aep.post(&connections(), &sent).await;
    assert_eq!(reply.status, 500);
    let message = reply.body["errorMessage"].as_str().unwrap();
    let (_, repeated) = message.split_once(": ").unwrap();
    // The response repeats the request, including the password. A client must not log that.
    assert_eq!(serde_json::from_str::<Value>(repeated).unwrap(), sent);
    assert!(aep.emulator.resources("prod", "connections").is_empty());
}

#[tokio::test]
async fn an_error_can_repeat_the_whole_request() {
    let aep = Aep::start().await;
    let reply = reply_to(&aep, &connections(), "{kind: refuse, as: echoAll}").await;
    let message = reply.body["errorMessage"].as_str().unwrap();
    let is_repeated = |token: &String| message.contains(&format!("\"Bearer {token}\""));
    assert!(aep.emulator.tokens().iter().any(is_repeated), "{message}");
}

#[tokio::test]
async fn a_stale_version_has_two_responses() {
    let aep = Aep::start().await;
    let id = aep.base_connection("patched").await;
    let path = format!("{}/{id}", connections());
    for (name, code) in [
        (NamedAnswer::StaleEtag, "FLOW-1404-412"),
        (NamedAnswer::StaleEtagBare, ""),
    ] {
        aep.emulator.clear_faults();
        let action = Action::Refuse(CannedAnswer::named(name));
        aep.emulator
            .add_fault(Rule::new("PATCH", "/connections/{id}", action));
        let reply = aep.patch(&path, "\"v\"", &rename("b")).await;
        assert_eq!((reply.status, reply.code()), (412, code));
        let message = reply.body["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("Supplied version=[\"v\"]"), "{message}");
        if code.is_empty() {
            assert_eq!(reply.body.as_object().unwrap().len(), 1, "{reply:?}");
        }
    }
}

fn rename(name: &str) -> Value {
    json!([{"op": "replace", "path": "/name", "value": name}])
}

#[tokio::test]
async fn a_version_really_changes_before_a_change_or_after_a_read() {
    for (method, bare) in [("PATCH", false), ("PATCH", true), ("GET", false)] {
        let aep = Aep::start().await;
        let id = aep.base_connection("a").await;
        let path = format!("{}/{id}", connections());
        let action = Action::MoveEtag { bare };
        aep.emulator
            .add_fault(Rule::new(method, "/connections/{id}", action).nth([1]));
        let etag = aep.get(&path).await.items()[0]["etag"].clone();
        let refused = aep.patch(&path, etag.as_str().unwrap(), &rename("b")).await;
        assert_eq!(refused.status, 412, "{method}: {refused:?}");
        assert_eq!(refused.code().is_empty(), bare, "{refused:?}");
        assert!(refused.body["errorMessage"].is_string(), "{refused:?}");
        let entry = aep.emulator.journal().pop().unwrap();
        assert!(!entry.changed, "somebody else changed it");
        // A caller that reads again can write.
        let moved = aep.get(&path).await.items()[0].clone();
        assert_ne!(moved["etag"], etag);
        assert_eq!(moved["name"], "a");
        let etag = moved["etag"].as_str().unwrap();
        let patched = aep.patch(&path, etag, &rename("b")).await;
        assert_eq!(patched.status, 200, "{patched:?}");
    }
}

#[tokio::test]
async fn the_version_of_a_dataset_changes_too() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let id = aep.dataset("d", &schema).await;
    let path = format!("{CATALOG}/dataSets/{id}");
    aep.emulator.add_fault(Rule::new(
        "PATCH",
        "/dataSets/{id}",
        Action::MoveEtag { bare: false },
    ));
    let version = aep.get(&path).await.headers["e-tag"].clone();
    let change = aep
        .request(Method::PATCH, &path)
        .header("if-match", version.clone())
        .json(&json!({"name": "e"}));
    assert_eq!(send(change).await.status, 412);
    assert_ne!(aep.get(&path).await.headers["e-tag"], version);
}

#[tokio::test]
async fn rules_are_posted_in_yaml_too() {
    let aep = Aep::with(Config {
        control: true,
        ..Config::default()
    })
    .await;
    let post = |text: &'static str| {
        let url = format!("{}/_emulator/faults", aep.emulator.url());
        send(aep.http.post(url).body(text))
    };
    let added =
        post("- route: /connections\n  action: {kind: refuse, as: rateLimited, retryAfter: 12}\n")
            .await;
    assert_eq!((added.status, added.body), (201, json!({"ids": [1]})));
    let refused = aep.get(&connections()).await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (429, &"12".parse().unwrap())
    );
    let wrong = post("- action: {kind: explode}\n").await;
    assert_eq!(wrong.status, 400);
    let message = wrong.body["error"].as_str().unwrap();
    assert!(
        message.contains("rule 1") && message.contains("explode"),
        "{message}"
    );
}

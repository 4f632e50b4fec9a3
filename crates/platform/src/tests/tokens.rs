//! The token: fetched once, renewed early, renewed once on refusal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use http::HeaderValue;
use serde_json::json;

use super::server::{Script, ScriptedReply, Server, json, token};
use crate::clock::{Clock, SystemClock};
use crate::error::End;
use crate::token::{Grant, TokenCache};
use crate::{Class, FlowId, NewFlow, Next, PlatformError, RequestEffect, SandboxName};

/// A clock that the test moves.
struct ManualClock {
    start: Instant,
    passed: Mutex<Duration>,
}

impl ManualClock {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            passed: Mutex::default(),
        })
    }

    fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + *self.passed.lock().unwrap()
    }
}

fn grant(name: &str, seconds: u64) -> Grant {
    Grant {
        authorization: HeaderValue::from_str(name).unwrap(),
        life: Duration::from_secs(seconds),
    }
}

async fn get(cache: &TokenCache, name: &str, seconds: u64) -> String {
    let token = cache
        .get(|| async { Ok(grant(name, seconds)) })
        .await
        .unwrap();
    token.authorization.to_str().unwrap().to_owned()
}

fn refused(status: u16) -> PlatformError {
    PlatformError::of_token(End::Refused(Box::new(crate::PlatformRefusal {
        status,
        code: None,
        title: None,
        detail: None,
        request_id: None,
        retry_after: None,
        is_cut_off: false,
        is_page: false,
    })))
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_chance_makes_it_earlier() {
    const DAY: u64 = 86_400;
    // Life, chance, the last second with the old token.
    let cases = [
        (DAY, 0.0, DAY - 600 - 1),
        (DAY, 1.0, DAY - 1200 - 1),
        (DAY, 0.5, DAY - 900 - 1),
        (60, 0.0, 53),
        (60, 1.0, 47),
    ];
    for (life, chance, last) in cases {
        let clock = ManualClock::new();
        let cache = TokenCache::new(clock.clone(), move || chance);
        assert_eq!(get(&cache, "first", life).await, "first");
        clock.advance(Duration::from_secs(last));
        assert_eq!(
            get(&cache, "second", life).await,
            "first",
            "{life} {chance}"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            get(&cache, "second", life).await,
            "second",
            "{life} {chance}"
        );
    }
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_while_the_old_token_is_good() {
    let clock = ManualClock::new();
    let cache = Arc::new(TokenCache::new(clock.clone(), || 0.0));
    get(&cache, "old", 1000).await;
    clock.advance(Duration::from_secs(950));
    let (response, answered) = tokio::sync::oneshot::channel::<()>();
    let renewing = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move {
            let fetch = || async {
                answered.await.unwrap();
                Ok(grant("new", 1000))
            };
            cache.get(fetch).await.unwrap().authorization
        }
    });
    tokio::task::yield_now().await;
    assert_eq!(get(&cache, "not asked", 1000).await, "old");
    response.send(()).unwrap();
    assert_eq!(renewing.await.unwrap(), "new");
    assert_eq!(get(&cache, "not asked", 1000).await, "new");
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_old_token_until_it_ends() {
    let clock = ManualClock::new();
    let cache = TokenCache::new(clock.clone(), || 0.0);
    get(&cache, "old", 1000).await;
    clock.advance(Duration::from_secs(950));
    let token = cache.get(|| async { Err(refused(503)) }).await.unwrap();
    assert_eq!(token.authorization, "old");
    // Too close to its end to be given out.
    clock.advance(Duration::from_secs(46));
    assert!(cache.get(|| async { Err(refused(503)) }).await.is_err());
}

#[tokio::test]
async fn a_failure_is_shared_for_a_moment() {
    let clock = ManualClock::new();
    let cache = TokenCache::new(clock.clone(), || 0.0);
    let asked = AtomicUsize::new(0);
    let fetch = || async {
        asked.fetch_add(1, Ordering::Relaxed);
        Err(refused(400))
    };
    for _ in 0..10 {
        assert!(cache.get(fetch).await.is_err());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&cache, "mended", 1000).await, "mended");
}

#[tokio::test]
async fn a_dropped_fetch_does_not_block_the_next() {
    let cache = TokenCache::new(Arc::new(SystemClock), || 0.0);
    let never = cache.get(std::future::pending);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), never)
            .await
            .is_err()
    );
    assert_eq!(get(&cache, "next", 1000).await, "next");
}

#[tokio::test]
async fn only_the_refused_token_is_forgotten() {
    let cache = TokenCache::new(Arc::new(SystemClock), || 0.0);
    let first = cache
        .get(|| async { Ok(grant("first", 1000)) })
        .await
        .unwrap();
    cache.discard(&first);
    assert_eq!(get(&cache, "second", 1000).await, "second");
    // A task that was slow to notice must not throw the new one away.
    cache.discard(&first);
    assert_eq!(get(&cache, "third", 1000).await, "second");
}

#[tokio::test]
async fn a_hundred_tasks_ask_for_one_token() {
    let server = Server::platform(|_, _| json(200, json!({"items": [{"id": "f"}]}))).await;
    let sandbox = server.sandbox();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { sandbox.get_flow(&FlowId::parse("f").unwrap()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(server.token_requests(), 1);
    assert_eq!(server.calls().len(), 100);
}

#[tokio::test]
async fn a_hundred_tasks_with_wrong_credentials_ask_once() {
    let server = Server::start(|_, _| {
        json(
            400,
            json!({"error": "invalid_client", "error_description": "invalid client_secret parameter"}),
        )
    })
    .await;
    let sandbox = server.sandbox();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { sandbox.get_flow(&FlowId::parse("f").unwrap()).await })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.class(), Class::Unauthenticated);
        assert_eq!(error.next(), Next::RenewToken);
        assert_eq!(error.effect(), RequestEffect::NothingSent);
        assert_eq!(error.code().unwrap().as_str(), "invalid_client");
        assert!(error.next_step().contains("OAuth server-to-server"));
    }
    assert_eq!(server.token_requests(), 1);
}

fn flow() -> NewFlow {
    NewFlow {
        name: "f".to_owned(),
        description: None,
        flow_spec: crate::FlowSpecRef::v1(crate::FlowSpecId::crm_to_aep()),
        source_connection_id: "s".parse().unwrap(),
        target_connection_id: "t".parse().unwrap(),
        mapping_set_id: "m".parse().unwrap(),
        mapping_set_version: 0,
        delta_column: None,
        schedule: crate::Schedule {
            start: crate::Start::At(1),
            frequency: crate::Frequency::Once,
            interval: None,
            backfill: None,
        },
    }
}

/// A platform that refuses the first token, or every one.
async fn refusing(status: u16, body: &'static str, every: bool) -> Server {
    let tokens = AtomicUsize::new(0);
    Server::start(move |seen, _| {
        if seen.is_token() {
            let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
            return token(&format!("t-{number}"), 86_399);
        }
        if every || seen.header("authorization") == Some("Bearer t-1") {
            return json(status, body);
        }
        json(201, json!({"id": "f-1", "etag": "\"e\""}))
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_create_sent_again() {
    let cases = [
        (
            401,
            r#"{"error_code":"401013","message":"Oauth token is not valid"}"#,
        ),
        (403, r#"{"error_code":"403020","message":"m"}"#),
        (
            400,
            r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-2115-400"}"#,
        ),
        (
            400,
            r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-2114-400"}"#,
        ),
        (
            401,
            r#"{"type":"https://ns.adobe.com/aep/errors/FLOW-2000-401"}"#,
        ),
        (
            401,
            r#"{"type":"https://ns.adobe.com/aep/errors/1605-401"}"#,
        ),
        (401, ""),
    ];
    for (status, body) in cases {
        let server = refusing(status, body, false).await;
        let created = server.sandbox().create_flow(&flow()).await.unwrap();
        assert_eq!(created.id.as_str(), "f-1", "{body}");
        assert_eq!(server.token_requests(), 2, "{body}");
        assert_eq!(server.calls().len(), 2, "{body}");

        let server = refusing(status, body, true).await;
        let error = server.sandbox().create_flow(&flow()).await.unwrap_err();
        assert_eq!(error.next(), Next::RenewToken, "{body}");
        assert_eq!(error.effect(), RequestEffect::Refused, "{body}");
        assert_eq!(server.token_requests(), 2, "{body}");
        assert_eq!(server.calls().len(), 2, "{body}");
    }
}

#[tokio::test]
async fn what_a_new_token_can_not_help_is_not_sent_again() {
    let cases = [
        (
            401,
            r#"{"error_code":"401015","message":"Scope mismatch"}"#,
            Class::Unauthenticated,
        ),
        (
            403,
            r#"{"error_code":"403025","message":"Profile is not valid"}"#,
            Class::PermissionDenied,
        ),
        (
            403,
            r#"{"type":"x/FLOW-2120-403"}"#,
            Class::PermissionDenied,
        ),
        (
            400,
            r#"{"type":"x/FLOW-1100-400","errorMessage":"Error from flow provider: Rest call failed with client error, status code 401 Unauthorized, please check your activity settings."}"#,
            Class::SourceRejectedCredentials,
        ),
    ];
    for (status, body, class) in cases {
        let server = refusing(status, body, true).await;
        let error = server.sandbox().create_flow(&flow()).await.unwrap_err();
        assert_eq!(error.class(), class, "{body}");
        assert_eq!(server.token_requests(), 1, "{body}");
        assert_eq!(server.calls().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn many_tasks_with_one_refused_token_renew_it_once() {
    let server = refusing(401, r#"{"error_code":"401013","message":"m"}"#, false).await;
    let sandbox = server.sandbox();
    sandbox.client().check_credentials().await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { sandbox.create_flow(&flow()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(server.token_requests(), 2);
}

#[tokio::test]
async fn each_failure_of_the_token_service_has_its_class() {
    let cases: Vec<(&str, Script, Class, Next)> = vec![
        (
            "401 invalid_client",
            Box::new(|| json(401, json!({"error": "invalid_client"}))),
            Class::Unauthenticated,
            Next::RenewToken,
        ),
        (
            "400 invalid_scope",
            Box::new(|| {
                json(
                    400,
                    json!({"error": "invalid_scope", "error_description": "d"}),
                )
            }),
            Class::Unauthenticated,
            Next::RenewToken,
        ),
        (
            "a word that is not documented",
            Box::new(|| json(400, json!({"error": "odd"}))),
            Class::Unauthenticated,
            Next::RenewToken,
        ),
        (
            "404, a wrong address",
            Box::new(|| ScriptedReply::Response(404, "text/html", "<p>".into())),
            Class::PlatformRejected,
            Next::FixInput,
        ),
        (
            "a proxy's 401",
            Box::new(|| ScriptedReply::Response(401, "text/html", "<p>".into())),
            Class::PlatformRejected,
            Next::FixInput,
        ),
        (
            "403",
            Box::new(|| json(403, "{}")),
            Class::PlatformRejected,
            Next::FixInput,
        ),
        (
            "429",
            Box::new(|| {
                ScriptedReply::Bytes(
                    "HTTP/1.1 429 X\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n".into(),
                )
            }),
            Class::RateLimited,
            Next::Wait,
        ),
        (
            "500",
            Box::new(|| json(500, "")),
            Class::Unavailable,
            Next::Wait,
        ),
        (
            "no response",
            Box::new(|| ScriptedReply::Close),
            Class::Unavailable,
            Next::Wait,
        ),
        (
            "HTML under 200",
            Box::new(|| ScriptedReply::Response(200, "text/html", "<p>".into())),
            Class::Unavailable,
            Next::Wait,
        ),
        (
            "no token under 200",
            Box::new(|| json(200, "{}")),
            Class::Unavailable,
            Next::Wait,
        ),
    ];
    for (case, reply, class, next) in cases {
        let server = Server::start(move |_, _| reply()).await;
        let error = server.sandbox().create_flow(&flow()).await.unwrap_err();
        assert_eq!(error.class(), class, "{case}: {error:?}");
        assert_eq!(error.next(), next, "{case}");
        let wait = (case == "429").then_some(Duration::from_secs(3));
        assert_eq!(error.retry_after(), wait, "{case}");
        assert_eq!(error.effect(), RequestEffect::NothingSent, "{case}");
        assert!(server.calls().is_empty(), "{case}");
    }
}

#[tokio::test]
async fn a_client_renews_by_its_clock() {
    let server = refusing(401, "", false).await;
    let clock = ManualClock::new();
    let client = server.client_with(server.settings(), clock.clone());
    client.check_credentials().await.unwrap();
    client.check_credentials().await.unwrap();
    assert_eq!(server.token_requests(), 1);
    clock.advance(Duration::from_secs(86_399 - 600));
    let sandbox = client.sandbox(&SandboxName::parse("dev").unwrap());
    sandbox.create_flow(&flow()).await.unwrap();
    assert_eq!(server.token_requests(), 2);
    assert_eq!(server.calls().len(), 1);
}

/// The class of each of these calls of a patient client, the next one so many ms later.
async fn classes(server: &Server, waits_ms: &[u64]) -> Vec<Class> {
    let clock = ManualClock::new();
    let client = server
        .client_with(server.settings(), clock.clone())
        .patient();
    let sandbox = client.sandbox(&SandboxName::parse("dev").unwrap());
    let mut classes = Vec::new();
    for wait_ms in waits_ms {
        let error = sandbox.create_flow(&flow()).await.unwrap_err();
        assert_ne!(error.effect(), RequestEffect::Unknown);
        classes.push(error.class());
        clock.advance(Duration::from_millis(*wait_ms));
    }
    classes
}

#[tokio::test]
async fn refusals_of_a_token_may_pass_three_times_and_those_of_a_moment_count_once() {
    let unavailable = Class::Unavailable;
    let token_service = Server::start(|_, _| json(400, r#"{"error":"invalid_client"}"#)).await;
    let platform = refusing(401, r#"{"error_code":"401013","message":"m"}"#, true).await;
    for server in [&token_service, &platform] {
        let found = classes(server, &[0, 0, 0, 1000, 2000, 4000, 0]).await;
        let mut expected = vec![unavailable; 6];
        expected.push(Class::Unauthenticated);
        assert_eq!(found, expected);
        // After a long silence the count begins again.
        let found = classes(server, &[1000, 1000, 1000, 600_000, 0]).await;
        assert_eq!(found[3..], [Class::Unauthenticated, unavailable]);
    }
}

#[tokio::test]
async fn a_success_ends_the_row_of_refusals() {
    let server = Server::platform(|_, number| match number {
        // Each call sends two, and the ninth succeeds.
        8 => json(201, json!({"id": "f-1", "etag": "e"})),
        _ => json(401, r#"{"error_code":"401013","message":"m"}"#),
    })
    .await;
    let clock = ManualClock::new();
    let client = server
        .client_with(server.settings(), clock.clone())
        .patient();
    let sandbox = client.sandbox(&SandboxName::parse("dev").unwrap());
    let mut classes = Vec::new();
    for _ in 0..6 {
        let created = sandbox.create_flow(&flow()).await;
        classes.push(created.err().map(|error| error.class()));
        clock.advance(Duration::from_secs(1));
    }
    let (passing, refused) = (Some(Class::Unavailable), Some(Class::Unauthenticated));
    assert_eq!(classes, [passing, passing, passing, refused, None, passing]);
}

#[tokio::test]
async fn what_something_else_than_adobe_says_may_pass_and_is_no_refusal_of_rights() {
    for status in [401, 403, 404] {
        let page = move || ScriptedReply::Response(status, "text/html", "<p>login".into());
        let platform = Server::platform(move |_, _| page()).await;
        let token_service = Server::start(move |_, _| page()).await;
        for server in [&platform, &token_service] {
            let found = classes(server, &[1000; 4]).await;
            assert_eq!(found[..3], [Class::Unavailable; 3], "{status}");
            assert_eq!(found[3], Class::PlatformRejected, "{status}");
        }
        // A page is about no token, so none is renewed for it.
        assert_eq!(platform.token_requests(), 1, "{status}");
    }
}

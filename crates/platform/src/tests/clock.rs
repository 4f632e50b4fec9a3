//! The platform's time beside a machine whose own clock is wrong.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::server::{ScriptedReply, Server};
use crate::clock::{Clock, SystemClock};
use crate::{Client, FlowId};

const HOUR: Duration = Duration::from_secs(3600);

/// What our clock shows at the beginning; it runs on from there.
fn ours() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

struct WrongClock(Instant);

impl Clock for WrongClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        ours() + self.0.elapsed()
    }
}

fn client(server: &Server) -> Client {
    server.client_with(server.settings(), Arc::new(WrongClock(Instant::now())))
}

/// A response with these header lines, after which the connection ends.
fn response(status: u16, head: &str, body: &str) -> ScriptedReply {
    ScriptedReply::Bytes(format!(
        "HTTP/1.1 {status} X\r\n{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn date(time: SystemTime) -> String {
    format!("date: {}\r\n", httpdate::fmt_http_date(time))
}

async fn get(client: &Client) {
    let sandbox = client.sandbox(&crate::SandboxName::parse("dev").unwrap());
    // Whether it is good or refused.
    let _ = sandbox.get_flow(&FlowId::parse("f").unwrap()).await;
}

/// Seconds between the platform's time and what our clock showed at the beginning, give or take
/// what the test itself takes.
fn ahead(client: &Client) -> i64 {
    let now = client.platform_now();
    let seconds = match now.duration_since(ours()) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(behind) => -behind.duration().as_secs_f64(),
    };
    // To ten seconds.
    ((seconds / 10.0).round() as i64) * 10
}

#[tokio::test]
async fn the_platforms_time_is_known_from_its_responses_however_far_off_ours_is() {
    for (theirs, expected) in [
        (ours() + 5 * HOUR, 18_000),
        (ours() - 5 * HOUR, -18_000),
        (ours() + 24 * 365 * HOUR, 31_536_000),
        (ours(), 0),
    ] {
        let server =
            Server::platform(move |_, _| response(200, &date(theirs), "{\"id\":\"f\"}")).await;
        let client = client(&server);
        assert_eq!(ahead(&client), 0, "nothing is known yet");
        get(&client).await;
        assert_eq!(ahead(&client), expected);
        // Known to every clone, and by sandbox.
        let sandbox = client.clone().sandbox(&"dev".parse().unwrap());
        assert_eq!(ahead(sandbox.client()), expected);
        let before = client.platform_now();
        let between = sandbox.platform_now().duration_since(before);
        assert!(between.unwrap() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn the_last_response_that_tells_the_time_counts() {
    let heads: [(u16, String, i64); 7] = [
        (200, date(ours() + HOUR), 3600),
        // No time, no change.
        (200, String::new(), 3600),
        (200, "date: yesterday\r\n".to_owned(), 3600),
        // A proxy's page, by the proxy's clock.
        (502, date(ours() - 9 * HOUR), 3600),
        // Out of a cache.
        (200, format!("{}age: 7200\r\n", date(ours() - HOUR)), 3600),
        (200, date(ours() + 2 * HOUR), 7200),
        (200, date(ours()), 0),
    ];
    let script = heads.clone();
    let server = Server::platform(move |_, count| {
        let (status, head, _) = &script[count];
        response(*status, head, "{\"id\":\"f\"}")
    })
    .await;
    let client = client(&server);
    for (status, head, expected) in heads {
        get(&client).await;
        assert_eq!(ahead(&client), expected, "{status} {head}");
    }
}

#[tokio::test]
async fn the_token_services_clock_is_not_the_platforms() {
    let server = Server::start(|seen, _| {
        if seen.is_token() {
            let token = r#"{"access_token":"t","token_type":"bearer","expires_in":86399}"#;
            return response(200, &date(ours() + 9 * HOUR), token);
        }
        response(200, "", "{\"id\":\"f\"}")
    })
    .await;
    let client = client(&server);
    get(&client).await;
    assert_eq!(server.calls().len(), 1);
    assert_eq!(ahead(&client), 0);
}

#[tokio::test]
async fn a_long_body_does_not_make_the_platform_late() {
    let theirs = ours() + HOUR;
    // The head, then a body that does not end within the limit.
    let head = format!(
        "HTTP/1.1 200 X\r\n{}content-type: application/json\r\ncontent-length: 99\r\n\r\n{{",
        date(theirs)
    );
    let server = Server::platform(move |_, _| ScriptedReply::Stall(head.clone())).await;
    let mut settings = server.settings();
    settings.total_timeout = Duration::from_secs(2);
    let client = server.client_with(settings, Arc::new(WrongClock(Instant::now())));
    get(&client).await;
    // The two seconds have passed on the platform as well.
    let passed = client.platform_now().duration_since(theirs).unwrap();
    assert!(passed >= Duration::from_millis(1_900), "{passed:?}");
}

#[tokio::test]
async fn asking_for_the_time_teaches_it_too() {
    let server = Server::platform(|_, _| response(200, &date(ours() + HOUR), "{}")).await;
    let client = client(&server);
    assert_eq!(client.server_time().await.unwrap(), Some(ours() + HOUR));
    assert_eq!(ahead(&client), 3600);
}

#[tokio::test]
async fn with_a_good_clock_the_platform_is_at_most_a_little_early() {
    let server =
        Server::platform(|_, _| response(200, &date(SystemTime::now()), "{\"id\":\"f\"}")).await;
    let client = server.client_with(server.settings(), Arc::new(SystemClock));
    get(&client).await;
    let platform_now = client.platform_now();
    let early = SystemTime::now().duration_since(platform_now);
    assert!(early.unwrap() < Duration::from_secs(5));
}

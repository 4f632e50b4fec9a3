//! What the client logs, at every level: alone in its process, on purpose.
//!
//! `tracing` asks once per place in the code whether anyone wants its spans and keeps the answer.
//! Beside other tests, one of them may come by first, while nobody listens, and the span is gone
//! for good. So the one subscriber is the process's own, set before anything else runs, and this
//! file has one test: with a second one, move it to a file of its own.

#![expect(
    clippy::unwrap_used,
    reason = "what prepares a test may panic like one"
)]

mod support;

use std::sync::{Arc, Mutex};

use aep_emulator::{Action, CannedAnswer, Config, Emulator, Rule};
use aep_platform::NewBaseConnection;
use serde_json::json;

/// The three secrets of a create, and the only places they may be in.
const SECRETS: [&str; 3] = [
    "p8e-client-secret",
    "access-token-1",
    "correct horse battery",
];

/// A writer that keeps all.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A platform that gives the token above and says no to the rest.
async fn refusing_platform() -> Emulator {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let token = json!({"access_token": SECRETS[1], "token_type": "bearer", "expires_in": 86_399});
    let refusal = json!({"type": "x/FLOW-1100-400", "report": {"request-id": "r-1"}});
    let answers = [
        ("/ims/token/*", 200, token),
        ("/connections*", 400, refusal),
    ];
    for (route, status, body) in answers {
        let answer = CannedAnswer::json(status, body);
        emulator.add_fault(Rule::new("*", route, Action::Refuse(answer)));
    }
    emulator
}

#[tokio::test]
async fn spans_and_logs_hold_no_secret_whatever_the_level() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let emulator = refusing_platform().await;
    let sandbox = support::sandbox(&support::client(&emulator, SECRETS[0]));
    let new =
        NewBaseConnection::oracle_service_cloud("osc", "h", "svc", SECRETS[2].to_owned().into());
    let refused = sandbox.create_base_connection(&new).await.unwrap_err();
    // The canned answer, and so the create with its token and password, was reached.
    assert_eq!(refused.code().unwrap().as_str(), "FLOW-1100-400");
    let base = "b".parse().unwrap();
    let table = sandbox
        .explore_table(&base, "a table of people", false)
        .await;
    table.unwrap_err();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    // The spans were there, with what they may show.
    for shown in [
        "http.request.method=\"POST\"",
        "url.template=\"/data/foundation/flowservice/connections/{id}/explore\"",
        "server.address=\"127.0.0.1\"",
        "http.response.status_code=400",
        "error.type=\"400\"",
    ] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret}");
    }
    let ours = text.lines().filter(|line| line.contains("aep_platform"));
    for line in ours {
        assert!(!line.contains("people"), "{line}");
    }
}

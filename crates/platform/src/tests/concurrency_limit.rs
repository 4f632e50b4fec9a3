//! Requests that are one too many wait in line.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::task::JoinSet;

use super::server::{ScriptedReply, Server, json};
use crate::clock::SystemClock;
use crate::{BuildError, Client, Sandbox, SandboxName};

fn sandbox(server: &Server, at_once: usize) -> Sandbox {
    let mut settings = server.settings();
    settings.max_concurrent_requests = at_once;
    let client = server.client_with(settings, Arc::new(SystemClock));
    client.sandbox(&SandboxName::parse("dev").unwrap())
}

/// Five at the same moment; gives whether each got a response.
fn ask(sandbox: &Sandbox) -> JoinSet<bool> {
    let mut asked = JoinSet::new();
    for _ in 0..5 {
        let sandbox = sandbox.clone();
        asked.spawn(async move { sandbox.info().await.is_ok() });
    }
    asked
}

#[tokio::test]
async fn no_more_are_under_way_than_the_settings_allow() {
    let server = Server::platform(|_, _| ScriptedReply::Hang).await;
    let mut asked = ask(&sandbox(&server, 2));
    let wait = Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, asked.join_next()).await.is_err());
    assert_eq!(server.calls().len(), 2);

    // Who waits in line has sent nothing, also when it gives up.
    drop(asked);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn the_next_in_line_goes_when_one_is_done_or_given_up() {
    let server = Server::platform(|_, count| match count {
        0 => ScriptedReply::Hang,
        _ => json(
            200,
            json!({"sandboxes": [{"name": "dev", "state": "active"}]}),
        ),
    })
    .await;
    let sandbox = sandbox(&server, 1);
    let wait = Duration::from_millis(300);
    assert!(tokio::time::timeout(wait, sandbox.info()).await.is_err());
    assert_eq!(ask(&sandbox).join_all().await, [true; 5]);
    assert_eq!(server.calls().len(), 6);
}

#[tokio::test]
async fn none_at_once_is_no_setting() {
    let server = Server::platform(|_, _| ScriptedReply::Close).await;
    let mut settings = server.settings();
    settings.max_concurrent_requests = 0;
    let credentials = super::server::credentials();
    let refused = Client::new(settings, credentials).unwrap_err();
    assert!(
        matches!(refused, BuildError::WrongSetting { .. }),
        "{refused}"
    );
}

//! Faults of the wire: connections that are closed or reset, responses that are cut, slow or long.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use aep_emulator::{Action, Emulator, JournalStatus, ResetAt, Rule};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::*;

const PATIENCE: Duration = Duration::from_secs(5);

fn connections() -> String {
    format!("{FLOW}/connections")
}

fn stored(aep: &Aep) -> usize {
    aep.emulator.resources("prod", "connections").len()
}

/// Sends the head of a create and this number of bytes of its body, and returns what comes back.
async fn sent_in_part(aep: &Aep, share: impl Fn(usize) -> usize) -> std::io::Result<Vec<u8>> {
    let body = base_connection("sent in part").to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nx-api-key: {}\r\n\
         x-gw-ims-org-id: {}\r\nx-sandbox-name: prod\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        connections(),
        aep.token,
        aep_emulator::DEFAULT_CLIENT_ID,
        aep_emulator::DEFAULT_ORG,
        body.len(),
    );
    let mut stream = TcpStream::connect(aep.emulator.address()).await?;
    stream.write_all(head.as_bytes()).await?;
    stream
        .write_all(&body.as_bytes()[..share(body.len())])
        .await?;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    read.expect("the connection stayed open").map(|_| bytes)
}

fn last_fault(emulator: &Emulator) -> (JournalStatus, bool, String) {
    let entry = emulator.journal().pop().unwrap();
    (entry.status, entry.changed, entry.fault.unwrap_or_default())
}

#[tokio::test]
async fn a_body_can_stay_unread() {
    let aep = Aep::start().await;
    aep.emulator
        .add_fault(Rule::new("POST", "/connections", Action::DropBeforeRead));
    // No byte of the body is sent, so the emulator can't have waited for it. And the end is not a
    // reset.
    assert_eq!(sent_in_part(&aep, |_| 0).await.unwrap(), b"");
    assert_eq!(stored(&aep), 0);
    let expected = (JournalStatus::Dropped, false, "dropBeforeRead".to_owned());
    assert_eq!(last_fault(&aep.emulator), expected);
}

#[tokio::test]
async fn a_reset_is_a_reset_and_comes_when_it_should() {
    let aep = Aep::start().await;
    // How much of the body is sent, and whether the connection exists afterwards.
    let nothing: fn(usize) -> usize = |_| 0;
    let half: fn(usize) -> usize = |length| length / 2;
    let all: fn(usize) -> usize = |length| length;
    for (at, applied, share, there) in [
        (ResetAt::BeforeBody, false, nothing, 0),
        (ResetAt::DuringBody, false, half, 0),
        (ResetAt::AfterBody, false, all, 0),
        (ResetAt::AfterBody, true, all, 1),
    ] {
        aep.emulator.clear_faults();
        let action = Action::Reset { at, applied };
        aep.emulator
            .add_fault(Rule::new("POST", "/connections", action));
        let error = sent_in_part(&aep, share).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{at:?}");
        assert_eq!(stored(&aep), there, "{at:?}, applied: {applied}");
        let expected = (JournalStatus::Dropped, applied, "reset".to_owned());
        assert_eq!(last_fault(&aep.emulator), expected, "{at:?}");
    }
}

#[tokio::test]
async fn a_reset_waits_for_half_the_body_or_all_of_it() {
    let aep = Aep::start().await;
    for (at, missing) in [(ResetAt::DuringBody, 2), (ResetAt::AfterBody, 1)] {
        aep.emulator.clear_faults();
        let action = Action::Reset { at, applied: false };
        aep.emulator
            .add_fault(Rule::new("POST", "/connections", action));
        let share = |length: usize| match at {
            ResetAt::DuringBody => length / 2 - missing,
            _ => length - missing,
        };
        let early = tokio::time::timeout(Duration::from_millis(300), sent_in_part(&aep, share));
        assert!(early.await.is_err(), "{at:?} came too early");
    }
}

#[tokio::test]
async fn a_drop_is_no_reset() {
    let aep = Aep::start().await;
    aep.emulator
        .add_fault(Rule::new("POST", "/connections", Action::DropBeforeApply));
    assert_eq!(sent_in_part(&aep, |length| length).await.unwrap(), b"");
}

#[tokio::test]
async fn a_response_can_be_shorter_than_its_content_length() {
    let aep = Aep::start().await;
    aep.emulator.add_fault(Rule::new(
        "POST",
        "/connections",
        Action::Truncate { bytes: Some(7) },
    ));
    let mut response = aep
        .request(Method::POST, &connections())
        .json(&base_connection("short"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.content_length().unwrap() > 7);
    let mut read = Vec::new();
    let error = loop {
        match response.chunk().await {
            Ok(piece) => read.extend_from_slice(&piece.expect("the body must break off")),
            Err(error) => break error,
        }
    };
    assert_eq!(read.len(), 7, "{error:?}");
    assert_eq!(stored(&aep), 1);
    let expected = (JournalStatus::Dropped, true, "truncate".to_owned());
    assert_eq!(last_fault(&aep.emulator), expected);
}

#[tokio::test]
async fn a_response_can_trickle() {
    let aep = Aep::start().await;
    let (bytes, every_ms) = (10, 20);
    aep.emulator.add_fault(Rule::new(
        "POST",
        "/connections",
        Action::Trickle { bytes, every_ms },
    ));
    let started = Instant::now();
    let reply = aep.post(&connections(), &base_connection("slow")).await;
    assert_eq!(reply.status, 201);
    // There is one pause fewer than pieces.
    let pauses = reply.text.len().div_ceil(10) - 1;
    assert!(pauses > 3, "{reply:?}");
    let least = Duration::from_millis(20) * u32::try_from(pauses).unwrap();
    assert!(started.elapsed() >= least, "{:?}", started.elapsed());
    assert_eq!(stored(&aep), 1);
}

#[tokio::test]
async fn a_response_can_be_too_long_to_hold() {
    let aep = Aep::start().await;
    aep.emulator.add_fault(Rule::new(
        "GET",
        "/connections",
        Action::Pad { bytes: 100_000_000 },
    ));
    let request = aep.request(Method::GET, &connections());
    let mut response = request.send().await.unwrap();
    assert_eq!(response.content_length(), Some(100_000_000));
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first[0], b'{');
    let mut length = first.len();
    let mut last = first[first.len() - 1];
    while let Some(piece) = response.chunk().await.unwrap() {
        length += piece.len();
        last = piece[piece.len() - 1];
    }
    assert_eq!((length, last), (100_000_000, b' '));
    // A short response is still JSON.
    aep.emulator.clear_faults();
    aep.emulator.add_fault(Rule::new(
        "GET",
        "/connections",
        Action::Pad { bytes: 5000 },
    ));
    let reply = aep.get(&connections()).await;
    assert_eq!(reply.text.len(), 5000);
    assert!(reply.items().is_empty());
}

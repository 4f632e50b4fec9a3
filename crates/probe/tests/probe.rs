//! What a probe reports about a server that is healthy, unhealthy, silent or absent.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test itself does"
)]

use std::time::Instant;

use aep_probe::{ProbeError, WITHIN, probe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

/// Serves one connection with this response; returns the URL, and the request that came.
async fn answering(answer: &'static str) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/readyz?deep=1", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url.parse().unwrap(), asked)
}

#[tokio::test]
async fn a_server_that_is_well_is_asked_for_the_path_and_query() {
    let (url, asked) = answering("HTTP/1.1 200 OK\r\n\r\nok").await;
    probe(&url).await.unwrap();
    let asked = asked.await.unwrap();
    assert!(
        asked.starts_with("GET /readyz?deep=1 HTTP/1.0\r\n"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_says_why() {
    let (url, _asked) = answering("HTTP/1.1 503 Service Unavailable\r\n\r\nno poller").await;
    let error = probe(&url).await.unwrap_err();
    assert_eq!(error.to_string(), "it responded with 503: no poller");
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = probe(&url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ProbeError::NoConnection { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let begun = Instant::now();
    let error = probe(&url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, ProbeError::Silent), "{error}");
    assert!(begun.elapsed() < WITHIN * 3);
}

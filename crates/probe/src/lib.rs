//! One GET for a health check: does the service behind a URL report that it is healthy?
//!
//! An image without a shell has no curl either, so each of our programs can probe itself. A probe
//! only calls its own container, so this supports HTTP without TLS, and reads only the status line
//! and the beginning of the body.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// How long a probe may take: less than the three seconds of our health checks, so that it can still
/// report the reason.
pub const WITHIN: Duration = Duration::from_secs(2);

/// How much of a response is read: the status line, the headers, and the text for a person.
const MOST_BYTES: u64 = 4096;

/// How much of the body an error repeats.
const SHOWN_CHARACTERS: usize = 200;

/// Why the probe failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The URL is not `http://host[:port]/…`.
    #[error("`{0}` is not an http URL with a host")]
    NotHttp(Url),
    /// Nobody listens there.
    #[error("no connection to {address}")]
    NoConnection {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The connection broke.
    #[error("the connection to {address} broke")]
    Broken {
        /// Host and port.
        address: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The response is not HTTP.
    #[error("{address} does not respond with HTTP")]
    NoStatus {
        /// Host and port.
        address: String,
    },
    /// A response with another status than 200 to 299.
    #[error("it responded with {status}: {body}")]
    Unhealthy {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// There was no response in time.
    #[error("no response within {} s", WITHIN.as_secs())]
    Silent,
}

/// Sends one request. A response of 200 to 299 within [`WITHIN`] means healthy.
///
/// # Errors
///
/// [`ProbeError`] says what happened instead.
pub async fn probe(url: &Url) -> Result<(), ProbeError> {
    tokio::time::timeout(WITHIN, ask(url))
        .await
        .unwrap_or(Err(ProbeError::Silent))
}

async fn ask(url: &Url) -> Result<(), ProbeError> {
    let (Some(host), Some(port), "http") =
        (url.host_str(), url.port_or_known_default(), url.scheme())
    else {
        return Err(ProbeError::NotHttp(url.clone()));
    };
    let address = format!("{host}:{port}");
    let mut stream =
        TcpStream::connect(&address)
            .await
            .map_err(|cause| ProbeError::NoConnection {
                address: address.clone(),
                cause,
            })?;
    let query = url
        .query()
        .map_or_else(String::new, |text| format!("?{text}"));
    // 1.0, so that the response is in one piece and ends with the connection.
    let request = format!(
        "GET {}{query} HTTP/1.0\r\nHost: {address}\r\n\r\n",
        url.path()
    );
    let mut response = Vec::new();
    let exchanged = async {
        stream.write_all(request.as_bytes()).await?;
        stream.take(MOST_BYTES).read_to_end(&mut response).await
    };
    exchanged.await.map_err(|cause| ProbeError::Broken {
        address: address.clone(),
        cause,
    })?;
    result_of(&String::from_utf8_lossy(&response)).unwrap_or(Err(ProbeError::NoStatus { address }))
}

/// The status and body of a response; `None` if it is not HTTP.
fn result_of(response: &str) -> Option<Result<(), ProbeError>> {
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((response, ""));
    let mut words = head.lines().next()?.split(' ');
    if !words.next()?.starts_with("HTTP/") {
        return None;
    }
    let status: u16 = words.next()?.parse().ok()?;
    if (200..300).contains(&status) {
        return Some(Ok(()));
    }
    let body = body.trim().chars().take(SHOWN_CHARACTERS).collect();
    Some(Err(ProbeError::Unhealthy { status, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_well() {
        let cases = [
            ("HTTP/1.1 200 OK\r\n\r\n{}", "well"),
            ("HTTP/1.0 204 No Content\r\n\r\n", "well"),
            ("HTTP/1.1 301 Moved\r\n\r\n", "it responded with 301: "),
            (
                "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nno poller yet\n",
                "it responded with 503: no poller yet",
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
            ("", "no HTTP"),
        ];
        for (response, expected) in cases {
            let result = match result_of(response) {
                None => "no HTTP".to_owned(),
                Some(Ok(())) => "well".to_owned(),
                Some(Err(error)) => error.to_string(),
            };
            assert_eq!(result, expected, "{response:?}");
        }
    }
}

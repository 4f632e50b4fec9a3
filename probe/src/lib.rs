//! One GET, for a health check: does what serves a URL say that it is well?
//!
//! An image without a shell has no curl either, so each of our programs can ask by itself. It
//! knows HTTP without TLS, and of the answer only the status line and the beginning of the body: a
//! probe asks its own container.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// How long all of it may take: less than the three seconds that our health checks are given, so
/// that the reason is still told.
pub const WITHIN: Duration = Duration::from_secs(2);

/// How much of an answer is read: the status line, the headers, and what a person is told.
const MOST_BYTES: u64 = 4096;

/// How much of the body an error repeats.
const SHOWN_CHARACTERS: usize = 200;

/// Why what was asked is not well.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It is no `http://host[:port]/…`.
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
        /// How.
        #[source]
        cause: io::Error,
    },
    /// What came is not HTTP.
    #[error("{address} does not answer in HTTP")]
    NoStatus {
        /// Host and port.
        address: String,
    },
    /// An answer that says no.
    #[error("it answered {status}: {told}")]
    Unwell {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        told: String,
    },
    /// No answer in time.
    #[error("no answer within {} s", WITHIN.as_secs())]
    Silent,
}

/// Asks once. An answer of 200 to 299 within [`WITHIN`] is well.
///
/// # Errors
///
/// [`ProbeError`] says what came instead.
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
    // 1.0, so that the answer is one piece and ends with the connection.
    let request = format!(
        "GET {}{query} HTTP/1.0\r\nHost: {address}\r\n\r\n",
        url.path()
    );
    let mut answer = Vec::new();
    let exchanged = async {
        stream.write_all(request.as_bytes()).await?;
        stream.take(MOST_BYTES).read_to_end(&mut answer).await
    };
    exchanged.await.map_err(|cause| ProbeError::Broken {
        address: address.clone(),
        cause,
    })?;
    verdict(&String::from_utf8_lossy(&answer)).unwrap_or(Err(ProbeError::NoStatus { address }))
}

/// What an answer says; `None` if it is no HTTP.
fn verdict(answer: &str) -> Option<Result<(), ProbeError>> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut words = head.lines().next()?.split(' ');
    if !words.next()?.starts_with("HTTP/") {
        return None;
    }
    let status: u16 = words.next()?.parse().ok()?;
    if (200..300).contains(&status) {
        return Some(Ok(()));
    }
    let told = body.trim().chars().take(SHOWN_CHARACTERS).collect();
    Some(Err(ProbeError::Unwell { status, told }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_well() {
        let cases = [
            ("HTTP/1.1 200 OK\r\n\r\n{}", "well"),
            ("HTTP/1.0 204 No Content\r\n\r\n", "well"),
            ("HTTP/1.1 301 Moved\r\n\r\n", "it answered 301: "),
            (
                "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nno poller yet\n",
                "it answered 503: no poller yet",
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
            ("", "no HTTP"),
        ];
        for (answer, expected) in cases {
            let told = match verdict(answer) {
                None => "no HTTP".to_owned(),
                Some(Ok(())) => "well".to_owned(),
                Some(Err(error)) => error.to_string(),
            };
            assert_eq!(told, expected, "{answer:?}");
        }
    }
}

//! Sends bytes, limits time and size, and names what failed. No other file interprets errors of
//! `reqwest`; `outgoing` builds its client.
//!
//! It never sends anything twice. Two layers below could; one is switched off, the other is safe:
//! - `reqwest` repeats a request after an HTTP/2 "not processed" signal (`REFUSED_STREAM`,
//!   `GOAWAY`). That is safe by RFC 9113, but a proxy may lie, so `retry::never()` turns it off;
//!   the effect is then unknown, and the caller looks.
//! - `hyper-util`'s pool sends a request again if an idle connection turns out to be closed. It
//!   does so only for a message that `hyper` hands back untouched (`TrySendError::take_message`),
//!   that is, before any byte of it was written, and `reqwest` has no switch for it. So it can't
//!   duplicate a create. Besides, `outgoing` closes idle connections early.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use opentelemetry::global;
use opentelemetry_http::HeaderInjector;
use url::Url;
use zeroize::Zeroizing;

use crate::build_error::BuildError;
use crate::request::SecretBytes;
use crate::response::{Response, UnreadableResponse};
use crate::settings::Settings;
use crate::text::clean;

/// How much of an error's body is read. Adobe's are below 4 KiB; an HTML page may be long.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// A response with a token has about 2 KiB; longer responses hold none.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

/// Where a request without a response ended, and so whether it may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// The host's name has no address. Nothing was sent.
    NameNotFound,
    /// Nothing listens at the address. Nothing was sent.
    ConnectionRefused,
    /// A TLS handshake failed. Nothing was sent.
    Tls,
    /// The connection failed for another reason. Nothing was sent.
    ConnectFailed,
    /// The connection took longer than `Settings::connect_timeout`. Nothing was sent.
    ConnectTimedOut,
    /// No first byte of a response within the limit. The request may have arrived.
    FirstByteTimedOut,
    /// The connection broke before the response. The request may have arrived.
    ConnectionLost,
}

/// A request that got no response. The error holds no URL, as a query may have names and ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", .kind.as_str())]
pub struct TransportError {
    kind: TransportKind,
    reason: String,
}

impl TransportKind {
    /// The kind in words. These are also values of the label `error.type` of metrics and spans, so
    /// they must not change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameNotFound => "the host's name was not found",
            Self::ConnectionRefused => "the connection was refused",
            Self::Tls => "the TLS handshake failed",
            Self::ConnectFailed => "the connection failed",
            Self::ConnectTimedOut => "the connection timed out",
            Self::FirstByteTimedOut => "no answer in time",
            Self::ConnectionLost => "the connection was lost",
        }
    }
}

impl TransportError {
    /// A request that can't be sent at all.
    pub(crate) fn unsendable(reason: &'static str) -> Self {
        Self {
            kind: TransportKind::ConnectFailed,
            reason: reason.to_owned(),
        }
    }

    /// Where the request ended.
    #[must_use]
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    /// Whether a byte of the request may have been written.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        match self.kind {
            TransportKind::NameNotFound
            | TransportKind::ConnectionRefused
            | TransportKind::Tls
            | TransportKind::ConnectFailed
            | TransportKind::ConnectTimedOut => false,
            TransportKind::FirstByteTimedOut | TransportKind::ConnectionLost => true,
        }
    }
}

/// A request ready for the wire. Has no `Debug`: headers and body hold secrets.
pub(crate) struct WireRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Base path and template, the only form of the address that spans show.
    pub(crate) template: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

pub(crate) struct Transport {
    http: reqwest::Client,
    first_byte_timeout: Duration,
    total_timeout: Duration,
    max_answer_bytes: usize,
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let addresses = [&settings.platform_url, &settings.ims_url];
        let is_secure = addresses.iter().any(|url| url.scheme() == "https");
        let http = settings.outgoing().client(is_secure)?;
        Ok(Self {
            http,
            // The clock starts before the connection is made, so that time is added; otherwise a
            // slow connection would look like a request that was sent.
            first_byte_timeout: settings
                .first_byte_timeout
                .saturating_add(settings.connect_timeout)
                .min(settings.total_timeout),
            total_timeout: settings.total_timeout,
            max_answer_bytes: settings.max_answer_bytes,
        })
    }

    /// Sends once. A response whose body breaks off is still a response, as its status is known.
    pub(crate) async fn send(&self, wire: &WireRequest) -> Result<Response, TransportError> {
        let deadline = tokio::time::Instant::now() + self.total_timeout;
        let mut request = reqwest::Request::new(wire.method.clone(), wire.url.clone());
        *request.headers_mut() = wire.headers.clone();
        continue_trace(request.headers_mut());
        *request.body_mut() = wire.body.clone().map(reqwest::Body::from);
        let sending = self.http.execute(request);
        let mut response = match tokio::time::timeout(self.first_byte_timeout, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(transport_error(error)),
            Err(_) => {
                return Err(TransportError {
                    kind: TransportKind::FirstByteTimedOut,
                    reason: format!("waited {} s", self.first_byte_timeout.as_secs_f32()),
                });
            }
        };
        let received_at = std::time::Instant::now();
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let limit = if status.is_success() {
            self.max_answer_bytes
        } else {
            MAX_REFUSAL_BYTES.min(self.max_answer_bytes)
        };
        let reading = read_body(&mut response, limit);
        let mut body = match tokio::time::timeout_at(deadline, reading).await {
            Ok(body) => body,
            Err(_) => Err(UnreadableResponse::CutOff {
                reason: "it did not end in time".to_owned(),
            }),
        };
        if !status.is_success() && matches!(body, Err(UnreadableResponse::TooLarge { .. })) {
            // A long error page says no more than its status.
            body = Ok(Bytes::new());
        }
        Ok(Response {
            status,
            headers,
            body,
            received_at,
        })
    }
}

/// Lets the other side continue the trace, if there is one. Call it inside the request's span. If
/// that span is not recorded, the other side gets the caller's span.
fn continue_trace(headers: &mut HeaderMap) {
    global::get_text_map_propagator(|propagator| {
        propagator.inject(&mut HeaderInjector(headers));
    });
}

async fn read_body(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Bytes, UnreadableResponse> {
    // The announced length only saves reading a body that is too long. The bytes are counted all
    // the same, as the body may be compressed or its length not announced.
    let too_large = UnreadableResponse::TooLarge { limit_bytes: limit };
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large);
    }
    // The body is zeroed in the end, as it may hold a token. Its capacity is enough for a token
    // from the start: a growing vector leaves copies that nothing zeroes.
    let mut body = Zeroizing::new(Vec::with_capacity(ROOM_FOR_A_TOKEN.min(limit)));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_large),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Bytes::from_owner(SecretBytes(body))),
            Err(error) => {
                return Err(UnreadableResponse::CutOff {
                    reason: reason(&error.without_url()),
                });
            }
        }
    }
}

/// The one place that interprets an error of `reqwest`.
fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let reason = reason(&error);
    // `is_connect` covers name, TCP, TLS and the proxy's tunnel: all before the request's first
    // byte. In all other cases the request may have been sent, above all after a timeout.
    let kind = if !error.is_connect() {
        if error.is_timeout() {
            TransportKind::FirstByteTimedOut
        } else {
            TransportKind::ConnectionLost
        }
    } else if error.is_timeout() {
        TransportKind::ConnectTimedOut
    } else {
        connect_kind(&error, &reason)
    };
    TransportError { kind, reason }
}

fn connect_kind(error: &reqwest::Error, reason: &str) -> TransportKind {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return TransportKind::Tls;
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return TransportKind::ConnectionRefused,
                std::io::ErrorKind::TimedOut => return TransportKind::ConnectTimedOut,
                _ if carries_tls_error(io) => return TransportKind::Tls,
                _ => {}
            }
        }
        cause = error.source();
    }
    // The resolver's error has no public type; its text begins with these words.
    if reason.contains("dns error") {
        TransportKind::NameNotFound
    } else {
        TransportKind::ConnectFailed
    }
}

/// The handshake's error travels inside one or two I/O errors, whose `source` skips it.
fn carries_tls_error(io: &std::io::Error) -> bool {
    io.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>()
            || inner
                .downcast_ref::<std::io::Error>()
                .is_some_and(carries_tls_error)
    })
}

/// The chain below an error in one cleaned line.
fn reason(error: &reqwest::Error) -> String {
    clean(&crate::Chain(error).to_string(), 256)
}

#[cfg(test)]
mod tests {
    use super::TransportKind::{
        ConnectFailed, ConnectTimedOut, ConnectionLost, ConnectionRefused, FirstByteTimedOut,
        NameNotFound, Tls,
    };

    #[test]
    fn the_labels_of_metrics_stay() {
        let labels = [
            (NameNotFound, "the host's name was not found"),
            (ConnectionRefused, "the connection was refused"),
            (Tls, "the TLS handshake failed"),
            (ConnectFailed, "the connection failed"),
            (ConnectTimedOut, "the connection timed out"),
            (FirstByteTimedOut, "no answer in time"),
            (ConnectionLost, "the connection was lost"),
        ];
        for (kind, label) in labels {
            assert_eq!(kind.as_str(), label);
        }
    }
}

//! Sends bytes, bounds time and size, names what failed: the only file that knows what `reqwest`
//! says. How its client is made stands in `outgoing`.
//!
//! It never sends anything twice. Two layers below could, and are told not to or can't hurt:
//! - `reqwest` repeats a request after an HTTP/2 "not processed" signal (`REFUSED_STREAM`,
//!   `GOAWAY`). That is safe by RFC 9113, but a proxy may lie, so `retry::never()` turns it off;
//!   the caller then sees an open outcome and looks.
//! - `hyper-util`'s pool sends a request again when a kept connection turned out closed. It does
//!   so only for a message that `hyper` hands back untouched (`TrySendError::take_message`), that
//!   is, before any byte of it was written, and `reqwest` has no switch for it. So a create can't
//!   be doubled by it. Kept connections are let go early besides, see `outgoing`.

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

/// The most of an error's body that is read; Adobe's are below 4 KiB, an HTML page may be long.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// A response with a token has some 2 KiB; longer responses hold none.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

/// Where the way to a response ended, and so whether the request may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// The host's name has no address. Nothing was sent.
    NameNotFound,
    /// Nobody listens at the address. Nothing was sent.
    ConnectionRefused,
    /// No trust: a TLS handshake failed. Nothing was sent.
    Tls,
    /// The connection failed otherwise. Nothing was sent.
    ConnectFailed,
    /// The connection took longer than `Settings::connect_timeout`. Nothing was sent.
    ConnectTimedOut,
    /// No first byte of a response within the limit. The request may have arrived.
    FirstByteTimedOut,
    /// The connection broke before a response. The request may have arrived.
    ConnectionLost,
}

/// A request that got no response. Holds no URL: it may carry names and ids in its query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", .kind.as_str())]
pub struct TransportError {
    kind: TransportKind,
    reason: String,
}

impl TransportKind {
    /// The kind in words; also the `error.type` of a span.
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
    /// A request that can't be put on the wire at all.
    pub(crate) fn unsendable(reason: &'static str) -> Self {
        Self {
            kind: TransportKind::ConnectFailed,
            reason: reason.to_owned(),
        }
    }

    /// Where it ended.
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
            // The clock starts before the connection does, so it is given that time as well;
            // otherwise a slow connect would look like a request that was sent.
            first_byte_timeout: settings
                .first_byte_timeout
                .saturating_add(settings.connect_timeout)
                .min(settings.total_timeout),
            total_timeout: settings.total_timeout,
            max_answer_bytes: settings.max_answer_bytes,
        })
    }

    /// Sends once. A response with a broken body is still a response: its status is known.
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
            // A long error page adds nothing to its status.
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

/// Lets the other side continue the trace, where there is one; to be called inside the request's
/// span. Where that is not told of, it is the caller's span that the other side gets to know.
fn continue_trace(headers: &mut HeaderMap) {
    global::get_text_map_propagator(|propagator| {
        propagator.inject(&mut HeaderInjector(headers));
    });
}

async fn read_body(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Bytes, UnreadableResponse> {
    // The announced length only saves the reading; what comes is counted all the same, as it may
    // be compressed or not announced.
    let too_large = UnreadableResponse::TooLarge { limit_bytes: limit };
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large);
    }
    // Zeroed in the end, for one response is a token. Room for that one at once: growing leaves
    // copies behind that nobody zeroes.
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

/// The one place where an error of `reqwest` gets a meaning.
fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let reason = reason(&error);
    // `is_connect` covers name, TCP, TLS and the proxy's tunnel: all before the request's first
    // byte. Everything else may have been written, a timeout above all.
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

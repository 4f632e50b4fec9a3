//! How a response is sent, complete or not, and how a connection ends early.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use tokio::sync::Notify;

use crate::answer::Answer;

/// Pads a response, piece by piece. JSON followed by spaces is still JSON.
static SPACES: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// Ends the TCP connection of a request. The accept loop puts one into each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut {
    /// Like a program that closes its socket.
    pub(crate) close: Arc<Notify>,
    /// With a TCP reset.
    pub(crate) reset: Arc<Notify>,
}

impl Cut {
    /// Ends the connection, and with it the future of the request.
    pub(crate) async fn end(&self, ending: Ending) -> Response {
        match ending {
            Ending::Close => self.close.notify_one(),
            Ending::Reset => self.reset.notify_one(),
        }
        // The accept loop drops the connection and this future with it.
        std::future::pending().await
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close,
    Reset,
}

/// What is sent back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A response.
    Answer(Answer, Delivery),
    /// Nothing.
    Nothing(Ending),
}

/// How a response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Complete.
    Whole,
    /// This number of bytes of its body, or half of it; then the connection ends.
    Truncated(Option<u64>),
    /// This number of bytes at once, with a pause after them.
    Trickled { bytes: u64, pause: Duration },
    /// Padded to this number of bytes.
    Padded(u64),
}

impl Reply {
    /// A complete response.
    pub(crate) fn whole(answer: Answer) -> Self {
        Self::Answer(answer, Delivery::Whole)
    }
}

/// The response as HTTP.
pub(crate) fn response(answer: &Answer, delivery: Delivery) -> Response {
    let whole = Bytes::from(answer.body.clone().unwrap_or_default());
    match delivery {
        Delivery::Whole => head(
            answer,
            answer.body.clone().map_or_else(Body::empty, Body::from),
        ),
        Delivery::Truncated(bytes) => truncated(answer, whole, bytes),
        Delivery::Trickled { bytes, pause } => {
            let size = usize::try_from(bytes.max(1)).unwrap_or(usize::MAX);
            let length = whole.len();
            let parts = stream::unfold((whole, true), move |(mut rest, is_first)| async move {
                if rest.is_empty() {
                    return None;
                }
                if !is_first {
                    tokio::time::sleep(pause).await;
                }
                let part = rest.split_to(size.min(rest.len()));
                Some((Ok::<_, std::io::Error>(part), (rest, false)))
            });
            with_length(head(answer, Body::from_stream(parts)), length)
        }
        Delivery::Padded(bytes) => {
            let length = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .max(whole.len());
            let missing = length - whole.len();
            // The same spaces are streamed repeatedly, however long the response is.
            let spaces = stream::unfold(missing, |missing| async move {
                let size = missing.min(SPACES.len());
                (size > 0).then(|| {
                    let part = Bytes::from_static(&SPACES[..size]);
                    (Ok::<_, std::io::Error>(part), missing - size)
                })
            });
            let parts = stream::once(async { Ok(whole) }).chain(spaces);
            with_length(head(answer, Body::from_stream(parts)), length)
        }
    }
}

/// The headers of the complete response and a part of its body. An error follows, at which hyper
/// closes the connection. The pause before it is needed because hyper loses what it has not yet
/// written when the error occurs.
fn truncated(answer: &Answer, mut whole: Bytes, bytes: Option<u64>) -> Response {
    let length = whole.len().max(1);
    let kept = match bytes {
        Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        None => whole.len() / 2,
    };
    whole.truncate(kept.min(length - 1));
    let break_off = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut by the fault dial"))
    };
    let parts = stream::once(async { Ok(whole) }).chain(stream::once(break_off));
    with_length(head(answer, Body::from_stream(parts)), length)
}

fn with_length(mut response: Response, length: usize) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn head(answer: &Answer, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if answer.body.is_some() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    for (name, value) in &answer.headers {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
            }
            _ => tracing::warn!(%name, "not a header, left out"),
        }
    }
    response
}

//! An HTTP response: status, headers, a body of limited length; and why one can't be read.
//!
//! This module knows nothing of tokens or of what the response means.

use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::code::RequestId;

/// A response whose status is known. The body may be missing: the status decides even if the body
/// was lost.
#[derive(Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, UnreadableResponse>,
    /// When its headers arrived; the body may have arrived much later.
    pub(crate) received_at: Instant,
}

/// Why a response could not be read. If it is a 2xx to a create, the resource may exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableResponse {
    /// The body broke off after the status.
    #[error("the response's body broke off: {reason}")]
    CutOff {
        /// What the connection said.
        reason: String,
    },
    /// The body is longer than the client's limit.
    #[error("the response is longer than {limit_bytes} bytes")]
    TooLarge {
        /// `Settings::max_answer_bytes`.
        limit_bytes: usize,
    },
    /// The content type is not JSON, such as the HTML page of a proxy.
    #[error("the response is `{found}`, not JSON")]
    WrongContentType {
        /// The content type, cleaned.
        found: String,
    },
    /// The text is not JSON.
    #[error("the response is not JSON: {reason}")]
    NotJson {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// The JSON has another shape than documented.
    #[error("the response has another shape than documented: {reason}")]
    WrongShape {
        /// What is missing or of the wrong type.
        reason: String,
    },
    /// A list's next page is one that was read already.
    #[error("the list's next page is one that was read already")]
    PagesRepeat,
    /// The list did not end.
    #[error("the list did not end after {pages} pages")]
    TooManyPages {
        /// How many pages were read.
        pages: usize,
    },
    /// A list's next page is on another service; the link was not followed.
    #[error("the list's next page is not on the same service")]
    ForeignNextPage,
}

impl UnreadableResponse {
    pub(crate) fn shape(reason: impl Into<String>) -> Self {
        Self::WrongShape {
            reason: reason.into(),
        }
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `X-Request-Id`: sent with gateway errors, but not promised on success.
    pub(crate) fn request_id(&self) -> Option<RequestId> {
        self.header("x-request-id").and_then(RequestId::from_text)
    }

    /// When the server created the response, by the server's clock, rounded down to seconds. `None`
    /// for one from a cache, whose date is older. Source: RFC 9110, 6.6.1 (`Date`), and RFC 9111,
    /// 5.1 (`Age`).
    pub(crate) fn date(&self) -> Option<SystemTime> {
        // Caches write 0 on what they have just fetched.
        if self.header("age").is_some_and(|age| age.trim() != "0") {
            return None;
        }
        httpdate::parse_http_date(self.header("date")?).ok()
    }

    /// The body as JSON. The content type is checked first, if there is one, so that a proxy's HTML
    /// page is not reported as a syntax error.
    pub(crate) fn json(&self) -> Result<Value, UnreadableResponse> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if let Some(content_type) = self.header("content-type") {
            let media = content_type.split(';').next().unwrap_or_default().trim();
            let media = media.to_ascii_lowercase();
            if media != "application/json" && !media.ends_with("+json") {
                return Err(UnreadableResponse::WrongContentType {
                    found: crate::text::clean(&media, 80),
                });
            }
        }
        serde_json::from_slice(body).map_err(|error| UnreadableResponse::NotJson {
            // Serde names line and column and the token's kind for a `Value`, never its content.
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
pub(crate) fn response(status: u16, content_type: Option<&'static str>, body: &str) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert("content-type", http::HeaderValue::from_static(content_type));
    }
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Ok(Bytes::copy_from_slice(body.as_bytes())),
        received_at: Instant::now(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_date_of_a_response_is_read_unless_a_cache_gave_it() {
        const GOOD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let cases = [
            (Some(GOOD), None, Some(784_111_777)),
            (Some(GOOD), Some("0"), Some(784_111_777)),
            (Some(GOOD), Some("3600"), None),
            (Some("yesterday"), None, None),
            (None, None, None),
        ];
        for (date, age, expected) in cases {
            let mut response = response(200, None, "");
            for (name, value) in [("date", date), ("age", age)] {
                if let Some(value) = value {
                    response
                        .headers
                        .insert(name, HeaderValue::from_static(value));
                }
            }
            let expected = expected.map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s));
            assert_eq!(response.date(), expected, "{date:?} {age:?}");
        }
    }

    #[test]
    fn json_is_distinguished_from_what_only_claims_to_be() {
        let cases: [(Option<&'static str>, &str, &str); 6] = [
            (Some("application/json;charset=UTF-8"), "{}", "ok"),
            (Some("application/vnd.adobe.xed+json"), "{}", "ok"),
            (None, "{}", "ok"),
            (
                Some("text/html"),
                "<html>",
                "the response is `text/html`, not JSON",
            ),
            (
                Some("application/json"),
                "{\"id\":",
                "the response is not JSON: EOF while parsing a value at line 1 column 6",
            ),
            (
                Some("application/json"),
                "",
                "the response is not JSON: EOF while parsing a value at line 1 column 0",
            ),
        ];
        for (content_type, body, expected) in cases {
            let read = response(200, content_type, body).json();
            let shown = read.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
            assert_eq!(shown, expected, "{content_type:?} {body}");
        }
    }
}

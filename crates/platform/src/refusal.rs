//! One parser for every error body that Adobe's services respond with.
//!
//! The forms are tried in this order: gateway, problem document, `errorMessage`, IMS, loose words,
//! no JSON. Sources: "Experience Platform FAQ and troubleshooting", Schema Registry troubleshooting
//! guide, Sandbox API guide, IMS server-to-server guide, Flow Service labels tutorial, read
//! 2026-11.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde_json::Value;

use crate::code::{AdobeCode, RequestId};
use crate::redact;
use crate::response::Response;
use crate::retry_after::retry_after;
use crate::text::{MAX_DETAIL_BYTES, clean_without};

/// A response that is not a success. Its texts are cleaned and have at most 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformRefusal {
    /// HTTP status.
    pub status: u16,
    /// Adobe's code, if the body had one.
    pub code: Option<AdobeCode>,
    /// A few words, such as `Resource not found`.
    pub title: Option<String>,
    /// The sentence that explains it.
    pub detail: Option<String>,
    /// The id that Adobe's support asks for.
    pub request_id: Option<RequestId>,
    /// The wait that the platform asked for, at most an hour.
    pub retry_after: Option<Duration>,
    /// Whether the body broke off: it may have had a code that says more than the status.
    pub is_cut_off: bool,
    /// Whether it is a page in HTML. Adobe's services respond with JSON, so a proxy or a gateway
    /// on the way wrote it.
    pub is_page: bool,
}

impl std::fmt::Display for PlatformRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        match (&self.title, &self.detail) {
            (Some(title), Some(detail)) if title != detail => write!(f, ": {title}: {detail}")?,
            (Some(text), _) | (None, Some(text)) => write!(f, ": {text}")?,
            (None, None) if self.is_page => write!(f, ", a page in HTML")?,
            (None, None) if self.is_cut_off => write!(f, ", and its body broke off")?,
            (None, None) => {}
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request {request_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for PlatformRefusal {}

impl PlatformRefusal {
    /// Reads a response whose status is not a 2xx. It never fails, as the status alone is a
    /// refusal. `now` is the wall clock, for a `Retry-After` that is a date; `secrets` are the
    /// secrets of the request, which the response might repeat.
    pub(crate) fn read(response: &Response, now: SystemTime, secrets: &[SecretString]) -> Self {
        let mut refusal = Self {
            status: response.status.as_u16(),
            code: None,
            title: None,
            detail: None,
            request_id: response
                .request_id()
                .filter(|id| !repeats(id.as_str(), secrets)),
            retry_after: retry_after(&response.headers, now),
            is_cut_off: false,
            is_page: response
                .header("content-type")
                .is_some_and(|media| media.to_ascii_lowercase().starts_with("text/html")),
        };
        let Ok(body) = &response.body else {
            refusal.is_cut_off = true;
            return refusal;
        };
        let kept = |text: &str| kept(text, secrets);
        match serde_json::from_slice::<Value>(body) {
            Ok(body @ Value::Object(_)) => refusal.read_object(&body, secrets),
            // Some proxies and old services respond with a JSON string.
            Ok(Value::String(text)) => refusal.detail = kept(&text),
            Ok(_) => {}
            // An HTML page says no more than the status.
            Err(_) if looks_like_markup(body) => refusal.is_page = true,
            // A proxy may end a body early and properly.
            Err(error) if error.is_eof() && body.trim_ascii_start().first() == Some(&b'{') => {
                refusal.is_cut_off = true;
            }
            Err(_) => refusal.detail = kept(&String::from_utf8_lossy(body)),
        }
        refusal
    }

    fn read_object(&mut self, body: &Value, secrets: &[SecretString]) {
        let kept = |text: &str| kept(text, secrets);
        let first_text = |pointers: &[&str]| {
            pointers
                .iter()
                .filter_map(|pointer| body.pointer(pointer).and_then(Value::as_str))
                .find_map(kept)
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        // A code or an id is one word; if it repeats a secret, nothing of it is worth keeping.
        let word = |pointer: &str| text(pointer).filter(|word| !repeats(word, secrets));
        // A gateway's code is a string; some services send the same shape with a number.
        let gateway_code = body.get("error_code").and_then(|code| match code {
            Value::String(code) => Some(code.clone()),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
        let by_type = word("/type").and_then(AdobeCode::from_type_uri);
        if let Some(code) = gateway_code {
            self.code = (!repeats(&code, secrets))
                .then(|| AdobeCode::from_text(&code))
                .flatten();
            self.detail = text("/message").and_then(kept);
        } else if by_type.is_some() {
            self.code = by_type;
            self.title = text("/title").and_then(kept);
            self.detail = first_text(&[
                "/report/detailed-message",
                "/detail",
                "/errorMessage",
                "/message",
            ]);
        } else if text("/errorMessage").is_some() {
            self.title = text("/title").and_then(kept);
            self.detail = first_text(&["/errorMessage", "/errorDetails"]);
        } else if let Some(error) = text("/error") {
            // IMS; also the default error page of Spring, whose `error` is the status in words.
            self.code = text("/error_description")
                .and(Some(error))
                .or_else(|| (!error.contains(' ')).then_some(error))
                .filter(|error| !repeats(error, secrets))
                .and_then(AdobeCode::from_text);
            self.title = kept(error);
            self.detail = first_text(&["/error_description", "/message", "/detail"]);
        } else {
            self.title = text("/title").and_then(kept);
            self.detail = first_text(&[
                "/detail",
                "/report/detailed-message",
                "/message",
                "/error/message",
            ]);
        }
        // Newer services have their code only in a chain.
        if self.code.is_none() {
            self.code = ["/error-chain/0/errorCode", "/errorCode", "/code"]
                .iter()
                .find_map(|pointer| word(pointer))
                .and_then(AdobeCode::from_text);
        }
        if self.request_id.is_none() {
            self.request_id = [
                "/report/request-id",
                "/report/registryRequestId",
                "/report/requestId",
                "/requestId",
                "/request_id",
            ]
            .iter()
            .find_map(|pointer| word(pointer))
            .and_then(RequestId::from_text);
        }
    }

    /// Whether one of Adobe's services sent it: neither a page nor a redirect is theirs.
    pub(crate) fn is_adobes(&self) -> bool {
        !self.is_page && !(300..400).contains(&self.status)
    }

    /// Title and detail in lower case, for the few rows of the table that read the text.
    pub(crate) fn words(&self) -> String {
        let mut words = self.title.clone().unwrap_or_default();
        words.push(' ');
        words.push_str(self.detail.as_deref().unwrap_or_default());
        words.make_ascii_lowercase();
        words
    }
}

/// Whether a word holds one of these secrets.
fn repeats(word: &str, secrets: &[SecretString]) -> bool {
    matches!(redact::without(word, secrets), Cow::Owned(_))
}

fn kept(text: &str, secrets: &[SecretString]) -> Option<String> {
    let text = clean_without(text, secrets, MAX_DETAIL_BYTES);
    (!text.is_empty()).then_some(text)
}

fn looks_like_markup(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

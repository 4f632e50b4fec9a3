//! Responses that the dial sends in place of a service.
//!
//! A rule gives a response in full or by a name. What a named response contains depends on the
//! request, for example on the service that was called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::RuleError;

/// A fixed response, whatever the request was.
///
/// In JSON: `{"status": 503, "text": "busy"}` or `{"as": "rateLimited", "retryAfter": 12}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "AnswerFields")]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides the content type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// A body that isn't JSON. It is sent as `text/html` unless `headers` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body by its name, in place of `body` and `text`.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedAnswer>,
    /// When the caller should retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
}

/// Responses that have a name, `as` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamedAnswer {
    /// The gateway's 429 `429050`.
    RateLimited,
    /// The gateway's 401 `401013`: the token has expired.
    TokenInvalid,
    /// 400 `FLOW-2115-400`: the token has expired, in the words of Flow Service.
    FlowTokenInvalid,
    /// 412 `FLOW-1404-412`, or Catalog's: somebody else changed the resource first.
    StaleEtag,
    /// The same in the older shape, with `errorMessage` only.
    StaleEtagBare,
    /// An error of this status in the JSON of the service that was called.
    Adobe,
    /// The HTML page of a gateway.
    Page,
    /// No body.
    Nothing,
    /// A JSON string where an object is expected.
    JsonString,
    /// An error of the service that was called. Its message contains the whole request body.
    Echo,
    /// The same, but its message contains the whole request as JSON, including its headers.
    EchoAll,
}

impl NamedAnswer {
    /// The status if the rule gives none.
    pub fn default_status(self) -> u16 {
        match self {
            Self::RateLimited => 429,
            Self::TokenInvalid => 401,
            Self::FlowTokenInvalid | Self::Echo | Self::EchoAll => 400,
            Self::StaleEtag | Self::StaleEtagBare => 412,
            Self::Adobe => 500,
            Self::Page => 502,
            Self::Nothing => 504,
            Self::JsonString => 200,
        }
    }
}

/// The header `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// As a number of seconds.
    Seconds(u64),
    /// As a date, so many seconds after the response is sent.
    Date {
        /// The number of seconds.
        #[serde(rename = "dateIn")]
        date_in: u64,
    },
}

impl CannedAnswer {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body: None,
            text: None,
            named: None,
            retry_after: None,
        }
    }

    /// A response with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    /// An HTML page, as a proxy sends it.
    pub fn html(status: u16) -> Self {
        Self {
            text: Some(page(status)),
            ..Self::empty(status)
        }
    }

    /// An error of Adobe's gateway, such as 401 `401013`.
    pub fn gateway(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, json!({"error_code": code, "message": message}))
    }

    /// The gateway's 429, with `Retry-After` if given.
    pub fn too_many_requests(retry_after: Option<&str>) -> Self {
        let answer = Self::gateway(429, "429050", "Too many requests");
        match retry_after {
            Some(when) => answer.with_header("Retry-After", when),
            None => answer,
        }
    }

    /// An error of Flow Service, such as 1104 with 504.
    pub fn flow(number: u16, status: u16, message: &str) -> Self {
        let body = json!({
            "type": format!("https://ns.adobe.com/aep/errors/FLOW-{number}-{status}"),
            "title": message,
            "status": status,
            "report": {"detailed-message": message, "request-id": "00000000-0000-4000-8000-000000000000"},
            "errorMessage": message,
            "errorDetails": message,
        });
        Self::json(status, body)
    }

    /// The response of this name, with its default status.
    pub fn named(named: NamedAnswer) -> Self {
        Self {
            named: Some(named),
            ..Self::empty(named.default_status())
        }
    }

    /// The same response with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same response with one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same response with a `Retry-After`.
    pub fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }
}

fn page(status: u16) -> String {
    format!("<html><body><h1>{status}</h1></body></html>")
}

/// A response as JSON has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerFields {
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    text: Option<String>,
    #[serde(rename = "as")]
    named: Option<NamedAnswer>,
    retry_after: Option<RetryAfter>,
}

impl TryFrom<AnswerFields> for CannedAnswer {
    type Error = RuleError;

    fn try_from(fields: AnswerFields) -> Result<Self, RuleError> {
        let status = match (fields.status, fields.named) {
            (Some(status), _) => status,
            (None, Some(named)) => named.default_status(),
            (None, None) => return Err(RuleError::StatusMissing),
        };
        if fields.named.is_some() && (fields.body.is_some() || fields.text.is_some()) {
            return Err(RuleError::SeveralBodies);
        }
        Ok(Self {
            status,
            headers: fields.headers,
            body: fields.body,
            text: fields.text,
            named: fields.named,
            retry_after: fields.retry_after,
        })
    }
}

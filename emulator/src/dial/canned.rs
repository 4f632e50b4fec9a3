//! Answers that the dial gives in the service's place.
//!
//! An answer is written out, or it is named: what a name stands for depends on the request, such as
//! on the service that was called.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::RuleError;
use crate::answer::Answer;
use crate::call::Call;
use crate::ids::Ids;
use crate::problem::Problem;
use crate::routes::Service;

/// An answer that is given whatever was asked.
///
/// In JSON: `{"status": 503, "text": "busy"}` or `{"as": "rateLimited", "retryAfter": 12}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "AnswerFields")]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the content type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// A body that isn't JSON, sent as `text/html` unless `headers` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body by its name, instead of `body` and `text`.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedAnswer>,
    /// When to come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
}

/// Answers that have a name, `as` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamedAnswer {
    /// 429 `429050` of the gateway.
    RateLimited,
    /// 401 `401013` of the gateway: the token has expired.
    TokenInvalid,
    /// 400 `FLOW-2115-400`: the token has expired, as Flow Service tells it.
    FlowTokenInvalid,
    /// 412 `FLOW-1404-412`, or Catalog's: somebody else was faster.
    StaleEtag,
    /// The same in the older shape, `errorMessage` alone.
    StaleEtagBare,
    /// An error of this status in the JSON of the service that was called.
    Adobe,
    /// The HTML page of a gateway.
    Page,
    /// No body.
    Nothing,
    /// A JSON text where an object is expected.
    JsonString,
    /// An error of the service that was called, with the whole request body in its message.
    Echo,
    /// The same, with the whole request in its message as JSON, its headers too.
    EchoAll,
}

impl NamedAnswer {
    /// The status if none is given.
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
    /// As the date that is so many seconds ahead when the answer is given.
    Date {
        /// How many.
        #[serde(rename = "dateIn")]
        date_in: u64,
    },
}

impl RetryAfter {
    fn header(self, now_ms: i64) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date { date_in } => {
                // Dates have whole seconds: rounded up, so that it is never too early.
                let now = Timestamp::from_millisecond(now_ms + 999).unwrap_or(Timestamp::MAX);
                let date = now
                    .saturating_add(Duration::from_secs(date_in))
                    .unwrap_or(Timestamp::MAX);
                DateTimePrinter::new()
                    .timestamp_to_rfc9110_string(&date)
                    .unwrap_or_default()
            }
        }
    }
}

impl CannedAnswer {
    /// An answer without a body.
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

    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    /// A page of a proxy.
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

    /// The answer of this name, with its usual status.
    pub fn named(named: NamedAnswer) -> Self {
        Self {
            named: Some(named),
            ..Self::empty(named.default_status())
        }
    }

    /// The same with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with one header more.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same with a `Retry-After`.
    pub fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// What this call gets at this time.
    pub(crate) fn answer(&self, call: &Call, now_ms: i64) -> Answer {
        let mut answer = match (self.named, &self.body, &self.text) {
            (Some(named), _, _) => named_answer(named, self.status, call, now_ms),
            (None, Some(body), _) => Answer::json(self.status, body.clone()),
            (None, None, Some(text)) => html(self.status, text.clone()),
            (None, None, None) => Answer::empty(self.status),
        };
        if let Some(retry_after) = self.retry_after {
            answer = answer.with_header("Retry-After", retry_after.header(now_ms));
        }
        for (name, value) in &self.headers {
            answer = answer.with_header(name, value);
        }
        answer
    }
}

fn named_answer(named: NamedAnswer, status: u16, call: &Call, now_ms: i64) -> Answer {
    let told = |problem: Problem| {
        let mut answer = problem.answer(&mut Ids::seeded(Ids::fresh_seed()), now_ms);
        answer.status = status;
        answer
    };
    let sent = call.header("if-match").unwrap_or_default();
    let stale = format!("Supplied version=[{sent}] does not match the current version on entity");
    match named {
        NamedAnswer::RateLimited => told(Problem::Gateway {
            status,
            code: "429050",
            message: "Too many requests",
        }),
        NamedAnswer::TokenInvalid => told(Problem::Gateway {
            status,
            code: "401013",
            message: "Oauth token is not valid",
        }),
        NamedAnswer::FlowTokenInvalid => told(Problem::flow(
            2115,
            status,
            "Invalid token. Provide a valid token and try again.",
        )),
        NamedAnswer::StaleEtag if call.route.is_flow_service() => {
            told(Problem::flow(1404, status, stale))
        }
        NamedAnswer::StaleEtag => told(problem_of(call.route.service, status, stale)),
        NamedAnswer::StaleEtagBare => Answer::json(status, json!({"errorMessage": stale})),
        NamedAnswer::Adobe => {
            let message = "The request could not be processed. Try again later.";
            told(problem_of(call.route.service, status, message.to_owned()))
        }
        NamedAnswer::Page => html(status, page(status)),
        NamedAnswer::Nothing => Answer::empty(status),
        NamedAnswer::JsonString => Answer::json(status, "accepted"),
        NamedAnswer::Echo => {
            let sent = String::from_utf8_lossy(&call.body);
            let message = format!("The request could not be processed: {sent}");
            told(problem_of(call.route.service, status, message))
        }
        NamedAnswer::EchoAll => {
            let message = format!("The request could not be processed: {}", whole(call));
            told(problem_of(call.route.service, status, message))
        }
    }
}

/// A request as a careless service writes it down: all of it, and what a form holds once more
/// without the names, as a validator does that complains of values.
fn whole(call: &Call) -> Value {
    let headers: BTreeMap<&str, _> = call
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let values: Vec<_> = match call.header("content-type") {
        Some("application/x-www-form-urlencoded") => form_urlencoded::parse(&call.body)
            .map(|(_, value)| value)
            .collect(),
        _ => Vec::new(),
    };
    json!({
        "method": call.route.method.as_str(),
        "path": call.path_and_query,
        "headers": headers,
        "body": String::from_utf8_lossy(&call.body),
        "values": values,
    })
}

/// An error in the shape of a service. Only Flow Service documents numbers for its own failures.
fn problem_of(service: Service, status: u16, message: String) -> Problem {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    match service {
        Service::Flow => {
            let number = match status {
                500 => 1400,
                503 => 1103,
                504 => 1104,
                _ => 1100,
            };
            Problem::flow(number, status, message)
        }
        Service::Registry => Problem::Registry {
            number: 1000,
            status,
            title,
            detail: message,
        },
        Service::Sandboxes => Problem::Sandbox {
            number: 2000,
            status,
            title: message,
        },
        Service::Catalog | Service::Prep | Service::Ims => Problem::Generic {
            status,
            title,
            detail: message,
        },
    }
}

fn html(status: u16, text: String) -> Answer {
    Answer::text(status, text).with_header("content-type", "text/html")
}

fn page(status: u16) -> String {
    format!("<html><body><h1>{status}</h1></body></html>")
}

/// An answer as JSON has it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_to_come_back_at_is_never_too_early() {
        let at = RetryAfter::Date { date_in: 2 }.header(1_581_470_399_001);
        assert_eq!(at, "Wed, 12 Feb 2020 01:20:02 GMT");
        assert_eq!(RetryAfter::Seconds(12).header(0), "12");
    }
}

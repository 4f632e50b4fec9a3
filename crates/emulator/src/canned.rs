//! Builds the responses that the dial sends in place of a service.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::answer::Answer;
use crate::call::Call;
use crate::dial::{CannedAnswer, NamedAnswer, RetryAfter};
use crate::ids::Ids;
use crate::problem::Problem;
use crate::route::Service;

/// The response to this call at this time.
pub(crate) fn answer(canned: &CannedAnswer, call: &Call, now_ms: i64) -> Answer {
    let mut answer = match (canned.named, &canned.body, &canned.text) {
        (Some(named), _, _) => named_answer(named, canned.status, call, now_ms),
        (None, Some(body), _) => Answer::json(canned.status, body.clone()),
        (None, None, Some(text)) => html(canned.status, text.clone()),
        (None, None, None) => Answer::empty(canned.status),
    };
    if let Some(retry_after) = canned.retry_after {
        answer = answer.with_header("Retry-After", retry_after_header(retry_after, now_ms));
    }
    for (name, value) in &canned.headers {
        answer = answer.with_header(name, value);
    }
    answer
}

fn retry_after_header(retry_after: RetryAfter, now_ms: i64) -> String {
    match retry_after {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Date { date_in } => {
            // HTTP dates have whole seconds. Rounding up keeps the date from being too early.
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

fn named_answer(named: NamedAnswer, status: u16, call: &Call, now_ms: i64) -> Answer {
    let refused = |problem: Problem| {
        let mut answer = problem.answer(&mut Ids::seeded(Ids::fresh_seed()), now_ms);
        answer.status = status;
        answer
    };
    let sent = call.header("if-match").unwrap_or_default();
    let stale = format!("Supplied version=[{sent}] does not match the current version on entity");
    match named {
        NamedAnswer::RateLimited => refused(Problem::Gateway {
            status,
            code: "429050",
            message: "Too many requests",
        }),
        NamedAnswer::TokenInvalid => refused(Problem::Gateway {
            status,
            code: "401013",
            message: "Oauth token is not valid",
        }),
        NamedAnswer::FlowTokenInvalid => refused(Problem::flow(
            2115,
            status,
            "Invalid token. Provide a valid token and try again.",
        )),
        NamedAnswer::StaleEtag if call.route.is_flow_service() => {
            refused(Problem::flow(1404, status, stale))
        }
        NamedAnswer::StaleEtag => refused(problem_of(call.route.service, status, stale)),
        NamedAnswer::StaleEtagBare => Answer::json(status, json!({"errorMessage": stale})),
        NamedAnswer::Adobe => {
            let message = "The request could not be processed. Try again later.";
            refused(problem_of(call.route.service, status, message.to_owned()))
        }
        NamedAnswer::Page => answer(&CannedAnswer::html(status), call, now_ms),
        NamedAnswer::Nothing => Answer::empty(status),
        NamedAnswer::JsonString => Answer::json(status, "accepted"),
        NamedAnswer::Echo => {
            let sent = String::from_utf8_lossy(&call.body);
            let message = format!("The request could not be processed: {sent}");
            refused(problem_of(call.route.service, status, message))
        }
        NamedAnswer::EchoAll => {
            let message = format!("The request could not be processed: {}", whole(call));
            refused(problem_of(call.route.service, status, message))
        }
    }
}

/// A request as a careless service would log it: all of it, and the values of a form once more
/// without their names, like a validator that complains about values.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_to_come_back_at_is_never_too_early() {
        let at = retry_after_header(RetryAfter::Date { date_in: 2 }, 1_581_470_399_001);
        assert_eq!(at, "Wed, 12 Feb 2020 01:20:02 GMT");
        assert_eq!(retry_after_header(RetryAfter::Seconds(12), 0), "12");
    }
}

//! The platform's clock, as its answers show it: a machine whose clock is off schedules wrongly.
//!
//! Source: RFC 9110, 6.6.1 (`Date`).

use std::time::SystemTime;

use http::header;

use crate::answer::Answer;
use crate::client::Client;
use crate::error::ReadError;
use crate::kind::Kind;
use crate::request::{Request, Service};

fn build() -> Request {
    // The cheapest read there is: it needs no sandbox.
    Request::get(Kind::Sandbox, Service::SandboxManagement, "/")
        .query("limit", "1")
        .query("offset", "0")
}

fn parse(answer: &Answer) -> Option<SystemTime> {
    let date = answer.headers.get(header::DATE)?.to_str().ok()?;
    httpdate::parse_http_date(date).ok()
}

impl Client {
    /// The time that the platform's answer carries, to the second; `None` if it carries none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn server_time(&self) -> Result<Option<SystemTime>, ReadError> {
        self.read(None, &build(), |answer| Ok(parse(answer))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn check(date: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, HeaderValue::from_static(date));
        let answer = Answer {
            status: StatusCode::OK,
            headers,
            body: Ok(Bytes::new()),
        };
        let time = parse(&answer)?;
        time.duration_since(SystemTime::UNIX_EPOCH)
            .ok()
            .map(|since| since.as_secs())
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(check("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(check("yesterday"), None);
    }
}

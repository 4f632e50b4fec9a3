//! How long the platform asks to wait.
//!
//! Sources: RFC 9110, 10.2.3 (seconds or a date); the gateway's open source, read 2026-11, whose
//! rule for 503071 sends the misspelt `Retry_After: 300s`.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// The longest wait that is accepted. A date a year ahead is a mistake. An hour is more than any
/// known rule of the gateway, and short enough that the caller tries again the same day.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The wait that the platform asks for, counted from `now`, at most [`MAX_RETRY_AFTER`]. A date in
/// the past gives a wait of 0.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = ["retry-after", "retry_after"]
        .iter()
        .find_map(|name| headers.get(*name))?
        .to_str()
        .ok()?
        .trim();
    let seconds = text.strip_suffix('s').unwrap_or(text);
    let wait = if !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit()) {
        // A number that is too long for a u64 is a long wait, not an absent one.
        Duration::from_secs(seconds.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 12:00:00 GMT").unwrap();
        let cases = [
            ("retry-after", "12", Some(12)),
            ("retry-after", "0", Some(0)),
            ("retry_after", "300s", Some(300)),
            ("retry-after", "Tue, 24 Nov 2026 12:00:30 GMT", Some(30)),
            ("retry-after", "Tue, 24 Nov 2026 11:00:00 GMT", Some(0)),
            ("retry-after", "Wed, 24 Nov 2027 12:00:00 GMT", Some(3600)),
            ("retry-after", "99999999999999999999999", Some(3600)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "", None),
        ];
        for (name, value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}

//! Adobe's error codes and request ids as values.
//!
//! Sources: "Experience Platform FAQ and troubleshooting", "Flow Service errors", "Sources
//! errors", Schema Registry troubleshooting guide, read 2026-11.

use crate::text::clean;

/// An error code as Adobe wrote it: `401013` (gateway), `FLOW-1439-404`, `XDM-1521-400`,
/// `1308-400` (the catalogue's form without the prefix) or `invalid_client` (IMS).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct AdobeCode(String);

/// Which service a code is from: the numbers of two services may be equal and mean different
/// things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Six digits of the gateway in front of every service.
    Gateway,
    /// Flow Service and its connectors layer, which share one space of numbers.
    Flow,
    /// Schema Registry.
    Xdm,
    /// OAuth words of IMS.
    Ims,
    /// Any other service.
    Other,
}

impl AdobeCode {
    /// A gateway's `error_code` or an IMS `error` word, cleaned and cut.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let text = clean(text, 64);
        (!text.is_empty()).then_some(Self(text))
    }

    /// The code at the end of a problem document's `type`: the last path segment, if it reads
    /// `<SERVICE>-<number>-<status>` or `<number>-<status>`. Scheme and host are ignored, as they
    /// differ by service.
    pub(crate) fn from_type_uri(uri: &str) -> Option<Self> {
        let last = uri.trim_end_matches('/').rsplit('/').next()?;
        let mut parts = last.rsplit('-');
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let status = parts.next()?;
        let number = parts.next()?;
        if !digits(status) || status.len() != 3 || !digits(number) {
            return None;
        }
        Self::from_text(last)
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Flow Service refuses a start time, an interval, a backfill or a delta column.
    /// Source: "Sources errors", 1360 to 1369, read 2026-11.
    #[must_use]
    pub fn refuses_schedule(&self) -> bool {
        let refusals = ["1360", "1361", "1362", "1363", "1364", "1367", "1369"];
        self.family() == Family::Flow && self.number().is_some_and(|it| refusals.contains(&it))
    }

    /// Whether Flow Service does not know, or no longer accepts, a connection spec. Source: "Flow
    /// Service errors" 1413, "Sources errors" 1305 and 1336, read 2026-11.
    #[must_use]
    pub fn refuses_connection_spec(&self) -> bool {
        let refusals = ["1305", "1336", "1413"];
        self.family() == Family::Flow && self.number().is_some_and(|it| refusals.contains(&it))
    }

    pub(crate) fn family(&self) -> Family {
        if self.0.len() == 6 && self.0.bytes().all(|b| b.is_ascii_digit()) {
            return Family::Gateway;
        }
        if self.number().is_none() {
            return Family::Ims;
        }
        match self.0.split('-').next() {
            Some("XDM") => Family::Xdm,
            Some("FLOW" | "CONNECTOR" | "CONNECTORS") => Family::Flow,
            Some(first) if first.bytes().all(|b| b.is_ascii_digit()) => Family::Flow,
            _ => Family::Other,
        }
    }

    /// `1439` of `FLOW-1439-404`.
    pub(crate) fn number(&self) -> Option<&str> {
        let mut parts = self.0.rsplit('-');
        let status = parts.next()?;
        let number = parts.next()?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (digits(status) && digits(number)).then_some(number)
    }

    /// `1439-404` of `FLOW-1439-404`: the form that the catalogue prints.
    pub(crate) fn number_and_status(&self) -> &str {
        let text = self.0.as_str();
        match text.find(|c: char| c.is_ascii_digit()) {
            Some(at) => &text[at..],
            None => text,
        }
    }
}

impl std::fmt::Display for AdobeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id that Adobe's support asks for, from the `X-Request-Id` header or the error's report.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let text = clean(text, 128);
        (!text.is_empty()).then_some(Self(text))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_last_segment_of_the_type() {
        let cases = [
            (
                "https://ns.adobe.com/aep/errors/FLOW-1439-404",
                Some("FLOW-1439-404"),
            ),
            (
                "http://ns.adobe.com/aep/errors/XDM-1521-400",
                Some("XDM-1521-400"),
            ),
            ("http://ns.adobe.com/aep/errors/1308-400", Some("1308-400")),
            ("/placeholder/type/uri", None),
            ("https://ns.adobe.com/aep/errors/FLOW-1439", None),
            ("", None),
        ];
        for (uri, expected) in cases {
            let code = AdobeCode::from_type_uri(uri);
            assert_eq!(code.as_ref().map(AdobeCode::as_str), expected, "{uri}");
        }
    }

    #[test]
    fn families_and_numbers_are_distinguished() {
        let cases = [
            ("401013", Family::Gateway, None, "401013"),
            ("FLOW-1439-404", Family::Flow, Some("1439"), "1439-404"),
            ("1308-400", Family::Flow, Some("1308"), "1308-400"),
            ("XDM-1521-400", Family::Xdm, Some("1521"), "1521-400"),
            ("SMS-2074-400", Family::Other, Some("2074"), "2074-400"),
            ("invalid_client", Family::Ims, None, "invalid_client"),
        ];
        for (text, family, number, tail) in cases {
            let code = AdobeCode::from_text(text).unwrap();
            assert_eq!(code.family(), family, "{text}");
            assert_eq!(code.number(), number, "{text}");
            assert_eq!(code.number_and_status(), tail, "{text}");
        }
    }
}

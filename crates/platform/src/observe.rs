//! The span and the metrics of one request.
//!
//! Names are those of OpenTelemetry's semantic conventions for HTTP clients, and `adobe.…` and
//! `aep.…` for what these don't cover. Neither shows an address, body or header of a request: these
//! hold names, ids and secrets. Source: semantic conventions 1.29, read 2026-11.

use std::sync::LazyLock;
use std::time::Instant;

use opentelemetry::metrics::{Counter, Histogram};
use opentelemetry::{KeyValue, global};
use tracing::{Instrument as _, Span};

use crate::classify::is_documented;
use crate::code::AdobeCode;
use crate::kind::EntityKind;
use crate::response::Response;
use crate::transport::{TransportError, WireRequest};

/// Seconds; requests to a source system take up to the limit of 120 s.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

/// The header that names the sandbox of a call.
pub(crate) const SANDBOX: &str = "x-sandbox-name";

/// They belong to the process's meter at the time of the first request.
static METRICS: LazyLock<RequestMetrics> = LazyLock::new(|| {
    let meter = global::meter("aep-platform");
    RequestMetrics {
        requests: meter
            .u64_counter("aep_flow.requests")
            .with_description("Requests to the platform and the token service")
            .build(),
        duration: meter
            .f64_histogram("http.client.request.duration")
            .with_unit("s")
            .with_description("From the first byte of a request to the last of its response")
            .with_boundaries(SECONDS.to_vec())
            .build(),
        renewals: meter
            .u64_counter("aep_flow.token.renewals")
            .with_description("Access tokens asked for")
            .build(),
        skipped: meter
            .u64_counter("aep_flow.list.skipped")
            .with_description("Entries of the platform's lists that are no resources")
            .build(),
    }
});

struct RequestMetrics {
    requests: Counter<u64>,
    duration: Histogram<f64>,
    renewals: Counter<u64>,
    skipped: Counter<u64>,
}

/// One request in flight.
pub(crate) struct Observed<'a> {
    span: Span,
    begun: Instant,
    wire: &'a WireRequest,
}

impl<'a> Observed<'a> {
    /// The request is about to be sent; `resends` counts how often it was before.
    pub(crate) fn begin(wire: &'a WireRequest, kind: &'static str, resends: u32) -> Self {
        let span = tracing::info_span!(
            "aep.request",
            otel.name = format_args!("{} {}", wire.method, wire.template),
            otel.kind = "client",
            http.request.method = wire.method.as_str(),
            http.request.resend_count = (resends > 0).then_some(i64::from(resends)),
            url.template = wire.template.as_str(),
            server.address = wire.url.host_str().unwrap_or_default(),
            server.port = wire.url.port_or_known_default().map(i64::from),
            aep.sandbox = wire
                .headers
                .get(SANDBOX)
                .and_then(|name| name.to_str().ok()),
            aep.resource.kind = kind,
            http.response.status_code = tracing::field::Empty,
            adobe.request_id = tracing::field::Empty,
            adobe.error_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        Self {
            span,
            begun: Instant::now(),
            wire,
        }
    }

    /// Runs `sending` inside the request's span.
    pub(crate) async fn sent<T>(&self, sending: impl Future<Output = T>) -> T {
        sending.instrument(self.span.clone()).await
    }

    /// A response came; `code` is Adobe's, where it is a refusal with one.
    pub(crate) fn responded(self, response: &Response, code: Option<&AdobeCode>) {
        let status = i64::from(response.status.as_u16());
        self.span.record("http.response.status_code", status);
        if let Some(id) = response.request_id() {
            self.span.record("adobe.request_id", id.as_str());
        }
        if let Some(code) = code {
            self.span.record("adobe.error_code", code.as_str());
        }
        let error = if !response.status.is_success() {
            Some(response.status.as_str())
        } else if response.body.is_err() {
            Some("answer unreadable")
        } else {
            None
        };
        self.ended(Some(status), error, code);
    }

    /// No response came.
    pub(crate) fn failed(self, error: &TransportError) {
        self.ended(None, Some(error.kind().as_str()), None);
    }

    fn ended(self, status: Option<i64>, error: Option<&str>, code: Option<&AdobeCode>) {
        if let Some(error) = error {
            self.span.record("error.type", error);
            self.span.record("otel.status_code", "ERROR");
        }
        let mut labels = vec![
            KeyValue::new("http.request.method", self.wire.method.to_string()),
            KeyValue::new("url.template", self.wire.template.clone()),
            KeyValue::new(
                "server.address",
                self.wire.url.host_str().unwrap_or_default().to_owned(),
            ),
        ];
        if let Some(status) = status {
            labels.push(KeyValue::new("http.response.status_code", status));
        }
        if let Some(error) = error {
            labels.push(KeyValue::new("error.type", error.to_owned()));
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        METRICS.duration.record(seconds, &labels);
        // An undocumented code could be any text, and a label must not.
        let code = code.map_or("", |code| {
            if is_documented(code) {
                code.as_str()
            } else {
                "other"
            }
        });
        labels.push(KeyValue::new("adobe.error_code", code.to_owned()));
        METRICS.requests.add(1, &labels);
    }
}

/// How a request for a token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    Renewed,
    /// The token service refused the credentials.
    Refused,
    /// There was no usable response.
    Failed,
}

/// Counts a request for a token.
pub(crate) fn token_asked_for(renewal: Renewal) {
    let outcome = match renewal {
        Renewal::Renewed => "renewed",
        Renewal::Refused => "refused",
        Renewal::Failed => "failed",
    };
    METRICS
        .renewals
        .add(1, &[KeyValue::new("outcome", outcome)]);
}

/// Counts entries of a list that can't be read.
pub(crate) fn entries_skipped(kind: EntityKind, count: usize) {
    tracing::info!(
        kind = kind.as_str(),
        count,
        "a list of the platform has entries that are no resources: they are skipped"
    );
    METRICS.skipped.add(
        u64::try_from(count).unwrap_or(u64::MAX),
        &[KeyValue::new("kind", kind.as_str())],
    );
}

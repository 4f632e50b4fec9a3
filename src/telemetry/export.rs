//! Exports traces and metrics to a collector by OTLP, as the standard variables say.
//!
//! This only reads whether to export at all, which OpenTelemetry's crates leave to the program. The
//! crates read endpoint, protocol, headers, timeouts, compression, sampling and queue sizes. Source: OpenTelemetry's specification of environment variables, read 2026-11.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{SpanData, SpanExporter as ExportSpans},
};

use super::TelemetryError;
use crate::config::Environment;

/// A kind of telemetry that is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
        }
    }

    /// The word for it in log lines.
    fn things(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metrics",
        }
    }
}

/// Whether the variables ask for an export: by the name of the exporter, or by an endpoint.
///
/// # Errors
/// [`TelemetryError::Export`] for an exporter that is not built in.
pub(super) fn is_wanted(signal: Signal, environment: &Environment) -> Result<bool, TelemetryError> {
    let signal = signal.name();
    let is_off = environment.get("OTEL_SDK_DISABLED");
    if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    let exporter = format!("OTEL_{signal}_EXPORTER");
    match environment.get(&exporter) {
        Some("none") => Ok(false),
        Some("otlp") => Ok(true),
        Some(other) => Err(TelemetryError::Export {
            problem: format!("`{exporter}` is `{other}`; `otlp` and `none` are known"),
        }),
        None => {
            let of_signal = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
            Ok(["OTEL_EXPORTER_OTLP_ENDPOINT", &of_signal]
                .into_iter()
                .any(|name| environment.get(name).is_some()))
        }
    }
}

/// The exporter of spans to the collector.
pub(super) fn spans() -> Result<impl ExportSpans + 'static, TelemetryError> {
    ready_for_tls();
    let exporter = SpanExporter::builder().build().map_err(|e| cannot(&e))?;
    Ok(Watched::new(exporter, Signal::Traces))
}

/// The exporter of metrics to the collector.
pub(super) fn metrics() -> Result<impl PushMetricExporter, TelemetryError> {
    ready_for_tls();
    let exporter = MetricExporter::builder().build().map_err(|e| cannot(&e))?;
    Ok(Watched::new(exporter, Signal::Metrics))
}

fn cannot(error: &ExporterBuildError) -> TelemetryError {
    TelemetryError::Export {
        problem: error.to_string(),
    }
}

/// Sets the process's TLS library, without which the exporter over HTTP panics.
fn ready_for_tls() {
    // A second call keeps the first one's.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether the last export failed, by signal: both exporters of metrics report it once together.
static IS_FAILING: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// An exporter that reports once that the collector is unreachable, and once that it is back.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    signal: Signal,
}

impl<E> Watched<E> {
    fn new(inner: E, signal: Signal) -> Self {
        Self { inner, signal }
    }

    fn report(&self, result: &OTelSdkResult) {
        let things = self.signal.things();
        let is_failing = &IS_FAILING[self.signal as usize];
        match result {
            Err(error) if !is_failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    %error,
                    "{things} can't be sent to the collector, and are dropped until they can; \
                     the worker goes on"
                );
            }
            Ok(()) if is_failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("{things} are sent to the collector again");
            }
            _ => {}
        }
    }
}

impl<E: ExportSpans> ExportSpans for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        self.report(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.inner.export(metrics).await;
        self.report(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(signal: Signal, given: &[(&str, &str)]) -> Result<bool, TelemetryError> {
        is_wanted(signal, &given.iter().copied().collect())
    }

    #[test]
    fn nothing_is_exported_unless_asked_for() {
        for (given, traces, metrics) in [
            (vec![], false, false),
            (
                vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")],
                true,
                true,
            ),
            (
                vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c")],
                true,
                false,
            ),
            (vec![("OTEL_METRICS_EXPORTER", "otlp")], false, true),
            (
                vec![
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
                    ("OTEL_METRICS_EXPORTER", "none"),
                ],
                true,
                false,
            ),
            (
                vec![
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
                    ("OTEL_SDK_DISABLED", "True"),
                ],
                false,
                false,
            ),
        ] {
            assert_eq!(asked(Signal::Traces, &given).unwrap(), traces, "{given:?}");
            assert_eq!(
                asked(Signal::Metrics, &given).unwrap(),
                metrics,
                "{given:?}"
            );
        }
    }

    #[test]
    fn an_unknown_exporter_is_named() {
        let error = asked(Signal::Traces, &[("OTEL_TRACES_EXPORTER", "zipkin")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variables `OTEL_…` can't be applied: `OTEL_TRACES_EXPORTER` is `zipkin`; \
             `otlp` and `none` are known"
        );
    }
}

//! Logs, on stderr: text on a terminal, JSON elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::TelemetryError;
use crate::config::LogFormat;

/// OpenTelemetry's crates log each failed export; `export` reports it once instead.
const EXPORTERS: [&str; 4] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-otlp",
    "opentelemetry_prometheus",
];

/// The layer that writes what `filter` accepts.
///
/// The fields of the spans around a line are next to its own, so that a line of JSON has its
/// workflow, attempt and request at the top level.
pub(super) fn layer(
    format: LogFormat,
    filter: EnvFilter,
) -> Box<dyn Layer<Registry> + Send + Sync> {
    let is_terminal = std::io::stderr().is_terminal();
    let is_text = match format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    if is_text {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(is_terminal && crate::config::Environment::wants_color())
            .with_filter(filter)
            .boxed()
    } else {
        json_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .flatten_span_list_on_top_level(true)
            .with_filter(filter)
            .boxed()
    }
}

/// Reads the filter.
pub(super) fn filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    let mut filter = EnvFilter::try_new(text).map_err(|cause| TelemetryError::Filter {
        filter: text.to_owned(),
        cause,
    })?;
    for exporter in EXPORTERS {
        if !text.contains("opentelemetry") {
            let silent = format!("{exporter}=off");
            filter = filter.add_directive(silent.parse().expect("a constant directive reads"));
        }
    }
    Ok(filter)
}

//! The telemetry of the process: logs on stderr, traces and metrics by OpenTelemetry.
//!
//! Traces and metrics are off, and cost nothing, unless the standard variables `OTEL_…` name a
//! collector or the worker is configured to serve metrics.

mod export;
mod logs;
mod memory;
mod meters;
mod propagation;
mod sdk_meter;
mod traces;

use std::sync::OnceLock;

use opentelemetry::{Context, KeyValue, trace::FutureExt as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use temporalio_sdk::SimplePlugin;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use meters::Meters;
pub use traces::tracer_provider;

use crate::config::{Environment, Log};
use export::{Signal, is_wanted};
use traces::OnlySampled;

/// Set once, together with the subscriber.
static TRACER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Why telemetry can't be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not valid.
    #[error("the log filter `{filter}` can't be read")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        cause: tracing_subscriber::filter::ParseError,
    },
    /// The variables `OTEL_…` ask for something impossible.
    #[error("the variables `OTEL_…` can't be applied: {problem}")]
    Export {
        /// What is wrong.
        problem: String,
    },
    /// Logs are already set up in this process.
    #[error("logs are set up already")]
    AlreadySet(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// From now on, sends the logs of the process to stderr, and its spans to the collector that the
/// variables `OTEL_…` name, if any. Needs a Tokio runtime.
///
/// # Errors
/// [`TelemetryError::Filter`] if the filter can't be read, [`TelemetryError::Export`] if the
/// variables ask for something unknown, and [`TelemetryError::AlreadySet`] for a second call in one
/// process.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    let environment = Environment::of_process();
    let tracer = if is_wanted(Signal::Traces, &environment)? {
        Some(traces::provider(&environment)?)
    } else {
        None
    };
    let filter = logs::filter(&log.filter)?;
    let logged = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    tracing_subscriber::registry()
        .with(logs::layer(log.format, filter))
        .with(tracer.as_ref().map(traces::layer))
        .with(tracer.as_ref().map(|_| OnlySampled::beside(logged)))
        .try_init()
        .map_err(|error| TelemetryError::AlreadySet(error.into()))?;
    if let Some(tracer) = tracer {
        traces::propagate_in_requests();
        let _ = TRACER.set(tracer);
    }
    Ok(())
}

/// Whether this process sends its spans somewhere.
#[must_use]
pub fn is_tracing() -> bool {
    TRACER.get().is_some()
}

/// The plugin that makes the spans of Temporal's clients and workers, if this process sends any.
pub(crate) fn temporal_plugin() -> Option<SimplePlugin> {
    TRACER.get().map(traces::temporal_plugin)
}

/// Runs `polling` without a trace: a watcher may poll thousands of times.
pub fn untraced<F: Future>(polling: F) -> impl Future<Output = F::Output> {
    polling.with_context(Context::current().with_telemetry_suppressed())
}

/// Sends the spans that are still queued. If the collector does not respond, it waits at most
/// `OTEL_EXPORTER_OTLP_TIMEOUT`, ten seconds by default.
pub async fn flush() {
    let Some(tracer) = TRACER.get() else { return };
    let tracer = tracer.clone();
    // It blocks the thread until the exporter's own thread is done.
    let done = tokio::task::spawn_blocking(move || tracer.force_flush()).await;
    if let Ok(Err(error)) = done {
        tracing::debug!(%error, "the last spans were not sent");
    }
}

/// The source of the telemetry. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` override ours.
fn resource(environment: &Environment) -> Resource {
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let is_named = environment.get("OTEL_SERVICE_NAME").is_some()
        || environment
            .get("OTEL_RESOURCE_ATTRIBUTES")
            .is_some_and(|attributes| attributes.contains("service.name="));
    if is_named {
        resource.build()
    } else {
        resource.with_service_name("aep-flow").build()
    }
}

//! What the process tells of itself: logs on stderr, traces and metrics by OpenTelemetry.
//!
//! Traces and metrics are off, and cost nothing, unless the standard variables `OTEL_…` name a
//! collector or the worker is told to serve metrics.

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

/// Set once, when the subscriber is.
static TRACER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Why the process can't tell of itself as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("the log filter `{filter}` can't be read")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        cause: tracing_subscriber::filter::ParseError,
    },
    /// What the variables `OTEL_…` say can't be done.
    #[error("the variables `OTEL_…` can't be followed: {problem}")]
    Export {
        /// What is wrong.
        problem: String,
    },
    /// Something in this process logs already.
    #[error("logs are set up already")]
    AlreadySet(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends what the process logs to stderr from now on, and its spans to the collector that the
/// variables `OTEL_…` name, if any. Needs a Tokio runtime.
///
/// # Errors
/// [`TelemetryError::Filter`] when the filter can't be read, [`TelemetryError::Export`] when
/// the variables ask for what is not there, and [`TelemetryError::AlreadySet`] on a second
/// call in one process.
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

/// What makes the spans of Temporal's clients and workers, if this process sends any.
pub(crate) fn temporal_plugin() -> Option<SimplePlugin> {
    TRACER.get().map(traces::temporal_plugin)
}

/// Runs what is not worth a trace: looks of a watcher, of which there may be thousands.
pub fn untraced<F: Future>(looking: F) -> impl Future<Output = F::Output> {
    looking.with_context(Context::current().with_telemetry_suppressed())
}

/// Sends the spans that still wait to be sent. A collector that does not answer is waited for
/// no longer than `OTEL_EXPORTER_OTLP_TIMEOUT` says, ten seconds by default.
pub async fn flush() {
    let Some(tracer) = TRACER.get() else { return };
    let tracer = tracer.clone();
    // It blocks the thread until the exporter's own is done.
    let done = tokio::task::spawn_blocking(move || tracer.force_flush()).await;
    if let Ok(Err(error)) = done {
        tracing::debug!(%error, "the last spans were not sent");
    }
}

/// Who tells it. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before ours.
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

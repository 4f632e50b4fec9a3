//! One trace from a caller's workflow to each request: the spans of Temporal's plugin, with our own
//! below them.
//!
//! The plugin makes the spans of workflows and activities, and passes the context in Temporal's
//! header `_tracer-data`, like the other SDKs. Below an activity are the spans that our crates make
//! with `tracing`: the protocol's steps and the HTTP requests.

use std::time::Duration;

use opentelemetry::{
    Context, global,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor},
};
use temporalio_sdk::{
    SimplePlugin,
    opentelemetry::{
        INSTRUMENTATION_SCOPE, OpenTelemetryPlugin, WorkflowIdGenerator, WorkflowSpanProcessor,
    },
};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{Layer, filter, layer, registry::LookupSpan};

use super::{TelemetryError, export, propagation::TraceContext, resource};
use crate::config::Environment;

/// The crates whose spans and events are part of a trace; the libraries below them only log.
const OURS: [&str; 2] = ["aep_platform", "aep_flow_ensure"];

/// Makes spans for the collector.
pub(super) fn provider(environment: &Environment) -> Result<SdkTracerProvider, TelemetryError> {
    Ok(tracer_provider(export::spans()?, environment))
}

/// Makes the spans of a worker, and passes them to `exporter` in batches from a separate thread.
/// Spans that do not fit into its queue (`OTEL_BSP_MAX_QUEUE_SIZE`, 2048) are dropped, so that the
/// work never waits for them.
#[must_use]
pub fn tracer_provider(
    exporter: impl SpanExporter + 'static,
    environment: &Environment,
) -> SdkTracerProvider {
    let batches = BatchSpanProcessor::builder(exporter).build();
    SdkTracerProvider::builder()
        .with_resource(resource(environment))
        // The ids of workflow spans follow from the history, so that a replay gives the same.
        .with_id_generator(WorkflowIdGenerator::default())
        .with_span_processor(WithoutQueries(WorkflowSpanProcessor::new(batches)))
        .build()
}

/// Drops the plugin's spans of queries. A query changes nothing, and a watcher sends one per second,
/// all of which would be in the trace of the ingestion.
#[derive(Debug)]
struct WithoutQueries<P>(P);

impl<P: SpanProcessor> SpanProcessor for WithoutQueries<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.name.starts_with("HandleQuery:") {
            self.0.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Turns the spans of `tracing` into spans of a trace.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("aep-flow"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(
            filter::dynamic_filter_fn(|metadata, _| is_ours(metadata) && is_sampled())
                .with_callsite_filter(|metadata| {
                    if is_ours(metadata) {
                        Interest::sometimes()
                    } else {
                        Interest::never()
                    }
                })
                .with_max_level_hint(LevelFilter::DEBUG),
        )
}

/// Keeps spans that only a trace would show from being made unless their trace is sampled.
///
/// The filter of [`layer`] only keeps spans out of that layer: `tracing` still makes them. Only a
/// filter of all layers, such as this one, prevents that.
pub(super) struct OnlySampled {
    /// The log may show everything up to this level.
    logged: LevelFilter,
}

impl OnlySampled {
    pub(super) fn beside(logged: LevelFilter) -> Self {
        Self { logged }
    }

    fn is_for_log(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.logged
    }
}

impl<S: Subscriber> Layer<S> for OnlySampled {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_for_log(metadata) {
            Interest::always()
        } else if is_ours(metadata) {
            Interest::sometimes()
        } else {
            // Decided once here, so that `tracing` does not ask at each call of a library.
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        self.is_for_log(metadata) || is_sampled()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // It asks for nothing itself; the most verbose hint of all layers counts.
        Some(LevelFilter::OFF)
    }
}

/// Whether the current trace is sampled. If it is not, the spans below the activity's are not even
/// made: with sampling, most traces are like that.
fn is_sampled() -> bool {
    Context::map_current(|context| {
        let span = context.span();
        let of_trace = span.span_context();
        // Without a trace the sampler decides.
        !of_trace.is_valid() || of_trace.is_sampled()
    })
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() <= tracing::Level::DEBUG
        && OURS.iter().any(|ours| {
            target
                .strip_prefix(ours)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
}

/// Makes the spans of workflows and activities. Drops baggage: nothing of ours reads it, and we must
/// not pass it on.
pub(super) fn temporal_plugin(provider: &SdkTracerProvider) -> SimplePlugin {
    OpenTelemetryPlugin::builder()
        // The global tracer would be looked up and built again for each span.
        .tracer(provider.tracer(INSTRUMENTATION_SCOPE))
        .propagator(TraceContext::default())
        .build()
}

/// Makes requests carry the context of their trace.
pub(super) fn propagate_in_requests() {
    global::set_text_map_propagator(TraceContext::default());
}

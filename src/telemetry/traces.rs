//! One trace from a caller's workflow to the request: the spans of Temporal's plugin, and below
//! them our own.
//!
//! The plugin makes the spans of workflows and activities and takes the context through
//! Temporal's header `_tracer-data`, as the other SDKs do. Below an activity stand the spans
//! that the crates here make with `tracing`: the protocol's steps and the HTTP requests.

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

/// Whose spans and events are part of a trace; the libraries below log for themselves.
const OURS: [&str; 2] = ["aep_platform", "aep_flow_ensure"];

/// Makes spans for the collector.
pub(super) fn provider(environment: &Environment) -> Result<SdkTracerProvider, TelemetryError> {
    Ok(tracer_provider(export::spans()?, environment))
}

/// Makes the spans of a worker, and hands them to `exporter` in batches from a thread of its own.
/// What does not fit into its queue (`OTEL_BSP_MAX_QUEUE_SIZE`, 2048) is dropped, so that the work
/// never waits for it.
#[must_use]
pub fn tracer_provider(
    exporter: impl SpanExporter + 'static,
    environment: &Environment,
) -> SdkTracerProvider {
    let batches = BatchSpanProcessor::builder(exporter).build();
    SdkTracerProvider::builder()
        .with_resource(resource(environment))
        // Ids of workflow spans follow from the history, so that a replay leads to the same.
        .with_id_generator(WorkflowIdGenerator::default())
        .with_span_processor(WithoutQueries(WorkflowSpanProcessor::new(batches)))
        .build()
}

/// Leaves out what the plugin tells of queries: one changes nothing, and somebody who watches an
/// ingestion sends one a second, all of which would stand in its trace.
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

/// Turns the spans of `tracing` into those of a trace.
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

/// Lets what only a trace would show be made only where the trace is told.
///
/// What the filter of [`layer`] refuses, that layer leaves out, but `tracing` makes it all the
/// same: a filter of one layer alone never keeps a span from being made. So this is one of all.
pub(super) struct OnlySampled {
    /// The log may show up to this level in any case.
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
            // Said here, as `tracing` would else ask anew at each call of a library's.
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        self.is_for_log(metadata) || is_sampled()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // It asks for nothing itself; the loudest of all layers' hints counts.
        Some(LevelFilter::OFF)
    }
}

/// Whether the trace that this would be part of is told. In one that is not, spans below the
/// activity's are not even made: most traces are of that kind where a share is sampled.
fn is_sampled() -> bool {
    Context::map_current(|context| {
        let span = context.span();
        let of_trace = span.span_context();
        // Without one it is the sampler that decides.
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

/// Makes the spans of workflows and activities. Baggage ends here: nothing of ours reads it, and
/// what is in it is nobody's to send on.
pub(super) fn temporal_plugin(provider: &SdkTracerProvider) -> SimplePlugin {
    OpenTelemetryPlugin::builder()
        // The global one is looked up and built anew for each span.
        .tracer(provider.tracer(INSTRUMENTATION_SCOPE))
        .propagator(TraceContext::default())
        .build()
}

/// Lets requests carry their trace's context.
pub(super) fn propagate_in_requests() {
    global::set_text_map_propagator(TraceContext::default());
}

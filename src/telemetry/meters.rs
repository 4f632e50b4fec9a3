//! The worker's metrics, for Prometheus and for a collector.
//!
//! Our metrics follow the naming rules of OpenTelemetry and Prometheus, with unit and `_total`. Those
//! of Temporal's SDK keep the names and the milliseconds that Temporal's own boards expect
//! (`temporal_request`, `temporal_activity_execution_latency_bucket`), so they have their own
//! provider.

use std::sync::Arc;

use opentelemetry::{global, metrics::MeterProvider as _};
use opentelemetry_prometheus::ExporterBuilder;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use prometheus::{Encoder as _, Registry, TextEncoder};
use temporalio_common::telemetry::{
    TaskQueueLabelStrategy, TelemetryOptions,
    metrics::{CoreMeter, NewAttributes, TemporalMeter},
};

use super::{
    TelemetryError, export,
    export::{Signal, is_wanted},
    memory, resource,
    sdk_meter::SdkMeter,
};
use crate::config::Environment;

/// The meters of this process. Dropping them stops the metrics.
#[derive(Debug, Clone)]
pub struct Meters {
    /// One for each provider: a registry takes only one of these exporters.
    registries: [Registry; 2],
    ours: SdkMeterProvider,
    of_sdk: SdkMeterProvider,
}

impl Meters {
    /// Starts measuring: for readers of [`Self::text`] if `is_served`, and for the collector that
    /// the variables `OTEL_…` name. Returns nothing if nobody would see the metrics. Needs a Tokio
    /// runtime.
    ///
    /// From then on, the process's global meter is ours.
    ///
    /// # Errors
    /// [`TelemetryError::Export`] if the variables ask for something unknown.
    pub fn start(is_served: bool) -> Result<Option<Self>, TelemetryError> {
        let environment = Environment::of_process();
        let is_sent = is_wanted(Signal::Metrics, &environment)?;
        if !is_served && !is_sent {
            return Ok(None);
        }
        let registries = [Registry::new(), Registry::new()];
        let reader = |registry: &Registry| {
            opentelemetry_prometheus::exporter()
                .with_registry(registry.clone())
                .without_scope_info()
        };
        let provider = |reader: ExporterBuilder| -> Result<SdkMeterProvider, TelemetryError> {
            let reader = reader.build().map_err(|error| TelemetryError::Export {
                problem: error.to_string(),
            })?;
            let builder = SdkMeterProvider::builder()
                .with_resource(resource(&environment))
                .with_reader(reader);
            Ok(if is_sent { sent(builder)? } else { builder }.build())
        };
        let ours = provider(reader(&registries[0]))?;
        let of_sdk = provider(
            reader(&registries[1])
                .without_units()
                .without_counter_suffixes()
                .without_target_info(),
        )?;
        global::set_meter_provider(ours.clone());
        let meters = Self {
            registries,
            ours,
            of_sdk,
        };
        meters.measure_memory();
        Ok(Some(meters))
    }

    /// Options that make the SDK's worker write its metrics with ours.
    #[must_use]
    pub fn of_worker(&self) -> TelemetryOptions {
        TelemetryOptions::builder()
            .metrics(self.sdk_meter())
            // The meter has the prefix, and the resource has the service.
            .metric_prefix(String::new())
            .attach_service_name(false)
            .build()
    }

    /// A meter that makes the SDK's client write its metrics with ours.
    #[must_use]
    pub fn of_client(&self) -> TemporalMeter {
        TemporalMeter::new(
            self.sdk_meter(),
            NewAttributes::default(),
            TaskQueueLabelStrategy::UseNormal,
        )
    }

    fn sdk_meter(&self) -> Arc<dyn CoreMeter> {
        Arc::new(SdkMeter(self.of_sdk.meter("temporalio-sdk-core")))
    }

    /// All metrics in Prometheus's text format, and its content type.
    #[must_use]
    pub fn text(&self) -> (&'static str, Vec<u8>) {
        let mut text = Vec::new();
        for registry in &self.registries {
            // Writing into memory fails only for a metric without a name or a value.
            if let Err(error) = TextEncoder::new().encode(&registry.gather(), &mut text) {
                tracing::warn!(%error, "a metric can't be written");
            }
        }
        (prometheus::TEXT_FORMAT, text)
    }

    /// Sends the latest measurements.
    pub fn shut_down(&self) {
        for provider in [&self.ours, &self.of_sdk] {
            if let Err(error) = provider.shutdown() {
                tracing::debug!(%error, "the last metrics were not sent");
            }
        }
    }

    fn measure_memory(&self) {
        self.ours
            .meter("aep-flow")
            .u64_observable_gauge("process.memory.usage")
            .with_unit("By")
            .with_description("Resident memory of this process")
            .with_callback(|memory| {
                if let Some(bytes) = memory::resident_bytes() {
                    memory.observe(bytes, &[]);
                }
            })
            .build();
    }
}

/// Adds the collector, which gets metrics every `OTEL_METRIC_EXPORT_INTERVAL`, a minute by default.
fn sent(builder: MeterProviderBuilder) -> Result<MeterProviderBuilder, TelemetryError> {
    Ok(builder.with_reader(PeriodicReader::builder(export::metrics()?).build()))
}

//! Lets Temporal's SDK write its metrics with our meter.

use std::{sync::Arc, time::Duration};

use opentelemetry::{KeyValue, metrics::Meter};
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, Gauge, GaugeF64, Histogram, HistogramBase, HistogramDuration,
    HistogramDurationBase, HistogramF64, MetricAttributable, MetricAttributes, MetricParameters,
    NewAttributes, UpDownCounter, WORKFLOW_E2E_LATENCY_HISTOGRAM_NAME, default_buckets_for,
};

/// Prefix of the names of the SDK's metrics.
const PREFIX: &str = "temporal_";

/// Our meter behind the SDK's interface. Durations are in milliseconds, which is the SDK's default
/// and what Temporal's boards expect.
#[derive(Debug)]
pub(super) struct SdkMeter(pub(super) Meter);

impl CoreMeter for SdkMeter {
    fn new_attributes(&self, attributes: NewAttributes) -> MetricAttributes {
        MetricAttributes::OTel {
            kvs: Arc::new(
                attributes
                    .attributes
                    .into_iter()
                    .map(KeyValue::from)
                    .collect(),
            ),
        }
    }

    fn extend_attributes(
        &self,
        existing: MetricAttributes,
        attributes: NewAttributes,
    ) -> MetricAttributes {
        let MetricAttributes::OTel { mut kvs } = existing else {
            // The SDK passes back what `new_attributes` returned.
            return self.new_attributes(attributes);
        };
        Arc::make_mut(&mut kvs).extend(attributes.attributes.into_iter().map(KeyValue::from));
        MetricAttributes::OTel { kvs }
    }

    fn counter(&self, of: MetricParameters) -> Counter {
        let builder = self.0.u64_counter(prefixed(&of.name));
        Counter::new(Arc::new(
            builder
                .with_unit(of.unit)
                .with_description(of.description)
                .build(),
        ))
    }

    fn histogram(&self, of: MetricParameters) -> Histogram {
        Histogram::new(Arc::new(self.whole_numbers(of)))
    }

    fn histogram_f64(&self, of: MetricParameters) -> HistogramF64 {
        let builder = self.0.f64_histogram(prefixed(&of.name));
        HistogramF64::new(Arc::new(
            builder
                .with_unit(of.unit)
                .with_description(of.description)
                .build(),
        ))
    }

    fn histogram_duration(&self, mut of: MetricParameters) -> HistogramDuration {
        of.unit = "ms".into();
        HistogramDuration::new(Arc::new(Milliseconds(self.whole_numbers(of))))
    }

    fn gauge(&self, of: MetricParameters) -> Gauge {
        let builder = self.0.u64_gauge(prefixed(&of.name));
        Gauge::new(Arc::new(
            builder
                .with_unit(of.unit)
                .with_description(of.description)
                .build(),
        ))
    }

    fn gauge_f64(&self, of: MetricParameters) -> GaugeF64 {
        let builder = self.0.f64_gauge(prefixed(&of.name));
        GaugeF64::new(Arc::new(
            builder
                .with_unit(of.unit)
                .with_description(of.description)
                .build(),
        ))
    }

    fn up_down_counter(&self, of: MetricParameters) -> UpDownCounter {
        let builder = self.0.i64_up_down_counter(prefixed(&of.name));
        UpDownCounter::new(Arc::new(
            builder
                .with_unit(of.unit)
                .with_description(of.description)
                .build(),
        ))
    }
}

impl SdkMeter {
    fn whole_numbers(&self, of: MetricParameters) -> opentelemetry::metrics::Histogram<u64> {
        self.0
            .u64_histogram(prefixed(&of.name))
            .with_boundaries(buckets(&of.name).to_vec())
            .with_unit(of.unit)
            .with_description(of.description)
            .build()
    }
}

/// A call to a nearby server takes a few milliseconds, a poll takes a minute.
const MILLISECONDS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 12e4,
];

fn prefixed(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The SDK's own buckets for whole workflows; elsewhere its first bucket, 50 ms, would hold most.
fn buckets(name: &str) -> &'static [f64] {
    if name == WORKFLOW_E2E_LATENCY_HISTOGRAM_NAME {
        default_buckets_for(name, false)
    } else {
        MILLISECONDS
    }
}

/// A histogram of durations.
struct Milliseconds(opentelemetry::metrics::Histogram<u64>);

impl MetricAttributable<Box<dyn HistogramDurationBase>> for Milliseconds {
    fn with_attributes(
        &self,
        attributes: &MetricAttributes,
    ) -> Result<Box<dyn HistogramDurationBase>, Box<dyn std::error::Error>> {
        Ok(Box::new(InMilliseconds(
            self.0.with_attributes(attributes)?,
        )))
    }
}

struct InMilliseconds(Box<dyn HistogramBase>);

impl HistogramDurationBase for InMilliseconds {
    fn records(&self, value: Duration) {
        self.0
            .records(u64::try_from(value.as_millis()).unwrap_or(u64::MAX));
    }
}

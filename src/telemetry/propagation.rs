//! Propagates a trace in Temporal's header and in the headers of requests.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// W3C trace context, without an empty `tracestate`.
///
/// The library also writes the empty one. Temporal stores it in the history of each activity, and each
/// activity reads it again, which is a large part of the cost of an unsampled trace.
#[derive(Debug, Default)]
pub(super) struct TraceContext(TraceContextPropagator);

impl TextMapPropagator for TraceContext {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, &mut WithoutEmpty(injector));
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

struct WithoutEmpty<'a>(&'a mut dyn Injector);

impl Injector for WithoutEmpty<'_> {
    fn set(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.0.set(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn carried_on(headers: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let received: HashMap<_, _> = headers.iter().map(owned).collect();
        let context = TraceContext::default().extract(&received);
        assert!(context.has_active_span());
        let mut sent = HashMap::new();
        TraceContext::default().inject_context(&context, &mut sent);
        sent
    }

    #[test]
    fn a_state_that_says_nothing_is_not_sent() {
        let sent = carried_on(&[("traceparent", PARENT), ("tracestate", "")]);
        assert_eq!(sent, carried_on(&[("traceparent", PARENT)]));
        assert_eq!(sent.len(), 1);
        assert_eq!(sent["traceparent"], PARENT);
    }

    #[test]
    fn a_state_that_says_something_is_sent_on() {
        let sent = carried_on(&[("traceparent", PARENT), ("tracestate", "theirs=1")]);
        assert_eq!(sent["tracestate"], "theirs=1");
    }
}

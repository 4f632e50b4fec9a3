//! Ten minutes' worth of spans against a collector that is not there: memory stays flat. And no span
//! is made for a trace that is not exported.
//!
//! A process sets up what sends spans once, so each test runs itself again as a process with the
//! variables of one that traces.

use std::process::{Command, Output, Stdio};

use aep_flow::config::{Environment, Log};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;

/// Says to a process of this test what it is.
const ROLE: &str = "AEP_FLOW_TEST_SPANS";

/// A busy worker's ten minutes: 1,000 spans a second, some twenty requests' worth of them.
const SPANS: usize = 600_000;

/// What the queue and an export in flight may take beside what a process takes anyway.
const FLAT_KIB: u64 = 24 * 1024;

#[test]
fn a_dead_collector_costs_no_memory() {
    if Environment::of_process().get(ROLE).is_some() {
        return make_spans();
    }
    // The kernel takes connections and nobody answers, or nobody listens.
    for hangs in [true, false] {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let silent = hangs.then_some(silent);
        let output = run_again("a_dead_collector_costs_no_memory", &endpoint);
        let printed = String::from_utf8_lossy(&output.stdout);
        let logged = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}\n{logged}");
        let figure = |name: &str| -> u64 {
            let found = printed.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap().trim().parse().unwrap()
        };
        let (early, late) = (figure("early "), figure("late "));
        println!("hangs: {hangs}, {SPANS} spans: {early} KiB after a tenth, {late} KiB at the end");
        assert!(late < early + FLAT_KIB, "{early} KiB grew to {late} KiB");
        let told = logged.matches("can't be sent to the collector").count();
        assert_eq!(told, 1, "{logged}");
        drop(silent);
    }
}

#[test]
fn what_no_one_is_told_is_not_even_made() {
    if Environment::of_process().get(ROLE).is_some() {
        return make_none();
    }
    // Nobody listens there.
    let output = run_again("what_no_one_is_told_is_not_even_made", "http://127.0.0.1:9");
    let printed = String::from_utf8_lossy(&output.stdout);
    let logged = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{logged}");
    assert!(printed.contains("1 passed"), "{printed}");
}

/// The same test in a process that traces, to a collector at `endpoint`.
fn run_again(test: &str, endpoint: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("spans::{test}"), "--nocapture"])
        .env(ROLE, "maker")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "500")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// From now on this process traces, and logs what `filter` lets through.
fn trace(filter: &str) -> Runtime {
    let runtime = Runtime::new().unwrap();
    let inside = runtime.enter();
    let log = Log {
        filter: filter.to_owned(),
        ..Log::default()
    };
    aep_flow::telemetry::init(&log).unwrap();
    drop(inside);
    runtime
}

/// In a process of its own: spans in traces that are exported, and in some that are not.
fn make_none() {
    let _runtime = trace("warn,aep_platform=info");
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    let in_trace = |flags| {
        let (trace, span) = (TraceId::from(1), SpanId::from(1));
        let of_trace = SpanContext::new(trace, span, flags, true, TraceState::NONE);
        Context::new().with_remote_span_context(of_trace).attach()
    };
    // As `aep-flow-ensure` makes them, and `aep-platform`.
    let step = || tracing::debug_span!(target: "aep_flow_ensure::drive", "ensure");
    let request = || tracing::info_span!(target: "aep_platform::observe", "aep.request");
    {
        let _told = in_trace(TraceFlags::SAMPLED);
        assert!(!step().is_disabled(), "a trace that is told has its steps");
        assert!(!request().is_disabled());
    }
    let _untold = in_trace(TraceFlags::NOT_SAMPLED);
    assert!(step().is_disabled(), "nobody is told of it");
    assert!(!request().is_disabled(), "the log's lines stand in it");
}

/// In a process of its own: the spans that requests make, and what they cost.
fn make_spans() {
    let runtime = trace("warn");
    assert!(aep_flow::telemetry::is_tracing());
    for number in 0..SPANS {
        // As `aep-platform` makes them.
        let span = tracing::info_span!(
            target: "aep_platform::observe",
            "aep.request",
            url.template = "/data/foundation/flowservice/connections",
            http.response.status_code = 200,
            number,
        );
        drop(span.entered());
        if number == SPANS / 10 {
            println!("early {}", resident_kib());
        }
    }
    runtime.block_on(aep_flow::telemetry::flush());
    println!("late {}", resident_kib());
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.unwrap().trim().strip_suffix("kB").unwrap();
    figure.trim().parse().unwrap()
}

//! One trace from a caller's program to the request, as a real collector gets it.

use std::collections::HashSet;
use std::io::Write as _;
use std::process::Stdio;

use aep_emulator::{Action, CannedAnswer, CutAt, Rule};
use aep_flow_testkit::callers::{Project, answer};
use aep_flow_testkit::collector::{Collector, Span};
use aep_flow_testkit::world::assert_no_secret;
use aep_flow_testkit::{World, eventually, input, table, within};
use anyhow::Context as _;
use serde_json::{Value, json};

/// Where a chain of spans goes on: the one of that name whose parent is `parent`.
fn child<'a>(spans: &'a [Span], parent: &Span, name: &str) -> &'a Span {
    let children: Vec<&Span> = spans
        .iter()
        .filter(|span| span.parent_id == parent.id)
        .collect();
    let found: Vec<&&Span> = children.iter().filter(|span| span.name == name).collect();
    match found.as_slice() {
        [only] => only,
        _ => panic!(
            "{} of {name:?} below {:?}, but {:?}",
            found.len(),
            parent.name,
            children.iter().map(|span| &span.name).collect::<Vec<_>>()
        ),
    }
}

fn below<'a>(spans: &'a [Span], from: &'a Span, names: &[&str]) -> &'a Span {
    names
        .iter()
        .fold(from, |parent, name| child(spans, parent, name))
}

/// The attempts at an activity, in their order.
fn attempts<'a>(spans: &'a [Span], workflow: &Span, activity: &str) -> Vec<&'a Span> {
    let scheduled = child(spans, workflow, &format!("StartActivity:{activity}"));
    let mut attempts: Vec<&Span> = spans
        .iter()
        .filter(|span| span.parent_id == scheduled.id)
        .collect();
    attempts.sort_by_key(|span| span.attributes["temporalAttempt"].as_i64());
    attempts
}

/// Waits until the collector has the end of `count` runs of that workflow.
async fn ended(collector: &Collector, workflow: &str, count: usize) -> Vec<Span> {
    let name = format!("RunWorkflow:{workflow}");
    eventually("the spans", async || {
        let spans = collector.spans();
        let runs = spans.iter().filter(|span| span.name == name).count();
        (runs >= count).then_some(spans)
    })
    .await
}

fn busy(text: &str) -> Action {
    Action::Refuse(serde_json::from_str::<CannedAnswer>(text).unwrap())
}

#[tokio::test]
async fn from_a_program_in_python_to_the_request() -> anyhow::Result<()> {
    let project = Project::copy_of("tests/e2e/traces")?;
    let Some(python) = project.python().await? else {
        return Ok(());
    };
    let Some(collector) = Collector::start().await? else {
        return Ok(());
    };
    let world = World::new().await;
    let throttled = busy(r#"{"as": "rateLimited", "retryAfter": 1}"#);
    let lost = Action::ApplyThenDrop { at: CutAt::Start };
    for rule in [
        Rule::new("GET", "/sourceConnections", throttled).nth([1]),
        Rule::new("POST", "/flows", lost).nth([1]),
    ] {
        world.emulator.add_fault(rule);
    }
    let mut worker = world.worker_process_with(
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.grpc.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ],
        "worker.log",
    );

    let mut caller = project.command(python, &["caller.py"]);
    let variables = world.variables();
    let of_temporal = variables
        .iter()
        .filter(|(name, _)| name.starts_with("TEMPORAL_"));
    caller
        .envs(of_temporal.cloned())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.http)
        .env("OTEL_SERVICE_NAME", "nightly")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut caller = caller.into_std().spawn()?;
    let spec = input(&[table("Contacts")]);
    let mut stdin = caller.stdin.take().context("no stdin")?;
    stdin.write_all(spec.to_string().as_bytes())?;
    drop(stdin);
    let called = tokio::task::spawn_blocking(move || caller.wait_with_output());
    let called = within("the caller", called).await??;
    let errors = String::from_utf8_lossy(&called.stderr);
    assert!(called.status.success(), "{errors}");
    let trace_id = text(&answer(&String::from_utf8(called.stdout)?)?["traceId"]);
    within("the worker's end", worker.terminate()).await;
    let spans = ended(&collector, "IngestOracleServiceCloud", 1).await;
    // Seen when the test fails.
    println!("{}", collector.tree());

    // One trace, whose first span is the caller's.
    let [root] = spans
        .iter()
        .filter(|span| span.name == "nightly job")
        .collect::<Vec<_>>()[..]
    else {
        panic!("{spans:#?}");
    };
    assert_eq!(root.trace_id, trace_id);
    assert_eq!(
        (root.parent_id.as_str(), root.service.as_str()),
        ("", "nightly")
    );
    let strangers: Vec<_> = spans
        .iter()
        .filter(|span| span.trace_id != trace_id)
        .collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
    let ids: HashSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "an id came twice");
    let orphans: Vec<_> = spans
        .iter()
        .filter(|span| span.id != root.id && !ids.contains(span.parent_id.as_str()))
        .collect();
    assert!(orphans.is_empty(), "{orphans:#?}");

    // From the caller's program through both workflows to the request.
    let ingestion = below(
        &spans,
        root,
        &[
            "StartWorkflow:Nightly",
            // The Python SDK puts the caller's own run beside what it starts.
            "StartChildWorkflow:IngestOracleServiceCloud",
            "RunWorkflow:IngestOracleServiceCloud",
        ],
    );
    assert_eq!(ingestion.service, "aep-flow");
    let [connecting] = attempts(&spans, ingestion, "CreateOracleServiceCloudBaseConnection")[..]
    else {
        panic!("the base connection took more than one attempt");
    };
    assert_eq!(
        connecting.name,
        "RunActivity:CreateOracleServiceCloudBaseConnection"
    );
    let ensure = child(&spans, connecting, "ensure");
    assert_eq!(ensure.attributes["ensure.decision"], "created");
    assert_eq!(ensure.attributes["aep.resource.kind"], "base connection");
    let request = below(
        &spans,
        ensure,
        &[
            "ensure create",
            "POST /data/foundation/flowservice/connections",
        ],
    );
    let host = world.emulator.url();
    let port: i64 = host.rsplit(':').next().unwrap().parse()?;
    for (attribute, expected) in [
        ("http.request.method", json!("POST")),
        (
            "url.template",
            json!("/data/foundation/flowservice/connections"),
        ),
        ("server.address", json!("127.0.0.1")),
        ("server.port", json!(port)),
        ("http.response.status_code", json!(201)),
        ("aep.sandbox", json!("prod")),
        ("aep.resource.kind", json!("base connection")),
    ] {
        assert_eq!(request.attributes[attribute], expected, "{attribute}");
    }
    assert!(request.attributes["adobe.request_id"].is_string());
    assert_eq!((request.kind, request.is_error), (3, false));

    // What was refused is an attempt of its own, and says why.
    let [refused, through] = attempts(&spans, ingestion, "CreateSourceConnection")[..] else {
        panic!("no second attempt at the source connection");
    };
    assert_eq!(refused.attributes["error.type"], "RateLimited");
    assert_eq!(refused.attributes["adobe.error_code"], "429050");
    assert_eq!((refused.is_error, through.is_error), (true, false));
    let looked = below(
        &spans,
        refused,
        &[
            "ensure",
            "ensure look",
            "GET /data/foundation/flowservice/sourceConnections",
        ],
    );
    for (attribute, expected) in [
        ("http.response.status_code", json!(429)),
        ("error.type", json!("429")),
        ("adobe.error_code", json!("429050")),
    ] {
        assert_eq!(looked.attributes[attribute], expected, "{attribute}");
    }
    assert!(looked.is_error);
    let id = |span: &Span| span.attributes.get("adobe.request_id").cloned();
    assert_eq!(id(looked), id(refused));

    // A lost answer: first open, then found.
    let flows = attempts(&spans, ingestion, "CreateDataflow");
    let decisions: Vec<&Value> = flows
        .iter()
        .map(|attempt| &child(&spans, attempt, "ensure").attributes["ensure.decision"])
        .collect();
    assert_eq!(decisions.first(), Some(&&json!("ambiguous")));
    assert_eq!(decisions.last(), Some(&&json!("adopted")));
    let lost = below(
        &spans,
        child(&spans, flows[0], "ensure"),
        &["ensure create", "POST /data/foundation/flowservice/flows"],
    );
    assert_eq!(lost.attributes["error.type"], "the connection was lost");

    // Each request carried the id of its span to the platform.
    for entry in world.emulator.journal() {
        let context = entry
            .traceparent
            .with_context(|| format!("{} {}", entry.method, entry.route))?;
        let [_, trace, span, flags] = context.split('-').collect::<Vec<_>>()[..] else {
            panic!("{context}");
        };
        assert_eq!((trace, flags), (trace_id.as_str(), "01"));
        let told = spans
            .iter()
            .find(|known| known.id == span)
            .context(context.clone())?;
        let route = told.attributes["url.template"].as_str().unwrap();
        assert_eq!(route.trim_end_matches('/'), entry.route);
        assert_eq!(told.attributes["http.request.method"], entry.method);
    }
    assert_no_secret("a span", format!("{spans:?}").as_bytes());
    Ok(())
}

#[tokio::test]
async fn a_worker_that_keeps_nothing_tells_it_once() -> anyhow::Result<()> {
    let Some(collector) = Collector::start().await? else {
        return Ok(());
    };
    let world = World::new().await;
    let throttled = busy(r#"{"as": "rateLimited", "retryAfter": 1}"#);
    world
        .emulator
        .add_fault(Rule::new("POST", "/dataSets", throttled).nth([1]));
    // Each task of the workflow begins with a replay of all before it.
    let mut worker = world.worker_process_with(
        &[
            ("AEP_FLOW_WORKER_MAX_CACHED_WORKFLOWS", "0"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ],
        "worker.log",
    );
    let run = world
        .start(&input(&[table("Contacts"), table("Accounts")]))
        .await;
    // Whoever watches leaves no trace.
    run.status().await;
    run.end().await.unwrap();
    run.status().await;
    within("the worker's end", worker.terminate()).await;
    let spans = eventually("the last spans", async || {
        let spans = collector.spans();
        let last = spans
            .iter()
            .filter(|span| span.name == "RunActivity:CreateDataflow");
        (last.count() >= 2).then_some(spans)
    })
    .await;
    // Seen when the test fails.
    println!("{}", collector.tree());

    let ids: HashSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "an id came twice");
    let traces: HashSet<&str> = spans.iter().map(|span| span.trace_id.as_str()).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    let named = |prefix: &str| {
        let matching = spans.iter().filter(|span| span.name.starts_with(prefix));
        matching.count()
    };
    assert_eq!(named("HandleQuery:"), 0);
    // What may be searched by, one base connection, and seven steps for each of two tables; one
    // of them twice.
    assert_eq!(named("StartActivity:"), 1 + 1 + 2 * 7);
    assert_eq!(named("RunActivity:"), 1 + 1 + 2 * 7 + 1);
    // The run's own span is lost with the first worker that forgets it: the SDK makes none after
    // a replay. Its id is the same ever after, so that what it started stays together.
    let runs: HashSet<&str> = spans
        .iter()
        .filter(|span| !ids.contains(span.parent_id.as_str()))
        .map(|span| span.parent_id.as_str())
        .collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    let metrics = collector.metrics();
    for name in [
        "aep_flow.requests",
        "temporal_request",
        "http.client.request.duration",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_waits_is_no_error() -> anyhow::Result<()> {
    let Some(collector) = Collector::start().await? else {
        return Ok(());
    };
    let world = World::new().await;
    let mut worker = world.worker_process_with(
        &[
            ("AEP_FLOW_ENSURE_LIST_LAG", "1s"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http.as_str()),
            ("OTEL_METRICS_EXPORTER", "none"),
        ],
        "worker.log",
    );
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    within("the worker's end", worker.terminate()).await;
    let spans = ended(&collector, "IngestOracleServiceCloud", 1).await;
    let [run] = spans
        .iter()
        .filter(|span| span.name == "RunWorkflow:IngestOracleServiceCloud")
        .collect::<Vec<_>>()[..]
    else {
        panic!("{}", collector.tree());
    };
    let attempts = attempts(&spans, run, "CreateOracleServiceCloudBaseConnection");
    let [waiting, through] = attempts[..] else {
        panic!("{}", collector.tree());
    };
    assert_eq!(waiting.attributes["aep_flow.outcome"], "waiting");
    assert_eq!((waiting.is_error, through.is_error), (false, false));
    assert!(!waiting.attributes.contains_key("error.type"));
    let decision = |attempt| &child(&spans, attempt, "ensure").attributes["ensure.decision"];
    assert_eq!(decision(waiting), "waiting");
    assert_eq!(decision(through), "created");
    Ok(())
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_passed_on_and_not_told() -> anyhow::Result<()> {
    let Some(collector) = Collector::start().await? else {
        return Ok(());
    };
    let world = World::new().await;
    let mut worker = world.worker_process_with(
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http.as_str()),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0"),
        ],
        "worker.log",
    );
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    within("the worker's end", worker.terminate()).await;
    assert!(collector.spans().is_empty());
    let contexts: Vec<_> = world
        .emulator
        .journal()
        .into_iter()
        .filter_map(|entry| entry.traceparent)
        .collect();
    assert!(!contexts.is_empty());
    assert!(
        contexts.iter().all(|context| context.ends_with("-00")),
        "{contexts:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_worker_that_does_not_trace_sends_no_context() {
    let world = World::new().await;
    let mut worker = world.worker_process_with(&[], "worker.log");
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    within("the worker's end", worker.terminate()).await;
    let journal = world.emulator.journal();
    assert!(journal.iter().all(|entry| entry.traceparent.is_none()));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

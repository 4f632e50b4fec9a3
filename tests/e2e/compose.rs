//! The stack of `docker-compose.yml`, unchanged: a caller in Python starts an ingestion, the worker is
//! killed in the middle, the ingestion goes on and creates everything once, and its trace and metrics
//! are seen from outside.
//!
//! Runs when asked for, by `bash tests/compose/run.sh`, which gets what it needs. Whatever happens,
//! nothing of it is left running.

mod stack;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aep_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
};
use aep_flow::config::Environment;
use aep_flow_proto::names::SearchAttribute;
use aep_flow_testkit::callers::{self, answer, check_answer};
use aep_flow_testkit::eventually;
use anyhow::Context as _;
use serde_json::{Value, json};

use stack::{Stack, get, post};

const EMULATOR: &str = "http://127.0.0.1:8080";
const JAEGER: &str = "http://127.0.0.1:16686";
const PROMETHEUS: &str = "http://127.0.0.1:9090";

/// For the caller's four calls; one of them meets a worker that was killed, which the server
/// notices after a quarter of a minute.
const CALLER_WITHIN: Duration = Duration::from_secs(240);

/// The kinds of resource that the caller's one table needs, one of each.
const KINDS: [&str; 8] = [
    "connections",
    "sourceConnections",
    "targetConnections",
    "flows",
    "fieldgroups",
    "schemas",
    "dataSets",
    "mappingSets",
];

#[test]
fn the_file_says_what_the_code_does() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(folder.join("docker-compose.yml")).unwrap();
    let server = aep_flow_devserver::VERSION.trim_start_matches('v');
    let mut expected = vec![
        format!("image: temporalio/temporal:{server}"),
        format!("AEP_FLOW_ORG_ID: {DEFAULT_ORG}"),
        format!("AEP_FLOW_CLIENT_ID: {DEFAULT_CLIENT_ID}"),
        format!("AEP_FLOW_CLIENT_SECRET: {DEFAULT_CLIENT_SECRET}"),
        format!("OSC_PASSWORD: {DEFAULT_SOURCE_PASSWORD}"),
    ];
    for name in SearchAttribute::ALL {
        let value_type = name.value_type();
        expected.push(format!("--search-attribute={name}={value_type}"));
    }
    for text in expected {
        assert!(file.contains(&text), "docker-compose.yml lacks `{text}`");
    }
    for line in file.lines() {
        let entry = line.trim().trim_start_matches("ports: [");
        let entry = entry.trim_start_matches("- ").trim_start_matches('"');
        let is_port = entry.starts_with(|first: char| first.is_ascii_digit());
        let is_local = entry.starts_with("127.0.0.1:");
        assert!(
            is_local || !is_port,
            "published beyond this machine: {line}"
        );
    }
}

#[tokio::test]
async fn an_ingestion_outlives_its_worker_and_is_seen_from_outside() -> anyhow::Result<()> {
    if Environment::of_process().get("AEP_FLOW_TEST_COMPOSE") != Some("1") {
        // Past the test's capture: a test that was left out must not look like one that passed.
        use std::io::Write as _;
        let line = "SKIPPED: the stack of docker-compose.yml is tested by tests/compose/run.sh";
        return writeln!(std::io::stderr(), "{line}").context("write to stderr");
    }
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(mut caller) = callers::python().await? else {
        return Ok(());
    };
    let stack = Stack::up().await;

    // The source connection is created, but the worker is killed before it gets the response.
    let slow = json!({
        "method": "POST", "route": "/sourceConnections", "nth": [1],
        "action": {"kind": "applyThenDelay", "ms": 600_000},
    });
    post(&format!("{EMULATOR}/_emulator/faults"), &slow).await;
    caller.env("TEMPORAL_ADDRESS", "127.0.0.1:7233");
    let caller = tokio::spawn(callers::run(caller, CALLER_WITHIN));
    eventually("the create that is not answered", async || {
        let faults = get(&format!("{EMULATOR}/_emulator/faults")).await?;
        (faults[0]["seen"].as_u64()? > 0).then_some(())
    })
    .await;
    // A worker that is killed takes with it what it has not sent: here, the step it is in.
    let before = "RunActivity:CreateOracleServiceCloudBaseConnection";
    let trace = trace_with(&stack, &[before]).await;
    stack.kill_and_start("worker").await;

    let answer = answer(&caller.await??)?;
    let state = get(&format!("{EMULATOR}/_emulator/state")).await.unwrap();
    let made = &state["sandboxes"]["prod"];
    check_answer(&answer, &made["connections"][0]["id"])?;
    let counts: BTreeMap<&str, Option<usize>> = KINDS
        .iter()
        .map(|kind| (*kind, made[kind].as_array().map(Vec::len)))
        .collect();
    assert!(counts.values().all(|count| *count == Some(1)), "{counts:?}");

    let after = [
        before,
        "RunActivity:CreateSourceConnection",
        "RunActivity:CreateDataflow",
        "POST /data/foundation/flowservice/flows",
    ];
    assert_eq!(trace_with(&stack, &after).await, trace, "two traces");
    if stack.has("traces") {
        let url = format!("{JAEGER}/api/traces/{trace}");
        eventually("the trace in Jaeger", async || {
            let spans = get(&url).await?["data"][0]["spans"].as_array()?.len();
            (spans > after.len()).then_some(())
        })
        .await;
    }
    the_workers_metrics_are_in_prometheus().await;
    Ok(())
}

/// Waits until the collector has printed a trace with all of these spans, and gives its id.
async fn trace_with(stack: &Stack, spans: &[&str]) -> String {
    eventually(&format!("a trace with {spans:?}"), async || {
        let mut traces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in stack.logs("collector").lines() {
            if let Some((name, trace)) = span(line) {
                traces.entry(trace).or_default().insert(name);
            }
        }
        let has_all = |names: &BTreeSet<String>| spans.iter().all(|span| names.contains(*span));
        let found = traces.into_iter().find(|(_, names)| has_all(names));
        found.map(|(trace, _)| trace)
    })
    .await
}

/// Name and trace id of a span, as the collector's debug exporter prints it: name, trace id, span
/// id, attributes.
fn span(line: &str) -> Option<(String, String)> {
    let words: Vec<&str> = line.split(' ').collect();
    let is_id = |word: &str, length: usize| {
        word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let position = words
        .windows(2)
        .position(|pair| is_id(pair[0], 32) && is_id(pair[1], 16))?;
    Some((words[..position].join(" "), words[position].to_owned()))
}

async fn the_workers_metrics_are_in_prometheus() {
    for query in [
        "up{job='aep-flow'} == 1",
        "up{job='collector'} == 1",
        // The one that the boards and the alerts begin with.
        "sum by (job) (aep_flow_requests_total{job='aep-flow'}) > 0",
    ] {
        eventually(query, async || {
            let found = query_prometheus(query).await?;
            (!found["data"]["result"].as_array()?.is_empty()).then_some(())
        })
        .await;
    }
    let rules = get(&format!("{PROMETHEUS}/api/v1/rules")).await.unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    assert!(!groups.is_empty(), "no alert rule is loaded: {rules}");
    for rule in groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
    {
        assert_ne!(rule["health"], "err", "{rule}");
    }
}

async fn query_prometheus(query: &str) -> Option<Value> {
    let mut url = reqwest::Url::parse(&format!("{PROMETHEUS}/api/v1/query")).ok()?;
    url.query_pairs_mut().append_pair("query", query);
    get(url.as_str()).await
}

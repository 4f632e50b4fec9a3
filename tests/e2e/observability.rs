//! What a worker shows to those who watch it: probes, metrics, logs.

use std::time::{Duration, Instant};

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::watch::{get, log, metrics, served, sum};
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, eventually, input, server, table, within};
use serde_json::{Value, json};

/// How long a response of the probe is kept, as `src/endpoints/health.rs` has it.
const KEPT: Duration = Duration::from_secs(5);
const LOG: &str = "worker.log";
const HEALTH: (&str, &str) = ("AEP_FLOW_HEALTH_LISTEN", "127.0.0.1:0");
const METRICS: (&str, &str) = ("AEP_FLOW_METRICS_LISTEN", "127.0.0.1:0");

/// Waits until the probe says so, and gives what it says.
async fn probed(address: &str, expected: u16) -> Value {
    eventually(&format!("{expected} of /readyz"), async || {
        let (status, text) = get(&format!("{address}/readyz")).await?;
        (status == expected).then(|| serde_json::from_str(&text).unwrap())
    })
    .await
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

#[tokio::test]
async fn a_worker_is_ready_when_it_polls_and_has_a_token() {
    let world = World::new().await;
    let _worker = world.worker_process_with(&[HEALTH], LOG);
    let address = served(&world, LOG, "health.listen").await;
    let report = probed(&address, 200).await;
    assert_eq!(report["ready"], true);
    assert_eq!(check(&report, "pollers")["ok"], true);
    assert_eq!(check(&report, "token")["ok"], true);
    let (status, text) = get(&format!("{address}/healthz")).await.unwrap();
    assert_eq!((status, text.as_str()), (200, "alive\n"));
}

#[tokio::test]
async fn a_probe_may_come_as_often_as_it_likes() {
    let world = World::new().await;
    let _worker = world.worker_process_with(&[HEALTH, METRICS], LOG);
    let address = served(&world, LOG, "health.listen").await;
    let metrics_address = served(&world, LOG, "metrics.listen").await;
    probed(&address, 200).await;
    let asked = async || {
        let told = metrics(&metrics_address).await;
        sum(
            &told,
            "temporal_request",
            &[("operation", "DescribeTaskQueue")],
        )
    };
    let before = asked().await;
    let started = Instant::now();
    for _ in 0..100 {
        get(&format!("{address}/readyz")).await.unwrap();
    }
    // Both kinds of task, once each time that the kept response grew old.
    let renewals = (started.elapsed().as_secs_f64() / KEPT.as_secs_f64()).ceil();
    assert!(renewals < 25.0, "the probes took too long to show anything");
    assert!(asked().await <= before + 2.0 * renewals);
}

#[tokio::test]
async fn a_worker_without_a_token_is_alive_and_not_ready() {
    let world = World::new().await;
    let wrong = ("AEP_FLOW_CLIENT_SECRET", "not-the-secret");
    let _worker = world.worker_process_with(&[HEALTH, wrong], LOG);
    let address = served(&world, LOG, "health.listen").await;
    let report = eventually("a refused token", async || {
        let report = probed(&address, 503).await;
        // Before the first poll both are missing.
        (check(&report, "pollers")["ok"] == true).then_some(report)
    })
    .await;
    let detail = check(&report, "token")["detail"].as_str().unwrap();
    assert!(detail.contains("refused the credentials"), "{detail}");
    assert!(!detail.contains(wrong.1), "{detail}");
    assert_eq!(get(&format!("{address}/healthz")).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_worker_whose_server_is_away_is_not_ready_until_it_is_back() {
    let mut server = server::own().await;
    let world = World::on(&server, emulator_config()).await;
    let _worker = world.worker_process_with(&[HEALTH], LOG);
    let address = served(&world, LOG, "health.listen").await;
    probed(&address, 200).await;
    server.pause().await.unwrap();
    let report = probed(&address, 503).await;
    assert_eq!(check(&report, "pollers")["ok"], false);
    assert_eq!(check(&report, "token")["ok"], true);
    server.resume().await.unwrap();
    probed(&address, 200).await;
}

#[tokio::test]
async fn a_stopping_worker_is_not_ready() {
    let world = World::new().await;
    let slow = Action::ApplyThenDelay { ms: 4000 };
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", slow).nth([1]));
    let mut worker = world.worker_process_with(&[HEALTH], LOG);
    let address = served(&world, LOG, "health.listen").await;
    probed(&address, 200).await;
    let run = world.start(&input(&[table("Contacts")])).await;
    eventually("the create", async || {
        let faults = world.emulator.faults();
        faults.iter().any(|rule| rule.seen > 0).then_some(())
    })
    .await;
    let (status, report) = tokio::join!(worker.terminate(), probed(&address, 503));
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(check(&report, "worker")["ok"], false);

    let _second = world.worker_process();
    run.end().await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_before_any_work() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken
        .local_addr()
        .map(|at| (taken, at.to_string()))
        .unwrap();
    let mut worker =
        world.worker_process_with(&[("AEP_FLOW_METRICS_LISTEN", taken.1.as_str())], LOG);
    let status = worker.ended().await;
    assert_eq!(status.code(), Some(2), "{status}");
    let text = std::fs::read_to_string(world.folder().join(LOG)).unwrap();
    assert!(text.contains("metrics.listen"), "{text}");
    assert!(text.contains(&taken.1), "{text}");
}

/// Another ingestion than any before it.
fn named(name: &str, tables: &[&str]) -> Value {
    let tables: Vec<Value> = tables.iter().map(|name| table(name)).collect();
    let mut input = input(&tables);
    input["connection"]["name"] = json!(name);
    input
}

#[tokio::test]
async fn metrics_count_what_the_platform_saw_and_no_label_grows() {
    let world = World::new().await;
    let _worker = world.worker_process_with(&[METRICS], LOG);
    let address = served(&world, LOG, "metrics.listen").await;
    let first = named("First", &["Contacts"]);
    world.ingest(&first).await.unwrap();
    let after_one = metrics(&address).await;

    // Meanwhile ten scrapes a second, ten times as many as our Prometheus does.
    let scraping = async {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        loop {
            pause.tick().await;
            metrics(&address).await;
        }
    };
    let more = async {
        for number in 0..3 {
            let other = named(&format!("Other {number}"), &["Contacts", "Accounts"]);
            world.ingest(&other).await.unwrap();
        }
    };
    tokio::select! {
        () = more => (),
        never = scraping => match never {},
    }
    let after_all = metrics(&address).await;

    let made = |metrics| sum(metrics, "aep_flow_creates_total", &[("outcome", "created")]);
    assert_eq!(made(&after_one), 8.0);
    assert_eq!(made(&after_all), 8.0 + 3.0 * (1.0 + 2.0 * 7.0));
    let journal = world.emulator.journal();
    let on_the_platform = |method: &str| {
        let seen = journal.iter().filter(|entry| entry.method == method);
        f64::from(u32::try_from(seen.count()).unwrap())
    };
    for method in ["GET", "POST"] {
        let counted = [("http_request_method", method)];
        let requests = sum(&after_all, "aep_flow_requests_total", &counted);
        assert_eq!(requests, on_the_platform(method), "{method}");
        let timed = "http_client_request_duration_seconds_count";
        assert_eq!(sum(&after_all, timed, &counted), requests, "{method}");
    }
    assert!(sum(&after_all, "process_memory_usage_bytes", &[]) > 1e6);
    // As Temporal's own boards for this SDK name them.
    for name in [
        "temporal_request",
        "temporal_workflow_completed",
        "temporal_activity_execution_latency_count",
        "temporal_workflow_endtoend_latency_count",
        "temporal_worker_task_slots_available",
    ] {
        assert!(sum(&after_all, name, &[]) > 0.0, "{name}");
    }

    // Other names and ids gave no other series of ours.
    let ours = |series: &&String| !series.starts_with("temporal_");
    let grown: Vec<_> = after_all
        .keys()
        .filter(ours)
        .filter(|series| !after_one.contains_key(*series))
        .collect();
    assert!(grown.is_empty(), "{grown:#?}");
    for series in after_all.keys() {
        assert!(!series.contains("Other"), "{series}");
    }
    let page = include_str!("../../docs/observing.md");
    for series in after_all.keys().filter(ours) {
        let name = series.split('{').next().unwrap();
        let parts = ["_bucket", "_sum", "_count"];
        let name = parts
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .unwrap_or(name);
        let is_told = page.contains(&format!("`{name}`")) || name == "target_info";
        assert!(is_told, "{name} is not in docs/observing.md");
    }
}

#[tokio::test]
async fn metrics_tell_throttling_codes_and_waits_apart() {
    let world = World::new().await;
    let answer = |text: &str| serde_json::from_str::<CannedAnswer>(text).unwrap();
    let throttled = answer(r#"{"as": "rateLimited", "retryAfter": 2}"#);
    let strange = answer(
        r#"{"status": 503, "body": {"type": "x/FLOW-4711-503", "title": "never documented"}}"#,
    );
    let faults = [
        ("/sourceConnections", throttled),
        ("/targetConnections", strange),
    ];
    for (route, answer) in faults {
        let rule = Rule::new("GET", route, Action::Refuse(answer)).nth([1]);
        world.emulator.add_fault(rule);
    }
    let _worker = world.worker_process_with(&[METRICS], LOG);
    let address = served(&world, LOG, "metrics.listen").await;
    world.ingest(&named("Told", &["Contacts"])).await.unwrap();

    let told = metrics(&address).await;
    let requests = "aep_flow_requests_total";
    for (status, code) in [("429", "429050"), ("503", "other")] {
        let labels = [
            ("http_response_status_code", status),
            ("adobe_error_code", code),
        ];
        assert_eq!(sum(&told, requests, &labels), 1.0, "{status} {code}");
    }
    let labels = [
        ("activity", "CreateSourceConnection"),
        ("outcome", "RateLimited"),
    ];
    assert_eq!(sum(&told, "aep_flow_attempts_total", &labels), 1.0);
    assert_eq!(sum(&told, "aep_flow_rate_limit_wait_seconds_sum", &[]), 2.0);
    assert_eq!(sum(&told, "aep_flow_token_renewals_total", &[]), 1.0);
}

#[tokio::test]
async fn a_failing_attempt_is_one_line_that_says_which() {
    let world = World::new().await;
    let busy: CannedAnswer = serde_json::from_str(r#"{"as": "adobe", "status": 503}"#).unwrap();
    world
        .emulator
        .add_fault(Rule::new("GET", "/flows", Action::Refuse(busy)).nth([1]));
    let mut worker = world.worker_process_with(&[], LOG);
    let run = world.start(&named("Logged", &["Contacts"])).await;
    run.end().await.unwrap();
    within("the worker", worker.terminate()).await;

    let lines = log(&world, LOG);
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "WARN")
        .collect();
    let [line] = warnings.as_slice() else {
        panic!("{warnings:#?}");
    };
    let info = run.handle.info();
    for (field, expected) in [
        ("activity", json!("CreateDataflow")),
        ("attempt", json!(1)),
        ("failure", json!("Unavailable")),
        ("http_status", json!(503)),
        ("workflow_id", json!(info.workflow_id)),
        ("run_id", json!(info.run_id)),
    ] {
        assert_eq!(line[field], expected, "{field} of {line}");
    }
    assert!(line["request_id"].is_string(), "{line}");
    assert!(line["timestamp"].is_string(), "{line}");
}

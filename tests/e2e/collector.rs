//! Collectors that are not there, hang or refuse: the work goes on, and the log says it once.

use std::net::SocketAddr;
use std::time::Duration;

use aep_flow_testkit::watch::log;
use aep_flow_testkit::{World, eventually, input, table, within};
use serde_json::Value;

const LOG: &str = "worker.log";

/// Spans and metrics go out several times a second, and wait no longer for an answer.
const OFTEN: [(&str, &str); 4] = [
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
];

/// The lines of the log that are about the collector.
fn about_it(world: &World, level: &str) -> Vec<Value> {
    let lines = log(world, LOG).into_iter();
    lines
        .filter(|line| line["level"] == level)
        .filter(|line| line["message"].as_str().unwrap().contains("collector"))
        .collect()
}

/// Lets the worker complain that its collector does not take what it sends.
fn expect_complaints(world: &World) {
    for things in ["spans", "metrics"] {
        let message = format!("{things} can't be sent to the collector");
        world.expect(("aep_flow::telemetry::export", &message));
    }
}

/// An ingestion by a worker whose collector is at `address`.
async fn ingested_beside(address: &str, protocol: &str) -> World {
    let world = World::new().await;
    let endpoint = format!("http://{address}");
    let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    variables.extend(OFTEN);
    variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
    expect_complaints(&world);
    let mut worker = world.worker_process_with(&variables, LOG);
    let tables = [table("Contacts"), table("Accounts")];
    world.ingest(&input(&tables)).await.unwrap();
    eventually("a line for each of the two", async || {
        (about_it(&world, "WARN").len() >= 2).then_some(())
    })
    .await;
    // Several more exports, each of which fails.
    world.ingest(&input(&tables)).await.unwrap();
    let status = within("the worker's end", worker.terminate()).await;
    assert_eq!(status.code(), Some(0), "{status}");

    let lines = about_it(&world, "WARN");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for things in ["spans", "metrics"] {
        let of_these = |line: &&Value| line["message"].as_str().unwrap().starts_with(things);
        assert_eq!(lines.iter().filter(of_these).count(), 1, "{lines:#?}");
    }
    let noise: Vec<_> = log(&world, LOG)
        .into_iter()
        .filter(|line| {
            line["target"]
                .as_str()
                .unwrap()
                .starts_with("opentelemetry")
        })
        .collect();
    assert!(noise.is_empty(), "{noise:#?}");
    world
}

#[tokio::test]
async fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    ingested_beside(&address.to_string(), "http/protobuf").await;
}

#[tokio::test]
async fn nobody_listens_for_grpc() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    ingested_beside(&address.to_string(), "grpc").await;
}

#[tokio::test]
async fn it_never_answers() {
    // The kernel takes the connection; nobody ever reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    ingested_beside(&address.to_string(), "http/protobuf").await;
}

#[tokio::test]
async fn it_refuses_everything() {
    let address = collector("127.0.0.1:0".parse().unwrap(), 400).await;
    ingested_beside(&address.to_string(), "http/protobuf").await;
}

#[tokio::test]
async fn one_that_comes_back_is_told_of() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let world = World::new().await;
    let endpoint = format!("http://{address}");
    let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    variables.extend(OFTEN);
    expect_complaints(&world);
    let _worker = world.worker_process_with(&variables, LOG);
    eventually("a line", async || {
        (!about_it(&world, "WARN").is_empty()).then_some(())
    })
    .await;
    collector(address, 200).await;
    eventually("a line that it is back", async || {
        about_it(&world, "INFO").into_iter().next()
    })
    .await;
}

/// Answers every request with that status, as long as the test runs.
async fn collector(address: SocketAddr, status: u16) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    let routes = axum::Router::new().fallback(move || async move { status });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    // It accepts from now on.
    tokio::time::sleep(Duration::ZERO).await;
    address
}

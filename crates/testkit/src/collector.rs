//! A real collector of OpenTelemetry, and what came to it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use aep_flow_devserver::free_port;
use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::callers::at_hand;
use crate::eventually;
use crate::places::repository;

/// A collector that passes on to this test what it takes. Ends when dropped.
#[derive(Debug)]
pub struct Collector {
    process: Child,
    folder: tempfile::TempDir,
    taken: Taken,
    /// Where it takes OTLP by gRPC.
    pub grpc: String,
    /// Where it takes OTLP by HTTP.
    pub http: String,
}

/// What the collector passed on: OTLP in JSON, a request each.
type Taken = Arc<Mutex<Vec<Value>>>;

/// A span that came to it.
#[derive(Debug, Clone)]
pub struct Span {
    /// The trace that it is part of.
    pub trace_id: String,
    /// Its own id.
    pub id: String,
    /// Empty for the first one of a trace.
    pub parent_id: String,
    /// What was done.
    pub name: String,
    /// `service.name` of the process that made it.
    pub service: String,
    /// `1` internal, `2` server, `3` client, as OTLP counts.
    pub kind: u64,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Its attributes, as plain JSON.
    pub attributes: HashMap<String, Value>,
}

impl Collector {
    /// Starts one; nothing if it can't be built here.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !at_hand(
            "Go, for a collector of OpenTelemetry",
            &[&["go", "version"]],
        )
        .await?
        {
            return Ok(None);
        }
        let program = tokio::task::spawn_blocking(program).await??;
        let folder = tempfile::tempdir()?;
        let [grpc, http] = [free_address()?, free_address()?];
        let taken = Taken::default();
        let config = format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{grpc}'}}, \
             http: {{endpoint: '{http}'}}}}}}}}\n\
             exporters: {{otlp_http: {{endpoint: '{}', encoding: json, compression: none}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines:\n    \
             traces: {{receivers: [otlp], exporters: [otlp_http]}}\n    \
             metrics: {{receivers: [otlp], exporters: [otlp_http]}}\n",
            take(&taken).await?
        );
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config)?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let process = Command::new(program)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut collector = Self {
            process,
            folder,
            taken,
            grpc: format!("http://{grpc}"),
            http: format!("http://{http}"),
        };
        for address in [grpc, http] {
            let what = format!("the collector at {address}");
            eventually(&what, async || {
                let ended = collector.process.try_wait().unwrap();
                assert!(ended.is_none(), "{}", collector.log());
                tokio::net::TcpStream::connect(&address).await.ok()
            })
            .await;
        }
        Ok(Some(collector))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Every span so far, in the order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        taken.iter().flat_map(spans_of).collect()
    }

    /// The spans as a person reads them, for a test that fails.
    pub fn tree(&self) -> String {
        let spans = self.spans();
        let ids: HashSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
        let mut tree = String::new();
        let is_first = |span: &&Span| !ids.contains(span.parent_id.as_str());
        for span in spans.iter().filter(is_first) {
            write_below(&spans, span, 0, &mut tree);
        }
        tree
    }

    /// Names of all metrics so far.
    pub fn metrics(&self) -> HashSet<String> {
        let taken = self.taken.lock().unwrap();
        taken
            .iter()
            .flat_map(|request| each(request, "resourceMetrics"))
            .flat_map(|resource| each(resource, "scopeMetrics"))
            .flat_map(|scope| each(scope, "metrics"))
            .map(|metric| text(&metric["name"]))
            .collect()
    }
}

/// Keeps what is sent to the address that it gives, as long as the test runs.
async fn take(taken: &Taken) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let taken = Arc::clone(taken);
    let routes = axum::Router::new().fallback(move |request: axum::Json<Value>| {
        taken.lock().unwrap().push(request.0);
        std::future::ready(axum::Json(serde_json::json!({})))
    });
    let routes = routes.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}"))
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write_below(spans: &[Span], span: &Span, depth: usize, tree: &mut String) {
    let indent = "  ".repeat(depth);
    *tree += &format!("{indent}{} [{}]\n", span.name, span.service);
    for child in spans.iter().filter(|child| child.parent_id == span.id) {
        write_below(spans, child, depth + 1, tree);
    }
}

fn spans_of(request: &Value) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in each(request, "resourceSpans") {
        let service = attributes(&resource["resource"])
            .remove("service.name")
            .map_or_else(String::new, |name| text(&name));
        for span in each(resource, "scopeSpans").flat_map(|scope| each(scope, "spans")) {
            spans.push(Span {
                trace_id: text(&span["traceId"]),
                id: text(&span["spanId"]),
                parent_id: text(&span["parentSpanId"]),
                name: text(&span["name"]),
                service: service.clone(),
                kind: span["kind"].as_u64().unwrap_or_default(),
                is_error: span["status"]["code"] == 2,
                attributes: attributes(span),
            });
        }
    }
    spans
}

fn each<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of[field].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Attributes with their values as plain JSON; OTLP writes whole numbers as texts.
fn attributes(of: &Value) -> HashMap<String, Value> {
    each(of, "attributes")
        .map(|attribute| {
            let value = &attribute["value"];
            let plain = match value["intValue"].as_str() {
                Some(number) => number.parse::<i64>().unwrap().into(),
                None => {
                    let kinds = ["stringValue", "boolValue", "doubleValue", "intValue"];
                    let found = kinds.iter().find_map(|kind| value.get(kind));
                    found.cloned().unwrap_or_default()
                }
            };
            (text(&attribute["key"]), plain)
        })
        .collect()
}

fn program() -> anyhow::Result<PathBuf> {
    let script = repository().join("tests/collector/build.sh");
    // What it is getting is seen past the test's capture.
    let built = Command::new("bash")
        .arg(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("run tests/collector/build.sh")?;
    ensure!(built.status.success(), "the collector can't be built");
    Ok(PathBuf::from(String::from_utf8(built.stdout)?.trim()))
}

fn free_address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}

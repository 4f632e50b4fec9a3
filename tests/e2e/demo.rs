//! `aep-flow demo` as a person runs it: what it prints, how it ends, and what it leaves.

use std::process::Stdio;
use std::time::Duration;

use aep_emulator::{DEFAULT_CLIENT_SECRET, DEFAULT_SOURCE_PASSWORD};
use aep_flow::config::Environment;
use aep_flow_testkit::{eventually, server, within};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

/// The command in a folder of its own; of this machine's environment only what a Temporal server
/// is found by.
async fn demo(folder: &std::path::Path, arguments: &[&str]) -> Child {
    // A server that has to be fetched first is no part of the demo's time.
    server::binary().await;
    let environment = Environment::of_process();
    let names = [
        "PATH",
        "HOME",
        "XDG_CACHE_HOME",
        "AEP_FLOW_CACHE",
        "GOPATH",
        "GOBIN",
    ];
    let kept = names
        .into_iter()
        .filter_map(|name| Some((name, environment.get(name)?)));
    Command::new(env!("CARGO_BIN_EXE_aep-flow"))
        .arg("demo")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(kept)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A test that fails must not leave it behind.
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Reads its progress until a line contains `part`.
async fn said(child: &mut Child, part: &str) -> (String, BufReader<ChildStderr>) {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        let length = within(part, lines.read_line(&mut line)).await.unwrap();
        assert!(length > 0, "{part:?} was not said:\n{seen}");
        seen.push_str(&line);
        if line.contains(part) {
            return (seen, lines);
        }
    }
}

fn signal(name: &str, child: &Child) {
    let pid = child.id().unwrap().to_string();
    let status = std::process::Command::new("kill")
        .args([name, &pid])
        .status();
    assert!(status.unwrap().success());
}

/// Whether a server that listens at this address, or the shell that guards it, still runs.
fn is_left(address: &str) -> bool {
    let port = address.rsplit(':').next().unwrap();
    let list = std::process::Command::new("ps")
        .args(["-eo", "args="])
        .output()
        .unwrap();
    String::from_utf8_lossy(&list.stdout).contains(&format!("--port {port} "))
}

async fn nothing_is_left(address: &str) {
    eventually("the end of the demo's processes", async || {
        (!is_left(address)).then_some(())
    })
    .await;
}

/// Where the demo said that its server is.
fn server_of(said: &str) -> String {
    let mut words = said.split_whitespace().skip_while(|word| *word != "up");
    words.nth(2).unwrap().to_owned()
}

/// The exit code, once it has ended.
async fn code(child: &mut Child) -> Option<i32> {
    within("the demo", child.wait()).await.unwrap().code()
}

#[tokio::test]
async fn it_shows_the_whole_job_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let started = std::time::Instant::now();
    let child = demo(folder.path(), &["--output", "json"]).await;
    let output = within("the demo", child.wait_with_output()).await.unwrap();
    let took = started.elapsed();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    // On an idle machine it takes eight seconds; this one may run other tests beside it.
    assert!(took < Duration::from_secs(30), "{took:?}\n{stderr}");

    let summary: Value = serde_json::from_str(&stdout).unwrap();
    for (table, rows) in summary["result"]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .zip([50, 40])
    {
        assert_eq!(
            table["firstRun"]["outputRecords"].as_f64(),
            Some(f64::from(rows)),
            "{table}"
        );
        assert!(table["flowId"].is_string(), "{table}");
    }
    let retries = summary["retries"].as_array().unwrap();
    let of = |step: &str| retries.iter().find(|retry| retry["step"] == step);
    assert_eq!(retries.len(), 2, "{retries:?}");
    let refused = of("ExploreTable").unwrap();
    assert!(
        refused["message"].as_str().unwrap().contains("503"),
        "{refused}"
    );
    assert_eq!(
        of("CreateSourceConnection").unwrap()["outcome"],
        "ADOPTED",
        "{retries:?}"
    );
    let url = summary["workflowUrl"].as_str().unwrap();
    assert!(
        url.contains("/namespaces/default/workflows/ingest%2Fprod%2F"),
        "{url}"
    );
    assert!(stderr.contains("attempt 1 failed"), "{stderr}");
    for secret in [DEFAULT_SOURCE_PASSWORD, DEFAULT_CLIENT_SECRET] {
        assert!(
            !stdout.contains(secret) && !stderr.contains(secret),
            "{secret}"
        );
    }

    assert!(!is_left(summary["temporalAddress"].as_str().unwrap()));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_is_kept_ends_with_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &["--keep"]).await;
    let (seen, rest) = said(&mut child, "stays up until Ctrl-C").await;
    let platform = seen
        .lines()
        .find_map(|line| line.strip_prefix("emulated platform: "))
        .unwrap();
    let state: Value = reqwest_get(&format!("{platform}/_emulator/state")).await;
    assert_eq!(
        state["sandboxes"]["prod"]["flows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let address = server_of(&seen);
    assert!(is_left(&address), "{address}");

    signal("-INT", &child);
    assert_eq!(code(&mut child).await, Some(0));
    drop(rest);
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut text).await.unwrap();
    for part in [
        "Try next",
        "curl -s http://127.0.0.1:",
        "aep-flow status",
        "python",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    nothing_is_left(&address).await;
}

#[tokio::test]
async fn ctrl_c_in_the_middle_leaves_nothing() {
    for part in ["Temporal server: up", "ExploreTable: attempt 1 failed"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = demo(folder.path(), &[]).await;
        let (seen, rest) = said(&mut child, part).await;
        signal("-INT", &child);
        assert_eq!(code(&mut child).await, Some(130), "{part}");
        drop(rest);
        nothing_is_left(&server_of(&seen)).await;
    }
}

#[tokio::test]
async fn a_demo_that_is_killed_leaves_no_process_either() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &[]).await;
    let (seen, rest) = said(&mut child, "Temporal server: up").await;
    signal("-KILL", &child);
    assert_eq!(code(&mut child).await, None);
    drop(rest);
    nothing_is_left(&server_of(&seen)).await;
}

async fn reqwest_get(url: &str) -> Value {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

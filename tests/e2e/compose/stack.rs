//! The containers of `docker-compose.yml`, as a project of this test's own.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::Command;

/// Apart from the stack that a developer runs; the ports are the same, so one of them runs at a time.
const PROJECT: &str = "aep-flow-test";

/// Parts whose images a machine may not have, and the profile that starts them.
const OPTIONAL: [(&str, &str); 2] = [
    ("jaegertracing/jaeger", "traces"),
    ("grafana/grafana", "boards"),
];

/// For everything to become healthy, on a busy machine.
const HEALTHY_WITHIN: Duration = Duration::from_secs(180);

/// The stack; taken down when dropped.
pub(crate) struct Stack {
    profiles: String,
}

impl Stack {
    /// Starts what there are images for and waits until all of it is healthy.
    pub(crate) async fn up() -> Self {
        let mut profiles = "engine,worker".to_owned();
        for (image, profile) in OPTIONAL {
            let here = output("docker", &["images", "--quiet", image]).await;
            if here.is_empty() {
                eprintln!("left out: the profile `{profile}`, for {image} is not on this machine");
            } else {
                profiles.push(',');
                profiles.push_str(profile);
            }
        }
        let stack = Self { profiles };
        // What a test that was killed left behind.
        assert!(stack.down(), "an earlier stack does not end");
        let started = stack.compose(&["up", "--detach"]).status();
        assert!(started.unwrap().success(), "the stack does not start");
        stack.wait_until_healthy().await;
        stack
    }

    /// Whether a profile was started.
    pub(crate) fn has(&self, profile: &str) -> bool {
        self.profiles.split(',').any(|started| started == profile)
    }

    async fn wait_until_healthy(&self) {
        let deadline = Instant::now() + HEALTHY_WITHIN;
        loop {
            let ids = self.compose(&["ps", "--quiet"]).output().unwrap().stdout;
            let ids = String::from_utf8(ids).unwrap();
            let state =
                "{{.Name}} {{with .State.Health}}{{.Status}}{{else}}{{.State.Status}}{{end}}";
            let mut arguments = vec!["inspect", "--format", state];
            arguments.extend(ids.lines());
            let states = output("docker", &arguments).await;
            let is_up = |line: &str| line.ends_with(" healthy") || line.ends_with(" running");
            // The collector's image has no health check of its own.
            let collector = get("http://127.0.0.1:13133/").await;
            if states.lines().all(is_up) && collector.is_some() {
                return;
            }
            assert!(Instant::now() < deadline, "not healthy in time:\n{states}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Ends a service as the kernel does when memory runs out, and starts it anew. (Docker's
    /// restart policy takes a kill that was asked for as a person's wish.)
    pub(crate) async fn kill_and_start(&self, service: &str) {
        for action in ["kill", "start"] {
            let done = self.compose(&[action, service]).status();
            assert!(done.unwrap().success(), "{action} {service}");
        }
        self.wait_until_healthy().await;
    }

    /// What a service printed.
    pub(crate) fn logs(&self, service: &str) -> String {
        let mut logs = self.compose(&["logs", "--no-color", "--no-log-prefix", service]);
        String::from_utf8_lossy(&logs.output().unwrap().stdout).into_owned()
    }

    /// Ends and removes all of it; false if something may be left.
    fn down(&self) -> bool {
        let down = ["down", "--volumes", "--remove-orphans", "--timeout", "5"];
        let ended = self.compose(&down).stderr(Stdio::null()).status();
        ended.is_ok_and(|status| status.success())
    }

    /// Compose, the plugin or the older program.
    fn compose(&self, arguments: &[&str]) -> std::process::Command {
        let plugin = std::process::Command::new("docker")
            .args(["compose", "version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let mut command = if plugin.is_ok_and(|status| status.success()) {
            let mut command = std::process::Command::new("docker");
            command.arg("compose");
            command
        } else {
            std::process::Command::new("docker-compose")
        };
        command
            .args(["--project-name", PROJECT])
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .env("COMPOSE_PROFILES", &self.profiles)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.compose(&["ps"]).status();
            let _ = self.compose(&["logs", "--no-color", "--tail=60"]).status();
        }
        if !self.down() {
            eprintln!("the stack does not end: `docker ps` lists what is left");
        }
    }
}

/// What a program printed; it must succeed.
async fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The JSON at a URL, or nothing while nobody answers.
pub(crate) async fn get(url: &str) -> Option<Value> {
    let answer = reqwest::get(url).await.ok()?;
    answer.json().await.ok()
}

/// Sends JSON, which must be taken.
pub(crate) async fn post(url: &str, body: &Value) {
    let answer = reqwest::Client::new().post(url).json(body).send().await;
    let answer = answer.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

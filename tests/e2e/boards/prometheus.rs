//! A Prometheus of a test's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use aep_flow::config::Environment;
use aep_flow_testkit::{eventually, within};
use serde_json::Value;

use super::deploy::JOB;

/// Whether `prometheus` and `promtool` are on this machine. In CI they must be.
pub(crate) fn is_here() -> bool {
    let answers = |program: &str| {
        let mut command = Command::new(program);
        let command = command.arg("--version").stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    };
    if answers("prometheus") && answers("promtool") {
        return true;
    }
    let what = "no prometheus and promtool on the PATH: `apt-get install prometheus` on Debian, or \
                the archive of prometheus.io/download; whether boards and alerts find what a \
                worker exports was NOT tried";
    let is_ci = Environment::of_process().get("CI") == Some("true");
    assert!(!is_ci, "{what}");
    eprintln!("\n*** {what} ***\n");
    false
}

/// `promtool` with these arguments must be content.
pub(crate) fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

/// Scrapes one address every second. Ends when dropped.
pub(crate) struct Prometheus {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Prometheus {
    /// Keeps its data and its log in `folder`.
    pub(crate) async fn start(target: &str, folder: &Path) -> Self {
        let config = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs:\n\
             - job_name: {JOB}\n  \
               static_configs: [{{targets: ['{target}']}}]\n"
        );
        let file = |name: &str| folder.join(name).display().to_string();
        std::fs::write(file("prometheus.yml"), config).unwrap();
        let log = std::fs::File::create(file("prometheus.log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("prometheus")))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut prometheus = Self {
            child,
            url: String::new(),
            http: reqwest::Client::new(),
        };
        prometheus.url = eventually("the address of Prometheus", async || {
            let log = std::fs::read_to_string(file("prometheus.log")).ok()?;
            let line = log.lines().find(|line| line.contains("\"Listening on\""))?;
            let (_, address) = line.split_once("address=")?;
            Some(format!("http://{}", address.split(' ').next()?))
        })
        .await;
        prometheus
    }

    /// How many series the expression gives now.
    pub(crate) async fn series(&self, expression: &str) -> Result<usize, String> {
        let request = self
            .http
            .get(format!("{}/api/v1/query", self.url))
            .query(&[("query", expression)])
            .send();
        let answer = within("an answer of Prometheus", request).await;
        // It listens a moment before it answers.
        let answer: Value = match answer {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(error) => return Err(error.to_string()),
        };
        match answer["data"]["result"].as_array() {
            Some(series) => Ok(series.len()),
            None => Err(answer["error"].as_str().unwrap_or("no answer").to_owned()),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! What a worker shows to those who watch it: its log, its probes, its metrics.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::{World, eventually};

/// The lines of a worker's log.
pub fn log(world: &World, file: &str) -> Vec<Value> {
    let path: PathBuf = world.folder().join(file);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        // The last one may be half written.
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Where the worker that logs into `file` serves what `setting` is about.
pub async fn served(world: &World, file: &str, setting: &str) -> String {
    let what = format!("the address of {setting}");
    eventually(&what, async || {
        log(world, file)
            .into_iter()
            .find(|line| line["message"] == "serving" && line["setting"] == setting)
            .map(|line| format!("http://{}", line["address"].as_str().unwrap()))
    })
    .await
}

/// Status and text of a response; none while nobody listens.
pub async fn get(url: &str) -> Option<(u16, String)> {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.text().await.ok()?))
}

/// Every series of a worker's metrics, by name and labels, and its value.
pub async fn metrics(address: &str) -> BTreeMap<String, f64> {
    let (status, text) = get(&format!("{address}/metrics")).await.unwrap();
    assert_eq!(status, 200, "{text}");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// The sum over the series of that name that have all of these labels.
pub fn sum(metrics: &BTreeMap<String, f64>, name: &str, labels: &[(&str, &str)]) -> f64 {
    metrics
        .iter()
        .filter(|(series, _)| series.split('{').next() == Some(name))
        .filter(|(series, _)| {
            labels
                .iter()
                .all(|(label, value)| series.contains(&format!("{label}=\"{value}\"")))
        })
        .map(|(_, value)| value)
        .sum()
}

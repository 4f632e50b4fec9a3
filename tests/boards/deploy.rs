//! What `deploy/` holds: boards, rules, and every expression in them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A file with alerts.
#[derive(Debug, Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alert {
    #[serde(rename = "alert")]
    pub(crate) name: String,
    #[serde(rename = "for")]
    pub(crate) lasting: String,
    pub(crate) labels: Labels,
    pub(crate) annotations: Annotations,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Labels {
    pub(crate) severity: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Annotations {
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) runbook_url: String,
}

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of a folder, in order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

pub(crate) fn boards() -> Vec<Value> {
    let board = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files("deploy/grafana/dashboards")
        .iter()
        .map(board)
        .collect()
}

pub(crate) fn rule_files() -> Vec<PathBuf> {
    files("deploy/prometheus/rules")
}

pub(crate) fn alerts() -> Vec<Alert> {
    let alerts = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let parsed: RuleFile = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        parsed.groups.into_iter().flat_map(|group| group.rules)
    };
    rule_files().into_iter().flat_map(alerts).collect()
}

pub(crate) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

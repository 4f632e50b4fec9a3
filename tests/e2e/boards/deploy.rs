//! What `deploy/` holds: boards, rules, and every expression in them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The job that the alerts and boards are about.
pub(crate) const JOB: &str = "aep-flow";

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
    pub(crate) expr: String,
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

/// Something that Prometheus is asked, and who asks.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) place: String,
    pub(crate) text: String,
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

/// Every expression of a board's panels and variables, and what the alerts compare.
pub(crate) fn expressions() -> Vec<Expression> {
    let mut expressions = Vec::new();
    for board in &boards() {
        let title = text(board, "title");
        for variable in list(&board["templating"], "list") {
            if text(variable, "type") == "query" {
                expressions.push(Expression {
                    place: format!("{title} / ${}", text(variable, "name")),
                    text: filled(&label_values(text(variable, "query"))),
                });
            }
        }
        for panel in list(board, "panels") {
            for target in list(panel, "targets") {
                expressions.push(Expression {
                    place: format!("{title} / {}", text(panel, "title")),
                    text: filled(text(target, "expr")),
                });
            }
        }
    }
    expressions.extend(alerts().iter().map(|alert| Expression {
        place: alert.name.clone(),
        text: compared(&alert.expr),
    }));
    expressions
}

/// With Grafana's variables replaced by what they stand for.
fn filled(expression: &str) -> String {
    let filled = expression
        .replace("$__rate_interval", "5m")
        .replace("$__range", "1h")
        .replace("$job", JOB)
        .replace("$instance", ".*");
    assert!(!filled.contains('$'), "an unknown variable: {expression}");
    filled
}

/// What Grafana asks to fill a variable with the values of a label.
fn label_values(query: &str) -> String {
    let (selector, label) = query
        .strip_prefix("label_values(")
        .and_then(|rest| rest.strip_suffix(')')?.rsplit_once(", "))
        .unwrap_or_else(|| panic!("not of the form label_values(…, …): {query}"));
    format!("count by ({label}) ({selector})")
}

/// The alert's expression with a result also while there is nothing to alert of: a comparison
/// gives 0 or 1, and what should not be absent is counted.
fn compared(expression: &str) -> String {
    expression
        .replace("absent(", "count(")
        .replace(" > ", " > bool ")
        .replace(" == ", " == bool ")
}

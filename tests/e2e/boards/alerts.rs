//! The alerts as Prometheus reads them, and when they come.

use super::deploy::{alerts, path, read, rule_files};
use super::prometheus;

/// When each alert comes and when not, as `promtool test rules` reads it.
const CASES: &str = "tests/e2e/boards/alerts.yml";

#[test]
fn an_alert_says_how_bad_it_is_and_lasts_before_it_comes() {
    for alert in alerts() {
        let name = &alert.name;
        let severity = alert.labels.severity.as_str();
        assert!(
            ["critical", "warning"].contains(&severity),
            "{name}: {severity}"
        );
        assert!(!alert.lasting.is_empty(), "{name}");
        assert!(!alert.annotations.summary.is_empty(), "{name}");
        assert!(!alert.annotations.description.is_empty(), "{name}");
    }
}

#[test]
fn alerts_come_when_they_should() {
    if !prometheus::is_here() {
        return;
    }
    for file in rule_files() {
        prometheus::promtool(&["check", "rules", "--lint-fatal", file.to_str().unwrap()]);
    }
    prometheus::promtool(&["test", "rules", path(CASES).to_str().unwrap()]);

    let cases = read(CASES);
    for alert in alerts() {
        let label = format!("alertname=\"{}\"", alert.name);
        assert!(
            cases.contains(&label),
            "{CASES} does not try {}",
            alert.name
        );
    }
}

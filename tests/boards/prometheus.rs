//! Prometheus on this machine.

use std::process::{Command, Stdio};

use aep_flow::config::Environment;

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

//! The worker's program.

use std::{path::PathBuf, process::Stdio};

use aep_flow_testkit::places::repository;
use anyhow::{Context as _, bail};
use serde_json::Value;

/// Builds the worker with debug assertions, which know where to die, and gives its path.
///
/// # Errors
/// If it cannot be built.
pub fn build_worker() -> anyhow::Result<PathBuf> {
    let output = std::process::Command::new("cargo")
        .current_dir(repository())
        .args(["build", "--locked", "--package", "aep-flow"])
        .args(["--bin", "aep-flow", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo build")?;
    if !output.status.success() {
        bail!("the worker cannot be built");
    }
    let text = String::from_utf8(output.stdout)?;
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter_map(|message| Some(message["executable"].as_str()?.to_owned()));
    let path = built.next_back().context("cargo names no program")?;
    Ok(PathBuf::from(path))
}

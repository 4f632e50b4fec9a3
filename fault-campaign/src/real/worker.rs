//! Workers as processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::process::{Child, Command};

/// Builds the worker with debug assertions, which know where to die, and gives its path.
///
/// # Errors
/// If it cannot be built.
pub fn build_worker() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = std::process::Command::new("cargo")
        .current_dir(root)
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

/// Starts a worker that ends with its handle.
pub(super) fn spawn(
    program: &Path,
    variables: &[(String, String)],
    log: &Path,
) -> anyhow::Result<Child> {
    let log = std::fs::File::create(log)?;
    let child = Command::new(program)
        .arg("worker")
        .env_clear()
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

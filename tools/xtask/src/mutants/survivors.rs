//! Every mutant of the ensure protocol, by `cargo mutants`.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::note;

/// The set of mutations depends on the version, and with it the survivors.
const VERSION: &str = "27.1.0";
const SURVIVORS: &str = "docs/mutation-survivors.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    survivor: Vec<Survivor>,
}

/// A mutant that no test needs to notice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    /// As `cargo mutants` names it, without line and column.
    mutant: String,
    reason: String,
}

/// The section of an earlier report.
pub(super) fn earlier(report: &str) -> String {
    let section = report
        .split_once("protocol\n\n")
        .map(|(_, section)| section);
    section.unwrap_or("Not yet run.\n").to_owned()
}

/// Runs `cargo mutants`, and compares the survivors with the list of reasons.
pub(super) fn prove(
    root: &Path,
    folder: &Path,
    commit: &str,
    broken: &mut Vec<String>,
) -> anyhow::Result<String> {
    get()?;
    note("cargo mutants tries every mutant of aep-flow-ensure; this takes minutes");
    let started = Instant::now();
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["mutants", "--package", "aep-flow-ensure", "--jobs", "2"])
        .args(["--no-times", "--colors", "never", "--output"])
        .arg(folder)
        .status()
        .context("run cargo mutants")?;
    // 2: some were missed, 3: some did not end. Anything else is an error.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo mutants: {status}");
    }
    let seconds = started.elapsed().as_secs();
    let outcomes = folder.join("mutants.out");
    let lines = |name: &str| -> anyhow::Result<Vec<String>> {
        let text = std::fs::read_to_string(outcomes.join(name))?;
        Ok(text.lines().map(without_place).collect())
    };
    let (caught, timeout) = (lines("caught.txt")?, lines("timeout.txt")?);
    let (missed, unviable) = (lines("missed.txt")?, lines("unviable.txt")?);

    let list = std::fs::read_to_string(root.join(SURVIVORS))?;
    let List { mut survivor } = toml::from_str(&list)?;
    let mut text = format!(
        "{} caught, {} caught by a test that did not end, {} missed, {} that do not compile; \
         {seconds} s, at {commit}, cargo-mutants {VERSION}.\n",
        caught.len(),
        timeout.len(),
        missed.len(),
        unviable.len()
    );
    if !missed.is_empty() {
        text.push_str("\n| survivor | why no test needs to notice |\n|---|---|\n");
    }
    for mutant in missed {
        let known = survivor.iter().position(|known| known.mutant == mutant);
        let reason = match known {
            Some(at) => survivor.swap_remove(at).reason,
            None => {
                broken.push(format!(
                    "no test notices, and {SURVIVORS} has no reason: {mutant}"
                ));
                "**none**".to_owned()
            }
        };
        writeln!(text, "| `{}` | {reason} |", mutant.replace('|', "\\|"))?;
    }
    for Survivor { mutant, .. } in survivor {
        broken.push(format!("{SURVIVORS} names what does not survive: {mutant}"));
    }
    Ok(text)
}

/// Installs `cargo mutants` if it is missing.
fn get() -> anyhow::Result<()> {
    let found = Command::new("cargo")
        .args(["mutants", "--version"])
        .stderr(Stdio::null())
        .output()?;
    if String::from_utf8_lossy(&found.stdout).contains(VERSION) {
        return Ok(());
    }
    note(&format!(
        "getting cargo-mutants {VERSION} by `cargo install`; this takes minutes"
    ));
    let status = Command::new("cargo")
        .args(["install", "--locked", "--version", VERSION, "cargo-mutants"])
        .status()?;
    if !status.success() {
        bail!("cargo-mutants {VERSION} could not be installed: {status}");
    }
    Ok(())
}

/// `file:line:column: what` without line and column, which change with every edit.
fn without_place(line: &str) -> String {
    let mut parts = line.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => line.to_owned(),
    }
}

//! Shows that the tests hold the guards: taken out one by one, each must turn a test red.
//!
//! Two ways of taking out. `cargo mutants` changes every operator and body of the ensure
//! protocol; what no test notices must have its reason in `docs/mutation-survivors.toml`.
//! And `xtask/guards.toml` names what a reader would call a guard, wherever it stands, with
//! the edit that takes it out and the tests that must notice.

pub(crate) mod guards;
mod survivors;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

/// What of the proof to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only guards whose name, file or test has this text in it. May be given again.
    #[arg(long)]
    only: Vec<String>,
    /// Leave `cargo mutants` out.
    #[arg(long)]
    skip_mutants: bool,
}

/// The file that shows the proof.
const REPORT: &str = "docs/mutation-proof.md";

/// Runs the proof, writes what it showed, and fails if a guard is held by nothing.
///
/// What is left out keeps the rows of the time when it was last run.
pub(crate) fn prove(root: &Path, options: &Options) -> anyhow::Result<()> {
    let report = root.join(REPORT);
    let earlier = std::fs::read_to_string(&report).unwrap_or_default();
    let commit = commit(root)?;
    let folder = target(root)?.join("proof");
    std::fs::create_dir_all(&folder)?;
    let mut broken = Vec::new();

    let guards = guards::prove(root, &folder, &commit, &options.only, &earlier, &mut broken)?;
    let mutants = if options.skip_mutants {
        survivors::earlier(&earlier)
    } else {
        survivors::prove(root, &folder, &commit, &mut broken)?
    };

    let mut text = String::from(
        "# Mutation proof\n\n\
         Made by `cargo xtask mutants`; nothing here is written by hand.\n\n\
         ## Guards\n\n\
         Each was taken out of a copy of the tree, and a test turned red. Which edit that is \
         stands in `xtask/guards.toml`.\n\n",
    );
    write!(
        text,
        "{guards}\n## Every mutant of the ensure protocol\n\n{mutants}"
    )?;
    std::fs::write(&report, text)?;
    crate::note(&format!("wrote {}", report.display()));
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the proof fails:\n  {}", broken.join("\n  "))
}

fn commit(root: &Path) -> anyhow::Result<String> {
    let changed = output(Command::new("git").current_dir(root).args([
        "status",
        "--porcelain",
        "--untracked-files=no",
    ]))?;
    let changed = changed.lines().filter(|line| !line.ends_with(REPORT));
    if changed.count() > 0 {
        bail!("commit first: the guards are taken out of a copy of the last commit");
    }
    let head =
        output(
            Command::new("git")
                .current_dir(root)
                .args(["rev-parse", "--short=10", "HEAD"]),
        )?;
    Ok(head.trim().to_owned())
}

fn target(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = output(Command::new("cargo").current_dir(root).args([
        "metadata",
        "--no-deps",
        "--format-version=1",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str();
    Ok(target.context("cargo names no target folder")?.into())
}

/// What a command that must go well prints.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

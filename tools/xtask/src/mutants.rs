//! Shows that the tests protect the guards: if a guard is removed, a test must fail.
//!
//! Guards are removed in two ways. `cargo mutants` changes every operator and body of the ensure
//! protocol; a mutant that no test notices needs a reason in `docs/mutation-survivors.toml`.
//! `tools/xtask/guards.toml` lists the guards that a reader would name, anywhere in the tree, each with the
//! edit that removes it and the tests that must notice.

pub(crate) mod guards;
mod survivors;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

/// Which part of the proof to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only guards whose name, file or test contains this text. May be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Skip `cargo mutants`.
    #[arg(long)]
    skip_mutants: bool,
}

/// The file with the proof.
const REPORT: &str = "docs/mutation-proof.md";

/// Runs the proof, writes the result, and fails if no test protects a guard.
///
/// Skipped parts keep the rows of their last run.
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
         stands in `tools/xtask/guards.toml`.\n\n",
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
        bail!("commit first: the guards are removed from a copy of the last commit");
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

/// The output of a command that must succeed.
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

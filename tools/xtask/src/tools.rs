//! Installs the cargo tools that a chore needs into the checkout, at their first use.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::note;

/// The program `name` of that version, installed under `.cache/tools`.
pub(crate) fn get(root: &Path, name: &str, version: &str) -> anyhow::Result<PathBuf> {
    // Each version has its own folder, so that another version is never used instead.
    let folder = root.join(".cache/tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    note(&format!("getting {name} {version}; it is compiled once"));
    let begun = std::time::Instant::now();
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["install", "--locked", "--quiet", name, "--version", version])
        // It works for a moment, and is compiled for minutes.
        .arg("--debug")
        .arg("--root")
        .arg(&folder)
        // Not in the tree's target folder, whose flags and lock do not apply.
        .arg("--target-dir")
        .arg(folder.join("target"))
        .args(features(name))
        .status()
        .context("run cargo install")?;
    if !status.success() {
        bail!("{name} {version} could not be installed");
    }
    std::fs::remove_dir_all(folder.join("target")).ok();
    note(&format!("{name}: {} s", begun.elapsed().as_secs()));
    Ok(program)
}

fn features(name: &str) -> &'static [&'static str] {
    match name {
        // The rest of them is for libraries and for a cargo of its own.
        "cargo-deny" => &["--no-default-features"],
        _ => &[],
    }
}

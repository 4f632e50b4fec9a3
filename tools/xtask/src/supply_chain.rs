//! The dependencies: checked by `deny.toml`, and listed for users of the programs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};

use crate::{note, tools};

const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const CYCLONEDX: (&str, &str) = ("cargo-cyclonedx", "0.5.9");

/// The crates whose programs are published, with their folders.
const PROGRAMS: [(&str, &str); 2] = [("aep-flow", ""), ("aep-emulator", "crates/emulator")];

/// Checks licences, bans and sources by `deny.toml`, and advisories if requested.
pub(crate) fn deny(root: &Path, advisories: bool) -> anyhow::Result<()> {
    let program = tools::get(root, DENY.0, DENY.1)?;
    let mut command = Command::new(program);
    command.current_dir(root).arg("--workspace");
    command.args(["check", "--hide-inclusion-graph"]);
    command.args(["--allow", "no-license-field", "licenses", "bans", "sources"]);
    if advisories {
        command.arg("advisories");
    }
    let status = command.status().context("run cargo-deny")?;
    ensure!(status.success(), "the tree breaks deny.toml");
    if !advisories {
        note(
            "NOT CHECKED: advisories. Their database is a git repository, which a closed network \
             does not reach; run `cargo xtask deny --advisories` where it does.",
        );
    }
    Ok(())
}

/// Writes one bill of materials per program, and compares it with what cargo resolves.
pub(crate) fn sbom(root: &Path) -> anyhow::Result<()> {
    let program = tools::get(root, CYCLONEDX.0, CYCLONEDX.1)?;
    const NAME: &str = "sbom-being-made";
    let status = Command::new(program)
        .current_dir(root)
        .args(["cyclonedx", "--format", "json", "--spec-version", "1.5"])
        .args(["--target", "all", "--override-filename", NAME])
        .status()
        .context("run cargo-cyclonedx")?;
    // The tool writes one beside every manifest of the workspace, where none may stay.
    let made = |folder: &Path| folder.join(format!("{NAME}.json"));
    let texts: Vec<_> = PROGRAMS
        .iter()
        .map(|(_, folder)| std::fs::read_to_string(made(&root.join(folder))))
        .collect();
    for entry in std::fs::read_dir(root)? {
        std::fs::remove_file(made(&entry?.path())).ok();
    }
    std::fs::remove_file(made(root)).ok();
    ensure!(status.success(), "cargo-cyclonedx failed");
    let target = root.join("target/sbom");
    std::fs::create_dir_all(&target)?;
    for ((name, _), text) in PROGRAMS.iter().zip(texts) {
        let text = text.with_context(|| format!("no bill of materials of {name}"))?;
        let count = checked(root, name, &text)?;
        let path: PathBuf = target.join(format!("{name}.cdx.json"));
        std::fs::write(&path, text)?;
        note(&format!("{}: {count} components", path.display()));
    }
    Ok(())
}

/// The number of components, which must include every crate that cargo builds the program with.
fn checked(root: &Path, name: &str, text: &str) -> anyhow::Result<usize> {
    let bill: serde_json::Value = serde_json::from_str(text)?;
    ensure!(bill["bomFormat"] == "CycloneDX", "no CycloneDX document");
    let components = bill["components"].as_array().context("no components")?;
    let listed: BTreeSet<String> = components
        .iter()
        .map(|each| {
            let part = |field: &str| each[field].as_str().unwrap_or_default().to_owned();
            format!("{} {}", part("name"), part("version"))
        })
        .collect();
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["tree", "--locked", "--package", name, "--target", "all"])
        .args(["--edges", "normal,build", "--prefix", "none"])
        .output()
        .context("run cargo tree")?;
    let resolved: BTreeSet<String> = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            Some(format!("{name} {}", rest.split_whitespace().next()?))
        })
        .filter(|each| !each.starts_with(&format!("{name} ")))
        .collect();
    let missing: Vec<_> = resolved.difference(&listed).collect();
    if !missing.is_empty() {
        bail!("{name}: the bill of materials lacks {missing:?}");
    }
    ensure!(!listed.is_empty(), "{name}: an empty bill of materials");
    Ok(listed.len())
}

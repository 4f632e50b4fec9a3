//! House rules that the compiler does not know.

use std::{collections::BTreeSet, path::Path, process::Command};

use anyhow::{Context as _, bail};

/// What can open a socket, a file or a process: none of it may be in reach of a workflow.
const IO_CRATES: [&str; 12] = [
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "native-tls",
    "openssl",
    "reqwest",
    "rustls",
    "socket2",
    "tokio-rustls",
    "tonic-transport",
    "ureq",
];

/// Which crates of ours each may depend on. Everything not named here is refused.
const MAY_LOOK_AT: [(&str, &[&str]); 7] = [
    ("aep-flow-proto", &[]),
    ("aep-flow-workflows", &["aep-flow-proto"]),
    ("aep-platform", &[]),
    ("aep-flow-ensure", &["aep-flow-proto", "aep-platform"]),
    ("aep-probe", &[]),
    ("aep-emulator", &["aep-probe"]),
    (
        "fault-campaign",
        &[
            "aep-emulator",
            "aep-flow",
            "aep-flow-ensure",
            "aep-flow-proto",
            "aep-flow-workflows",
            "aep-platform",
            "aep-probe",
        ],
    ),
];

/// What switches the verification of certificates off, put together so that this file has none of
/// it, and the one file that may have it: there the verifier is the operating system's.
const UNVERIFIED: [(&str, Option<&str>); 3] = [
    (concat!("danger_", "accept_invalid"), None),
    (concat!("SKIP_", "VERIFY"), None),
    (concat!(".danger", "ous()"), Some("platform/src/tls.rs")),
];

/// Checks every rule, and names each that is broken.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut broken = Vec::new();
    let workflows = tree(root, "aep-flow-workflows")?;
    for name in IO_CRATES {
        if workflows.contains(name) {
            broken.push(format!(
                "workflow code can reach I/O: `{name}` is in its tree"
            ));
        }
    }
    for (name, allowed) in MAY_LOOK_AT {
        for other in tree(root, name)? {
            let is_ours = other.starts_with("aep-");
            if is_ours && other != name && !allowed.contains(&other.as_str()) {
                broken.push(format!("`{name}` must not depend on `{other}`"));
            }
        }
    }
    for library in [
        "src",
        "proto/src",
        "workflows/src",
        "platform/src",
        "ensure/src",
        "emulator/src",
        "probe/src",
        "fault-campaign/src",
    ] {
        let head = root.join(library).join("lib.rs");
        let text =
            std::fs::read_to_string(&head).with_context(|| format!("read {}", head.display()))?;
        if !text.starts_with("//!") {
            broken.push(format!(
                "{library}/lib.rs does not begin by saying what it is for"
            ));
        }
    }
    for member in [
        "proto",
        "workflows",
        "platform",
        "emulator",
        "probe",
        "ensure",
        "fault-campaign",
        "xtask",
    ] {
        let manifest = std::fs::read_to_string(root.join(member).join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!(
                "{member}/Cargo.toml does not take the workspace's lints"
            ));
        }
    }
    broken.extend(unverified(root)?);
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the tree breaks its own rules:\n  {}", broken.join("\n  "))
}

/// Each file under version control that switches the verification of certificates off.
fn unverified(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.rs",
        ])
        .output()
        .context("run git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut broken = Vec::new();
    for file in String::from_utf8(output.stdout)?.lines() {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        for (words, exception) in UNVERIFIED {
            if text.contains(words) && exception != Some(file) {
                broken.push(format!("{file} has `{words}`: certificates are verified"));
            }
        }
    }
    Ok(broken)
}

/// Names of all crates that `package` is built with, tests apart.
fn tree(root: &Path, package: &str) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["tree", "--locked", "--package", package])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .context("run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let names = String::from_utf8(output.stdout)?;
    Ok(names
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

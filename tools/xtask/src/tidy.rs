//! House rules that the compiler does not know.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::mutants::guards;

/// Crates that can open a socket, a file or a process. Workflow code must not depend on them.
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

/// The crates of ours that each crate may depend on. Everything else is refused.
const MAY_LOOK_AT: [(&str, &[&str]); 8] = [
    ("aep-flow-proto", &[]),
    ("aep-flow-workflows", &["aep-flow-proto"]),
    ("aep-platform", &[]),
    ("aep-flow-ensure", &["aep-flow-proto"]),
    ("aep-probe", &[]),
    ("aep-emulator", &["aep-probe"]),
    ("aep-flow-devserver", &["aep-flow-proto"]),
    (
        "fault-campaign",
        &[
            "aep-emulator",
            "aep-flow",
            "aep-flow-devserver",
            "aep-flow-ensure",
            "aep-flow-proto",
            "aep-flow-testkit",
            "aep-flow-workflows",
            "aep-platform",
            "aep-probe",
        ],
    ),
];

/// What the demo needs and the worker's image must not contain: a crate, or a feature of one.
const ONLY_FOR_DEMO: [&str; 4] = [
    "aep-emulator",
    "aep-flow-devserver",
    "aep-flow-testkit",
    "ephemeral-server",
];

/// Code that switches off the verification of certificates, split so that this file does not match,
/// and the one file that may contain it: there the verifier is the operating system's.
const UNVERIFIED: [(&str, Option<&str>); 3] = [
    (concat!("danger_", "accept_invalid"), None),
    (concat!("SKIP_", "VERIFY"), None),
    (
        concat!(".danger", "ous()"),
        Some("crates/platform/src/tls.rs"),
    ),
];

/// The sections of a manifest that name dependencies.
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks every rule, and lists the broken ones.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let mut broken = guards::out_of_date(root)?;
    let workflows = tree(root, "aep-flow-workflows")?;
    for name in IO_CRATES {
        if workflows.contains(name) {
            broken.push(format!(
                "workflow code can reach I/O: `{name}` is in its tree"
            ));
        }
    }
    let worker = worker_alone(root)?;
    broken.extend(
        ONLY_FOR_DEMO
            .iter()
            .filter(|each| worker.iter().any(|line| line.contains(*each)))
            .map(|each| format!("a worker without its demo is built with `{each}`")),
    );
    for (name, allowed) in MAY_LOOK_AT {
        broken.extend(refused_edges(name, allowed, &tree(root, name)?));
    }
    for library in [
        "src",
        "proto/src",
        "workflows/src",
        "crates/platform/src",
        "crates/ensure/src",
        "crates/emulator/src",
        "crates/probe/src",
        "crates/devserver/src",
        "crates/testkit/src",
        "tools/fault-campaign/src",
        "tools/fuzz/src",
    ] {
        let head = root.join(library).join("lib.rs");
        let text =
            std::fs::read_to_string(&head).with_context(|| format!("read {}", head.display()))?;
        if !text.starts_with("//!") {
            broken.push(format!(
                "{library}/lib.rs does not begin with a comment that says what it is for"
            ));
        }
    }
    let workspace: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    if !forbids_unsafe_code(&workspace) {
        broken.push("the workspace's lints do not forbid unsafe code".to_owned());
    }
    let mut unused = shared_dependencies(&workspace);
    for member in members(root)? {
        let manifest: toml::Table = std::fs::read_to_string(&member)
            .with_context(|| format!("read {}", member.display()))?
            .parse()?;
        for section in SECTIONS {
            let named = manifest.get(section).and_then(toml::Value::as_table);
            unused.retain(|name| named.is_none_or(|named| !named.contains_key(name)));
        }
        let shown = member.strip_prefix(root).unwrap_or(&member).display();
        broken.extend(
            broken_by_member(&manifest)
                .into_iter()
                .map(|rule| format!("{shown} {rule}")),
        );
    }
    broken.extend(unverified(root)?);
    broken.extend(
        unused
            .iter()
            .map(|name| format!("no crate of ours takes `{name}` of the workspace's dependencies")),
    );
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the tree breaks its own rules:\n  {}", broken.join("\n  "))
}

/// Each crate of ours in the tree of `name` that is not one of those that it may depend on.
fn refused_edges(name: &str, allowed: &[&str], tree: &BTreeSet<String>) -> Vec<String> {
    let ours = tree.iter().filter(|other| other.starts_with("aep-"));
    ours.filter(|other| *other != name && !allowed.contains(&other.as_str()))
        .map(|other| format!("`{name}` must not depend on `{other}`"))
        .collect()
}

/// The files under version control that switch off the verification of certificates.
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

/// The manifest of every member, including the root's.
fn members(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["metadata", "--locked", "--no-deps", "--format-version", "1"])
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    Ok(packages
        .iter()
        .filter_map(|package| package["manifest_path"].as_str())
        .map(PathBuf::from)
        .collect())
}

/// Every crate takes its lints from the workspace, so this one line applies to all of them, and no
/// attribute in a crate can undo a `forbid`.
fn forbids_unsafe_code(workspace: &toml::Table) -> bool {
    let level = workspace.get("workspace").and_then(|table| {
        table
            .get("lints")?
            .get("rust")?
            .get("unsafe_code")?
            .as_str()
    });
    level == Some("forbid")
}

/// The crates whose versions the workspace names.
fn shared_dependencies(workspace: &toml::Table) -> Vec<String> {
    workspace
        .get("workspace")
        .and_then(|table| table.get("dependencies")?.as_table())
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// The rules that the manifest of one member breaks.
fn broken_by_member(manifest: &toml::Table) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let takes_lints = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace")?.as_bool());
    if takes_lints != Some(true) {
        broken.push("does not take the workspace's lints");
    }
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name")?.as_str());
    let opens_readers = SECTIONS
        .iter()
        .filter_map(|section| {
            manifest
                .get(*section)?
                .get("aep-platform")?
                .get("features")?
                .as_array()
        })
        .flatten()
        .any(|feature| feature.as_str() == Some("fuzzing"));
    if opens_readers && name != Some("aep-flow-fuzz") {
        broken.push("enables `fuzzing`, which is only for the fuzz targets");
    }
    broken
}

/// Names of all crates that `package` is built with, without those for tests.
fn tree(root: &Path, package: &str) -> anyhow::Result<BTreeSet<String>> {
    let lines = cargo_tree(root, &["--package", package, "--format", "{p}"])?;
    Ok(lines
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

/// All crates of the worker's image, each with its features.
fn worker_alone(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let arguments = ["--package", "aep-flow", "--no-default-features"];
    cargo_tree(root, &[&arguments[..], &["--format", "{p} {f}"]].concat())
}

/// What `cargo tree` says of dependencies, tests apart: a line for each crate.
fn cargo_tree(root: &Path, arguments: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(arguments)
        .output()
        .context("run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    #[test]
    fn a_member_that_goes_its_own_way_is_named() {
        let lints = "[lints]\nworkspace = true\n";
        let fuzzing =
            "[dev-dependencies]\naep-platform = { workspace = true, features = [\"fuzzing\"] }\n";
        let broken = |text: &str| broken_by_member(&table(text));
        assert_eq!(broken(lints), [""; 0]);
        assert_eq!(broken("[package]\nname = \"a\"").len(), 1);
        assert_eq!(broken("[lints]\nworkspace = false").len(), 1);
        assert_eq!(broken("[lints.rust]\nunsafe_code = \"allow\"").len(), 1);
        assert_eq!(broken(&format!("{lints}{fuzzing}")).len(), 1);
        let targets = format!("[package]\nname = \"aep-flow-fuzz\"\n{lints}{fuzzing}");
        assert_eq!(broken(&targets), [""; 0]);
    }

    #[test]
    fn the_protocol_must_not_know_the_platforms_client() {
        let (name, allowed) = MAY_LOOK_AT
            .into_iter()
            .find(|(name, _)| *name == "aep-flow-ensure")
            .unwrap();
        let mut tree: BTreeSet<String> = ["aep-flow-ensure", "aep-flow-proto", "serde"]
            .map(str::to_owned)
            .into();
        assert_eq!(refused_edges(name, allowed, &tree), [""; 0]);
        tree.insert("aep-platform".to_owned());
        let refused = refused_edges(name, allowed, &tree);
        assert_eq!(
            refused,
            ["`aep-flow-ensure` must not depend on `aep-platform`"]
        );
    }

    #[test]
    fn unsafe_code_is_forbidden_and_not_only_denied() {
        let with = |level: &str| {
            forbids_unsafe_code(&table(&format!(
                "[workspace.lints.rust]\nunsafe_code = \"{level}\""
            )))
        };
        assert!(with("forbid"));
        assert!(!with("deny") && !forbids_unsafe_code(&table("[workspace]")));
    }
}

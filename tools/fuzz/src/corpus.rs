//! The corpus: small texts in `corpus/<target>/`. An input that once failed stays as a seed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// One file of the corpus.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its file.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The folder of a target's seeds in the repository.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// The seeds of a target, sorted by name; at least one.
///
/// # Errors
/// The folder is missing or empty, or a file in it can't be read.
pub fn seeds(target: &str) -> anyhow::Result<Vec<Seed>> {
    let folder = folder(target);
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("the target `{target}` has no seeds in {}", folder.display()))?;
    let mut seeds = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        seeds.push(Seed { path, bytes });
    }
    anyhow::ensure!(!seeds.is_empty(), "{} is empty", folder.display());
    seeds.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(seeds)
}

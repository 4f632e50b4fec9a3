//! Loads the compiled-in catalogue, and the folder that changes it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use super::Catalog;
use super::entry::Source;
use super::file::{self, WrongField};

/// The catalogue that `build.rs` generates from `catalog/*.toml`: one JSON text, which is parsed in
/// well under a millisecond, and only if needed.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.json"));

/// Why a folder of sources can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The folder does not exist or can't be read.
    #[error("the folder of sources `{}` can't be read", folder.display())]
    FolderUnreadable {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// A file of the folder can't be read.
    #[error("the file of a source `{}` can't be read", file.display())]
    FileUnreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// A field of a file is wrong.
    #[error("the file of a source `{}` is not valid", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The field, and what is wrong with it.
        #[source]
        cause: WrongField,
    },
}

impl CatalogError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::FolderUnreadable { .. } => {
                "name an existing folder with `--catalog DIR` or `AEP_FLOW_CATALOG_DIR`"
            }
            Self::FileUnreadable { .. } => "make the file readable, or remove it from the folder",
            Self::Wrong { .. } => "docs/sources.md shows such a file and explains each field",
        }
    }
}

impl Catalog {
    /// The compiled-in catalogue.
    #[must_use]
    pub fn built_in() -> Self {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            let sources: Vec<Source> =
                serde_json::from_str(BUILT_IN).expect("build.rs wrote it by the same types");
            Catalog::of(sources)
        });
        CATALOG.clone()
    }

    /// The compiled-in catalogue with the files `*.toml` of `folder`: each replaces the source of
    /// its name, or adds one.
    ///
    /// # Errors
    /// [`CatalogError`], which names the first wrong file and its field.
    pub fn load(folder: Option<&Path>) -> Result<Self, CatalogError> {
        let built_in = Self::built_in();
        let Some(folder) = folder else {
            return Ok(built_in);
        };
        let mut sources = built_in.sources.as_ref().clone();
        for path in files(folder)? {
            let source = read(&path)?;
            sources.insert(source.name.clone(), source);
        }
        Ok(Self {
            sources: Arc::new(sources),
        })
    }

    fn of(sources: Vec<Source>) -> Self {
        let by_name: BTreeMap<String, Source> = sources
            .into_iter()
            .map(|source| (source.name.clone(), source))
            .collect();
        Self {
            sources: Arc::new(by_name),
        }
    }
}

/// The files of `folder`, sorted by name, so that the same wrong one is reported each time.
fn files(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let unreadable = |cause| CatalogError::FolderUnreadable {
        folder: folder.to_owned(),
        cause,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension() == Some(OsStr::new("toml")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Source, CatalogError> {
    let text = std::fs::read_to_string(path).map_err(|cause| CatalogError::FileUnreadable {
        file: path.to_owned(),
        cause,
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    file::read(&name, &text).map_err(|cause| CatalogError::Wrong {
        file: path.to_owned(),
        cause,
    })
}

#[cfg(test)]
mod tests;

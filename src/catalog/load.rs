//! The catalogue that is compiled in, and what a folder changes of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use super::Catalog;
use super::entry::Source;
use super::file::{self, WrongField};

/// What `build.rs` made of `catalog/*.toml`: one JSON text, which is read in well under a
/// millisecond, and only by a process that asks.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.json"));

/// Why a folder is not taken for a part of the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The folder is not there, or can't be read.
    #[error("the folder of sources `{}` can't be read", folder.display())]
    FolderUnreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A file of the folder can't be read.
    #[error("the file of a source `{}` can't be read", file.display())]
    FileUnreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A field of a file can't be taken.
    #[error("the file of a source `{}` can't be taken", file.display())]
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
            Self::FileUnreadable { .. } => "let the file be read, or take it out of the folder",
            Self::Wrong { .. } => {
                "docs/sources.md shows such a file and leads to what each field means"
            }
        }
    }
}

impl Catalog {
    /// What is compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            let sources: Vec<Source> =
                serde_json::from_str(BUILT_IN).expect("build.rs wrote it by the same types");
            Catalog::of(sources)
        });
        CATALOG.clone()
    }

    /// What is compiled in, with the files `*.toml` of `folder`: each replaces the source of its
    /// name, or adds one.
    ///
    /// # Errors
    /// [`CatalogError`], which names the first file that can't be taken, and its field.
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

/// The files of `folder` by name, so that of several wrong ones the same is told each time.
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

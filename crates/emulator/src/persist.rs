//! The state file.
//!
//! The whole file is written after each change, to a temporary file that then replaces it. Whoever
//! kills the emulator finds the old state or the new one, never half a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::Store;

/// The format of the file that this build writes and reads.
const FORMAT: u32 = 1;

/// Why the state can't be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file exists but can't be read.
    #[error("state file {path} can't be read")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file holds no state of an emulator.
    #[error("state file {path} holds no state of an emulator")]
    Malformed {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
    /// The file has the format of another build.
    #[error("state file {path} has format {found}, but this emulator reads format {FORMAT}")]
    OtherFormat {
        /// Where.
        path: PathBuf,
        /// The format in the file.
        found: u32,
    },
    /// The file can't be written.
    #[error("state file {path} can't be written")]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

#[derive(Serialize)]
struct FileOut<'s> {
    format: u32,
    state: &'s Store,
}

#[derive(Deserialize)]
struct FileIn {
    format: u32,
    state: Store,
}

/// Loads the state of an earlier start. Without a file the state is empty.
pub(crate) fn load(path: &Path) -> Result<Store, StateFileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Store::default()),
        Err(cause) => {
            return Err(StateFileError::Unreadable {
                path: path.to_owned(),
                cause,
            });
        }
    };
    let file: FileIn =
        serde_json::from_slice(&bytes).map_err(|cause| StateFileError::Malformed {
            path: path.to_owned(),
            cause,
        })?;
    if file.format != FORMAT {
        return Err(StateFileError::OtherFormat {
            path: path.to_owned(),
            found: file.format,
        });
    }
    Ok(file.state)
}

/// Saves the state.
pub(crate) fn save(path: &Path, state: &Store) -> Result<(), StateFileError> {
    write(path, state).map_err(|cause| StateFileError::Unwritable {
        path: path.to_owned(),
        cause,
    })
}

fn write(path: &Path, state: &Store) -> io::Result<()> {
    let bytes = serde_json::to_vec(&FileOut {
        format: FORMAT,
        state,
    })?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let neighbour = path.with_file_name(name);
    let mut file = create_private(&neighbour)?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    fs::rename(&neighbour, path)
}

/// Creates a file that only its owner may read, because it holds passwords and tokens.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_an_empty_state_and_another_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert!(load(&path).unwrap().sandbox_names().is_empty());
        fs::write(&path, "{}").unwrap();
        assert!(matches!(load(&path), Err(StateFileError::Malformed { .. })));
        fs::write(
            &path,
            r#"{"format":9,"state":{"last_order":0,"sandboxes":{}}}"#,
        )
        .unwrap();
        assert!(matches!(
            load(&path),
            Err(StateFileError::OtherFormat { found: 9, .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_file_and_no_temporary_file_remains() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        save(&path, &Store::default()).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! Reads a secret from a file below the secrets folder. Opens nothing outside the folder, and reads
//! only plain files of bounded length.

use std::fs::File;
use std::path::{Component, Path};

use secrecy::SecretString;

use super::error::SecretError;
use super::text::secret_text;
use crate::secret_file::{read_all, without_line_end};

/// The secret in `path` below `folder`.
pub(super) fn read(
    folder: Option<&Path>,
    path: &str,
    max_bytes: usize,
) -> Result<SecretString, SecretError> {
    let given = || path.to_owned();
    let Some(folder) = folder else {
        return Err(SecretError::NoFolder { path: given() });
    };
    let is_below = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_below || path.contains('\0') {
        return Err(SecretError::Outside { path: given() });
    }
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            SecretError::Missing { path: given() }
        }
        std::io::ErrorKind::CrossesDevices => SecretError::Outside { path: given() },
        _ => SecretError::Unreadable {
            path: given(),
            cause,
        },
    };
    let file = open_below(folder, path).map_err(failed)?;
    // Checks the open file, because its name may point to another file by now.
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("not a plain file")));
    }
    let bytes =
        read_all(file, max_bytes)
            .map_err(failed)?
            .ok_or_else(|| SecretError::TooLarge {
                path: given(),
                max_bytes,
            })?;
    secret_text(without_line_end(&bytes), || format!("file:{path}"))
}

/// Opens `path` in one step that never leaves `folder`: otherwise somebody who may write there could
/// swap in a link between a check and the opening. Follows links that stay below the folder, because
/// orchestrators mount secrets that way. A path that leads out gives `CrossesDevices`.
#[cfg(target_os = "linux")]
fn open_below(folder: &Path, path: &str) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    use rustix::io::Errno;

    let folder = File::open(folder)?;
    // A pipe without a writer would block the thread for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // A link that is swapped meanwhile, as in a rotation, is worth another try.
    for _ in 0..8 {
        match rustix::fs::openat2(&folder, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            opened => return Ok(File::from(opened?)),
        }
    }
    Err(Errno::AGAIN.into())
}

/// The same in two steps, on systems without such a call.
#[cfg(not(target_os = "linux"))]
fn open_below(folder: &Path, path: &str) -> std::io::Result<File> {
    let folder = folder.canonicalize()?;
    let file = folder.join(path).canonicalize()?;
    if !file.starts_with(&folder) {
        return Err(std::io::ErrorKind::CrossesDevices.into());
    }
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a plain file"));
    }
    File::open(file)
}

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

/// The system does not let a file be opened safely below the secrets folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "the system refuses the call `openat2`, without which no file below `secrets.folder` can be read"
)]
pub struct NoOpenat2(#[source] std::io::Error);

impl NoOpenat2 {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        "use Linux 5.6 or later and a container runtime whose sandbox and seccomp profile allow \
         `openat2`; or unset `secrets.folder` and keep secrets in variables or in Vault"
    }
}

/// Checks that the system can open files below `folder`: some sandboxes and older seccomp profiles
/// refuse the call. A folder that can't be opened for another reason passes.
///
/// # Errors
/// [`NoOpenat2`]; nobody but the owner of the machine can change that.
pub fn check_system(folder: &Path) -> Result<(), NoOpenat2> {
    match open_below(folder, ".") {
        Err(error) if is_refused_call(&error) => Err(NoOpenat2(error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether the error says that the system has no such call, or that a filter refuses it: for a
/// folder that the process may not read the system says something else.
#[cfg(target_os = "linux")]
fn is_refused_call(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOSYS, Errno::PERM]
        .map(|errno| Some(errno.raw_os_error()))
        .contains(&error.raw_os_error())
}

/// Other systems are only for development, and use another call.
#[cfg(not(target_os = "linux"))]
fn is_refused_call(_error: &std::io::Error) -> bool {
    false
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

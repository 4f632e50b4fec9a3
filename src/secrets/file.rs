//! A secret in a file below the secrets folder: nothing outside of it is opened, nothing but a
//! plain file of a bounded length is read.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::SecretError;
use super::{cut_line_end, text};

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
    // Asked of what was opened, not of its name, which may mean another file by now.
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
    text(cut_line_end(&bytes), || format!("file:{path}"))
}

/// All of a file, or none where it is longer. Read into one piece of memory that is zeroed in the
/// end: a buffer that grows leaves copies behind.
pub(crate) fn read_all(
    mut file: File,
    max_bytes: usize,
) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(vec![0; max_bytes.saturating_add(1)]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if length > max_bytes {
            return Ok(None);
        }
    }
    // Keeps its memory, so that nothing is copied.
    bytes.truncate(length);
    Ok(Some(bytes))
}

/// Opens `path` in one step that never leaves `folder`: whoever may write there could otherwise
/// swap a link in between a look and the opening. Links are followed as long as they stay below,
/// for that is how an orchestrator mounts secrets. Leads it out: `CrossesDevices`.
#[cfg(target_os = "linux")]
fn open_below(folder: &Path, path: &str) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    use rustix::io::Errno;

    let folder = File::open(folder)?;
    // A pipe without a writer would hold the thread for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // A link that is swapped meanwhile, as on a rotation, is worth a second look.
    for _ in 0..8 {
        match rustix::fs::openat2(&folder, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            opened => return Ok(File::from(opened?)),
        }
    }
    Err(Errno::AGAIN.into())
}

/// The same in two steps, where the system knows no better.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_past_the_limit_is_given_up() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        let read = |max| read_all(File::open(file.path()).unwrap(), max).unwrap();
        assert_eq!(read(5).unwrap().as_slice(), b"12345");
        assert_eq!(read(4), None);
        let endless = read_all(File::open("/dev/zero").unwrap(), 1024).unwrap();
        assert_eq!(endless, None);
    }
}

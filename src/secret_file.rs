//! Reads a file that may hold a secret: up to a limit, into memory that is zeroed afterwards.

use std::fs::File;
use std::io::Read as _;

use zeroize::Zeroizing;

/// The content of `file`, or nothing if it is longer than `max_bytes`. It is read into a single
/// allocation, because a buffer that grows leaves copies behind.
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
    // Keeps the allocation, so nothing is copied.
    bytes.truncate(length);
    Ok(Some(bytes))
}

/// `bytes` without the line end, of either kind, that `echo` and editors leave.
pub(crate) fn without_line_end(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(rest) => rest.strip_suffix(b"\r").unwrap_or(rest),
        None => bytes,
    }
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

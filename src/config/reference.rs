//! Resolves references to secrets in the configuration file.

use std::fs::File;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::environment::Environment;
use super::raw_value::ValueError;
use crate::secret_file::read_all;

pub(super) const EXPECTED: &str = r#"{ env = "NAME" } or { file = "path" }"#;

// A client secret has about 40 bytes; a larger file is named by mistake.
const MAX_BYTES: usize = 64 * 1024;

/// The secret that a table of the file refers to; paths are relative to `folder`.
pub(super) fn resolve(
    value: &toml::Value,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretString, ValueError> {
    let table = match value {
        toml::Value::Table(table) if table.len() == 1 => table,
        toml::Value::Table(_) => {
            return Err(ValueError::Type {
                found: "a table".to_owned(),
                expected: EXPECTED.to_owned(),
            });
        }
        _ => return Err(ValueError::Literal),
    };
    match table
        .iter()
        .next()
        .map(|(key, value)| (key.as_str(), value))
    {
        Some(("env", toml::Value::String(name))) => environment
            .get(name)
            .map(|secret| SecretString::from(secret.trim().to_owned()))
            .ok_or_else(|| ValueError::Reference(format!("the variable `{name}` is not set"))),
        Some(("file", toml::Value::String(path))) => from_file(&folder.join(path)),
        Some((key, _)) => Err(ValueError::Type {
            found: format!("a table with the key `{}`", key.escape_debug()),
            expected: EXPECTED.to_owned(),
        }),
        None => Err(ValueError::Literal),
    }
}

/// The file that a table of the file refers to.
pub(super) fn file_of(value: &toml::Value, folder: &Path) -> Option<PathBuf> {
    Some(folder.join(value.get("file")?.as_str()?))
}

/// The secret in a file, without surrounding white space, which editors leave.
pub(super) fn from_file(path: &Path) -> Result<SecretString, ValueError> {
    let shown = path.display();
    let unreadable =
        |error: std::io::Error| ValueError::Reference(format!("`{shown}` can't be read: {error}"));
    let no_file = || {
        ValueError::Reference(format!(
            "`{shown}` is not a file of at most {MAX_BYTES} bytes"
        ))
    };
    // A pipe would block the program for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(no_file());
    }
    let bytes = File::open(path)
        .and_then(|file| read_all(file, MAX_BYTES))
        .map_err(unreadable)?
        .ok_or_else(no_file)?;
    let text = str::from_utf8(&bytes)
        .map_err(|_| ValueError::Reference(format!("`{shown}` is not UTF-8")))?
        .trim();
    if text.is_empty() {
        return Err(ValueError::Reference(format!("`{shown}` is empty")));
    }
    Ok(SecretString::new(Box::from(text)))
}

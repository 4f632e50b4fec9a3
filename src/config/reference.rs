//! A secret of the configuration file: by reference only.

use std::path::Path;

use secrecy::SecretString;

use super::environment::Environment;
use super::value::Wrong;

pub(super) const EXPECTED: &str = r#"{ env = "NAME" } or { file = "path" }"#;

// A client secret has some 40 bytes; a larger file was named by mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// The secret that a table of the file refers to; a relative path starts at `folder`.
pub(super) fn resolve(
    value: &toml::Value,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretString, Wrong> {
    let table = match value {
        toml::Value::Table(table) if table.len() == 1 => table,
        toml::Value::Table(_) => {
            return Err(Wrong::Type {
                found: "a table".to_owned(),
                expected: EXPECTED.to_owned(),
            });
        }
        _ => return Err(Wrong::Literal),
    };
    match table
        .iter()
        .next()
        .map(|(key, value)| (key.as_str(), value))
    {
        Some(("env", toml::Value::String(name))) => environment
            .get(name)
            .map(|secret| SecretString::from(secret.trim().to_owned()))
            .ok_or_else(|| Wrong::Reference(format!("the variable `{name}` is not set"))),
        Some(("file", toml::Value::String(path))) => from_file(&folder.join(path)),
        Some((key, _)) => Err(Wrong::Type {
            found: format!("a table with the key `{}`", key.escape_debug()),
            expected: EXPECTED.to_owned(),
        }),
        None => Err(Wrong::Literal),
    }
}

/// The secret in a file, without the white space that an editor leaves at its end.
pub(super) fn from_file(path: &Path) -> Result<SecretString, Wrong> {
    let shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| Wrong::Reference(format!("`{shown}` can't be read: {error}")))?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(Wrong::Reference(format!(
            "`{shown}` is not a file of at most {MAX_BYTES} bytes"
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Wrong::Reference(format!("`{shown}` can't be read: {error}")))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::Reference(format!("`{shown}` is empty")));
    }
    Ok(SecretString::from(text.to_owned()))
}

//! A value as a source of the configuration gives it, and why a setting does not take it.

use super::environment::Environment;

/// A value as its source gives it.
#[derive(Clone, Copy)]
pub(super) enum RawValue<'a> {
    /// From the environment or a flag.
    Text(&'a str),
    /// From the file. Paths are relative to the file's folder; references to secrets are looked up
    /// in the environment.
    File {
        value: &'a toml::Value,
        folder: &'a std::path::Path,
        environment: &'a Environment,
    },
}

/// Why a setting does not accept a value. `found` is never the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueError {
    /// Not of the setting's type.
    Type { found: String, expected: String },
    /// A literal secret in the file.
    Literal,
    /// A reference to a secret that can't be resolved.
    Reference(String),
}

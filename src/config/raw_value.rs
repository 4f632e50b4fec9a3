//! A value as a source of the configuration gives it, and why a setting does not take it.

use super::environment::Environment;

/// A value as some source gave it.
#[derive(Clone, Copy)]
pub(super) enum RawValue<'a> {
    /// From the environment or a flag.
    Text(&'a str),
    /// From the file; a relative path in it starts at the file's folder, and a reference
    /// to a secret is looked up in the environment.
    File {
        value: &'a toml::Value,
        folder: &'a std::path::Path,
        environment: &'a Environment,
    },
}

/// Why a value was not taken. `found` is never the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueError {
    /// Not of the setting's type.
    Type { found: String, expected: String },
    /// A secret that stands in the file itself.
    Literal,
    /// A reference to a secret that leads nowhere.
    Reference(String),
}

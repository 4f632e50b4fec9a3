//! Why a configuration is refused.

use std::borrow::Cow;
use std::path::PathBuf;

/// Why a configuration is refused. Never shows the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A named file does not exist or can't be read.
    #[error("the configuration file `{}` can't be read", file.display())]
    FileUnreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file `{}` is not TOML{place}: {problem}", file.display())]
    FileMalformed {
        /// The file.
        file: PathBuf,
        /// ` at line N`, where it is known.
        place: String,
        /// The parser's message, without the text of the line, which may hold a secret.
        problem: String,
    },
    /// A key that no setting has.
    #[error("unknown key `{key}` in {place}")]
    UnknownKey {
        /// The key, with its section.
        key: String,
        /// The file or the flag.
        place: String,
        /// The most similar key.
        nearest: Option<&'static str>,
    },
    /// A key of the retired type of credential.
    #[error(
        "`{key}` in {place} belongs to a JWT (service account) credential, which Adobe retired"
    )]
    JwtCredentials {
        /// The key.
        key: String,
        /// The file or the environment.
        place: String,
    },
    /// A value that the setting does not accept.
    #[error("`{key}` from {place} is {found}, expected {expected}")]
    WrongValue {
        /// Name in the file.
        key: &'static str,
        /// Where the value came from.
        place: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A literal secret in the file or in a flag.
    #[error("`{key}` in {place} is a literal secret")]
    LiteralSecret {
        /// Name in the file.
        key: &'static str,
        /// The same without its section.
        field: &'static str,
        /// The file or the flag.
        place: String,
        /// Name in the environment.
        env: &'static str,
    },
    /// A reference to a secret that can't be resolved.
    #[error("the secret `{key}` in {place} can't be resolved: {problem}")]
    SecretMissing {
        /// Name in the file.
        key: &'static str,
        /// The file or the variable.
        place: String,
        /// What is wrong.
        problem: String,
    },
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::FileUnreadable { .. } => {
                "name an existing file with `--config FILE` or `AEP_FLOW_CONFIG`".into()
            }
            Self::FileMalformed { .. } => {
                "texts need quotes: `[aep]`, then a line such as `sandbox = \"prod\"`".into()
            }
            Self::UnknownKey {
                nearest: Some(key), ..
            } => format!("did you mean `{key}`?").into(),
            Self::UnknownKey { nearest: None, .. } => {
                "`aep-flow config show` lists every setting".into()
            }
            Self::JwtCredentials { .. } => {
                "add an OAuth server-to-server credential to the project in Adobe's Developer \
                 Console and set `client_id`, `client_secret` and `scopes`"
                    .into()
            }
            Self::WrongValue { .. } => "docs/configuration.md describes every setting".into(),
            Self::LiteralSecret { field, env, .. } => format!(
                "put it into the variable `{env}`, or refer to it: \
                 `{field} = {{ env = \"NAME\" }}` or `{field} = {{ file = \"path\" }}`"
            )
            .into(),
            Self::SecretMissing { .. } => {
                "set what the reference names, or change the reference".into()
            }
        }
    }
}

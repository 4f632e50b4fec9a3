//! Why a reference can't be resolved, and what to do about it. Names the reference, never its value.

use super::rule::Destination;
use super::vault::VaultError;

/// Why a reference can't be resolved. Never shows a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The reference names no place.
    #[error("the reference names neither a variable, nor a file, nor a secret in Vault")]
    NothingNamed,
    /// The worker has no such variable.
    #[error("the variable `{name}` is not set in the worker's environment")]
    NotSet {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration allows inputs no variable.
    #[error("the variable `{name}` can't be looked up: inputs may use no variable of this worker")]
    NoVariables {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration does not allow inputs this variable.
    #[error("inputs may not use the variable `{name}`")]
    NotAllowed {
        /// Name of the variable.
        name: String,
    },
    /// The worker's owner binds secrets to sources and hosts, and this one not to these.
    #[error("no rule of the worker lets the secret `{reference}` go to {destination}")]
    NoRule {
        /// `env:NAME`, `file:path` or `vault:path#key`.
        reference: String,
        /// Where the input sends it.
        destination: Destination,
    },
    /// The secret is set but empty.
    #[error("the secret `{reference}` is empty")]
    Empty {
        /// `env:NAME`, `file:path` or `vault:path#key`.
        reference: String,
    },
    /// The worker has no secrets folder.
    #[error("the file `{path}` can't be looked up: the worker has no secrets folder")]
    NoFolder {
        /// Path as the input has it.
        path: String,
    },
    /// The path is absolute, contains `..`, or is a link that leads out.
    #[error("the file `{path}` is not below the worker's secrets folder")]
    Outside {
        /// Path as the input has it.
        path: String,
    },
    /// The file does not exist.
    #[error("the file `{path}` is not in the worker's secrets folder")]
    Missing {
        /// Path as the input has it.
        path: String,
    },
    /// The file exists, but it is not readable or not a plain file.
    #[error("the file `{path}` in the worker's secrets folder can't be read")]
    Unreadable {
        /// Path as the input has it.
        path: String,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
    /// The file is longer than a secret may be.
    #[error("the file `{path}` is longer than {max_bytes} bytes")]
    TooLarge {
        /// Path as the input has it.
        path: String,
        /// The limit.
        max_bytes: usize,
    },
    /// The secret is not text.
    #[error("the secret `{reference}` is not UTF-8")]
    NotUtf8 {
        /// `env:NAME`, `file:path` or `vault:path#key`.
        reference: String,
    },
    /// The worker has no Vault.
    #[error("the secret `vault:{path}#{key}` can't be looked up: the worker has no Vault")]
    NoVault {
        /// Path as the input has it.
        path: String,
        /// Key as the input has it.
        key: String,
    },
    /// Vault did not return it.
    #[error("the secret `vault:{path}#{key}` can't be read: {cause}")]
    Vault {
        /// Path as the input has it.
        path: String,
        /// Key as the input has it.
        key: String,
        /// Why.
        #[source]
        cause: VaultError,
    },
}

impl SecretError {
    /// Whether the same reference may be resolved later, with nothing changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Vault { cause, .. } if cause.is_transient())
    }

    /// Whether the cause is between the worker and the secret's store, so that no input fixes it.
    #[must_use]
    pub fn is_worker_fault(&self) -> bool {
        matches!(self, Self::Vault { cause, .. } if cause.is_worker_fault())
    }

    /// What to do about it, one sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::NothingNamed => format!(
                "refer to the secret as {}",
                aep_flow_proto::validate::SECRET_REFERENCE
            ),
            Self::NotSet { name } => {
                format!("set `{name}` where the worker runs and start the worker again")
            }
            Self::NoVariables { name } => format!(
                "set the worker's setting `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to \
                 `{}`, or to `{name}` alone",
                prefix_of(name)
            ),
            Self::NotAllowed { name } => format!(
                "add `{name}` to the worker's setting `secrets.env_allow` \
                 (`AEP_FLOW_SECRETS_ENV_ALLOW`), or use a variable that it allows"
            ),
            Self::NoRule { .. } => {
                "name a secret, a source and a host that a rule binds together, or add a \
                 `[[secrets.rule]]` to the worker's configuration: docs/secrets.md"
                    .to_owned()
            }
            Self::Empty { reference } => format!("put the secret into `{reference}`"),
            Self::NoFolder { .. } => {
                "set the worker's setting `secrets.folder` (`AEP_FLOW_SECRETS_FOLDER`) to the \
                 folder that holds its secrets"
                    .to_owned()
            }
            Self::Outside { .. } => {
                "name the file by its path below the secrets folder, without `..`; a link must be \
                 relative and stay in the folder"
                    .to_owned()
            }
            Self::Missing { path } => format!("put `{path}` into the worker's secrets folder"),
            Self::Unreadable { path, .. } => {
                format!("make `{path}` a plain file that the worker's user may read")
            }
            Self::TooLarge { .. } => {
                "name the file that holds only the secret, or raise the worker's setting \
                 `secrets.max_bytes`"
                    .to_owned()
            }
            Self::NotUtf8 { .. } => "store the secret as UTF-8 text".to_owned(),
            Self::NoVault { .. } => {
                "set the worker's setting `vault.address` (`AEP_FLOW_VAULT_ADDRESS`), or keep the \
                 secret in a file"
                    .to_owned()
            }
            Self::Vault { path, key, cause } => cause.next_step(path, key),
        }
    }
}

/// The pattern of the names with the same prefix.
fn prefix_of(name: &str) -> String {
    match name.split_once('_') {
        Some((prefix, _)) if !prefix.is_empty() => format!("{prefix}_*"),
        Some(_) | None => name.to_owned(),
    }
}

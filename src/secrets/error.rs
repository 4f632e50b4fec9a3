//! Why a reference gives no secret, and what to do about it. Names the reference, never what it
//! holds.

use super::vault::VaultError;

/// Why a reference gives no secret. Never shows a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No place is named.
    #[error("the reference names neither a variable, nor a file, nor a secret of Vault's")]
    NothingNamed,
    /// The worker has no such variable.
    #[error("the variable `{name}` is not set in the worker's environment")]
    NotSet {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration keeps inputs from every variable.
    #[error("the variable `{name}` can't be looked up: inputs may use no variable of this worker")]
    NoVariables {
        /// Name of the variable.
        name: String,
    },
    /// The worker's configuration keeps inputs from this variable.
    #[error("the variable `{name}` is not one that inputs may use")]
    NotAllowed {
        /// Name of the variable.
        name: String,
    },
    /// Set, with nothing in it.
    #[error("the secret `{reference}` is empty")]
    Empty {
        /// `env:NAME`, `file:path` or `vault:path#key`.
        reference: String,
    },
    /// The worker has no secrets folder.
    #[error("the file `{path}` can't be looked up: the worker has no secrets folder")]
    NoFolder {
        /// Path as it was given.
        path: String,
    },
    /// Absolute, with `..`, or a link that leads out.
    #[error("the file `{path}` is not below the worker's secrets folder")]
    Outside {
        /// Path as it was given.
        path: String,
    },
    /// No such file.
    #[error("the file `{path}` is not in the worker's secrets folder")]
    Missing {
        /// Path as it was given.
        path: String,
    },
    /// There, and not readable, or not a plain file.
    #[error("the file `{path}` in the worker's secrets folder can't be read")]
    Unreadable {
        /// Path as it was given.
        path: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// More than a secret has.
    #[error("the file `{path}` is longer than {max_bytes} bytes")]
    TooLarge {
        /// Path as it was given.
        path: String,
        /// The limit.
        max_bytes: usize,
    },
    /// Not text.
    #[error("the secret `{reference}` is not UTF-8")]
    NotUtf8 {
        /// `env:NAME`, `file:path` or `vault:path#key`.
        reference: String,
    },
    /// The worker has no Vault.
    #[error("the secret `vault:{path}#{key}` can't be looked up: the worker has no Vault")]
    NoVault {
        /// Path as it was given.
        path: String,
        /// Key as it was given.
        key: String,
    },
    /// Vault did not give it.
    #[error("the secret `vault:{path}#{key}` can't be had: {cause}")]
    Vault {
        /// Path as it was given.
        path: String,
        /// Key as it was given.
        key: String,
        /// Why.
        #[source]
        cause: VaultError,
    },
}

impl SecretError {
    /// Whether the same reference may give a secret later, with nothing put right.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Vault { cause, .. } if cause.is_transient())
    }

    /// Whether it is between the worker and what keeps the secret, so that no input mends it.
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
                 (`AEP_FLOW_SECRETS_ENV_ALLOW`), or use a variable that it has"
            ),
            Self::Empty { reference } => format!("put the secret into `{reference}`"),
            Self::NoFolder { .. } => {
                "set the worker's setting `secrets.folder` (`AEP_FLOW_SECRETS_FOLDER`) to the \
                 folder that holds its secrets"
                    .to_owned()
            }
            Self::Outside { .. } => {
                "name the file by its path from the secrets folder, without `..`; a link must be \
                 relative and stay in the folder"
                    .to_owned()
            }
            Self::Missing { path } => format!("put `{path}` into the worker's secrets folder"),
            Self::Unreadable { path, .. } => {
                format!("make `{path}` a plain file that the worker's user may read")
            }
            Self::TooLarge { .. } => {
                "name the file that holds the secret alone, or raise the worker's setting \
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

/// The pattern of the names that begin as this one does.
fn prefix_of(name: &str) -> String {
    match name.split_once('_') {
        Some((prefix, _)) if !prefix.is_empty() => format!("{prefix}_*"),
        Some(_) | None => name.to_owned(),
    }
}

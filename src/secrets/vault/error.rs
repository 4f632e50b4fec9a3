//! Why Vault gives no secret, and why there is none to ask. Nothing that Vault says is repeated:
//! an answer may hold the question.

use std::path::PathBuf;

use aep_platform::BuildError;

/// What is set of Vault does not go together.
#[derive(Debug, thiserror::Error)]
pub enum VaultConfigError {
    /// The address or the proxy is none, or the certificates are.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address has a path.
    #[error("vault.address has a path")]
    PathInAddress,
    /// Inputs could read nothing, or everything: nobody said.
    #[error("vault.address is set, and vault.allow names no path that inputs may read")]
    NothingAllowed,
    /// A mount that no URL can carry.
    #[error("vault.mount or vault.login_mount is no path of a mount")]
    WrongMount,
    /// A namespace that no header can carry.
    #[error("vault.namespace has a character that no header can carry")]
    WrongNamespace,
    /// No way to log in.
    #[error("vault.address is set, and no way to log in there")]
    NoLogin,
    /// A role id without a secret id, or the other way round.
    #[error("of vault.role_id and vault.secret_id only one is set")]
    HalfAnAppRole,
    /// More than one way to log in.
    #[error("more than one way to log in to Vault is set")]
    TwoLogins,
    /// The certificate authority's file could not be read.
    #[error("cannot read the certificates in {}", path.display())]
    Certificate {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl VaultConfigError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Build(BuildError::InsecureUrl { .. }) => {
                "set `vault.address` to an https address; for a server on this machine also \
                 `vault.allow_insecure`"
            }
            Self::Build(BuildError::WrongCertificate { .. }) | Self::Certificate { .. } => {
                "set `vault.ca_certificate` to a PEM file with the authority's certificate"
            }
            Self::Build(BuildError::WrongProxy) => "correct `proxy.https`, or unset the variable",
            Self::Build(_) | Self::PathInAddress => {
                "set `vault.address` to scheme, host and port, such as `https://vault.example:8200`"
            }
            Self::NothingAllowed => {
                "set `vault.allow` (`AEP_FLOW_VAULT_ALLOW`) to the paths that inputs may read, \
                 such as `osc/*`"
            }
            Self::WrongMount => "name the mount as Vault lists it, without a closing `/`",
            Self::WrongNamespace => "correct `vault.namespace`",
            Self::NoLogin | Self::HalfAnAppRole | Self::TwoLogins => {
                "set one of: `vault.token`; `vault.role_id` and `vault.secret_id`; \
                 `vault.kubernetes_role`"
            }
        }
    }
}

/// Why Vault gives no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The worker's configuration keeps inputs from this path.
    #[error("inputs may not read this path of the worker's Vault")]
    NotAllowed,
    /// Nothing is there, or its newest version was deleted.
    #[error("Vault has no secret at this path")]
    Missing,
    /// The secret has other keys.
    #[error("the secret at this path has no such key")]
    NoKey,
    /// A number, a list, an object.
    #[error("the key's value is no text")]
    NotText,
    /// An empty text.
    #[error("the key's value is empty")]
    Empty,
    /// The worker's role may not read it.
    #[error("Vault denies it to the worker's role")]
    Denied,
    /// The worker can't log in.
    #[error("Vault refuses the worker's login with status {status}")]
    LoginRefused {
        /// HTTP status.
        status: u16,
    },
    /// The file with the service account's token.
    #[error("the service account's token can't be read: {reason}")]
    NoServiceAccount {
        /// What the system said.
        reason: String,
    },
    /// No connection, or no answer in time.
    #[error("Vault can't be reached: {reason}")]
    Unreachable {
        /// What the transport said.
        reason: String,
    },
    /// Sealed, starting, or a standby.
    #[error("Vault is sealed or not active (status {status})")]
    Sealed {
        /// HTTP status.
        status: u16,
    },
    /// Too many requests, or an error of its own.
    #[error("Vault answers with status {status}")]
    Unavailable {
        /// HTTP status.
        status: u16,
    },
    /// It points to another address, which is not followed.
    #[error("Vault points to another address, which is not followed")]
    Redirected,
    /// It refuses what no role is the reason for.
    #[error("Vault refuses the request with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// Not what Vault answers.
    #[error("what answers is not as Vault's key/value store, version 2")]
    Unreadable,
}

impl VaultError {
    /// Whether the same question may be answered later, with nothing put right.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Sealed { .. } | Self::Unavailable { .. } => true,
            Self::NotAllowed
            | Self::Missing
            | Self::NoKey
            | Self::NotText
            | Self::Empty
            | Self::Denied
            | Self::LoginRefused { .. }
            | Self::NoServiceAccount { .. }
            | Self::Redirected
            | Self::Refused { .. }
            | Self::Unreadable => false,
        }
    }

    /// Whether it is between the worker and Vault, so that no input mends it.
    #[must_use]
    pub fn is_worker_fault(&self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::LoginRefused { .. }
                | Self::NoServiceAccount { .. }
                | Self::Redirected
                | Self::Refused { .. }
                | Self::Unreadable
        )
    }

    /// What to do about it, one sentence.
    #[must_use]
    pub fn next_step(&self, path: &str, key: &str) -> String {
        match self {
            Self::NotAllowed => format!(
                "add `{path}` to the worker's setting `vault.allow` (`AEP_FLOW_VAULT_ALLOW`), or \
                 use a path that it has"
            ),
            Self::Missing => format!("put the secret at `{path}`, or correct the path"),
            Self::NoKey => format!("put `{key}` into the secret at `{path}`, or correct the key"),
            Self::NotText | Self::Empty => {
                format!("store `{key}` of the secret at `{path}` as a text")
            }
            Self::Denied => format!(
                "let the worker's role read `data/{path}` below the mount, by a policy of Vault's"
            ),
            Self::LoginRefused { .. } => {
                "correct the worker's login in the settings `vault.…`; `aep-flow check` tries it"
                    .to_owned()
            }
            Self::NoServiceAccount { .. } => {
                "mount the service account's token, or correct `vault.kubernetes_token_file`"
                    .to_owned()
            }
            Self::Unreachable { .. } | Self::Sealed { .. } | Self::Unavailable { .. } => {
                "nothing, if Vault comes back; else see to Vault, or correct `vault.address`"
                    .to_owned()
            }
            Self::Redirected => {
                "set `vault.address` to the active node or to the balancer before it".to_owned()
            }
            Self::Refused { .. } | Self::Unreadable => {
                "see that `vault.address`, `vault.namespace` and `vault.mount` lead to a \
                 key/value store, version 2"
                    .to_owned()
            }
        }
    }
}

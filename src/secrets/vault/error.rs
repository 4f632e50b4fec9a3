//! Errors of Vault and of its settings. They repeat nothing that Vault says, because a response may
//! contain the request.

use std::path::PathBuf;

use aep_platform::BuildError;

/// The settings of Vault are wrong or inconsistent.
#[derive(Debug, thiserror::Error)]
pub enum VaultConfigError {
    /// The address, the proxy or the certificates are invalid.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address has a path.
    #[error("vault.address has a path")]
    PathInAddress,
    /// The paths that inputs may read are not set.
    #[error("vault.address is set, but vault.allow names no path that inputs may read")]
    NothingAllowed,
    /// A mount that can't be part of a URL.
    #[error("vault.mount or vault.login_mount is not the path of a mount")]
    WrongMount,
    /// A namespace that can't be the value of a header.
    #[error("vault.namespace has a character that a header can't contain")]
    WrongNamespace,
    /// No login method.
    #[error("vault.address is set, but no login method is")]
    NoLogin,
    /// A role id without a secret id, or the other way round.
    #[error("only one of vault.role_id and vault.secret_id is set")]
    HalfAnAppRole,
    /// More than one login method.
    #[error("more than one login method for Vault is set")]
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
                "set `vault.address` to an https address; for a server on this machine, set \
                 `vault.allow_insecure` too"
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
            Self::WrongMount => "name the mount as Vault lists it, without the final `/`",
            Self::WrongNamespace => "correct `vault.namespace`",
            Self::NoLogin | Self::HalfAnAppRole | Self::TwoLogins => {
                "set one of: `vault.token`; `vault.role_id` and `vault.secret_id`; \
                 `vault.kubernetes_role`"
            }
        }
    }
}

/// Why Vault returns no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The worker's configuration does not allow inputs this path.
    #[error("inputs may not read this path of the worker's Vault")]
    NotAllowed,
    /// There is no secret, or its newest version was deleted.
    #[error("Vault has no secret at this path")]
    Missing,
    /// The secret has other keys.
    #[error("the secret at this path has no such key")]
    NoKey,
    /// The value is a number, a list or an object.
    #[error("the key's value is not a text")]
    NotText,
    /// An empty text.
    #[error("the key's value is empty")]
    Empty,
    /// The worker's role may not read it.
    #[error("Vault denies access to the worker's role")]
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
        /// The system's error.
        reason: String,
    },
    /// No connection, or no response in time.
    #[error("Vault can't be reached: {reason}")]
    Unreachable {
        /// The transport's error.
        reason: String,
    },
    /// Sealed, starting, or a standby.
    #[error("Vault is sealed or not active (status {status})")]
    Sealed {
        /// HTTP status.
        status: u16,
    },
    /// Too many requests, or an error of its own.
    #[error("Vault responds with status {status}")]
    Unavailable {
        /// HTTP status.
        status: u16,
    },
    /// A redirect, which is not followed.
    #[error("Vault redirects to another address, which is not followed")]
    Redirected,
    /// A refusal that is not about the role.
    #[error("Vault refuses the request with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The response is not one of Vault's.
    #[error("the response is not that of Vault's key/value store, version 2")]
    Unreadable,
}

impl VaultError {
    /// Whether the same request may succeed later, with nothing changed.
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

    /// Whether the cause is between the worker and Vault, so that no input fixes it.
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
                 use a path that it allows"
            ),
            Self::Missing => format!("put the secret at `{path}`, or correct the path"),
            Self::NoKey => format!("put `{key}` into the secret at `{path}`, or correct the key"),
            Self::NotText | Self::Empty => {
                format!("store `{key}` of the secret at `{path}` as a text")
            }
            Self::Denied => format!(
                "let the worker's role read `data/{path}` below the mount, by a policy in Vault"
            ),
            Self::LoginRefused { .. } => {
                "correct the worker's login in the settings `vault.…`; `aep-flow check` tests it"
                    .to_owned()
            }
            Self::NoServiceAccount { .. } => {
                "mount the service account's token, or correct `vault.kubernetes_token_file`"
                    .to_owned()
            }
            Self::Unreachable { .. } | Self::Sealed { .. } | Self::Unavailable { .. } => {
                "wait until Vault is back; if it stays away, check Vault and `vault.address`"
                    .to_owned()
            }
            Self::Redirected => {
                "set `vault.address` to the active node or to its load balancer".to_owned()
            }
            Self::Refused { .. } | Self::Unreadable => {
                "make sure that `vault.address`, `vault.namespace` and `vault.mount` lead to a \
                 key/value store, version 2"
                    .to_owned()
            }
        }
    }
}

//! Reads secrets from the key/value store, version 2, of HashiCorp Vault or OpenBao.
//!
//! This makes five calls of the HTTP API itself. The existing crates keep tokens and responses in
//! plain strings that print and are never zeroed, and put Vault's responses into errors and logs. Source: Vault API documentation (KV version 2, AppRole, Kubernetes, tokens), read
//! 2026-11.

mod error;
mod login;
mod wire;

use std::time::Duration;

use aep_flow_proto::validate::is_vault_path;
use aep_platform::{Outgoing, Proxy, check_address};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use error::{VaultConfigError, VaultError};
use login::{Login, Session};
use wire::{Secret, Wire};

use super::pattern::matches;
use crate::config::{self, Config};

/// One Vault, used with one role, and the paths that inputs may read there.
#[derive(Debug)]
pub struct Vault {
    wire: Wire,
    session: Session,
    mount: String,
    allow: Vec<String>,
}

impl Vault {
    /// The Vault that the configuration names, if any. Sends nothing.
    ///
    /// # Errors
    /// [`VaultConfigError`]: the settings are inconsistent.
    pub fn from_config(config: &Config) -> Result<Option<Self>, VaultConfigError> {
        let settings = &config.vault;
        let Some(address) = &settings.address else {
            return Ok(None);
        };
        check_address("vault.address", address, settings.allow_insecure)?;
        if address.path() != "/" {
            return Err(VaultConfigError::PathInAddress);
        }
        if settings.allow.is_empty() {
            return Err(VaultConfigError::NothingAllowed);
        }
        for mount in [Some(&settings.mount), settings.login_mount.as_ref()] {
            if mount.is_some_and(|mount| !is_vault_path(mount)) {
                return Err(VaultConfigError::WrongMount);
            }
        }
        let login = login(settings)?;
        let wire = wire(config, address)?;
        Ok(Some(Self {
            wire,
            session: Session::new(login),
            mount: settings.mount.clone(),
            allow: settings.allow.clone(),
        }))
    }

    /// The current value of `key` in the secret at `path`. A value has no lease, so only the login
    /// is kept.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn read(&self, path: &str, key: &str) -> Result<SecretString, VaultError> {
        // Checked here too, because `..` must never get past the allowed paths.
        if !is_vault_path(path) || !self.allow.iter().any(|each| matches(each, path)) {
            return Err(VaultError::NotAllowed);
        }
        let token = self.session.token(&self.wire).await?;
        let found = match self.wire.read(&self.mount, path, key, &token).await {
            // By a policy, or because the token expired early, was revoked, or predates a restore.
            Err(VaultError::Denied) if !self.session.is_alive(&self.wire, &token).await? => {
                self.session.discard(&token);
                let token = self.session.token(&self.wire).await?;
                self.wire.read(&self.mount, path, key, &token).await?
            }
            found => found?,
        };
        match found {
            Secret::Text(value) if value.expose_secret().is_empty() => Err(VaultError::Empty),
            Secret::Text(value) => Ok(value),
            Secret::NotText => Err(VaultError::NotText),
            Secret::NoKey => Err(VaultError::NoKey),
        }
    }

    /// Logs in, unless there is a valid login.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn log_in(&self) -> Result<(), VaultError> {
        self.session.token(&self.wire).await.map(|_| ())
    }
}

fn wire(config: &Config, address: &Url) -> Result<Wire, VaultConfigError> {
    let settings = &config.vault;
    let ca_certificate_pem =
        match &settings.ca_certificate {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|cause| {
                VaultConfigError::Certificate {
                    path: path.clone(),
                    cause,
                }
            })?),
        };
    let outgoing = Outgoing {
        user_agent: concat!("aep-flow/", env!("CARGO_PKG_VERSION")).to_owned(),
        connect_timeout: settings.timeout.min(Duration::from_secs(10)),
        ca_certificate_pem,
        proxy: config.proxy.https.as_ref().map(|address| Proxy {
            url: address.secret().clone(),
            bypass: config.proxy.bypass.clone(),
        }),
    };
    let http = outgoing.client(address.scheme() == "https")?;
    let namespace = settings.namespace.as_deref();
    Wire::new(http, address.clone(), namespace, settings.timeout)
}

/// The one login method that is configured.
fn login(settings: &config::Vault) -> Result<Login, VaultConfigError> {
    let mount = |usual: &str| {
        settings
            .login_mount
            .clone()
            .unwrap_or_else(|| usual.to_owned())
    };
    match (
        &settings.token,
        (&settings.role_id, &settings.secret_id),
        &settings.kubernetes_role,
    ) {
        (Some(token), (None, None), None) => Ok(Login::Token(token.clone())),
        (None, (Some(role_id), Some(secret_id)), None) => Ok(Login::AppRole {
            mount: mount("approle"),
            role_id: role_id.clone(),
            secret_id: secret_id.clone(),
        }),
        (None, (None, None), Some(role)) => Ok(Login::Kubernetes {
            mount: mount("kubernetes"),
            role: role.clone(),
            token_file: settings
                .kubernetes_token_file
                .clone()
                .ok_or(VaultConfigError::NoLogin)?,
        }),
        (None, (None, None), None) => Err(VaultConfigError::NoLogin),
        (None, (Some(_), None) | (None, Some(_)), None) => Err(VaultConfigError::HalfAnAppRole),
        _ => Err(VaultConfigError::TwoLogins),
    }
}

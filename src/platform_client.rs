//! Builds the client of Adobe Experience Platform from the configuration.

use std::path::PathBuf;

use aep_platform::{BuildError, Client, Credentials, Proxy, Settings, check_address};

use crate::config::{Aep, Config};

/// Why no client can be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A setting is wrong.
    #[error("the settings for Adobe Experience Platform are wrong")]
    Build(#[from] BuildError),
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

impl ClientError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Build(BuildError::InsecureUrl { .. }) => {
                "set `aep.platform_url` and `aep.ims_url` to https addresses; for an emulator on \
                 this machine set `aep.allow_insecure`"
            }
            Self::Build(BuildError::WrongCertificate { .. }) | Self::Certificate { .. } => {
                "set `aep.ca_certificate` to a PEM file with the authority's certificate, or \
                 leave it out to trust only the system's"
            }
            Self::Build(BuildError::WrongProxy) => "correct `proxy.https`, or unset the variable",
            Self::Build(_) => "`aep-flow config show` lists the settings and their sources",
        }
    }
}

/// The client, or nothing if client id, client secret or organisation is not set.
///
/// # Errors
/// [`ClientError`]: a setting is wrong.
pub fn from_config(config: &Config) -> Result<Option<Client>, ClientError> {
    let aep = &config.aep;
    let (Some(client_id), Some(client_secret), Some(org_id)) =
        (&aep.client_id, &aep.client_secret, &aep.org_id)
    else {
        return Ok(None);
    };
    let credentials = Credentials {
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        scopes: aep.scopes.clone(),
    };
    check_addresses(aep)?;
    let settings = settings(config, org_id)?;
    Ok(Some(Client::new(settings, credentials)?))
}

/// Whether the settings other than the credentials are valid.
///
/// # Errors
/// [`ClientError`]: a setting is wrong.
pub fn check(config: &Config) -> Result<(), ClientError> {
    check_addresses(&config.aep)?;
    settings(config, "")?.outgoing().client(true)?;
    Ok(())
}

/// Checks the addresses by the names of their settings.
fn check_addresses(aep: &Aep) -> Result<(), ClientError> {
    check_address("aep.ims_url", &aep.ims_url, aep.allow_insecure)?;
    check_address("aep.platform_url", &aep.platform_url, aep.allow_insecure)?;
    Ok(())
}

fn settings(config: &Config, org_id: &str) -> Result<Settings, ClientError> {
    let aep = &config.aep;
    let mut settings = Settings::new(org_id);
    settings.platform_url = aep.platform_url.clone();
    settings.ims_url = aep.ims_url.clone();
    settings.allow_insecure = aep.allow_insecure;
    settings.connect_timeout = aep.connect_timeout;
    settings.first_byte_timeout = aep.first_byte_timeout;
    settings.total_timeout = aep.total_timeout;
    settings.max_answer_bytes = aep.max_answer_bytes;
    settings.max_concurrent_requests = aep.max_concurrent_requests;
    settings.page_size = aep.page_size;
    settings.proxy = config.proxy.https.as_ref().map(|address| Proxy {
        url: address.secret().clone(),
        bypass: config.proxy.bypass.clone(),
    });
    if let Some(path) = &aep.ca_certificate {
        let pem = std::fs::read_to_string(path).map_err(|cause| ClientError::Certificate {
            path: path.clone(),
            cause,
        })?;
        settings.ca_certificate_pem = Some(pem);
    }
    Ok(settings)
}

//! Makes the client of Adobe Experience Platform that the configuration asks for.

use std::path::PathBuf;

use aep_platform::{BuildError, Client, Credentials, Settings};

use crate::config::{Aep, Config};

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A setting is wrong.
    #[error("the settings do not make a client")]
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

/// The client, or none where client id, client secret or organisation is not set.
///
/// # Errors
/// [`ClientError`]: what is set is wrong.
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
    Ok(Some(Client::new(settings(aep, org_id)?, credentials)?))
}

fn settings(aep: &Aep, org_id: &str) -> Result<Settings, ClientError> {
    let mut settings = Settings::new(org_id);
    settings.platform_url = aep.platform_url.clone();
    settings.ims_url = aep.ims_url.clone();
    settings.allow_insecure = aep.allow_insecure;
    settings.connect_timeout = aep.connect_timeout;
    settings.first_byte_timeout = aep.first_byte_timeout;
    settings.total_timeout = aep.total_timeout;
    settings.max_answer_bytes = aep.max_answer_bytes;
    settings.page_size = aep.page_size;
    if let Some(path) = &aep.ca_certificate {
        let pem = std::fs::read_to_string(path).map_err(|cause| ClientError::Certificate {
            path: path.clone(),
            cause,
        })?;
        settings.ca_certificate_pem = Some(pem);
    }
    Ok(settings)
}

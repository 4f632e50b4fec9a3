//! Trust: the system's certificate authorities, and those that the settings add.
//!
//! `ring` is the only cryptography in the program, as Temporal's client uses it too; it is given
//! to `rustls` here rather than installed for the whole process, which is the program's decision.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::build_error::BuildError;

fn wrong_certificate(reason: impl std::fmt::Display) -> BuildError {
    BuildError::WrongCertificate {
        reason: reason.to_string(),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
pub(crate) fn config(ca_certificate_pem: Option<&str>) -> Result<ClientConfig, BuildError> {
    let mut extra = Vec::new();
    if let Some(pem) = ca_certificate_pem {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            extra.push(certificate.map_err(wrong_certificate)?);
        }
        if extra.is_empty() {
            return Err(wrong_certificate("there is none in the PEM text"));
        }
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider())
        .map_err(wrong_certificate)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(wrong_certificate)?
        // The name is `rustls`'s: the verifier is the operating system's, which checks all.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(with_protocols(config))
}

/// Trusts nobody, for a client that speaks plain HTTP to this machine only.
pub(crate) fn config_without_authorities() -> Result<ClientConfig, BuildError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(wrong_certificate)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(with_protocols(config))
}

fn with_protocols(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

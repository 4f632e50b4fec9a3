//! TLS as it is used: whom the client trusts.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::server::{Server, credentials, json};
use crate::error::End;
use crate::{BuildError, Client, RequestEffect, TransportKind};

/// A server for 127.0.0.1 whose certificate an authority of its own has signed; gives its address
/// and the authority in PEM.
pub(super) async fn secure_server() -> (String, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"sandboxes\": []}")
                .await;
        }
    });
    (url, certificate.pem())
}

#[tokio::test]
async fn an_authority_is_trusted_only_if_it_is_given() {
    let ims = Server::platform(|_, _| json(200, "{}")).await;
    let (url, authority) = secure_server().await;
    let mut settings = ims.settings();
    settings.platform_url = url.parse().unwrap();

    let client = Client::new(settings.clone(), credentials()).unwrap();
    let error = client.list_sandboxes().await.unwrap_err();
    let End::NotSent(cause) = error.root() else {
        panic!("{error:?}");
    };
    assert_eq!(cause.kind(), TransportKind::Tls, "{cause}");
    assert_eq!(error.effect(), RequestEffect::NothingSent);

    settings.ca_certificate_pem = Some(authority);
    let client = Client::new(settings, credentials()).unwrap();
    let sandboxes = client.list_sandboxes().await;
    assert!(sandboxes.unwrap().is_empty());
}

#[tokio::test]
async fn a_pem_without_a_certificate_is_refused() {
    let server = Server::platform(|_, _| json(200, "{}")).await;
    for pem in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
    ] {
        let mut settings = server.settings();
        settings.platform_url = "https://platform.adobe.io".parse().unwrap();
        settings.ca_certificate_pem = Some(pem.to_owned());
        let error = Client::new(settings, credentials()).unwrap_err();
        assert!(
            matches!(error, BuildError::WrongCertificate { .. }),
            "{pem}: {error}"
        );
    }
}

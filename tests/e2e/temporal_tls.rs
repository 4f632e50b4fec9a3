//! The way to Temporal as `temporal.toml` says it: TLS with a client's certificate in front of a
//! real server, and an API key.

use std::path::Path;
use std::sync::Arc;

use aep_flow::config::Config;
use aep_flow::temporal::{self, ConnectError};
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::{World, input, table, within};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

struct Signed {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        Signed {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// Takes TLS as `localhost`; from those that it signed alone, if `is_mutual`.
    fn acceptor(&self, is_mutual: bool) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if is_mutual {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let own = self.sign("localhost");
        let mut config = builder.with_single_cert(vec![own.der], own.key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Ends TLS in front of the server at `address`; gives its own.
async fn in_front_of(address: &str, acceptor: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("localhost:{}", listener.local_addr().unwrap().port());
    let address = address.to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, address) = (acceptor.clone(), address.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else {
                    return;
                };
                let mut server = TcpStream::connect(address).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    own
}

/// Writes a `temporal.toml` with this in its profile's table of TLS.
fn write(file: &Path, address: &str, namespace: &str, key: &str, tls: &str) {
    let text = format!(
        "[profile.tls]\naddress = \"{address}\"\nnamespace = \"{namespace}\"\n{key}\n\
         [profile.tls.tls]\n{tls}\n"
    );
    std::fs::write(file, text).unwrap();
}

fn config_of(file: &Path) -> Config {
    let mut config = Config::default();
    config.temporal.overrides.config_file = Some(file.to_owned());
    config.temporal.overrides.profile = Some("tls".to_owned());
    config
}

#[tokio::test]
async fn a_worker_comes_with_its_certificate_and_nobody_without_one() {
    let world = World::new().await;
    let authority = Authority::new();
    let address = in_front_of(world.address(), authority.acceptor(true)).await;
    let folder = world.folder();
    let put = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    };
    let own = authority.sign("aep-flow");
    let ca = put("ca.pem", &authority.pem);
    let certificate = put("client.pem", &own.pem);
    let key = put("client.key", &own.key_pem);
    let stranger = Authority::new().sign("aep-flow");
    let other_certificate = put("other.pem", &stranger.pem);
    let other_key = put("other.key", &stranger.key_pem);

    let file = folder.join("tls.toml");
    let say = |tls: &str| write(&file, &address, world.namespace(), "", tls);
    let client = |certificate: &str, key: &str| {
        format!("client_cert_path = \"{certificate}\"\nclient_key_path = \"{key}\"\n")
    };
    let trusts = format!("server_ca_cert_path = \"{ca}\"\n");
    for (case, tls) in [
        ("no certificate of its own", trusts.clone()),
        (
            "a certificate of another authority",
            trusts.clone() + &client(&other_certificate, &other_key),
        ),
        ("a server that is not trusted", client(&certificate, &key)),
    ] {
        say(&tls);
        let error = temporal::connect(&config_of(&file)).await.map(drop);
        assert!(
            matches!(error, Err(ConnectError::Unreachable { .. })),
            "{case}: {error:?}"
        );
    }

    say(&(trusts + &client(&certificate, &key)));
    temporal::connect(&config_of(&file)).await.unwrap();
    let file = file.display().to_string();
    let more = [
        ("TEMPORAL_CONFIG_FILE", file.as_str()),
        ("TEMPORAL_PROFILE", "tls"),
        ("TEMPORAL_ADDRESS", address.as_str()),
    ];
    let worker = world.worker_process_with(&more, "tls.log");
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    drop(worker);
}

#[tokio::test]
async fn an_api_key_goes_with_each_call_and_stands_in_no_error() {
    const KEY: &str = "s3cret-api-key";
    let authority = Authority::new();
    let acceptor = authority.acceptor(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let (seen, mut calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let _ = seen.send(request.headers().clone());
                    let answer = http::Response::builder()
                        .header("content-type", "application/grpc")
                        .header("grpc-status", "16")
                        .header("grpc-message", "key unknown");
                    respond
                        .send_response(answer.body(()).unwrap(), true)
                        .unwrap();
                }
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let file = folder.path().join("temporal.toml");
    let key = format!("api_key = \"{KEY}\"");
    let tls = format!("server_ca_cert_path = \"{}\"", ca.display());
    write(&file, &address, "default", &key, &tls);

    let error = temporal::connect(&config_of(&file)).await.map(drop);
    let error = error.unwrap_err();
    let shown = format!("{error} {error:?} {}", error.next_step());
    assert!(matches!(error, ConnectError::Refused { .. }), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
    let headers = within("a call", calls.recv()).await.unwrap();
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
}

//! What `CreateOracleServiceCloudBaseConnection` costs over a bare POST.
//!
//! One connection each, warm, to the same emulator on loopback; the four take turns within
//! one run, so that a slow moment of the machine affects all of them. `cargo bench --bench create`

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aep_emulator::Emulator;
use aep_flow::{
    activities::{Attempt, Creates as _, Platform},
    catalog::Catalog,
    config::Config,
    platform_client,
};
use aep_flow_proto::v1::{OracleServiceCloudConnection, SecretReference, secret_reference::Place};
use aep_flow_testkit::emulated;
use aep_platform::{ConnectionSpecId, SandboxName};
use serde_json::{Value, json};

const ROUNDS: usize = 1_000;
const WARM_UP: usize = 100;

struct Bare {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Bare {
    async fn new(emulator: &Emulator) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .build()
            .expect("a client without settings");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", aep_emulator::DEFAULT_CLIENT_ID),
            ("client_secret", aep_emulator::DEFAULT_CLIENT_SECRET),
            ("scope", "openid"),
        ];
        let request = http
            .post(format!("{}/ims/token/v3", emulator.url()))
            .form(&form);
        let answer: Value = request
            .send()
            .await
            .expect("a token")
            .json()
            .await
            .expect("a token's JSON");
        Self {
            url: format!("{}/data/foundation/flowservice/connections", emulator.url()),
            token: answer["access_token"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            http,
        }
    }

    async fn post(&self, name: &str) {
        let body = json!({"name": name, "auth": {"specName": "Basic Authentication",
            "params": {"host": "acme.custhelp.com", "username": "svc_aep", "password": "osc-password"}},
            "connectionSpec": {"id": aep_flow_proto::names::ORACLE_SERVICE_CLOUD_SPEC_ID, "version": "1.0"}});
        let answer = self
            .http
            .post(&self.url)
            .bearer_auth(&self.token)
            .header("x-api-key", aep_emulator::DEFAULT_CLIENT_ID)
            .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG)
            .header("x-sandbox-name", "prod")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201);
        let _: Value = answer.json().await.expect("an id");
    }
}

fn config(emulator: &Emulator, secrets: &std::path::Path) -> Config {
    let mut config = emulated::configuration(emulated::variables(&emulator.url()));
    config.secrets.folder = Some(secrets.to_owned());
    // One look and one POST, as the figures beside it.
    config.ensure.sole_caller = true;
    config
}

fn connection(name: String) -> OracleServiceCloudConnection {
    OracleServiceCloudConnection {
        name,
        host: "acme.custhelp.com".to_owned(),
        username: "svc_aep".to_owned(),
        password: Some(SecretReference {
            place: Some(Place::File("password".to_owned())),
        }),
        ..OracleServiceCloudConnection::default()
    }
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    async fn take(&mut self, counts: bool, work: impl Future<Output = ()>) {
        let begun = Instant::now();
        work.await;
        if counts {
            self.0.push(begun.elapsed());
        }
    }

    fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        self.0[(self.0.len() - 1) * percent / 100].as_secs_f64() * 1e6
    }
}

#[tokio::main]
async fn main() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .expect("an emulator");
    let secrets = tempfile::tempdir().expect("a folder");
    std::fs::write(
        secrets.path().join("password"),
        aep_emulator::DEFAULT_SOURCE_PASSWORD,
    )
    .expect("a secret's file");
    let config = config(&emulator, secrets.path());
    let client = platform_client::from_config(&config)
        .expect("settings")
        .expect("credentials");
    let sandbox = client.sandbox(&SandboxName::parse("prod").expect("a name"));
    let spec = ConnectionSpecId::oracle_service_cloud();
    let platform =
        Platform::new(&config, Some(client), Catalog::built_in()).expect("no Vault is set");
    let bare = Bare::new(&emulator).await;
    let first = Attempt::first();

    let [mut post, mut look, mut create, mut adopt] = <[Times; 4]>::default();
    for round in 0..ROUNDS + WARM_UP {
        let counts = round >= WARM_UP;
        let name = format!("bench {round}");
        post.take(counts, bare.post(&format!("bare {round}"))).await;
        look.take(counts, async {
            let found = sandbox.find_base_connections_named(&name, &spec).await;
            assert!(found.expect("a look").is_empty());
        })
        .await;
        create
            .take(counts, async {
                let made = connection(name.clone()).create(&platform, &first);
                assert!(!made.await.expect("a connection").id.is_empty());
            })
            .await;
        adopt
            .take(counts, async {
                let made = connection(name.clone()).create(&platform, &first);
                assert!(!made.await.expect("a connection").id.is_empty());
            })
            .await;
    }
    let rows = [
        ("bare POST", &mut post),
        ("look alone", &mut look),
        ("activity, creating", &mut create),
        ("activity, adopting", &mut adopt),
    ];
    let mut p50 = Vec::new();
    for (name, times) in rows {
        p50.push(times.percentile(50));
        report(&format!(
            "{name:20} p50 {:7.0} µs   p90 {:7.0} µs",
            times.percentile(50),
            times.percentile(90)
        ));
    }
    report(&format!(
        "own work, beside POST and look: p50 {:+.0} µs   ratio of activity to POST and look: {:.2}",
        p50[2] - p50[0] - p50[1],
        p50[2] / (p50[0] + p50[1]),
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are the program's answer")]
fn report(line: &str) {
    println!("{line}");
}

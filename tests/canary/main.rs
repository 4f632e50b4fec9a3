//! Secrets that can be told from all else, a run of everything that may go wrong with them at
//! hand, and the search for them in all that is left of it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

mod faults;
mod forms;
mod places;

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use aep_emulator::{SourceAccount, SourceOffer};
use serde_json::{Value, json};

use forms::{Search, Secret};
use places::Places;
use support::watch::served;
use support::world::{Run, emulator_config};
use support::{World, eventually, server, table, within};

const LOG: &str = "worker.log";
const WRONG_PASSWORD_FILE: &str = "wrong.txt";

/// What each secret is in this run: with all that JSON, addresses, forms and headers write in
/// another way, as far as each may have it.
struct Canaries {
    client_secret: String,
    password: String,
    wrong_password: String,
    fingerprint_key: String,
    api_key: String,
}

impl Canaries {
    fn new() -> Self {
        let text = |what: &str| {
            let chance = uuid::Uuid::new_v4().simple();
            format!("{what} \"{chance}\" a\\b 50%&c/d+e=ü")
        };
        Self {
            client_secret: text("client"),
            password: text("password"),
            wrong_password: text("wrong"),
            fingerprint_key: text("fingerprint"),
            // It goes into a header as it is.
            api_key: format!("apikey-{}", uuid::Uuid::new_v4().simple()),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        let secret = |name, value: &str| Secret {
            name,
            value: value.to_owned(),
        };
        // What an error cuts, or hides but for a part, may show what cannot be mistaken for else.
        let part = |value: &str| Secret {
            name: "a part of one",
            value: value.split('"').nth(1).unwrap().to_owned(),
        };
        vec![
            part(&self.client_secret),
            part(&self.password),
            part(&self.wrong_password),
            part(&self.fingerprint_key),
            secret("client secret", &self.client_secret),
            secret("password", &self.password),
            secret("refused password", &self.wrong_password),
            secret("fingerprint key", &self.fingerprint_key),
            secret("Temporal API key", &self.api_key),
        ]
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("AEP_FLOW_CLIENT_SECRET", &self.client_secret),
            ("AEP_FLOW_ENSURE_FINGERPRINT_KEY", &self.fingerprint_key),
            ("OSC_PASSWORD", &self.password),
            ("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*"),
            ("TEMPORAL_API_KEY", &self.api_key),
            // Our server speaks no TLS, which a key asks for.
            ("TEMPORAL_TLS", "false"),
        ]
    }
}

fn emulator(canaries: &Canaries) -> aep_emulator::Config {
    let mut config = emulator_config();
    config.clients[0].secret.clone_from(&canaries.client_secret);
    config.source.accounts = vec![SourceAccount::new("svc_aep", canaries.password.clone())];
    config.source.checks_credentials_on_create = true;
    config.source.oracle_service_cloud = SourceOffer::Offered;
    // So short that some are renewed on the way.
    config.token_lifetime = Duration::from_secs(12);
    config
}

fn input(name: &str, password: Value) -> Value {
    json!({
        "connection": {"name": name, "host": "acme.custhelp.com", "username": "svc_aep",
                       "password": password},
        "tables": [table("Contacts")],
        "stepDeadlineSeconds": 60,
        "decisionDeadlineSeconds": 60,
    })
}

/// Waits for its end, whatever that is.
async fn settled(run: &Run) {
    let options = temporalio_client::WorkflowGetResultOptions::default();
    let _ = within("an ingestion", run.handle.get_result(options)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_secret_is_left_anywhere() {
    let canaries = Canaries::new();
    let temporal = server::own().await;
    let world = World::on(&temporal, emulator(&canaries)).await;
    world.keep_password(&canaries.password);
    let file = world.folder().join("secrets").join(WRONG_PASSWORD_FILE);
    std::fs::write(file, &canaries.wrong_password).unwrap();
    let mut places = Places::new(&world, &canaries.variables());

    // A process that may leave a core, and is told to write down all that it can.
    let sink = places::sink().await;
    let panic = format!("after-reply:target connection:{}", canaries.password);
    let variables = [
        ("AEP_FLOW_LOG_FILTER", "trace"),
        ("AEP_FLOW_HEALTH_LISTEN", "127.0.0.1:0"),
        ("AEP_FLOW_METRICS_LISTEN", "127.0.0.1:0"),
        ("AEP_FLOW_PANIC_AT", &panic),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.address),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ];
    let variables = [&canaries.variables()[..], &variables].concat();
    places::allow_cores();
    let mut worker = world.worker_process_with(&variables, LOG);
    let metrics = served(&world, LOG, "metrics.listen").await;
    let health = served(&world, LOG, "health.listen").await;
    let ready = format!("{health}/readyz");
    eventually("a worker that is ready", async || {
        let (status, _) = support::watch::get(&ready).await?;
        (status == 200).then_some(())
    })
    .await;

    // Every class of fault, at the requests that carry the password, and those of the token.
    let creates = faults::play(&world.emulator);
    let mut runs = Vec::new();
    for number in 0..creates {
        let password = match number % 2 {
            0 => json!({"file": "osc.txt"}),
            _ => json!({"env": "OSC_PASSWORD"}),
        };
        runs.push(
            world
                .start(&input(&format!("canary {number}"), password))
                .await,
        );
    }
    let refused = input("refused", json!({ "file": WRONG_PASSWORD_FILE }));
    runs.push(world.start(&refused).await);
    let first = runs[0].handle.info().workflow_id.clone();
    places.add_commands(&first).await;
    for run in &runs {
        places.add("status", run.status().await.to_string());
        places.add("current details", run.current_details().await);
    }
    for run in &runs {
        settled(run).await;
    }
    faults::were_played(&world.emulator);
    for (number, action) in faults::of_tokens().into_iter().enumerate() {
        places.know_tokens(&world.emulator);
        world.emulator.clear_faults();
        let rule = faults::rule("POST", "/ims/token/v3", action).nth([1]);
        world.emulator.add_fault(rule);
        world.emulator.revoke_tokens();
        // What was just refused is not asked for again for a second: then the next run does it.
        let mut tries = 0..20;
        while world.emulator.faults()[0].played == 0 {
            let name = format!("token {number}, {}", tries.next().unwrap());
            let run = world.start(&input(&name, json!({"file": "osc.txt"}))).await;
            settled(&run).await;
            runs.push(run);
        }
    }
    places.know_tokens(&world.emulator);

    for run in &runs {
        places.add("status", run.status().await.to_string());
        places.add("current details", run.current_details().await);
        places.add_history(run).await;
    }
    places.add_commands(&first).await;
    places.add(
        "metrics",
        support::watch::get(&format!("{metrics}/metrics"))
            .await
            .unwrap()
            .1,
    );
    places.add(
        "probes",
        support::watch::get(&format!("{health}/readyz"))
            .await
            .unwrap()
            .1,
    );
    eventually("the spans", async || (sink.bytes() > 10_000).then_some(())).await;
    worker.abort().await;
    places.add_files_of_worker();
    places.add("OTLP export", sink.take());
    // With the worker's way gone, all that is on the platform is asked for as anybody may.
    places.add("the platform's journal", places::journal(&world.emulator));
    drop(world);
    let log = temporal.log_file();
    let folder = log.parent().unwrap().to_owned();
    places.add_folder("the server's files", &folder);
    temporal.stop().await.unwrap();

    let commands = places.text_of("commands");
    for sign in ["configuration", "credentials", "baseConnectionId"] {
        assert!(commands.contains(sign), "no command told of `{sign}`");
    }
    for place in ["histories", "the server's files"] {
        let text = places.text_of(place);
        for sign in [
            "acme.custhelp.com",
            "[removed]",
            "panicked at ensure/src/crash.rs",
        ] {
            assert!(text.contains(sign), "no `{sign}` in {place}");
        }
    }
    let worker_log = places.text_of("the worker's log");
    for sign in ["[removed]", "panicked: what it says is not shown"] {
        assert!(worker_log.contains(sign), "no `{sign}` in the worker's log");
    }
    let secrets = [canaries.secrets(), places.tokens()].concat();
    places.judge(&Search::new(&secrets), &secrets);
}

//! A run of everything that may go wrong with secrets at hand.

use std::time::Duration;

use aep_emulator::SourceAccount;
use aep_flow_devserver::DevServer;
use aep_flow_testkit::watch::{get, served};
use aep_flow_testkit::worker::WorkerProcess;
use aep_flow_testkit::world::{Run, emulator_config};
use aep_flow_testkit::{World, eventually, server, table, within};
use serde_json::{Value, json};

use super::canaries::Canaries;
use super::faults;
use super::forms::Search;
use super::places::{self, Places, Sink};

/// Name of the worker's log in its folder.
pub(crate) const LOG: &str = "worker.log";
const WRONG_PASSWORD_FILE: &str = "wrong.txt";

/// A worker that may leave a core, logs all that it can, and panics once with the password in
/// hand.
pub(crate) struct Stage {
    pub(crate) canaries: Canaries,
    pub(crate) world: World,
    pub(crate) places: Places,
    runs: Vec<Run>,
    temporal: DevServer,
    sink: Sink,
    worker: WorkerProcess,
    metrics: String,
    health: String,
}

impl Stage {
    pub(crate) async fn set(canaries: Canaries, more: Vec<(&'static str, String)>) -> Self {
        let temporal = server::own().await;
        let world = World::on(&temporal, emulator(&canaries)).await;
        world.keep_password(&canaries.password);
        let file = world.folder().join("secrets").join(WRONG_PASSWORD_FILE);
        std::fs::write(file, &canaries.wrong_password).unwrap();

        let sink = places::sink().await;
        let panic = format!("after-reply:target connection:{}", canaries.password);
        let own = [canaries.variables(), more].concat();
        let of_worker = [
            ("AEP_FLOW_LOG_FILTER", "trace"),
            ("AEP_FLOW_HEALTH_LISTEN", "127.0.0.1:0"),
            ("AEP_FLOW_METRICS_LISTEN", "127.0.0.1:0"),
            ("AEP_FLOW_PANIC_AT", &panic),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ];
        let variables: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain(of_worker)
            .collect();
        world.expect(("aep_flow::panics", "panicked: its message is not shown"));
        let worker = world.worker_process_with_cores(&variables, LOG);
        let metrics = served(&world, LOG, "metrics.listen").await;
        let health = served(&world, LOG, "health.listen").await;
        let stage = Self {
            places: Places::new(&world, &own),
            canaries,
            world,
            runs: Vec::new(),
            temporal,
            sink,
            worker,
            metrics: format!("{metrics}/metrics"),
            health: format!("{health}/readyz"),
        };
        eventually("a worker that is ready", async || {
            let (status, _) = get(&stage.health).await?;
            (status == 200).then_some(())
        })
        .await;
        stage
    }

    /// Starts an ingestion that has the password from there.
    pub(crate) async fn start(&mut self, name: &str, password: Value) {
        let run = self.world.start(&input(name, password)).await;
        self.runs.push(run);
    }

    /// Starts one whose password the source refuses.
    pub(crate) async fn start_refused(&mut self) {
        self.start("refused", json!({ "file": WRONG_PASSWORD_FILE }))
            .await;
    }

    /// Workflow Id of the ingestion that was started first.
    pub(crate) fn first(&self) -> String {
        self.runs[0].handle.info().workflow_id.clone()
    }

    /// What all ingestions say of themselves.
    pub(crate) async fn tell(&mut self) {
        for run in &self.runs {
            self.places.add("status", run.status().await.to_string());
            let details = run.current_details().await;
            self.places.add("current details", details);
        }
    }

    /// Waits for the end of all ingestions, whatever it is.
    pub(crate) async fn settle(&self) {
        for run in &self.runs {
            settled(run).await;
        }
    }

    /// Has each fault come to the requests for a token.
    pub(crate) async fn refuse_tokens(&mut self) {
        for (number, action) in faults::of_tokens().into_iter().enumerate() {
            self.places.know_tokens(&self.world.emulator);
            self.world.emulator.clear_faults();
            let rule = faults::rule("POST", "/ims/token/v3", action).nth([1]);
            self.world.emulator.add_fault(rule);
            self.world.emulator.revoke_tokens();
            // What was just refused is not asked for again for a second: then the next does it.
            let mut tries = 0..20;
            while self.world.emulator.faults()[0].played == 0 {
                let name = format!("token {number}, {}", tries.next().unwrap());
                self.start(&name, json!({"file": "osc.txt"})).await;
                settled(&self.runs[self.runs.len() - 1]).await;
            }
        }
    }

    /// Ends it, searches all that is left, and fails for anything that is found. `check` sees
    /// first whether what was to be left is there.
    pub(crate) async fn leave(mut self, check: impl FnOnce(&Places)) {
        self.places.know_tokens(&self.world.emulator);
        for run in &self.runs {
            self.places.add_history(run).await;
        }
        let first = self.first();
        self.places.add_commands(&first).await;
        self.places
            .add("metrics", get(&self.metrics).await.unwrap().1);
        self.places
            .add("probes", get(&self.health).await.unwrap().1);
        eventually("the spans", async || {
            (self.sink.bytes() > 10_000).then_some(())
        })
        .await;
        self.worker.abort().await;
        self.places.add_files_of_worker();
        self.places.add("OTLP export", self.sink.take());
        let journal = places::journal(&self.world.emulator);
        self.places.add("the platform's journal", journal);
        drop(self.world);
        let log = self.temporal.log_file();
        let folder = log.parent().unwrap().to_owned();
        self.places.add_folder("the server's files", &folder);
        self.temporal.stop().await.unwrap();
        check(&self.places);
        let secrets = [self.canaries.secrets(), self.places.tokens()].concat();
        self.places.judge(&Search::new(&secrets), &secrets);
    }
}

fn emulator(canaries: &Canaries) -> aep_emulator::Config {
    let mut config = emulator_config();
    config.clients[0].secret.clone_from(&canaries.client_secret);
    config.source.accounts = vec![SourceAccount::new("svc_aep", canaries.password.clone())];
    config.source.checks_credentials_on_create = true;
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

async fn settled(run: &Run) {
    let options = temporalio_client::WorkflowGetResultOptions::default();
    let _ = within("an ingestion", run.handle.get_result(options)).await;
}

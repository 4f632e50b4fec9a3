//! What the demo starts: server, platform, worker. Ends it in the opposite order.

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::time::Duration;

use aep_emulator::{
    Action, CannedAnswer, CutAt, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG,
    DEFAULT_SOURCE_PASSWORD, DEFAULT_SOURCE_USERNAME, Emulator, Rule, RunSettings,
};
use aep_flow_devserver::{
    self as devserver, DevServer, DevServerError, Found, Report, Surroundings,
};
use aep_flow_proto::v1::{
    IngestOracleServiceCloudInput, IngestResult, OracleServiceCloudConnection, SecretReference,
    Table, secret_reference::Place,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::summary::{self, Summary};
use super::{CONNECTION_NAME, DemoError, Handle, Options, Retry};
use crate::config::Config;
use crate::worker::{self, WorkerError};

/// The secret's file below the demo's secrets folder.
pub(super) const PASSWORD_FILE: &str = "osc_password";

/// The tables that are ingested; the emulated source has one more.
const TABLES: [&str; 2] = ["Contacts", "Incidents"];

/// How long running activities get when the demo ends; they take milliseconds.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// What runs so far.
#[derive(Default)]
pub(super) struct Stage {
    folder: Option<TempDir>,
    server: Option<DevServer>,
    emulator: Option<Emulator>,
    worker: Option<Worker>,
}

/// A worker that works while it is awaited: its future must stay on one thread, so it is no task.
struct Worker {
    stop: oneshot::Sender<()>,
    works: Pin<Box<dyn Future<Output = Result<(), WorkerError>>>>,
}

impl Stage {
    /// Starts all of it, and gives the configuration of the worker.
    pub(super) async fn set_up(
        &mut self,
        options: &Options,
        surroundings: &Surroundings,
        report: &dyn Report,
    ) -> Result<Config, DemoError> {
        let folder = self.folder.insert(folder()?);
        let mut config = Config {
            temporal: options.temporal.clone(),
            codec: options.codec.clone(),
            ..Config::default()
        };
        config.secrets.folder = Some(folder.path().to_owned());
        // With `--keep` the demo also serves the callers of `examples/callers`.
        config.secrets.env_allow = vec!["OSC_*".to_owned()];

        let found = if let Some(address) = &options.temporal.overrides.address {
            let address = address.clone();
            report.say(&format!("Temporal server: {address}"));
            Found::Running { address }
        } else {
            devserver::find(surroundings, report)
                .await
                .map_err(DemoError::Server)?
        };
        if let Found::Binary(binary) = found {
            let started = std::time::Instant::now();
            let server = DevServer::start(devserver::Options::new(binary))
                .await
                .map_err(DemoError::Server)?;
            report.say(&format!(
                "Temporal server: up at {} after {:.1} s, UI at {}",
                server.address(),
                started.elapsed().as_secs_f64(),
                server.ui_url().unwrap_or_default()
            ));
            point_at(&mut config, &server, folder)?;
            self.server = Some(server);
        } else {
            // A worker of the user's own may poll the usual one there.
            config.worker.task_queue = format!("aep-flow-demo-{}", std::process::id());
        }

        let emulator = Emulator::start(emulator_config())
            .await
            .map_err(DemoError::Emulator)?;
        report.say(&format!("emulated platform: {}", emulator.url()));
        use_emulator(&mut config, &emulator);
        hurry(&mut config);
        self.emulator = Some(emulator);

        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            // An error is a sender that was dropped, which asks for the same.
            let _ = stopped.await;
        };
        let works = Box::pin(worker::run(config.clone(), shutdown));
        self.worker = Some(Worker { stop, works });
        report.say(&format!("worker: task queue {}", config.worker.task_queue));
        Ok(config)
    }

    /// Lets the worker work. Resolves only if the worker ends by itself, which is a failure.
    pub(super) async fn work(&mut self) -> DemoError {
        let Some(worker) = &mut self.worker else {
            return DemoError::WorkerGone;
        };
        let ended = worker.works.as_mut().await;
        self.worker = None;
        match ended {
            Err(error) => DemoError::Worker(error),
            Ok(()) => DemoError::WorkerGone,
        }
    }

    /// Ends everything: the worker first, which then can still hand back what it holds.
    pub(super) async fn clear(self) -> Result<(), DevServerError> {
        if let Some(Worker { stop, works }) = self.worker {
            let _ = stop.send(());
            // The grace, and the SDK's own steps on both sides of it.
            let within = SHUTDOWN_GRACE + Duration::from_secs(3);
            if tokio::time::timeout(within, works).await.is_err() {
                tracing::warn!("the worker did not stop in time");
            }
        }
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    /// The summary of what was done.
    pub(super) fn summary(
        &self,
        options: &Options,
        config: &Config,
        handle: &Handle,
        result: IngestResult,
        retries: Vec<Retry>,
    ) -> Summary {
        let info = handle.info();
        let run_id = handle.run_id().unwrap_or_default();
        let ui = self.server.as_ref().and_then(DevServer::ui_url);
        Summary {
            workflow_id: info.workflow_id.clone(),
            run_id: run_id.to_owned(),
            workflow_url: ui
                .map(|ui| summary::workflow_url(&ui, &info.namespace, &info.workflow_id, run_id)),
            temporal_address: config.temporal.overrides.address.clone(),
            namespace: info.namespace.clone(),
            task_queue: config.worker.task_queue.clone(),
            platform_url: self
                .emulator
                .as_ref()
                .map(Emulator::url)
                .unwrap_or_default(),
            result,
            retries,
            keeps_running: options.keep,
        }
    }
}

/// The ingestion, as a caller in any language writes it.
pub(super) fn input() -> IngestOracleServiceCloudInput {
    IngestOracleServiceCloudInput {
        connection: Some(OracleServiceCloudConnection {
            name: CONNECTION_NAME.to_owned(),
            description: "Made by aep-flow demo".to_owned(),
            host: "demo.custhelp.com".to_owned(),
            username: DEFAULT_SOURCE_USERNAME.to_owned(),
            password: Some(SecretReference {
                place: Some(Place::File(PASSWORD_FILE.to_owned())),
            }),
            ..OracleServiceCloudConnection::default()
        }),
        tables: TABLES
            .map(|table| Table {
                table: table.to_owned(),
                ..Table::default()
            })
            .into(),
        wait_for_first_run: true,
        first_run_deadline_seconds: 60,
        ..IngestOracleServiceCloudInput::default()
    }
}

/// The folder with the source's password: the way that a mounted secret takes.
fn folder() -> Result<TempDir, DemoError> {
    let folder = tempfile::Builder::new()
        .prefix("aep-flow-demo-")
        .tempdir()
        .map_err(DemoError::Folder)?;
    std::fs::File::create(folder.path().join(PASSWORD_FILE))
        .and_then(|mut file| file.write_all(DEFAULT_SOURCE_PASSWORD.as_bytes()))
        .map_err(DemoError::Folder)?;
    Ok(folder)
}

/// Leads to our own server and not to the one of the user's `temporal.toml`, whose API key and
/// certificates are for another server.
fn point_at(config: &mut Config, server: &DevServer, folder: &TempDir) -> Result<(), DemoError> {
    let file = folder.path().join("temporal.toml");
    std::fs::write(&file, "[profile.demo]\n").map_err(DemoError::Folder)?;
    let overrides = &mut config.temporal.overrides;
    overrides.config_file = Some(file);
    overrides.profile = Some("demo".to_owned());
    overrides.address = Some(server.address());
    overrides.namespace = Some(server.namespace().to_owned());
    Ok(())
}

/// Leads to an emulator of this process, with the credentials that it takes by default.
fn use_emulator(config: &mut Config, emulator: &Emulator) {
    let url: url::Url = emulator
        .url()
        .parse()
        .expect("the emulator's address is a URL");
    config.aep.platform_url = url.clone();
    config.aep.ims_url = url;
    config.aep.allow_insecure = true;
    config.aep.org_id = Some(DEFAULT_ORG.to_owned());
    config.aep.client_id = Some(DEFAULT_CLIENT_ID.to_owned());
    config.aep.client_secret = Some(SecretString::from(DEFAULT_CLIENT_SECRET));
    // Its lists are up to date.
    config.ensure.list_lag = std::time::Duration::ZERO;
}

fn hurry(config: &mut Config) {
    // The emulator's clock is ours; what is left is the time until a request has arrived.
    config.aep.start_margin = Duration::from_secs(3);
    config.worker.shutdown_grace = SHUTDOWN_GRACE;
}

/// A platform that fails twice: one request is refused, and one response is lost.
fn emulator_config() -> aep_emulator::Config {
    let unavailable = CannedAnswer::gateway(503, "503000", "Service temporarily unavailable");
    aep_emulator::Config {
        control: true,
        faults: vec![
            Rule::new(
                "GET",
                "/connections/{id}/explore",
                Action::Refuse(unavailable),
            )
            .nth([1]),
            // The source connection is created, but the response is lost.
            Rule::new(
                "POST",
                "/sourceConnections",
                Action::ApplyThenDrop { at: CutAt::Start },
            )
            .nth([1]),
        ],
        runs: RunSettings {
            appears: Duration::from_millis(200),
            starts: Duration::from_millis(400),
            ends: Duration::from_millis(700),
            ..RunSettings::default()
        },
        ..aep_emulator::Config::default()
    }
}

//! One test's world: a namespace, an emulated platform, and a caller that writes plain JSON.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aep_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
    DEFAULT_SOURCE_USERNAME, Emulator, RunSettings,
};
use aep_flow::config::Config;
use aep_flow::devserver::{self, DevServer};
use prost::Message as ProtoMessage;
use serde_json::{Value, json};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    Client, UntypedQuery, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};

use super::platform::assert_one_live_per_intent;
use super::server;
use super::within;
use super::worker::{Worker, WorkerProcess};

/// Where the tests' inputs have the source's password from.
pub(crate) const PASSWORD_FILE: &str = "osc.txt";

/// A password that the source refuses.
pub(crate) const WRONG_PASSWORD: &str = "hunter2-hunter2";

/// A namespace and a platform for one test.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
    address: String,
    namespace: String,
    folder: tempfile::TempDir,
}

/// A workflow that was started.
pub(crate) struct Run {
    pub(crate) handle: WorkflowHandle<Client, UntypedWorkflow>,
}

/// How a workflow or an activity failed, as a caller in any language sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failed {
    /// The `type` of the application failure.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// The first payload of its details.
    pub(crate) details: Value,
    pub(crate) is_non_retryable: bool,
}

impl World {
    /// On the shared server, with a platform that does what it should.
    pub(crate) async fn new() -> Self {
        Self::with(emulator_config()).await
    }

    /// On the shared server, with this platform.
    pub(crate) async fn with(config: aep_emulator::Config) -> Self {
        // Starting it blocks, and other tests wait for it meanwhile.
        let address = tokio::task::spawn_blocking(server::shared).await.unwrap();
        Self::at(address, config).await
    }

    /// On this server, with this platform.
    pub(crate) async fn on(server: &DevServer, config: aep_emulator::Config) -> Self {
        Self::at(&server.address(), config).await
    }

    async fn at(address: &str, config: aep_emulator::Config) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // For the developer who looks at the server while a test runs.
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let test = test
            .rsplit("::")
            .next()
            .unwrap_or_default()
            .replace('_', "-");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // A server that outlives this program knows the namespaces of those before.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let namespace = format!("{number}-{test}-{now}");
        devserver::create_namespace(address, &namespace)
            .await
            .unwrap();

        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        // Keeps the Temporal configuration of whoever runs the tests out.
        std::fs::write(folder.path().join("temporal.toml"), "[profile.test]\n").unwrap();
        let emulator = Emulator::start(config).await.unwrap();
        let config = config_of(&emulator, address, &namespace, &folder);
        let client = aep_flow::temporal::connect(&config).await.unwrap();
        let world = Self {
            emulator,
            client,
            address: address.to_owned(),
            namespace,
            folder,
        };
        world.keep_password(DEFAULT_SOURCE_PASSWORD);
        world
    }

    /// Puts the source's password where the tests' inputs say that it is.
    pub(crate) fn keep_password(&self, password: &str) {
        let file = self.folder.path().join("secrets").join(PASSWORD_FILE);
        std::fs::write(&file, password).unwrap();
        // A worker warns of one that everybody may read.
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(file, own).unwrap();
    }

    /// The configuration of a worker of this world.
    pub(crate) fn config(&self) -> Config {
        config_of(&self.emulator, &self.address, &self.namespace, &self.folder)
    }

    /// Starts a worker as a thread.
    pub(crate) fn worker(&self) -> Worker {
        Worker::start(self.config())
    }

    /// Starts a worker as a thread, with its configuration changed.
    pub(crate) fn worker_with(&self, change: impl FnOnce(&mut Config)) -> Worker {
        let mut config = self.config();
        change(&mut config);
        Worker::start(config)
    }

    /// Starts a worker as a process.
    pub(crate) fn worker_process(&self) -> WorkerProcess {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let log = format!("worker-{}.log", NEXT.fetch_add(1, Ordering::Relaxed));
        WorkerProcess::spawn(&self.variables(), &self.folder.path().join(log))
    }

    /// Starts a worker as a process that logs all it can into this file of the world's folder.
    pub(crate) fn talkative_worker_process(&self, log: &str) -> WorkerProcess {
        self.worker_process_with(&[("AEP_FLOW_LOG_FILTER", "trace")], log)
    }

    /// Starts a worker as a process that is told more, and logs into this file of the world's
    /// folder.
    pub(crate) fn worker_process_with(&self, more: &[(&str, &str)], log: &str) -> WorkerProcess {
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        // The last one of a name counts.
        let variables: Vec<_> = self.variables().into_iter().chain(more).collect();
        WorkerProcess::spawn(&variables, &self.folder.path().join(log))
    }

    /// The same configuration as variables, for a process.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let url = self.emulator.url();
        let folder = |name: &str| self.folder.path().join(name).display().to_string();
        [
            ("TEMPORAL_ADDRESS", self.address.clone()),
            ("TEMPORAL_NAMESPACE", self.namespace.clone()),
            ("TEMPORAL_CONFIG_FILE", folder("temporal.toml")),
            ("TEMPORAL_PROFILE", "test".to_owned()),
            ("AEP_FLOW_PLATFORM_URL", url.clone()),
            ("AEP_FLOW_IMS_URL", url),
            ("AEP_FLOW_ALLOW_INSECURE", "true".to_owned()),
            ("AEP_FLOW_ORG_ID", DEFAULT_ORG.to_owned()),
            ("AEP_FLOW_CLIENT_ID", DEFAULT_CLIENT_ID.to_owned()),
            ("AEP_FLOW_CLIENT_SECRET", DEFAULT_CLIENT_SECRET.to_owned()),
            ("AEP_FLOW_SECRETS_FOLDER", folder("secrets")),
            ("AEP_FLOW_START_MARGIN", "20s".to_owned()),
            ("AEP_FLOW_ENSURE_QUIET_PERIOD", "3s".to_owned()),
            ("AEP_FLOW_ENSURE_LIST_LAG", "0s".to_owned()),
            ("AEP_FLOW_WORKER_SHARE_RATE_LIMIT", "false".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The folder of this world, with its secrets and logs.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Starts an ingestion of an Oracle Service Cloud by its name, with plain JSON.
    pub(crate) async fn start(&self, input: &Value) -> Run {
        self.start_as("IngestOracleServiceCloud", input).await
    }

    /// Starts a workflow of that type, with plain JSON.
    pub(crate) async fn start_as(&self, workflow_type: &str, input: &Value) -> Run {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("ingest-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let options = WorkflowStartOptions::new("aep-flow", id).build();
        let payload = Payload {
            metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
            data: serde_json::to_vec(input).unwrap(),
            ..Payload::default()
        };
        let workflow = UntypedWorkflow::new(workflow_type);
        let input = RawValue::new(vec![payload]);
        let started = self.client.start_workflow(workflow, input, options).await;
        Run {
            handle: started.unwrap(),
        }
    }

    /// Starts an ingestion and waits for its end.
    pub(crate) async fn ingest(&self, input: &Value) -> Result<Value, Failed> {
        self.start(input).await.end().await
    }

    /// Starts an ingestion of any source and waits for its end.
    pub(crate) async fn ingest_source(&self, input: &Value) -> Result<Value, Failed> {
        self.start_as("IngestSource", input).await.end().await
    }

    /// Makes something on the platform past the worker, as somebody else in the organisation
    /// does.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(reqwest::Method::POST, path, Some(body)).await;
        answer.json().await.unwrap()
    }

    /// Deletes something of the platform, as somebody else does.
    pub(crate) async fn delete(&self, path: &str) {
        self.send(reqwest::Method::DELETE, path, None).await;
    }

    /// Changes something of the platform, as somebody else does.
    pub(crate) async fn patch(&self, path: &str, etag: Option<&str>, patch: &Value) {
        self.send_under(reqwest::Method::PATCH, path, etag, Some(patch))
            .await;
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Response {
        self.send_under(method, path, None, body).await
    }

    async fn send_under(
        &self,
        method: reqwest::Method,
        path: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> reqwest::Response {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let url = self.emulator.url();
        let answer = http
            .post(format!("{url}/ims/token/v3"))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", DEFAULT_CLIENT_ID),
                ("client_secret", DEFAULT_CLIENT_SECRET),
                ("scope", "openid,AdobeID"),
            ])
            .send();
        let token: Value = answer.await.unwrap().json().await.unwrap();
        let mut request = http
            .request(method, format!("{url}{path}"))
            .bearer_auth(token["access_token"].as_str().unwrap())
            .header("x-api-key", DEFAULT_CLIENT_ID)
            .header("x-gw-ims-org-id", DEFAULT_ORG)
            .header("x-sandbox-name", "prod");
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(etag) = etag {
            request = request.header("if-match", etag);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer
    }

    /// The end of every test: in order, and with one live resource per intent.
    pub(crate) async fn end(self, worker: Worker) {
        worker.stop().await.unwrap();
        assert_one_live_per_intent(&self.emulator);
        self.emulator.shutdown().await;
    }
}

impl Run {
    /// Waits for the end of the workflow.
    pub(crate) async fn end(&self) -> Result<Value, Failed> {
        let options = WorkflowGetResultOptions::default();
        let result = within("the workflow", self.handle.get_result(options)).await;
        let history = self.history().await;
        let bytes = history.iter().flat_map(ProtoMessage::encode_to_vec);
        assert_no_secret("a history", &bytes.collect::<Vec<u8>>());
        match result {
            Ok(result) => Ok(json_of(&result.payloads)),
            Err(WorkflowGetResultError::Failed(_)) => Err(self.failure().await),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// What the query `status` answers.
    pub(crate) async fn status(&self) -> Value {
        let query = UntypedQuery::new("status");
        let options = WorkflowQueryOptions::default();
        let answer = self.handle.query(query, RawValue::new(Vec::new()), options);
        json_of(&within("the query", answer).await.unwrap().payloads)
    }

    /// What the UI shows of the workflow.
    pub(crate) async fn current_details(&self) -> String {
        let query = UntypedQuery::new("__temporal_workflow_metadata");
        let options = WorkflowQueryOptions::default();
        let answer = self.handle.query(query, RawValue::new(Vec::new()), options);
        let answer = within("the details", answer).await.unwrap();
        // Its encoding is the SDK's own.
        let metadata: Value = serde_json::from_slice(&answer.payloads[0].data).unwrap();
        metadata["currentDetails"].as_str().unwrap().to_owned()
    }

    /// All events so far.
    pub(crate) async fn history(&self) -> Vec<HistoryEvent> {
        let history = self
            .handle
            .fetch_history(WorkflowFetchHistoryOptions::default());
        within("the history", history.into_events()).await.unwrap()
    }

    /// The attempts that each activity needed, for those that needed more than one.
    pub(crate) async fn retried(&self) -> Vec<(String, i32)> {
        let events = self.history().await;
        let mut names = HashMap::new();
        let mut retried = Vec::new();
        for event in events {
            match event.attributes {
                Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                    names.insert(event.event_id, scheduled.activity_type.unwrap().name);
                }
                Some(Attributes::ActivityTaskStartedEventAttributes(started))
                    if started.attempt > 1 =>
                {
                    let name = names[&started.scheduled_event_id].clone();
                    retried.push((name, started.attempt));
                }
                _ => {}
            }
        }
        retried
    }

    async fn failure(&self) -> Failed {
        let last = self
            .history()
            .await
            .pop()
            .and_then(|event| event.attributes);
        match last {
            Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) => {
                Failed::of(&failed.failure.unwrap())
            }
            other => panic!("the workflow did not end with a failure: {other:?}"),
        }
    }
}

impl Failed {
    fn of(failure: &Failure) -> Self {
        let Some(FailureInfo::ApplicationFailureInfo(info)) = &failure.failure_info else {
            panic!("no application failure: {failure:?}");
        };
        let details = info.details.as_ref().map(|details| &details.payloads[..]);
        Self {
            kind: info.r#type.clone(),
            message: failure.message.clone(),
            details: json_of(details.unwrap_or_default()),
            is_non_retryable: info.non_retryable,
        }
    }
}

/// Fails if a password or the client's secret stands anywhere in `bytes`.
pub(crate) fn assert_no_secret(of: &str, bytes: &[u8]) {
    for secret in [
        DEFAULT_SOURCE_PASSWORD,
        DEFAULT_CLIENT_SECRET,
        WRONG_PASSWORD,
    ] {
        let is_in = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!is_in, "{of} shows `{secret}`");
    }
}

/// A platform with small pages, so that looks turn some, and runs that end soon.
pub(crate) fn emulator_config() -> aep_emulator::Config {
    let mut config = aep_emulator::Config {
        runs: RunSettings::quick(),
        ..aep_emulator::Config::default()
    };
    config.lists.page_size = 3;
    config
}

/// The smallest input that takes these tables.
pub(crate) fn input(tables: &[Value]) -> Value {
    json!({
        "connection": {
            "name": "Oracle Service Cloud",
            "host": "acme.custhelp.com",
            "username": DEFAULT_SOURCE_USERNAME,
            "password": {"file": PASSWORD_FILE},
        },
        "tables": tables,
    })
}

/// All of a table, once, now.
pub(crate) fn table(name: &str) -> Value {
    json!({"table": name})
}

fn config_of(
    emulator: &Emulator,
    address: &str,
    namespace: &str,
    folder: &tempfile::TempDir,
) -> Config {
    let mut config = Config::default();
    aep_flow::demo::use_emulator(&mut config, emulator);
    // Long enough for a busy machine to send a request in.
    config.aep.start_margin = Duration::from_secs(20);
    config.secrets.folder = Some(folder.path().join("secrets"));
    config.ensure.quiet_period = Duration::from_secs(3);
    // A test of its own shows what that does.
    config.worker.share_rate_limit = false;
    config.worker.shutdown_grace = Duration::from_secs(2);
    let temporal = &mut config.temporal.overrides;
    temporal.config_file = Some(folder.path().join("temporal.toml"));
    temporal.profile = Some("test".to_owned());
    temporal.address = Some(address.to_owned());
    temporal.namespace = Some(namespace.to_owned());
    config
}

fn json_of(payloads: &[Payload]) -> Value {
    let Some(payload) = payloads.first() else {
        return Value::Null;
    };
    let encoding = payload.metadata.get("encoding").map(Vec::as_slice);
    assert_eq!(encoding, Some(&b"json/plain"[..]), "{payload:?}");
    serde_json::from_slice(&payload.data).unwrap()
}

//! One test's world: a namespace, an emulated platform, workers, and a caller that writes plain
//! JSON.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aep_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
    DEFAULT_SOURCE_USERNAME, Emulator, JournalEntry, JournalStatus, RunSettings,
};
use aep_flow::config::Config;
use aep_flow_devserver::{self as devserver, DevServer};
use aep_flow_proto::names::activity;
use anyhow::Context as _;
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

use crate::emulated::{self, Variables};
use crate::logs::{self, Expected, Log};
use crate::platform::assert_one_live_per_intent;
use crate::worker::{Worker, WorkerProcess};
use crate::{server, within};

/// Where the tests' inputs have the source's password from.
pub const PASSWORD_FILE: &str = "osc.txt";

/// A password that the source refuses.
pub const WRONG_PASSWORD: &str = "hunter2-hunter2";

/// The profile of `temporal.toml` that a world's processes read.
const PROFILE: &str = "test";

/// Where a world is on a Temporal server.
#[derive(Debug, Clone)]
pub struct Home {
    /// Host and port of the server.
    pub address: String,
    /// A namespace that exists.
    pub namespace: String,
    /// What its workers poll.
    pub task_queue: String,
}

/// A task queue and a platform for one test.
///
/// When it is dropped, a test fails if a worker logged a warning or an error that nobody expects,
/// and a test that fails shows the ends of its logs.
pub struct World {
    /// The platform.
    pub emulator: Emulator,
    /// A caller's way to the server.
    pub client: Client,
    home: Home,
    folder: tempfile::TempDir,
    /// Variables of its workers beyond those that every world has.
    more: Variables,
    expected: Mutex<Vec<Expected>>,
    /// Whether it is a test's, and not the campaign's, which judges by itself.
    is_of_test: bool,
}

/// A workflow that was started.
pub struct Run {
    /// The caller's handle on it.
    pub handle: WorkflowHandle<Client, UntypedWorkflow>,
}

/// How a workflow or an activity failed, as a caller in any language sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// The `type` of the application failure.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// The first payload of its details.
    pub details: Value,
    /// Whether Temporal tries it again.
    pub is_non_retryable: bool,
}

impl World {
    /// On the shared server, with a platform that does what it should.
    pub async fn new() -> Self {
        Self::with(emulator_config()).await
    }

    /// On the shared server, with this platform.
    pub async fn with(config: aep_emulator::Config) -> Self {
        // Starting it blocks, and other tests wait for it meanwhile.
        let address = tokio::task::spawn_blocking(server::shared).await.unwrap();
        Self::in_own_namespace(address, config).await
    }

    /// On this server, with this platform.
    pub async fn on(server: &DevServer, config: aep_emulator::Config) -> Self {
        Self::in_own_namespace(&server.address(), config).await
    }

    async fn in_own_namespace(address: &str, config: aep_emulator::Config) -> Self {
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
        let home = Home {
            address: address.to_owned(),
            namespace: format!("{number}-{test}-{now}"),
            task_queue: "aep-flow".to_owned(),
        };
        devserver::create_namespace(address, &home.namespace)
            .await
            .unwrap();
        let mut world = Self::at(home, config, Variables::new()).await.unwrap();
        world.is_of_test = true;
        world
    }

    /// Anywhere, with this platform; `more` are variables of its workers.
    ///
    /// # Errors
    /// If the server is not there, or the platform does not start.
    pub async fn at(
        home: Home,
        config: aep_emulator::Config,
        more: Variables,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("secrets"))?;
        // Keeps the Temporal configuration of whoever runs this out.
        let profile = format!("[profile.{PROFILE}]\n");
        std::fs::write(folder.path().join("temporal.toml"), profile)?;
        let emulator = Emulator::start(config).await?;
        let variables = variables_of(&emulator, &home, folder.path(), &more);
        let config = config_of(variables, &home, folder.path());
        let client = aep_flow::temporal::connect(&config).await?;
        let world = Self {
            emulator,
            client,
            home,
            folder,
            more,
            expected: Mutex::default(),
            is_of_test: false,
        };
        world.keep_password(DEFAULT_SOURCE_PASSWORD);
        Ok(world)
    }

    /// Puts the source's password where the tests' inputs say that it is.
    pub fn keep_password(&self, password: &str) {
        let file = self.folder.path().join("secrets").join(PASSWORD_FILE);
        std::fs::write(&file, password).unwrap();
        // A worker warns of one that everybody may read.
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(file, own).unwrap();
    }

    /// Removes the source's password from there.
    pub fn lose_password(&self) {
        let file = self.folder.path().join("secrets").join(PASSWORD_FILE);
        std::fs::remove_file(file).unwrap();
    }

    /// Lets workers of this world log lines of WARN or ERROR: their target, and how their message
    /// begins.
    pub fn expect(&self, (target, message): (&str, &str)) {
        let mut expected = self.expected.lock().unwrap();
        expected.push(Expected::new(target, message));
    }

    /// The lines of WARN or ERROR that its workers logged and nobody expects.
    pub fn unexpected_lines(&self) -> Vec<String> {
        let journal = self.emulator.journal();
        let has_failed = |entry: &JournalEntry| match entry.status {
            JournalStatus::Answered(status) => entry.fault.is_some() || status >= 400,
            JournalStatus::Dropped => true,
        };
        if journal.iter().any(has_failed) {
            self.expect(logs::FAILED_ATTEMPT);
        }
        let expected = self.expected.lock().unwrap();
        let logs = Log::all_in(self.folder.path());
        logs.iter()
            .flat_map(|log| log.unexpected(&expected))
            .collect()
    }

    /// The configuration of a worker of this world.
    pub fn config(&self) -> Config {
        let mut config = config_of(self.variables(), &self.home, self.folder.path());
        config.worker.shutdown_grace = Duration::from_secs(2);
        config
    }

    /// Starts a worker as a thread.
    pub fn worker(&self) -> Worker {
        self.worker_with(|_| ())
    }

    /// Starts a worker as a thread, with its configuration changed.
    pub fn worker_with(&self, change: impl FnOnce(&mut Config)) -> Worker {
        let mut config = self.config();
        change(&mut config);
        Worker::start(config, &self.next_log())
    }

    /// Starts a worker as a process.
    pub fn worker_process(&self) -> WorkerProcess {
        WorkerProcess::spawn(&self.variables(), &self.next_log())
    }

    /// Starts a worker as a process that logs all it can into this file of the world's folder.
    pub fn talkative_worker_process(&self, log: &str) -> WorkerProcess {
        self.worker_process_with(&[("AEP_FLOW_LOG_FILTER", "trace")], log)
    }

    /// Starts a worker as a process with more variables that logs into this file of the world's
    /// folder.
    pub fn worker_process_with(&self, more: &[(&str, &str)], log: &str) -> WorkerProcess {
        WorkerProcess::spawn(&self.variables_and(more), &self.folder.path().join(log))
    }

    /// The same, but the worker may leave a core, as on a careless machine.
    pub fn worker_process_with_cores(&self, more: &[(&str, &str)], log: &str) -> WorkerProcess {
        let log = self.folder.path().join(log);
        WorkerProcess::spawn_with_cores(&self.variables_and(more), &log)
    }

    /// Starts the worker of another build as a process with more variables.
    pub fn worker_process_from(&self, program: &Path, more: &[(&str, &str)]) -> WorkerProcess {
        WorkerProcess::spawn_from(program, &self.variables_and(more), &self.next_log())
    }

    /// The variables of a worker's process.
    pub fn variables(&self) -> Variables {
        variables_of(&self.emulator, &self.home, self.folder.path(), &self.more)
    }

    fn variables_and(&self, more: &[(&str, &str)]) -> Variables {
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.variables().into_iter().chain(more).collect()
    }

    /// The log of the worker that starts next.
    fn next_log(&self) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("worker-{number}.log"))
    }

    /// The folder of this world, with its secrets and logs.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.home.namespace
    }

    /// What its workers poll.
    pub fn task_queue(&self) -> &str {
        &self.home.task_queue
    }

    /// Host and port of its server.
    pub fn address(&self) -> &str {
        &self.home.address
    }

    /// Starts an ingestion of an Oracle Service Cloud by its name, with plain JSON.
    pub async fn start(&self, input: &Value) -> Run {
        self.start_as("IngestOracleServiceCloud", input).await
    }

    /// Starts a workflow of that type, with plain JSON.
    pub async fn start_as(&self, workflow_type: &str, input: &Value) -> Run {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("ingest-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.try_start(workflow_type, &id, input).await.unwrap()
    }

    /// Starts a workflow of that type and Workflow Id, with plain JSON.
    ///
    /// # Errors
    /// If the server does not take it.
    pub async fn try_start(
        &self,
        workflow_type: &str,
        id: &str,
        input: &Value,
    ) -> anyhow::Result<Run> {
        let options = WorkflowStartOptions::new(self.home.task_queue.as_str(), id).build();
        let workflow = UntypedWorkflow::new(workflow_type);
        let handle = self.client.start_workflow(workflow, plain(input), options);
        Ok(Run {
            handle: handle.await?,
        })
    }

    /// Starts an ingestion and waits for its end.
    ///
    /// # Errors
    /// How it failed.
    pub async fn ingest(&self, input: &Value) -> Result<Value, Failed> {
        self.start(input).await.end().await
    }

    /// Starts an ingestion of any source and waits for its end.
    ///
    /// # Errors
    /// How it failed.
    pub async fn ingest_source(&self, input: &Value) -> Result<Value, Failed> {
        self.start_as("IngestSource", input).await.end().await
    }

    /// Creates something on the platform past the worker, as somebody else in the organisation
    /// does.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(reqwest::Method::POST, path, Some(body)).await;
        answer.json().await.unwrap()
    }

    /// Reads something of the platform, as somebody else does.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send(reqwest::Method::GET, path, None).await;
        answer.json().await.unwrap()
    }

    /// Deletes something of the platform, as somebody else does.
    pub async fn delete(&self, path: &str) {
        self.send(reqwest::Method::DELETE, path, None).await;
    }

    /// Changes something of the platform, as somebody else does.
    pub async fn patch(&self, path: &str, etag: Option<&str>, patch: &Value) {
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
        // An error means that there is one already.
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
    pub async fn end(self, worker: Worker) {
        worker.stop().await.unwrap();
        assert_one_live_per_intent(&self.emulator);
    }

    /// What a person needs to understand a failure: the last lines of its workers, and the last
    /// requests to its platform.
    pub fn tail(&self) -> String {
        let logs = Log::all_in(self.folder.path());
        let logs: Vec<String> = logs.iter().map(Log::to_string).collect();
        let journal = self.emulator.journal();
        let left_out = journal.len().saturating_sub(logs::TAIL);
        let requests = journal[left_out..].iter().map(|entry| {
            let fault = entry.fault.as_deref().unwrap_or("no fault");
            format!(
                "  {} {} {}: {:?}, {fault}\n",
                entry.sequence, entry.method, entry.path, entry.status
            )
        });
        let requests: String = requests.collect();
        format!(
            "{}the last of {} requests:\n{requests}",
            logs.concat(),
            journal.len()
        )
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.is_of_test {
            return;
        }
        // What a test prints is shown only if it fails, also if it fails by an error later on.
        // With `--nocapture` all of it is seen, so there only a test that panics shows it.
        let is_captured = !std::env::args().any(|argument| argument == "--nocapture");
        let is_panicking = std::thread::panicking();
        if is_panicking || is_captured {
            eprintln!("{}", self.tail());
        }
        if !is_panicking {
            let unexpected = self.unexpected_lines();
            assert!(
                unexpected.is_empty(),
                "no test expects these lines (see crates/testkit/src/logs.rs):\n{}",
                unexpected.join("\n")
            );
        }
    }
}

impl Run {
    /// Waits for the end of the workflow.
    ///
    /// # Errors
    /// How it failed.
    pub async fn end(&self) -> Result<Value, Failed> {
        let result = within("the workflow", self.result()).await;
        let history = self.history().await;
        let bytes = history.iter().flat_map(ProtoMessage::encode_to_vec);
        assert_no_secret("a history", &bytes.collect::<Vec<u8>>());
        match result {
            Ok(result) => Ok(result),
            Err(WorkflowGetResultError::Failed(_)) => Err(self.failure().await),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The result of the workflow, however long it takes.
    ///
    /// # Errors
    /// If it failed, or the server is not there.
    pub async fn result(&self) -> Result<Value, WorkflowGetResultError> {
        let options = WorkflowGetResultOptions::default();
        let result = self.handle.get_result(options).await?;
        Ok(json_of(&result.payloads))
    }

    /// The result of the query `status`.
    pub async fn status(&self) -> Value {
        let query = UntypedQuery::new("status");
        let options = WorkflowQueryOptions::default();
        let answer = self.handle.query(query, RawValue::new(Vec::new()), options);
        json_of(&within("the query", answer).await.unwrap().payloads)
    }

    /// What the UI shows of the workflow.
    pub async fn current_details(&self) -> String {
        let query = UntypedQuery::new("__temporal_workflow_metadata");
        let options = WorkflowQueryOptions::default();
        let answer = self.handle.query(query, RawValue::new(Vec::new()), options);
        let answer = within("the details", answer).await.unwrap();
        // Its encoding is the SDK's own.
        let metadata: Value = serde_json::from_slice(&answer.payloads[0].data).unwrap();
        metadata["currentDetails"].as_str().unwrap().to_owned()
    }

    /// All events so far.
    pub async fn history(&self) -> Vec<HistoryEvent> {
        within("the history", self.try_history()).await.unwrap()
    }

    /// All events so far.
    ///
    /// # Errors
    /// If the server is not there.
    pub async fn try_history(&self) -> anyhow::Result<Vec<HistoryEvent>> {
        let options = WorkflowFetchHistoryOptions::default();
        let events = self.handle.fetch_history(options).into_events();
        events.await.context("the history")
    }

    /// The attempts that each activity needed, for those that needed more than one. The one that
    /// reads the namespace is left out: it depends on how busy Temporal's server is.
    pub async fn retried(&self) -> Vec<(String, i32)> {
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
                    if name != activity::FIND_SEARCH_ATTRIBUTES {
                        retried.push((name, started.attempt));
                    }
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

/// Fails if `bytes` contain a password or the client's secret.
pub fn assert_no_secret(of: &str, bytes: &[u8]) {
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
pub fn emulator_config() -> aep_emulator::Config {
    let mut config = aep_emulator::Config {
        runs: RunSettings::quick(),
        ..aep_emulator::Config::default()
    };
    config.lists.page_size = 3;
    config
}

/// The smallest input that takes these tables.
pub fn input(tables: &[Value]) -> Value {
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
pub fn table(name: &str) -> Value {
    json!({"table": name})
}

/// A value as a caller in any language writes it.
pub fn plain(value: &Value) -> RawValue {
    RawValue::new(vec![Payload {
        metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
        data: value.to_string().into_bytes(),
        ..Payload::default()
    }])
}

fn variables_of(emulator: &Emulator, home: &Home, folder: &Path, more: &Variables) -> Variables {
    let path = |name: &str| folder.join(name).display().to_string();
    let own = [
        ("TEMPORAL_ADDRESS", home.address.clone()),
        ("TEMPORAL_NAMESPACE", home.namespace.clone()),
        ("TEMPORAL_CONFIG_FILE", path("temporal.toml")),
        ("TEMPORAL_PROFILE", PROFILE.to_owned()),
        ("AEP_FLOW_WORKER_TASK_QUEUE", home.task_queue.clone()),
        ("AEP_FLOW_SECRETS_FOLDER", path("secrets")),
        // Long enough for a busy machine to send a request in.
        ("AEP_FLOW_START_MARGIN", "20s".to_owned()),
        ("AEP_FLOW_ENSURE_QUIET_PERIOD", "3s".to_owned()),
        // A test of its own shows what that does.
        ("AEP_FLOW_WORKER_SHARE_RATE_LIMIT", "false".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let mut variables = emulated::variables(&emulator.url());
    variables.extend(own);
    variables.extend(more.iter().cloned());
    variables
}

fn config_of(variables: Variables, home: &Home, folder: &Path) -> Config {
    let mut config = emulated::configuration(variables);
    // A process has this from its environment, by the SDK.
    let temporal = &mut config.temporal.overrides;
    temporal.config_file = Some(folder.join("temporal.toml"));
    temporal.profile = Some(PROFILE.to_owned());
    temporal.address = Some(home.address.clone());
    temporal.namespace = Some(home.namespace.clone());
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

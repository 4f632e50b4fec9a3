//! A world whose workers and callers have keys, and a stranger in it who has none.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use aep_flow::codec::KeyRing;
use aep_flow::config::Config;
use aep_flow_testkit::worker::Worker;
use aep_flow_testkit::world::{Run, emulator_config};
use aep_flow_testkit::{World, within};
use futures::future::BoxFuture;
use serde_json::Value;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, UntypedQuery, WorkflowDescribeOptions,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::{PayloadConversionError, RawValue};
use temporalio_common::payload_visitor::{
    AsyncPayloadVisitor, PayloadField, PayloadFieldData, PayloadVisitable,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

/// Two keys, as the variable has them.
pub(crate) const OLD: &str = "old=QUVQIGZsb3csIGEga2V5IG9mIHRoZSB0ZXN0cyEhISE=";
pub(crate) const NEW: &str = "new=0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

pub(crate) type Handle = WorkflowHandle<Client, UntypedWorkflow>;

/// A world, a client in it that has keys, and one that knows nothing of a codec.
pub(crate) struct Keyed {
    pub(crate) world: World,
    pub(crate) client: Client,
    plain: Client,
    keys: String,
}

impl Keyed {
    pub(crate) async fn new(keys: &str) -> Self {
        Self::with(keys, emulator_config()).await
    }

    pub(crate) async fn with(keys: &str, emulator: aep_emulator::Config) -> Self {
        let world = World::with(emulator).await;
        let client = client(&world, keys).await;
        let plain = plain(&world).await;
        Self {
            world,
            client,
            plain,
            keys: keys.to_owned(),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(&self.keys)
    }

    pub(crate) fn worker_with(&self, keys: &str) -> Worker {
        self.world.worker_with(|config| give(config, keys))
    }

    /// Starts an ingestion with the keys.
    pub(crate) async fn start(&self, input: &Value) -> Handle {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = format!("sealed-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let workflow = "IngestOracleServiceCloud";
        start(&self.client, workflow, &id, "aep-flow", json(input)).await
    }

    /// The same workflow as it comes from the server.
    pub(crate) fn stranger(&self, handle: &Handle) -> Run {
        let id = &handle.info().workflow_id;
        Run {
            handle: self.plain.get_workflow_handle(id),
        }
    }

    /// `aep-flow` with the keys, or without any.
    pub(crate) async fn command(&self, arguments: &[&str], keys: Option<&str>) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.world.variables())
            .envs(keys.map(|keys| ("AEP_FLOW_CODEC_KEYS", keys)))
            .stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        Said::from(within("the command", run).await.unwrap())
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn give(config: &mut Config, keys: &str) {
    config.codec.keys = Some(KeyRing::parse(keys).unwrap());
}

/// A client of the world that has these keys.
pub(crate) async fn client(world: &World, keys: &str) -> Client {
    let mut config = world.config();
    give(&mut config, keys);
    aep_flow::temporal::connect(&config).await.unwrap()
}

/// A client of the SDK, with nothing of ours.
async fn plain(world: &World) -> Client {
    let address = url::Url::parse(&format!("http://{}", world.address())).unwrap();
    let options = ConnectionOptions::new(address).build();
    let connection = Connection::connect(options).await.unwrap();
    Client::new(connection, ClientOptions::new(world.namespace()).build()).unwrap()
}

/// A value as a caller in any language writes it.
pub(crate) fn json(value: &Value) -> Payload {
    payload("json/plain", serde_json::to_vec(value).unwrap())
}

pub(crate) fn payload(encoding: &str, data: Vec<u8>) -> Payload {
    Payload {
        metadata: HashMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]),
        data,
        ..Payload::default()
    }
}

/// Starts a workflow by its name.
pub(crate) async fn start(
    client: &Client,
    workflow: &str,
    id: &str,
    queue: &str,
    input: Payload,
) -> Handle {
    let options = WorkflowStartOptions::new(queue, id)
        .static_summary("a summary of acme.custhelp.com")
        .build();
    let workflow = UntypedWorkflow::new(workflow);
    let input = RawValue::new(vec![input]);
    let started = client.start_workflow(workflow, input, options).await;
    started.unwrap()
}

/// Waits for the end, and gives the result as JSON.
pub(crate) async fn result(handle: &Handle) -> Result<Value, WorkflowGetResultError> {
    let result = handle.get_result(WorkflowGetResultOptions::default());
    let result = within("the workflow", result).await?;
    Ok(serde_json::from_slice(&result.payloads[0].data).unwrap())
}

/// What a query answers, as its payload came.
pub(crate) async fn query(handle: &Handle, name: &str) -> Payload {
    let answer = handle.query(
        UntypedQuery::new(name),
        RawValue::new(Vec::new()),
        WorkflowQueryOptions::default(),
    );
    let mut answer = within("the query", answer).await.unwrap();
    answer.payloads.remove(0)
}

/// The failures of pending activities, as the server describes them.
pub(crate) async fn pending(handle: &Handle) -> Vec<String> {
    let described = handle.describe(WorkflowDescribeOptions::default());
    let described = within("the description", described).await.unwrap();
    let pending = described.raw().pending_activities.iter();
    pending
        .filter_map(|each| Some(each.last_failure.as_ref()?.message.clone()))
        .collect()
}

/// Each payload of the events with its place, without the search attributes.
pub(crate) async fn payloads(events: &[HistoryEvent]) -> Vec<(&'static str, Payload)> {
    let mut seen = Seen(Vec::new());
    for event in events {
        let mut event = event.clone();
        event.visit_payloads_mut(&mut seen).await.unwrap();
    }
    seen.0
}

struct Seen(Vec<(&'static str, Payload)>);

impl AsyncPayloadVisitor for Seen {
    fn visit<'a>(
        &'a mut self,
        field: PayloadField<'a>,
    ) -> BoxFuture<'a, Result<(), PayloadConversionError>> {
        let payloads = match field.data {
            PayloadFieldData::Single(payload) => vec![payload.clone()],
            PayloadFieldData::Repeated(payloads) => payloads.clone(),
            PayloadFieldData::Payloads(payloads) => payloads.payloads.clone(),
        };
        let at = field.path;
        if !at.contains("SearchAttributes") {
            self.0
                .extend(payloads.into_iter().map(|payload| (at, payload)));
        }
        Box::pin(async { Ok(()) })
    }
}

/// The id of the key that a payload is under; nothing for one in clear.
pub(crate) fn key_of(payload: &Payload) -> Option<String> {
    let text = |name: &str| {
        let value = payload.metadata.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    (text("encoding")? == "binary/encrypted").then(|| text("encryption-key-id").unwrap())
}

//! Calls aep-flow from Rust: its workflow from a program, its activity from a workflow.
//!
//! Uses nothing of this repository: the crates are `temporalio-client`, `-common`, `-macros`,
//! `-sdk` and `-workflow` (which the macros need), `serde_json` and `tokio`.

#![expect(missing_docs, reason = "the macros' code carries no comments")]
#![expect(clippy::print_stdout, reason = "the answer is what the program is for")]

use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};
use temporalio_client::envconfig::LoadClientConfigProfileOptions;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    Client, ClientOptions, Connection, WorkflowGetResultOptions, WorkflowStartOptions,
};
use temporalio_common::error::IncomingError;
use temporalio_common::{HasWorkflowDefinition, WorkflowDefinition};
use temporalio_macros::{activity_definitions, workflow, workflow_methods};
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};

// [snippet]
struct IngestOracleServiceCloud;

impl WorkflowDefinition for IngestOracleServiceCloud {
    type Input = Value;
    type Output = Value;

    fn name(&self) -> &str {
        "IngestOracleServiceCloud"
    }
}

impl HasWorkflowDefinition for IngestOracleServiceCloud {
    type Run = Self;
}

async fn ingest(client: &Client, spec: Value) -> Result<Value, Box<dyn Error>> {
    let id = "ingest/prod/Oracle Service Cloud, EMEA";
    let options = WorkflowStartOptions::new("aep-flow", id).build();
    let handle = client
        .start_workflow(IngestOracleServiceCloud, spec, options)
        .await?;
    match handle.get_result(WorkflowGetResultOptions::default()).await {
        Err(WorkflowGetResultError::Failed(error)) => Ok(json!({"type": failure_type(&error)})),
        result => Ok(result?),
    }
}

struct AepFlow;

#[activity_definitions]
impl AepFlow {
    #[activity(name = "CreateOracleServiceCloudBaseConnection")]
    fn create_base_connection(_: Value) -> Result<Value, ActivityError> {
        unimplemented!()
    }
}

#[workflow]
#[derive(Default)]
pub struct Connect;

#[workflow_methods]
impl Connect {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, connection: Value) -> WorkflowResult<Value> {
        let mut options = ActivityOptions::start_to_close_timeout(Duration::from_secs(180));
        options.task_queue = Some("aep-flow".to_owned());
        let created = ctx
            .execute_activity(AepFlow::create_base_connection, connection, options)
            .await;
        match created {
            Ok(base_connection) => Ok(base_connection),
            Err(error) => match error.reason().and_then(failure_type) {
                Some(kind) => Ok(json!({"type": kind})),
                None => Err(error.into()),
            },
        }
    }
}

fn failure_type(error: &IncomingError) -> Option<&str> {
    match error {
        IncomingError::Application(failure) => failure.type_name(),
        _ => None,
    }
}
// [/snippet]

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (connection, options) =
        ClientOptions::load_from_config(LoadClientConfigProfileOptions::default())?;
    let client = Client::new(Connection::connect(connection).await?, options)?;
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let workflows = WorkerOptions::new("rust-team")
        .register_workflow::<Connect>()?
        .build();
    let mut worker = Worker::new(&runtime, client.clone(), workflows)?;
    let shutdown = worker.shutdown_handle();

    let calls = async {
        let answer = call(&client).await;
        shutdown();
        answer
    };
    let (ended, answer) = tokio::join!(worker.run(), calls);
    ended?;
    println!("{}", answer?);
    Ok(())
}

async fn call(client: &Client) -> Result<Value, Box<dyn Error>> {
    let connection = json!({
        "sandbox": "prod",
        "name": "Oracle Service Cloud, EMEA",
        "host": "acme.custhelp.com",
        "username": "svc_aep",
        "password": {"env": "OSC_PASSWORD"},
    });
    let tables = json!([
        {"table": "Contacts", "columns": ["id", "emails.address", "updatedTime"]},
    ]);
    let mut nowhere = connection.clone();
    nowhere["host"] = json!("");

    Ok(json!({
        "ingest": ingest(client, json!({"connection": connection, "tables": tables})).await?,
        "activity": connect(client, &connection).await?,
        "failure": {
            "ingest": ingest(client, json!({"connection": nowhere, "tables": tables})).await?,
            "activity": connect(client, &nowhere).await?,
        },
    }))
}

async fn connect(client: &Client, connection: &Value) -> Result<Value, Box<dyn Error>> {
    let options = WorkflowStartOptions::new("rust-team", "connect-from-rust").build();
    let handle = client
        .start_workflow(Connect::run, connection.clone(), options)
        .await?;
    Ok(handle
        .get_result(WorkflowGetResultOptions::default())
        .await?)
}

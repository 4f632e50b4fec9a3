//! A workflow of the test's own that has the name of one of ours: it calls the activity that
//! connects with any input.

#![expect(
    unreachable_pub,
    reason = "the macro of a workflow wants its type and its method public"
)]

use std::time::Duration;

use aep_flow_proto::names::{activity, workflow};
use aep_flow_testkit::World;
use serde_json::Value;
use temporalio_client::{Client, WorkflowHandle, WorkflowStartOptions};
use temporalio_common::ActivityDefinition;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};

const QUEUE: &str = "relay";

struct Connect;

impl ActivityDefinition for Connect {
    type Input = Value;
    type Output = Value;

    fn name(&self) -> &str {
        activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION
    }
}

#[workflow]
#[derive(Default)]
pub struct Relay;

#[workflow_methods]
impl Relay {
    #[run(name = workflow::INGEST_SOURCE)]
    pub async fn run(ctx: &mut WorkflowContext<Self>, connection: Value) -> WorkflowResult<Value> {
        let mut options = ActivityOptions::start_to_close_timeout(Duration::from_secs(180));
        options.task_queue = Some("aep-flow".to_owned());
        options.heartbeat_timeout = Some(Duration::from_secs(15));
        Ok(ctx.execute_activity(Connect, connection, options).await?)
    }
}

/// Sends `connection` to a worker of `world` through the workflow, and lets `watch` see it.
pub(crate) async fn relay(
    world: &World,
    connection: Value,
    watch: impl AsyncFnOnce(WorkflowHandle<Client, relay::Run>),
) {
    let runtime = Runtime::from_current_tokio(Default::default()).unwrap();
    let options = WorkerOptions::new(QUEUE)
        .register_workflow::<Relay>()
        .unwrap()
        .build();
    let mut worker = Worker::new(&runtime, world.client.clone(), options).unwrap();
    let shutdown = worker.shutdown_handle();
    let watched = async {
        let options = WorkflowStartOptions::new(QUEUE, QUEUE).build();
        let started = world.client.start_workflow(Relay::run, connection, options);
        watch(started.await.unwrap()).await;
        shutdown();
    };
    let (ended, ()) = tokio::join!(worker.run(), watched);
    ended.unwrap();
}

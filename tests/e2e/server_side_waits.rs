//! Waiting is the server's: a worker has nothing to run for it.

#![expect(unreachable_pub, reason = "the macros ask for public workflows")]

use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_proto::names::activity;
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, eventually, input};
use serde_json::{Value, json};
use temporalio_client::{WorkflowDescribeOptions, WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_macros::{activity_definitions, workflow, workflow_methods};
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};
use temporalio_workflow::join_all;

const WAITS: u64 = 1000;

struct AepFlow;

#[activity_definitions]
impl AepFlow {
    #[activity(name = activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION)]
    fn create_base_connection(_: Value) -> Result<Value, ActivityError> {
        unimplemented!()
    }
}

/// A caller that creates many base connections at once.
#[workflow]
#[derive(Default)]
pub struct CreateMany;

#[workflow_methods]
impl CreateMany {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, connection: Value) -> WorkflowResult<()> {
        let ctx = ctx.clone();
        let creates = (0..WAITS).map(|number| {
            let mut connection = connection.clone();
            connection["name"] = json!(format!("Connection {number}"));
            let mut options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
            options.task_queue = Some("aep-flow".to_owned());
            ctx.execute_activity(AepFlow::create_base_connection, connection, options)
        });
        join_all(creates).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_thousand_quiet_periods_take_no_task_of_the_worker() {
    let mut config = emulator_config();
    config.lists.page_size = 100;
    let world = World::with(config).await;
    let lost = Action::Refuse(CannedAnswer::html(504));
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", lost));
    let worker = world.worker_with(|config| {
        // Longer than the test, in one look: after it, all that is left is waiting.
        config.ensure.quiet_period = Duration::from_secs(3600);
        config.ensure.looks = 1;
    });

    let runtime = Runtime::from_current_tokio(Default::default()).unwrap();
    let options = WorkerOptions::new("callers")
        .register_workflow::<CreateMany>()
        .unwrap()
        .build();
    let mut callers = Worker::new(&runtime, world.client.clone(), options).unwrap();
    let shutdown = callers.shutdown_handle();
    let watch = async {
        let connection = input(&[])["connection"].clone();
        let options = WorkflowStartOptions::new("callers", "create-many").build();
        let handle = world
            .client
            .start_workflow(CreateMany::run, connection, options)
            .await
            .unwrap();
        let states = async || {
            let described = handle
                .describe(WorkflowDescribeOptions::default())
                .await
                .unwrap();
            let pending = described.raw().pending_activities.iter();
            let of_state = |state: PendingActivityState| {
                pending.clone().filter(|each| each.state() == state).count() as u64
            };
            let waiting = pending
                .clone()
                .filter(|each| each.state() == PendingActivityState::Scheduled && each.attempt >= 3)
                .count() as u64;
            (waiting, of_state(PendingActivityState::Started))
        };
        eventually("the thousand waits", async || {
            (states().await == (WAITS, 0)).then_some(())
        })
        .await;
        // For as long as anybody looks: no request, no attempt.
        let requests = world.emulator.journal().len();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(states().await, (WAITS, 0));
        assert_eq!(world.emulator.journal().len(), requests);
        handle
            .terminate(WorkflowTerminateOptions::default())
            .await
            .unwrap();
        shutdown();
    };
    let (ended, ()) = tokio::join!(callers.run(), watch);
    ended.unwrap();
    world.end(worker).await;
}

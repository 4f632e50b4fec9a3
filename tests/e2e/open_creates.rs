//! Creates without a response whose caller goes away before their outcome is known.

use std::time::Duration;

use aep_emulator::{Action, LateReply, Rule};
use aep_flow_proto::names::workflow::SETTLE_CREATE;
use aep_flow_testkit::logs::FAILED_ATTEMPT;
use aep_flow_testkit::platform::{counts, the, whole_chain};
use aep_flow_testkit::{World, eventually, input, table};
use futures::stream::StreamExt as _;
use serde_json::json;
use temporalio_client::{
    WorkflowCancelOptions, WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowListOptions,
    WorkflowTerminateOptions,
};

use WorkflowExecutionStatus::{Completed, Running};

use crate::concurrent_callers::made;
use crate::relay::relay;

/// How the workflows that settle creates stand.
async fn settling(world: &World) -> Vec<WorkflowExecutionStatus> {
    let query = format!("WorkflowType = '{SETTLE_CREATE}'");
    let listed = world
        .client
        .list_workflows(query, WorkflowListOptions::default());
    listed
        .map(|each| each.unwrap().status())
        .collect::<Vec<_>>()
        .await
}

async fn settling_is(world: &World, expected: WorkflowExecutionStatus) {
    eventually("the settling", async || {
        (settling(world).await == [expected]).then_some(())
    })
    .await;
}

/// The first create of a dataflow is cut off, and takes effect that much later.
fn lose_a_flow(world: &World, after_ms: u64, held_ms: u64) {
    let late = Action::LateCommit {
        after_ms,
        reply: LateReply::Drop,
    };
    let late = Action::Delay {
        ms: held_ms,
        then: Some(Box::new(late)),
    };
    world
        .emulator
        .add_fault(Rule::new("POST", "/flows", late).nth([1]));
}

#[tokio::test]
async fn the_next_caller_waits_for_a_create_that_a_cancelled_one_left_open() {
    let world = World::new().await;
    lose_a_flow(&world, 8_000, 0);
    let worker = world.worker_with(|config| {
        config.ensure.quiet_period = Duration::from_secs(20);
    });
    let input = input(&[table("Contacts")]);
    let first = world.start(&input).await;
    settling_is(&world, Running).await;
    let options = WorkflowCancelOptions::default();
    first.handle.cancel(options).await.unwrap();
    first.result().await.unwrap_err();

    // Nothing of the first caller is left but its create, which has not taken effect.
    let result = world.ingest(&input).await.unwrap();
    assert_eq!(made(&world, "/flows"), 1);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    let flow = the(&world.emulator, "flows", "");
    assert_eq!(result["tables"][0]["flowId"], flow["id"]);
    settling_is(&world, Completed).await;
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn what_a_terminated_callers_create_makes_behind_an_answer_is_deleted() {
    let world = World::new().await;
    lose_a_flow(&world, 6_000, 2_000);
    let worker = world.worker_with(|config| {
        config.ensure.quiet_period = Duration::from_secs(9);
    });
    let input = input(&[table("Contacts")]);
    let first = world.start(&input).await;
    // It is about to send its create, and nobody else can know of it.
    eventually("the look", async || {
        let journal = world.emulator.journal();
        let is_look = |route: &str| route.ends_with("/flows");
        journal
            .iter()
            .any(|entry| is_look(&entry.route))
            .then_some(())
    })
    .await;
    let second = world.start(&input).await;
    settling_is(&world, Running).await;
    let options = WorkflowTerminateOptions::default();
    first.handle.terminate(options).await.unwrap();

    let result = second.end().await.unwrap();
    settling_is(&world, Completed).await;
    assert_eq!(made(&world, "/flows"), 2);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    let flow = the(&world.emulator, "flows", "");
    assert_eq!(result["tables"][0]["flowId"], flow["id"]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_call_that_continues_another_waits_although_the_server_keeps_no_create_of_it() {
    let world = World::new().await;
    world.expect(FAILED_ATTEMPT);
    let worker = world.worker_with(|config| {
        config.ensure.quiet_period = Duration::from_secs(3);
    });
    let mut connection = input(&[])["connection"].take();
    let now = jiff::Timestamp::now();
    connection["continues"] = json!({"activityId": "7", "runId": "r", "since": now.to_string()});
    relay(&world, connection, async |handle| {
        let options = WorkflowGetResultOptions::default();
        handle.get_result(options).await.unwrap();
    })
    .await;
    let journal = world.emulator.journal();
    let looks = journal
        .iter()
        .filter(|entry| entry.path.contains("/connections"))
        .take_while(|entry| entry.method == "GET");
    assert!(looks.count() > 1, "{journal:?}");
    assert_eq!(made(&world, "/connections"), 1);
    world.end(worker).await;
}

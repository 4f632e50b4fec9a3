//! The platform asks one of several workers to wait: all of them slow down.

use std::time::Instant;

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, eventually, input, table};
use serde_json::Value;
use temporalio_client::tonic::IntoRequest as _;
use temporalio_client::{NamespacedClient as _, WorkflowTerminateOptions};
use temporalio_common::protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::{RateLimit, RateLimitConfig, TaskQueue},
    workflowservice::v1::{
        DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest,
        update_task_queue_config_request::RateLimitUpdate,
    },
};

const QUEUE: &str = "aep-flow";

async fn limit(world: &World) -> Option<(f32, String)> {
    let request = DescribeTaskQueueRequest {
        namespace: world.client.namespace(),
        task_queue: Some(TaskQueue {
            name: QUEUE.to_owned(),
            ..TaskQueue::default()
        }),
        task_queue_type: TaskQueueType::Activity.into(),
        report_config: true,
        ..DescribeTaskQueueRequest::default()
    };
    let mut service = world.client.connection().workflow_service();
    let described = service.describe_task_queue(request.into_request()).await;
    let config = described.unwrap().into_inner().config?;
    let RateLimitConfig {
        rate_limit,
        metadata,
    } = config.queue_rate_limit?;
    let reason = metadata.map(|metadata| metadata.reason);
    rate_limit.map(|limit| (limit.requests_per_second, reason.unwrap_or_default()))
}

/// Sets a limit as a person does by hand, or as another worker did.
async fn set_limit(world: &World, rate: f32, reason: &str) {
    let request = UpdateTaskQueueConfigRequest {
        namespace: world.client.namespace(),
        identity: "somebody".to_owned(),
        task_queue: QUEUE.to_owned(),
        task_queue_type: TaskQueueType::Activity.into(),
        update_queue_rate_limit: Some(RateLimitUpdate {
            rate_limit: Some(RateLimit {
                requests_per_second: rate,
            }),
            reason: reason.to_owned(),
        }),
        ..UpdateTaskQueueConfigRequest::default()
    };
    let mut service = world.client.connection().workflow_service();
    let set = service.update_task_queue_config(request.into_request());
    set.await.unwrap();
}

fn too_many(seconds: u64) -> Action {
    Action::Refuse(CannedAnswer::too_many_requests(Some(&seconds.to_string())))
}

/// Requests a second at the platform, over so many requests from now on.
async fn rate(world: &World, requests: u64) -> f64 {
    let last = || world.emulator.journal().last().map(|entry| entry.sequence);
    let (begun, before) = (Instant::now(), last().unwrap_or_default());
    let count = eventually("more requests", async || {
        let count = last().unwrap_or_default() - before;
        (count >= requests).then_some(count)
    })
    .await;
    count as f64 / begun.elapsed().as_secs_f64()
}

fn tables(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|number| table(&format!("Table{number:03}")))
        .collect()
}

#[tokio::test]
async fn three_workers_slow_down_when_one_is_refused() {
    const TABLES: usize = 950;
    let mut config = emulator_config();
    config.source.extra_tables = TABLES;
    config.lists.page_size = 100;
    let world = World::with(config).await;
    let shared = [("AEP_FLOW_WORKER_SHARE_RATE_LIMIT", "true")];
    let workers =
        ["one.log", "two.log", "three.log"].map(|log| world.worker_process_with(&shared, log));
    let mut input = input(&tables(TABLES));
    input["tablesAtOnce"] = 16.into();
    let run = world.start(&input).await;
    eventually("the first tables", async || {
        (world.emulator.journal().len() > 300).then_some(())
    })
    .await;
    let before = rate(&world, 1000).await;
    assert_eq!(limit(&world).await, None);

    let refused = Rule::new("GET", "/dataSets", too_many(15)).first(1);
    world.emulator.add_fault(refused);
    let (limited_to, reason) = eventually("the limit", async || limit(&world).await).await;
    assert!(
        reason.starts_with("aep-flow: the platform answers 429; "),
        "{reason}"
    );
    // What was given out already comes to its end first.
    let during = eventually("fewer requests", async || {
        let rate = rate(&world, 200).await;
        (rate < before / 2.0).then_some(rate)
    })
    .await;

    eventually("the limit's end", async || {
        limit(&world).await.is_none().then_some(())
    })
    .await;
    let after = rate(&world, 1000).await;
    println!(
        "requests a second over three workers: {before:.1} before, {during:.1} while one was \
         refused (activities limited to {limited_to:.1}/s), {after:.1} afterwards"
    );
    assert!(after > during * 1.5, "{after} of {during}");
    let terminated = run.handle.terminate(WorkflowTerminateOptions::default());
    terminated.await.unwrap();
    drop(workers);
}

#[tokio::test]
async fn a_limit_that_was_set_by_hand_is_left_alone() {
    let world = World::new().await;
    set_limit(&world, 500.0, "maintenance").await;
    let worker = world.worker_with(|config| config.worker.share_rate_limit = true);
    let refused = Rule::new("GET", "/dataSets", too_many(1)).first(2);
    world.emulator.add_fault(refused);
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    let stands = limit(&world).await;
    assert_eq!(stands, Some((500.0, "maintenance".to_owned())));
    world.end(worker).await;
}

#[tokio::test]
async fn what_a_dead_worker_left_is_taken_away_by_any_other() {
    let left = "aep-flow: the platform answers 429; 1.500/s before; raised from \
                2026-01-01T00:00:00Z on; set by 1@gone";
    for shares in [true, false] {
        let world = World::new().await;
        set_limit(&world, 1.0, left).await;
        let worker = world.worker_with(|config| config.worker.share_rate_limit = shares);
        eventually("the limit's end", async || {
            limit(&world).await.is_none().then_some(())
        })
        .await;
        world.end(worker).await;
    }
}

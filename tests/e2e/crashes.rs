//! Workers and servers that end in the middle.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aep_emulator::{Action, CannedAnswer, CutAt, Rule};
use aep_flow_proto::names::activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION;
use aep_flow_testkit::logs::SERVER_AWAY;
use aep_flow_testkit::platform::{assert_one_live_per_intent, counts, whole_chain};
use aep_flow_testkit::worker::WorkerProcess;
use aep_flow_testkit::world::{WRONG_PASSWORD, assert_no_secret, emulator_config};
use aep_flow_testkit::{World, eventually, input, server, table};
use serde_json::json;
use temporalio_client::tonic::IntoRequest as _;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    ResetActivityRequest, reset_activity_request::Activity,
};

use crate::concurrent_callers::made;

/// Longer than any test: a worker that waits for this response is killed before.
const NEVER_MS: u64 = 600_000;

/// Waits until the platform has seen a request to that route.
async fn arrived(world: &World, route: &str, number: u64) {
    eventually(route, async || {
        let faults = world.emulator.faults();
        let rule = faults.iter().find(|active| active.rule.route == route)?;
        (rule.seen >= number).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_worker_killed_while_a_create_is_answered_leaves_one_resource() {
    let routes = ["/connections", "/tenant/schemas", "/flows"];
    futures::future::join_all(routes.map(async |route| {
        let world = World::new().await;
        let slow = Action::ApplyThenDelay { ms: NEVER_MS };
        world
            .emulator
            .add_fault(Rule::new("POST", route, slow).nth([1]));
        let mut first = world.worker_process();
        let run = world
            .start(&input(&[table("Contacts"), table("Accounts")]))
            .await;
        arrived(&world, route, 1).await;
        first.kill();

        let second = world.worker_process();
        run.end().await.unwrap();
        assert_eq!(counts(&world.emulator), whole_chain(2), "{route}");
        assert_one_live_per_intent(&world.emulator);
        drop(second);
    }))
    .await;
}

/// A reset sets the number of an activity's attempt back to 1, and the worker of the attempt before
/// it left nothing.
#[tokio::test]
async fn an_activity_that_is_reset_after_a_kill_may_have_created() {
    let world = World::new().await;
    let slow = Action::ApplyThenDelay { ms: NEVER_MS };
    let slow = Rule::new("POST", "/connections", slow).nth([1]);
    // The first look after the reset does not show it yet.
    let unlisted = Action::Refuse(CannedAnswer::json(200, json!({"items": []})));
    let unlisted = Rule::new("GET", "/connections", unlisted).nth([2]);
    world.emulator.add_fault(slow);
    world.emulator.add_fault(unlisted);
    let mut first = world.worker_process();
    let run = world.start(&input(&[table("Contacts")])).await;
    eventually("the base connection", async || {
        (counts(&world.emulator).values().sum::<usize>() == 1).then_some(())
    })
    .await;
    first.kill();
    let reset = ResetActivityRequest {
        namespace: world.namespace().to_owned(),
        execution: Some(WorkflowExecution {
            workflow_id: run.handle.info().workflow_id.clone(),
            run_id: String::new(),
        }),
        activity: Some(Activity::Type(
            CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION.to_owned(),
        )),
        ..ResetActivityRequest::default()
    };
    let mut service = world.client.connection().workflow_service();
    service.reset_activity(reset.into_request()).await.unwrap();

    let second = world.worker_process();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    // No second one was created, and deleted later. The journal lacks the first one, which was
    // never answered.
    assert_eq!(made(&world, "/connections"), 0);
    let of_reset = run.retried().await;
    assert!(of_reset.len() <= 1, "{of_reset:?}");
    drop(second);
}

#[tokio::test]
async fn a_worker_killed_between_two_creates_is_taken_over_from() {
    let world = World::new().await;
    // The look of the dataset, before anything of it is sent.
    let slow = Action::Delay {
        ms: NEVER_MS,
        then: None,
    };
    world
        .emulator
        .add_fault(Rule::new("GET", "/dataSets", slow).nth([1]));
    let mut first = world.worker_process();
    let run = world.start(&input(&[table("Contacts")])).await;
    arrived(&world, "/dataSets", 1).await;
    first.kill();

    let _second = world.worker_process();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    assert_one_live_per_intent(&world.emulator);
}

/// A worker that is asked to stop in the middle of a create, after what `before` does to it.
async fn stops_within_a_create(before: impl FnOnce(&WorkerProcess)) {
    let world = World::new().await;
    let slow = Action::ApplyThenDelay { ms: 2000 };
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", slow).nth([1]));
    let mut first = world.worker_process();
    let run = world.start(&input(&[table("Contacts")])).await;
    arrived(&world, "/connections", 1).await;
    before(&first);
    let status = first.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");

    let _second = world.worker_process();
    run.end().await.unwrap();
    // The first worker's create was waited for, so nobody had to try again.
    assert_eq!(run.retried().await, []);
    assert_one_live_per_intent(&world.emulator);
}

#[tokio::test]
async fn a_worker_asked_to_stop_ends_its_activities_and_exits_with_zero() {
    stops_within_a_create(|_| ()).await;
}

#[tokio::test]
async fn a_supervisor_that_sends_several_signals_interrupts_no_create() {
    // As systemd does with `SendSIGHUP=yes`.
    stops_within_a_create(|worker| worker.signal("-HUP")).await;
}

#[tokio::test]
async fn a_server_that_does_not_respond_can_not_keep_a_worker_that_stops() {
    let mut server = server::own().await;
    let world = World::on(&server, emulator_config()).await;
    world.expect(SERVER_AWAY);
    world.expect((
        "aep_flow::worker",
        "stopped without the Temporal server's response",
    ));
    // The worker stops with its create open. Whether it waits long enough to say so depends on how
    // busy the machine is.
    world.expect((
        "aep_flow::activities::open_creates",
        "the server could not be told of a create without a response",
    ));
    let slow = Action::ApplyThenDelay { ms: NEVER_MS };
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", slow).nth([1]));
    let grace = [("AEP_FLOW_WORKER_SHUTDOWN_GRACE", "1s")];
    let mut worker = world.worker_process_with(&grace, "stopped.log");
    let _run = world.start(&input(&[table("Contacts")])).await;
    arrived(&world, "/connections", 1).await;
    server.pause().await.unwrap();
    let since = Instant::now();
    let status = worker.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    // The grace, and what is left for the server's response.
    assert!(since.elapsed() < Duration::from_secs(15));
    server.resume().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_restarted_goes_on_where_it_was() {
    let mut server = server::own().await;
    let world = World::on(&server, emulator_config()).await;
    world.expect(SERVER_AWAY);
    let slow = Action::ApplyThenDelay { ms: 4000 };
    world
        .emulator
        .add_fault(Rule::new("POST", "/sourceConnections", slow).nth([1]));
    let worker = world.worker();
    let run = world
        .start(&input(&[table("Contacts"), table("Accounts")]))
        .await;
    arrived(&world, "/sourceConnections", 1).await;
    server.restart().await.unwrap();

    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(2));
    world.end(worker).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_away_for_a_while_is_found_again() {
    let mut server = server::own().await;
    let world = World::on(&server, emulator_config()).await;
    world.expect(SERVER_AWAY);
    let slow = Action::ApplyThenDelay { ms: 500 };
    world
        .emulator
        .add_fault(Rule::new("POST", "/sourceConnections", slow).nth([1]));
    let mut worker = world.worker_process();
    let run = world.start(&input(&[table("Contacts")])).await;
    arrived(&world, "/sourceConnections", 1).await;
    server.pause().await.unwrap();
    // Meanwhile the create is answered, and the worker can tell nobody.
    eventually("the answer", async || {
        let journal = world.emulator.journal();
        let route = "/sourceConnections";
        let is_done = |method: &str| {
            let entries = journal.iter().filter(|entry| entry.route.ends_with(route));
            entries.filter(|entry| entry.method == method).count() > 0
        };
        is_done("POST").then_some(())
    })
    .await;
    server.resume().await.unwrap();

    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    assert_one_live_per_intent(&world.emulator);
    let status = worker.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn no_log_shows_a_secret_at_any_level() {
    let world = World::new().await;
    let lost = Action::ApplyThenDrop { at: CutAt::Body };
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", lost).nth([1]));
    let mut worker = world.talkative_worker_process("all.log");
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    world.keep_password(WRONG_PASSWORD);
    let mut other = input(&[table("Contacts")]);
    other["connection"]["name"] = "Another".into();
    world.ingest(&other).await.unwrap_err();
    worker.terminate().await;

    let log = std::fs::read(world.folder().join("all.log")).unwrap();
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("TRACE"), "the log has no traces");
    assert_no_secret("a log", &log);
    // A token is a secret too.
    assert!(!text.contains("Bearer "), "a log shows a token");
}

/// The processes whose command line contains `part`.
fn processes(part: &str) -> Vec<String> {
    let list = Command::new("ps")
        .args(["-eo", "pid=,args="])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|line| line.contains(part))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_server_of_ours_ends_with_its_handle() {
    let server = server::own().await;
    let address = server.address();
    let port = address.rsplit(':').next().unwrap();
    let mark = format!("--port {port} ");
    assert!(!processes(&mark).is_empty());
    drop(server);
    eventually("the end of the server", async || {
        processes(&mark).is_empty().then_some(())
    })
    .await;
}

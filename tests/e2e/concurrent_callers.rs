//! Two callers that ask for the same resources, at once or one right behind the other.

use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, CutAt, LateReply, Rule};
use aep_flow_testkit::platform::{assert_one_answer_per_intent, counts, the, whole_chain};
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, eventually, input, table};
use futures::future::join;
use serde_json::{Value, json};

/// The routes of the creates whose duplicates are deleted.
const SWEPT: [&str; 5] = [
    "/connections",
    "/sourceConnections",
    "/dataSets",
    "/targetConnections",
    "/flows",
];

/// Holds two creates of each route back, so that both callers have looked before either
/// creates anything.
fn hold_creates_back(world: &World, ms: u64) {
    for route in SWEPT {
        let slow = Action::Delay { ms, then: None };
        world
            .emulator
            .add_fault(Rule::new("POST", route, slow).first(2));
    }
}

/// How many creates of that route were answered, whether the resource still exists or not.
pub(crate) fn made(world: &World, route: &str) -> usize {
    let journal = world.emulator.journal();
    let posts = journal
        .iter()
        .filter(|entry| entry.method == "POST" && entry.route.ends_with(route));
    // A late commit has an entry of its own, of the same number.
    let numbers: std::collections::BTreeSet<_> = posts.map(|entry| entry.sequence).collect();
    numbers.len()
}

/// Waits until a create of that route got its response.
async fn first_create_of(world: &World, route: &str) {
    eventually(route, async || (made(world, route) == 1).then_some(())).await;
}

#[tokio::test]
async fn two_callers_at_once_get_the_same_resources() {
    let world = World::new().await;
    hold_creates_back(&world, 400);
    let (one, other) = (world.worker(), world.worker());
    let input = input(&[table("Contacts")]);
    let (first, second) = join(world.ingest(&input), world.ingest(&input)).await;
    assert_eq!(first.unwrap(), second.unwrap());
    assert!(
        SWEPT.iter().any(|route| made(&world, route) == 2),
        "the callers never met"
    );
    one.stop().await.unwrap();
    other.stop().await.unwrap();
    assert_one_answer_per_intent(&world.emulator);
}

#[tokio::test]
async fn lists_that_lag_hide_no_second_caller() {
    let mut config = emulator_config();
    config.lists.lag = Duration::from_secs(2);
    let world = World::with(config).await;
    hold_creates_back(&world, 300);
    let lagging = |config: &mut aep_flow::config::Config| {
        config.ensure.list_lag = Duration::from_secs(2);
    };
    let (one, other) = (world.worker_with(lagging), world.worker_with(lagging));
    let input = input(&[table("Contacts")]);
    let late = async {
        // It exists, and no list shows it for as long as the lag.
        first_create_of(&world, "/connections").await;
        world.ingest(&input).await
    };
    let (first, second) = join(world.ingest(&input), late).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first, second);
    assert_eq!(made(&world, "/connections"), 2);
    // A third one right behind them, while what they created last may not be listed yet.
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    one.stop().await.unwrap();
    other.stop().await.unwrap();
    assert_one_answer_per_intent(&world.emulator);
}

#[tokio::test]
async fn of_two_that_want_different_things_one_is_told_what_differs() {
    let world = World::new().await;
    hold_creates_back(&world, 400);
    let worker = world.worker();
    let one = input(&[table("Contacts")]);
    let mut other = one.clone();
    other["connection"]["host"] = "other.custhelp.com".into();
    let (one, other) = join(world.ingest(&one), world.ingest(&other)).await;
    let (result, failed) = match (one, other) {
        (Ok(result), Err(failed)) | (Err(failed), Ok(result)) => (result, failed),
        both => panic!("{both:?}"),
    };
    assert_eq!(failed.kind, "IdempotencyMismatch", "{failed:?}");
    assert!(failed.message.contains("host"), "{failed:?}");
    assert_eq!(made(&world, "/connections"), 2);
    let base = the(&world.emulator, "connections", "");
    assert_eq!(base["id"], result["baseConnectionId"]);
    world.end(worker).await;
}

#[tokio::test]
async fn of_two_that_want_it_new_one_is_refused() {
    let world = World::new().await;
    hold_creates_back(&world, 400);
    let worker = world.worker();
    let mut input = input(&[table("Contacts")]);
    input["connection"]["onExisting"] = "FAIL".into();
    let (one, other) = join(world.ingest(&input), world.ingest(&input)).await;
    let (result, failed) = match (one, other) {
        (Ok(result), Err(failed)) | (Err(failed), Ok(result)) => (result, failed),
        both => panic!("{both:?}"),
    };
    assert_eq!(failed.kind, "Conflict", "{failed:?}");
    let base = the(&world.emulator, "connections", "");
    assert_eq!(base["id"], result["baseConnectionId"]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_late_commit_of_one_does_not_outlive_the_answer_of_the_other() {
    let world = World::new().await;
    let late = Action::LateCommit {
        after_ms: 1500,
        reply: LateReply::Answer(CannedAnswer::html(504)),
    };
    world
        .emulator
        .add_fault(Rule::new("POST", "/connections", late).nth([1]));
    let (one, other) = (world.worker(), world.worker());
    let input = input(&[table("Contacts")]);
    let first = world.start(&input).await;
    let second = async {
        // The create was sent, and has not taken effect.
        first_create_of(&world, "/connections").await;
        world.ingest(&input).await
    };
    let (first, second) = join(first.end(), second).await;
    assert_eq!(first.unwrap(), second.unwrap());
    // It knew of the first one's create, and waited for it.
    assert_eq!(made(&world, "/connections"), 1);
    one.stop().await.unwrap();
    other.stop().await.unwrap();
    assert_one_answer_per_intent(&world.emulator);
}

#[tokio::test]
async fn what_lists_still_show_after_its_deletion_is_no_answer() {
    let lag = Duration::from_secs(2);
    let mut config = emulator_config();
    config.lists.lag = lag;
    let world = World::with(config).await;
    let worker = world.worker_with(|config| config.ensure.sole_caller = true);
    // A base connection that nothing uses.
    let input = input(&[table("Nothing of that name")]);
    let made = world.ingest(&input).await.unwrap_err().details["baseConnectionId"].clone();
    let path = "/data/foundation/flowservice/connections";
    eventually("a list that shows the connection", async || {
        let listed = world.get(path).await["items"].to_string();
        listed.contains(made.as_str().unwrap()).then_some(())
    })
    .await;
    world
        .delete(&format!("{path}/{}", made.as_str().unwrap()))
        .await;

    let again = world.ingest(&input).await.unwrap_err().details["baseConnectionId"].clone();
    assert_ne!(again, made);
    assert_eq!(the(&world.emulator, "connections", "")["id"], again);
    let read_by_id = |entry: &aep_emulator::JournalEntry| {
        entry.method == "GET" && entry.route.ends_with("/connections/{id}")
    };
    assert!(
        world.emulator.journal().iter().any(read_by_id),
        "no ghost was met"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_create_without_a_fault_costs_two_requests_more_at_most() {
    for (sole_caller, list_lag, looks) in [(true, 0, 1), (false, 0, 2), (false, 1, 2)] {
        let world = World::new().await;
        let worker = world.worker_with(|config| {
            config.ensure.sole_caller = sole_caller;
            config.ensure.list_lag = Duration::from_secs(list_lag);
        });
        world.ingest(&input(&[table("Contacts")])).await.unwrap();
        for route in SWEPT.iter().chain(&["/mappingSets"]) {
            let journal = world.emulator.journal();
            let of_route = journal.iter().filter(|entry| entry.route.ends_with(route));
            let methods: Vec<_> = of_route.map(|entry| entry.method.as_str()).collect();
            let expected: &[&str] = match looks {
                1 => &["GET", "POST"],
                _ => &["GET", "POST", "GET"],
            };
            assert_eq!(
                methods, expected,
                "{route}, sole caller: {sole_caller}, lag: {list_lag} s"
            );
        }
        // The registry keeps titles unique, so nobody can be second.
        for route in ["/tenant/fieldgroups", "/tenant/schemas"] {
            let journal = world.emulator.journal();
            let of_route = journal.iter().filter(|entry| entry.route.ends_with(route));
            let methods: Vec<_> = of_route.map(|entry| entry.method.as_str()).collect();
            assert_eq!(methods, ["GET", "POST"], "{route}");
        }
        assert_eq!(counts(&world.emulator), whole_chain(1));
        world.end(worker).await;
    }
}

#[tokio::test]
async fn a_lost_answer_of_a_sweep_is_no_loss() {
    let world = World::new().await;
    hold_creates_back(&world, 400);
    let lost = Action::ApplyThenDrop { at: CutAt::Start };
    world
        .emulator
        .add_fault(Rule::new("DELETE", "/connections/{id}", lost).nth([1]));
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let (first, second) = join(world.ingest(&input), world.ingest(&input)).await;
    assert_eq!(first.unwrap(), second.unwrap());
    worker.stop().await.unwrap();
    assert_one_answer_per_intent(&world.emulator);
}

/// A base connection that somebody copied from ours: with our marker, created by hand.
fn copy_of(base: &Value) -> Value {
    json!({
        "name": base["name"], "description": base["description"],
        "auth": {"specName": "Basic Authentication",
                 "params": {"host": "acme.custhelp.com", "username": "svc_aep",
                            "password": "osc-password"}},
        "connectionSpec": base["connectionSpec"],
    })
}

#[tokio::test]
async fn a_second_one_that_nothing_uses_is_swept_whoever_left_it() {
    let world = World::new().await;
    let worker = world.worker();
    let first = world.ingest(&input(&[table("Contacts")])).await.unwrap();
    let base = the(&world.emulator, "connections", "");
    world
        .post("/data/foundation/flowservice/connections", &copy_of(&base))
        .await;
    assert_eq!(
        world.ingest(&input(&[table("Contacts")])).await.unwrap(),
        first
    );
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

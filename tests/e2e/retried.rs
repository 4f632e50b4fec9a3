//! What is tried again, and what the next attempt does about its predecessor.

use aep_emulator::{Action, CannedAnswer, CutAt, Emulator, LateReply, Rule};
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::{World, input, table};

use futures::future::join_all;

/// Every POST of the chain, and the activity that sends it.
const CREATES: [(&str, &str); 8] = [
    ("/connections", "CreateOracleServiceCloudBaseConnection"),
    ("/sourceConnections", "CreateSourceConnection"),
    ("/tenant/fieldgroups", "EnsureSchema"),
    ("/tenant/schemas", "EnsureSchema"),
    ("/dataSets", "EnsureDataset"),
    ("/targetConnections", "CreateTargetConnection"),
    ("/mappingSets", "CreateMappingSet"),
    ("/flows", "CreateDataflow"),
];

/// When each POST of that kind arrived, in ms.
fn posts(emulator: &Emulator, route: &str) -> Vec<i64> {
    emulator
        .journal()
        .iter()
        // A late commit has an entry of its own, of the same number.
        .filter(|entry| entry.method == "POST" && entry.fault.as_deref() != Some("committed"))
        .filter(|entry| entry.route.ends_with(route))
        .map(|entry| entry.time_ms)
        .collect()
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_adopted() {
    let cases = CREATES
        .iter()
        .flat_map(|create| [(create, CutAt::Start), (create, CutAt::Body)]);
    join_all(cases.map(async |((route, activity), at)| {
        let world = World::new().await;
        let lost = Rule::new("POST", route, Action::ApplyThenDrop { at }).nth([1]);
        world.emulator.add_fault(lost);
        let worker = world.worker();
        let run = world.start(&input(&[table("Contacts")])).await;
        run.end().await.unwrap();
        assert_eq!(posts(&world.emulator, route).len(), 1, "{route}");
        assert_eq!(
            run.retried().await,
            [((*activity).to_owned(), 2)],
            "{route}"
        );
        assert_eq!(counts(&world.emulator), whole_chain(1), "{route}");
        world.end(worker).await;
    }))
    .await;
}

#[tokio::test]
async fn a_create_that_was_cut_off_is_sent_again_only_after_the_quiet_period() {
    join_all(CREATES.iter().map(async |(route, activity)| {
        let world = World::new().await;
        let cut = Rule::new("POST", route, Action::DropBeforeApply).nth([1]);
        world.emulator.add_fault(cut);
        let worker = world.worker();
        let run = world.start(&input(&[table("Contacts")])).await;
        run.end().await.unwrap();
        let [first, second] = posts(&world.emulator, route)[..] else {
            panic!("{route}: not two POSTs");
        };
        assert!(second - first >= 3000, "{route}: {} ms", second - first);
        let retried = run.retried().await;
        assert!(
            retried.iter().all(|(name, _)| name == activity),
            "{route}: {retried:?}"
        );
        assert_eq!(counts(&world.emulator), whole_chain(1), "{route}");
        world.end(worker).await;
    }))
    .await;
}

#[tokio::test]
async fn a_create_that_takes_effect_late_is_not_sent_twice() {
    join_all(CREATES.iter().map(async |(route, _)| {
        let world = World::new().await;
        let late = Action::LateCommit {
            after_ms: 1500,
            reply: LateReply::Answer(CannedAnswer::html(504)),
        };
        world
            .emulator
            .add_fault(Rule::new("POST", route, late).nth([1]));
        let worker = world.worker();
        world.ingest(&input(&[table("Contacts")])).await.unwrap();
        assert_eq!(posts(&world.emulator, route).len(), 1, "{route}");
        assert_eq!(counts(&world.emulator), whole_chain(1), "{route}");
        world.end(worker).await;
    }))
    .await;
}

/// An activity may create several kinds. An attempt that fails at the first of them says nothing
/// about a later one, whose create an earlier attempt sent.
#[tokio::test]
async fn a_failure_at_the_field_group_does_not_forget_an_open_schema() {
    let world = World::new().await;
    let late = Action::LateCommit {
        after_ms: 2500,
        reply: LateReply::Answer(CannedAnswer::html(504)),
    };
    let late = Rule::new("POST", "/tenant/schemas", late).nth([1]);
    let unavailable = Action::Refuse(CannedAnswer::html(503));
    let look = Rule::new("GET", "/tenant/fieldgroups", unavailable).nth([2]);
    world.emulator.add_fault(late);
    world.emulator.add_fault(look);
    let worker = world.worker();
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    assert_eq!(posts(&world.emulator, "/tenant/schemas").len(), 1);
    assert_eq!(posts(&world.emulator, "/tenant/fieldgroups").len(), 1);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn whatever_else_passes_is_tried_again() {
    let unavailable = || CannedAnswer::gateway(503, "503000", "Could not validate the Api Key");
    let cases = [
        (
            "503 of the gateway on a look",
            "GET",
            "/connections",
            Action::Refuse(unavailable()),
        ),
        (
            "503 of the gateway on a create",
            "POST",
            "/sourceConnections",
            Action::Refuse(unavailable()),
        ),
        (
            "500 on exploring",
            "GET",
            "/connections/{id}/explore",
            Action::Refuse(CannedAnswer::flow(1000, 500, "Internal error")),
        ),
        (
            "a page of a proxy",
            "GET",
            "/tenant/schemas",
            Action::Refuse(CannedAnswer::html(502)),
        ),
        (
            "too many requests, with a date to wait for",
            "GET",
            "/flows",
            Action::Refuse(CannedAnswer::too_many_requests(Some("1"))),
        ),
        (
            "too many requests on a create",
            "POST",
            "/dataSets",
            Action::Refuse(CannedAnswer::too_many_requests(None)),
        ),
        (
            "a connection that is cut",
            "GET",
            "/flowSpecs",
            Action::DropBeforeApply,
        ),
    ];
    join_all(
        cases
            .into_iter()
            .map(async |(name, method, route, action)| {
                let world = World::new().await;
                world
                    .emulator
                    .add_fault(Rule::new(method, route, action).nth([1]));
                let worker = world.worker();
                let run = world.start(&input(&[table("Contacts")])).await;
                run.end()
                    .await
                    .unwrap_or_else(|failed| panic!("{name}: {failed:?}"));
                assert_eq!(world.emulator.faults()[0].played, 1, "{name}");
                // A read may also be sent twice within its attempt.
                assert!(run.retried().await.len() <= 1, "{name}");
                assert_eq!(counts(&world.emulator), whole_chain(1), "{name}");
                world.end(worker).await;
            }),
    )
    .await;
}

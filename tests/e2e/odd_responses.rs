//! Responses of the platform that are not as Adobe's documents show them.

use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, CreatedForm, Rule};
use aep_flow_testkit::platform::{counts, the, whole_chain};
use aep_flow_testkit::{World, input, table};
use serde_json::json;

#[tokio::test]
async fn entries_of_lists_that_are_no_resources_are_skipped() {
    let world = World::new().await;
    world
        .emulator
        .add_fault(Rule::new("GET", "*", Action::ListOddEntries));
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_read_whose_response_has_another_shape_is_tried_again() {
    let world = World::new().await;
    let odd = || CannedAnswer::json(200, json!({"items": {}, "results": {}, "data": {}}));
    for route in ["/connections", "/tenant/schemas", "/mappingSets", "/flows"] {
        let odd = Action::ApplyThenAnswer(odd());
        world
            .emulator
            .add_fault(Rule::new("GET", route, odd).first(2));
    }
    let worker = world.worker();
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    for rule in world.emulator.faults() {
        assert_eq!(rule.played, 2, "{:?}", rule.rule);
    }
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

/// Has every read show when something was created in this form.
fn show_created(world: &World, form: CreatedForm) {
    world
        .emulator
        .add_fault(Rule::new("GET", "*", Action::CreatedAs { form }));
}

#[tokio::test]
async fn of_mapping_sets_with_written_dates_the_oldest_is_taken_again() {
    let world = World::new().await;
    show_created(&world, CreatedForm::Text);
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    // Other callers lost, and nothing deletes their sets. Ids are random: without the dates, the
    // first one of thirteen would be taken by chance only.
    let set = the(&world.emulator, "mappingSets", "");
    for _ in 0..12 {
        let again = json!({"name": set["name"], "outputSchema": set["outputSchema"],
                           "mappings": set["mappings"]});
        world
            .post("/data/foundation/conversion/mappingSets", &again)
            .await;
    }
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_has_no_known_age_is_taken_when_older_ones_would_be_listed() {
    let mut config = aep_flow_testkit::world::emulator_config();
    config.lists.lag = Duration::from_secs(1);
    let world = World::with(config).await;
    show_created(&world, CreatedForm::Unknown);
    let worker = world.worker_with(|config| config.ensure.list_lag = Duration::from_secs(1));
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_looked_into() {
    let world = World::new().await;
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    // The title is taken, the look does not show by what, and the refusal does not get to say so.
    let fault = |method, route, action| {
        world
            .emulator
            .add_fault(Rule::new(method, route, action).nth([1]));
    };
    for route in ["/tenant/fieldgroups", "/tenant/schemas"] {
        let (ms, seed) = (600_000, None);
        fault("GET", route, Action::ListLag { ms, seed });
        fault("POST", route, Action::Truncate { bytes: Some(40) });
    }
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    for rule in world.emulator.faults() {
        assert_eq!(rule.played, 1, "{:?}", rule.rule);
    }
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_redirect_of_a_create_says_nothing_of_its_effect() {
    let world = World::new().await;
    for (route, status) in [
        ("/connections", 301),
        ("/sourceConnections", 302),
        ("/targetConnections", 307),
        ("/flows", 308),
    ] {
        let moved = CannedAnswer::empty(status).with_header("Location", "https://login.example/");
        let created = Action::ApplyThenAnswer(moved);
        world
            .emulator
            .add_fault(Rule::new("POST", route, created).nth([1]));
    }
    let worker = world.worker();
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    for rule in world.emulator.faults() {
        assert_eq!((rule.seen, rule.played), (1, 1), "{:?}", rule.rule);
    }
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_proxys_page_is_not_taken_for_adobes_word() {
    let world = World::new().await;
    let moved = CannedAnswer::empty(302).with_header("Location", "https://login.example/");
    for (method, route, page) in [
        ("GET", "/connections", CannedAnswer::html(401)),
        ("GET", "/tenant/schemas", moved),
        ("POST", "/mappingSets", CannedAnswer::html(403)),
        // By its status it would say that what was just found is gone.
        ("GET", "/connections/{id}", CannedAnswer::html(404)),
    ] {
        let page = Action::Refuse(page);
        world
            .emulator
            .add_fault(Rule::new(method, route, page).first(2));
    }
    let worker = world.worker();
    let input = input(&[table("Contacts")]);
    let first = world.ingest(&input).await.unwrap();
    assert_eq!(world.ingest(&input).await.unwrap(), first);
    for rule in world.emulator.faults() {
        assert_eq!(rule.played, 2, "{:?}", rule.rule);
    }
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_page_that_stays_is_said_as_what_it_is() {
    let world = World::new().await;
    let page = Action::Refuse(CannedAnswer::html(403));
    world.emulator.add_fault(Rule::new("*", "/data/*", page));
    let worker = world.worker();
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();
    assert_eq!(failed.kind, "PlatformRejected", "{failed:?}");
    assert!(failed.message.contains("a page in HTML"), "{failed:?}");
    assert!(failed.message.contains("a proxy"), "{failed:?}");
    world.end(worker).await;
}

//! Responses of the platform that are not as Adobe's documents show them.

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::platform::{counts, whole_chain};
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

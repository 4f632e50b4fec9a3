//! The access token: one for all, renewed in time, and what happens when it is no good.

use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, Emulator, ExpiredToken, Rule};
use aep_flow_testkit::platform::{counts, whole_chain, writes};
use aep_flow_testkit::world::{WRONG_PASSWORD, emulator_config};
use aep_flow_testkit::{World, eventually, input, table};

/// How many tokens were asked for.
fn tokens(emulator: &Emulator) -> usize {
    let journal = emulator.journal();
    journal
        .iter()
        .filter(|entry| entry.route.starts_with("/ims/"))
        .count()
}

#[tokio::test]
async fn one_token_serves_all_who_wait_for_it() {
    let mut config = emulator_config();
    config.source.extra_tables = 8;
    let world = World::with(config).await;
    let worker = world.worker();
    let tables: Vec<_> = (1..=8)
        .map(|number| table(&format!("Table{number:03}")))
        .collect();
    world.ingest(&input(&tables)).await.unwrap();
    assert_eq!(tokens(&world.emulator), 1);
    world.end(worker).await;
}

#[tokio::test]
async fn a_token_revoked_in_the_middle_is_renewed_once() {
    for noticed in [ExpiredToken::AtGateway, ExpiredToken::InFlowService] {
        let mut config = emulator_config();
        config.expired_token = noticed;
        let world = World::with(config).await;
        // Half way, and slow enough to revoke the token meanwhile.
        let slow = Action::ApplyThenDelay { ms: 1000 };
        world
            .emulator
            .add_fault(Rule::new("POST", "/sourceConnections", slow).nth([1]));
        let worker = world.worker();
        let run = world.start(&input(&[table("Contacts")])).await;
        eventually("the source connection", async || {
            (world.emulator.faults()[0].seen > 0).then_some(())
        })
        .await;
        world.emulator.revoke_tokens();
        run.end().await.unwrap();
        assert_eq!(tokens(&world.emulator), 2, "{noticed:?}");
        assert_eq!(counts(&world.emulator), whole_chain(1), "{noticed:?}");
        world.end(worker).await;
    }
}

#[tokio::test]
async fn tokens_that_live_two_seconds_are_renewed_as_they_end() {
    let mut config = emulator_config();
    config.token_lifetime = Duration::from_secs(2);
    let world = World::with(config).await;
    let slow = || Action::ApplyThenDelay { ms: 1500 };
    for route in ["/sourceConnections", "/dataSets", "/flows"] {
        world
            .emulator
            .add_fault(Rule::new("POST", route, slow()).nth([1]));
    }
    let worker = world.worker();
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn a_wrong_secret_is_final_and_not_told() {
    for status in [400, 401] {
        let mut config = emulator_config();
        config.wrong_secret_status = status;
        let world = World::with(config).await;
        let worker = world.worker_with(|config| {
            config.aep.client_secret = Some(WRONG_PASSWORD.into());
        });
        let failed = world
            .ingest(&input(&[table("Contacts")]))
            .await
            .unwrap_err();
        assert_eq!(failed.kind, "Unauthenticated", "{status}: {failed:?}");
        assert!(failed.is_non_retryable, "{status}: {failed:?}");
        assert_eq!(writes(&world.emulator), [""; 0], "{status}");
        world.end(worker).await;
    }
}

#[tokio::test]
async fn a_token_that_is_refused_even_when_new_is_final() {
    let world = World::new().await;
    let refused = CannedAnswer::gateway(401, "401013", "Oauth token is not valid");
    world
        .emulator
        .add_fault(Rule::new("*", "/data/*", Action::Refuse(refused)));
    let worker = world.worker();
    let failed = world
        .ingest(&input(&[table("Contacts")]))
        .await
        .unwrap_err();
    assert_eq!(failed.kind, "Unauthenticated", "{failed:?}");
    assert_eq!(failed.details["adobeCode"], "401013", "{failed:?}");
    assert!(failed.is_non_retryable, "{failed:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn an_ims_that_is_away_for_a_moment_is_asked_again() {
    let world = World::new().await;
    let away = Action::Refuse(CannedAnswer::html(503));
    world
        .emulator
        .add_fault(Rule::new("POST", "/ims/token/v3", away).first(2));
    let worker = world.worker();
    world.ingest(&input(&[table("Contacts")])).await.unwrap();
    world.end(worker).await;
}

#[tokio::test]
async fn a_token_that_dies_twice_in_one_attempt_ends_nothing() {
    let mut config = emulator_config();
    config.source.extra_tables = 4;
    let world = World::with(config).await;
    let refused = CannedAnswer::gateway(401, "401013", "Oauth token is not valid");
    for route in ["/sourceConnections", "/dataSets", "/flows"] {
        let refused = Action::Refuse(refused.clone());
        world
            .emulator
            .add_fault(Rule::new("POST", route, refused).first(6));
    }
    let worker = world.worker();
    let tables: Vec<_> = (1..=4)
        .map(|number| table(&format!("Table{number:03}")))
        .collect();
    world.ingest(&input(&tables)).await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(4));
    world.end(worker).await;
}

#[tokio::test]
async fn a_token_service_that_refuses_for_a_moment_is_asked_again() {
    for refusal in [
        CannedAnswer::json(401, serde_json::json!({"error": "invalid_client"})),
        CannedAnswer::json(403, serde_json::json!({})),
        CannedAnswer::html(401),
        CannedAnswer::html(404),
    ] {
        let world = World::new().await;
        world
            .emulator
            .add_fault(Rule::new("POST", "/ims/token/v3", Action::Refuse(refusal)).first(2));
        let worker = world.worker();
        world.ingest(&input(&[table("Contacts")])).await.unwrap();
        world.end(worker).await;
    }
}

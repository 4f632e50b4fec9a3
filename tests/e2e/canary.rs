//! Secrets that are unlike all else, a run in which everything that may go wrong does go wrong while
//! they are in use, and the search for them in all that the run leaves.

mod canaries;
mod faults;
mod forms;
mod places;
mod stage;

use aep_flow_testkit::openbao::OpenBao;
use serde_json::json;

use canaries::Canaries;
use places::Places;
use stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_secret_is_left_anywhere() -> anyhow::Result<()> {
    let mut canaries = Canaries::new();
    let mut sources = vec![json!({"file": "osc.txt"}), json!({"env": "OSC_PASSWORD"})];
    let mut more = Vec::new();
    let bao = OpenBao::start().await?;
    if let Some(bao) = &bao {
        bao.keep("osc/emea", json!({"password": canaries.password}))
            .await?;
        canaries = canaries.with_vault_token(bao.token().await?);
        more = vec![
            ("AEP_FLOW_VAULT_ADDRESS", bao.url.clone()),
            ("AEP_FLOW_VAULT_ALLOW", "osc/*".to_owned()),
            ("AEP_FLOW_VAULT_ALLOW_INSECURE", "true".to_owned()),
        ];
        sources.push(json!({"vault": {"path": "osc/emea", "key": "password"}}));
    }
    let mut stage = Stage::set(canaries, more).await;

    // Every class of fault, at the requests that carry the password, and those of the token.
    let creates = faults::play(&stage.world.emulator);
    for number in 0..creates {
        let password = sources[number % sources.len()].clone();
        stage.start(&format!("canary {number}"), password).await;
    }
    stage.start_refused().await;
    let first = stage.first();
    stage.places.add_commands(&first).await;
    stage.tell().await;
    stage.settle().await;
    faults::were_played(&stage.world.emulator);
    stage.refuse_tokens().await;
    stage.tell().await;
    stage.leave(was_told).await;
    Ok(())
}

/// Fails if what ends in these places did not get there: then nothing was searched.
fn was_told(places: &Places) {
    let signs = |place: &str, signs: &[&str]| {
        let text = places.text_of(place);
        for sign in signs {
            assert!(text.contains(sign), "no `{sign}` in {place}");
        }
    };
    let panic = "panicked at crates/ensure/src/crash.rs";
    signs("histories", &["acme.custhelp.com", "[removed]", panic]);
    signs(
        "the server's files",
        &["acme.custhelp.com", "[removed]", panic],
    );
    signs(
        "commands",
        &["configuration", "credentials", "baseConnectionId"],
    );
    signs(
        "the worker's log",
        &["[removed]", "panicked: its message is not shown"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_of_the_key_that_payloads_are_encrypted_with() {
    let canaries = Canaries::new();
    let codec = canaries.codec();
    let mut stage = Stage::set(canaries, vec![codec]).await;
    faults::play(&stage.world.emulator);
    for number in 0..8 {
        let password = json!({"file": "osc.txt"});
        stage.start(&format!("canary {number}"), password).await;
    }
    stage.start_refused().await;
    stage.settle().await;
    stage.world.emulator.clear_faults();
    stage.refuse_tokens().await;
    stage
        .leave(|places| {
            for place in ["histories", "the server's files"] {
                let text = places.text_of(place);
                assert!(text.contains("binary/encrypted"), "{place} is in clear");
                // The input came in clear; the result did not.
                assert!(!text.contains("baseConnectionId"), "{place} has a result");
            }
            let commands = places.text_of("commands");
            assert!(commands.contains("baseConnectionId"), "nothing was opened");
        })
        .await;
}

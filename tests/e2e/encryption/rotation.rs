//! A new key while ingestions run.

use std::collections::BTreeSet;

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::world::Run;
use aep_flow_testkit::{eventually, input, table};
use temporalio_client::{UntypedSignal, WorkflowSignalOptions};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use super::keyed::{Keyed, NEW, OLD, client, key_of, payload, payloads, pending, query, result};

#[tokio::test]
async fn a_worker_with_a_newer_key_takes_over() {
    let keyed = Keyed::new(OLD).await;
    let unavailable = CannedAnswer::gateway(503, "503000", "not now");
    let fault = Rule::new("POST", "/dataSets", Action::Refuse(unavailable));
    keyed.world.emulator.add_fault(fault);
    let worker = keyed.worker();
    let handle = keyed.start(&input(&[table("Contacts")])).await;
    eventually("the middle of the chain", async || {
        (!pending(&handle).await.is_empty()).then_some(())
    })
    .await;
    worker.stop().await.unwrap();

    // It knows the workflow from its history alone.
    let both = format!("{NEW},{OLD}");
    let worker = keyed.worker_with(&both);
    keyed.world.emulator.clear_faults();
    let handle = client(&keyed.world, &both)
        .await
        .get_workflow_handle(&handle.info().workflow_id);
    result(&handle).await.unwrap();
    assert_eq!(counts(&keyed.world.emulator), whole_chain(1));

    let events = keyed.stranger(&handle).history().await;
    let used = payloads(&events).await;
    let used: BTreeSet<_> = used
        .iter()
        .filter_map(|(_, payload)| key_of(payload))
        .collect();
    assert_eq!(used, BTreeSet::from(["new", "old"].map(str::to_owned)));

    // A key that is taken away too early is missed by its id, and by nothing else.
    let only_new = client(&keyed.world, NEW)
        .await
        .get_workflow_handle(&handle.info().workflow_id);
    result(&only_new).await.unwrap();
    let history = only_new.fetch_history(Default::default()).into_events();
    let error = history.await.unwrap_err().to_string();
    assert!(error.contains("there is no key `old`"), "{error}");
    let status = query(&handle, "status").await;
    assert!(key_of(&status).is_none());
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn what_began_in_clear_ends_encrypted() {
    let keyed = Keyed::new(NEW).await;
    // A caller that has no key yet, and a signal that no key will ever open.
    let run = keyed.world.start(&input(&[table("Contacts")])).await;
    let sent = run.handle.signal(
        UntypedSignal::new("attemptFailed"),
        RawValue::new(vec![payload("binary/encrypted", vec![0; 40])]),
        WorkflowSignalOptions::default(),
    );
    sent.await.unwrap();
    let worker = keyed.worker();
    let handle = keyed
        .client
        .get_workflow_handle(&run.handle.info().workflow_id);
    result(&handle).await.unwrap();
    let events = run.history().await;
    let last = payloads(&events[events.len() - 1..]).await;
    assert_eq!(key_of(&last[0].1).as_deref(), Some("new"));
    keyed.world.end(worker).await;
}

/// Why the last workflow task failed, if one did.
async fn gave_up(run: &Run) -> Option<String> {
    let failed = run
        .history()
        .await
        .into_iter()
        .rev()
        .find_map(|event| match event.attributes {
            Some(Attributes::WorkflowTaskFailedEventAttributes(failed)) => failed.failure,
            _ => None,
        });
    failed.map(|failure| failure.message)
}

#[tokio::test]
async fn a_worker_without_the_key_leaves_it_to_one_that_has_it() {
    for keys in [None, Some(OLD)] {
        let keyed = Keyed::new(NEW).await;
        for line in [
            ("temporalio_sdk", "Failed decoding workflow activation"),
            (
                "temporalio_sdk_core::worker::workflow",
                "Failing workflow task",
            ),
        ] {
            keyed.world.expect(line);
        }
        let handle = keyed.start(&input(&[table("Contacts")])).await;
        let stranger = keyed.stranger(&handle);
        let worker = match keys {
            None => keyed.world.worker(),
            Some(keys) => keyed.worker_with(keys),
        };
        let why = eventually("a failed workflow task", async || gave_up(&stranger).await).await;
        assert!(why.contains("there is no key `new`"), "{keys:?}: {why}");
        worker.stop().await.unwrap();

        let worker = keyed.worker();
        result(&handle).await.unwrap();
        assert_eq!(counts(&keyed.world.emulator), whole_chain(1));
        keyed.world.end(worker).await;
    }
}

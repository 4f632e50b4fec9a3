//! The commands with keys and without, on an ingestion that is encrypted.

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::{eventually, input, table};
use serde_json::Value;

use super::keyed::{Keyed, NEW, result};

#[tokio::test]
async fn a_command_with_the_key_reads_and_one_without_says_what_it_lacks() {
    let keyed = Keyed::new(NEW).await;
    let lost = Action::Refuse(CannedAnswer::html(504));
    let fault = Rule::new("POST", "/connections", lost);
    keyed.world.emulator.add_fault(fault);
    let worker = keyed.worker();
    let mut hasty = input(&[table("Contacts")]);
    hasty["stepDeadlineSeconds"] = 10.into();
    let handle = keyed.start(&hasty).await;
    let id = handle.info().workflow_id.clone();

    // While it is retried, and then while it waits for a person.
    let status = ["status", &id, "--output", "json"];
    let told = eventually("a failed attempt", async || {
        let said = keyed.command(&status, Some(NEW)).await;
        assert_eq!(said.code, 0, "{said:?}");
        let status: Value = serde_json::from_str(&said.stdout).unwrap();
        let told = status["pendingActivities"][0]["lastFailure"]["message"].as_str()?;
        Some(told.to_owned())
    })
    .await;
    assert!(told.contains("504"), "{told}");
    eventually("the decision", async || {
        let said = keyed.command(&status, Some(NEW)).await;
        let status: Value = serde_json::from_str(&said.stdout).unwrap();
        let open = status["ingest"]["decisions"].as_array()?.first()?;
        assert_eq!(open["name"], "Oracle Service Cloud");
        Some(())
    })
    .await;

    // An update is refused in words, and one is taken.
    let adopt = ["resolve", &id, "--adopt", "no-such-id"];
    let refused = keyed.command(&adopt, Some(NEW)).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let (said, words) = (&refused.stderr, ["nothing was decided", "no-such-id"]);
    assert!(words.iter().all(|word| said.contains(word)), "{refused:?}");
    keyed.world.emulator.clear_faults();
    let retry = keyed.command(&["resolve", &id, "--retry"], Some(NEW)).await;
    assert_eq!(retry.code, 0, "{retry:?}");
    result(&handle).await.unwrap();

    let said = keyed.command(&status, Some(NEW)).await;
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        answer["result"]["tables"][0]["table"], "Contacts",
        "{said:?}"
    );
    let said = keyed.command(&["status", &id], None).await;
    assert_eq!(said.code, 1, "{said:?}");
    let lacks = "there is no key `new`";
    assert!(said.stderr.contains(lacks), "{said:?}");
    keyed.world.end(worker).await;
}

#[tokio::test]
async fn a_second_caller_of_the_same_is_attached_and_of_another_is_not() {
    let keyed = Keyed::new(NEW).await;
    let spec = keyed.world.folder().join("spec.yaml");
    let write = |host: &str| {
        let mut input = input(&[table("Contacts")]);
        input["connection"]["host"] = host.into();
        // JSON is YAML.
        std::fs::write(&spec, input.to_string()).unwrap();
    };
    let path = spec.display().to_string();
    let ingest = ["ingest", "-f", &path, "--output", "json"];
    write("acme.custhelp.com");
    let first = keyed.command(&ingest, Some(NEW)).await;
    assert_eq!(first.code, 0, "{first:?}");
    let again = keyed.command(&ingest, Some(NEW)).await;
    assert_eq!(again.code, 0, "{again:?}");
    write("other.custhelp.com");
    let other = keyed.command(&ingest, Some(NEW)).await;
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.stderr.contains("another specification"), "{other:?}");
}

//! An outcome that stays unknown, and the person who decides it.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, DEFAULT_SOURCE_PASSWORD, JournalEntry, LateReply, Rule};
use aep_flow_proto::names::SearchAttribute;
use aep_flow_testkit::logs::{FAILED_ATTEMPT, MISSING_SEARCH_ATTRIBUTES};
use aep_flow_testkit::platform::{counts, the, whole_chain};
use aep_flow_testkit::world::Run;
use aep_flow_testkit::{World, eventually, input, table, within};
use futures::future::join_all;
use serde_json::{Value, json};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowUpdateError};
use temporalio_client::tonic::IntoRequest as _;
use temporalio_client::{
    NamespacedClient as _, UntypedUpdate, WorkflowCancelOptions, WorkflowCountOptions,
    WorkflowExecuteUpdateOptions, WorkflowGetResultOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    ListSearchAttributesRequest, RemoveSearchAttributesRequest,
};

const BASE: &str = "CreateOracleServiceCloudBaseConnection";

/// Longer than a step of a healthy platform takes on a busy machine.
const STEP_DEADLINE: u32 = 10;

/// An ingestion whose steps give up soon.
fn hasty(tables: &[Value]) -> Value {
    let mut input = input(tables);
    input["stepDeadlineSeconds"] = STEP_DEADLINE.into();
    input
}

/// Lets every create of that kind be answered by a proxy: it may have taken effect, or not.
fn lose_answers(world: &World, route: &str) {
    let lost = Action::Refuse(CannedAnswer::html(504));
    world.emulator.add_fault(Rule::new("POST", route, lost));
}

/// The status, once so many decisions are open.
pub(crate) async fn undecided(run: &Run, count: usize) -> Value {
    eventually("the decision", async || {
        let status = run.status().await;
        let open = status["decisions"].as_array().map_or(0, Vec::len);
        (open == count).then_some(status)
    })
    .await
}

/// Sends a decision as a caller in any language does.
pub(crate) async fn resolve(run: &Run, decision: Value) -> Result<Value, (String, String)> {
    let payload = Payload {
        metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
        data: serde_json::to_vec(&decision).unwrap(),
        ..Payload::default()
    };
    let sent = run.handle.execute_update(
        UntypedUpdate::new("resolve"),
        RawValue::new(vec![payload]),
        WorkflowExecuteUpdateOptions::default(),
    );
    match within("the decision's answer", sent).await {
        Ok(answer) => Ok(serde_json::from_slice(&answer.payloads[0].data).unwrap()),
        Err(WorkflowUpdateError::Failed(failure)) => {
            let kind = match failure.cause.and_then(|cause| cause.failure_info) {
                Some(FailureInfo::ApplicationFailureInfo(info)) => info.r#type,
                other => panic!("no type: {other:?}"),
            };
            Err((kind, failure.message))
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Waits until a list of the workflows that need a decision has so many.
async fn listed(world: &World, count: usize) {
    let query = format!("{} = true", SearchAttribute::NeedsDecision);
    eventually("the search attribute", async || {
        let found = world
            .client
            .count_workflows(query.as_str(), WorkflowCountOptions::default())
            .await;
        (found.unwrap().count() == count).then_some(())
    })
    .await;
}

/// The inputs of every scheduled activity of that type.
async fn inputs(run: &Run, activity: &str) -> Vec<Value> {
    let mut inputs = Vec::new();
    for event in run.history().await {
        if let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = event.attributes
            && scheduled.activity_type.unwrap().name == activity
        {
            let payloads = scheduled.input.unwrap().payloads;
            inputs.push(serde_json::from_slice(&payloads[0].data).unwrap());
        }
    }
    inputs
}

/// A create whose response was lost, and then a failure that no further attempt mends: until a
/// person has mended it, nobody knows whether the create took effect.
#[tokio::test]
async fn what_fails_for_good_while_a_create_is_open_waits_for_a_person() {
    // The second look is the first that looks for the lost create.
    let refused = CannedAnswer::gateway(403, "403025", "Forbidden");
    let look = Rule::new("GET", "/connections", Action::Refuse(refused)).nth([2]);
    let cases = [("PermissionDenied", Some(look)), ("InvalidInput", None)];
    join_all(cases.map(async |(kind, look)| {
        let world = World::new().await;
        world.expect(FAILED_ATTEMPT);
        let lost = Action::LateCommit {
            after_ms: 2000,
            reply: LateReply::Answer(CannedAnswer::html(504)),
        };
        let lost = Rule::new("POST", "/connections", lost).nth([1]);
        world.emulator.add_fault(lost);
        let is_about_the_secret = look.is_none();
        if let Some(look) = look {
            world.emulator.add_fault(look);
        }
        let worker = world.worker();
        let run = world.start(&input(&[table("Contacts")])).await;
        if is_about_the_secret {
            eventually("the POST", async || {
                let journal = world.emulator.journal();
                let posted = |entry: &JournalEntry| {
                    entry.method == "POST" && entry.route.ends_with("/connections")
                };
                journal.iter().any(posted).then_some(())
            })
            .await;
            world.lose_password();
        }

        let status = undecided(&run, 1).await;
        let message = status["decisions"][0]["message"].as_str().unwrap();
        assert!(message.contains(kind), "{kind}: {message}");
        assert!(message.contains("is not known yet"), "{kind}: {message}");

        world.keep_password(DEFAULT_SOURCE_PASSWORD);
        resolve(&run, json!({"retry": true})).await.unwrap();
        run.end().await.unwrap();
        assert_eq!(counts(&world.emulator), whole_chain(1), "{kind}");
        world.end(worker).await;
    }))
    .await;
}

#[tokio::test]
async fn a_person_says_that_it_is_to_be_tried_again() {
    let world = World::new().await;
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;

    let status = undecided(&run, 1).await;
    assert_eq!(status["phase"], "needs decision", "{status:#}");
    let open = &status["decisions"][0];
    assert_eq!(open["table"], "", "{open:#}");
    assert_eq!(open["step"], BASE, "{open:#}");
    assert_eq!(open["kind"], "base connection", "{open:#}");
    assert_eq!(open["name"], "Oracle Service Cloud", "{open:#}");
    let message = open["message"].as_str().unwrap();
    assert!(message.starts_with("out of time"), "{open:#}");
    let time = |field: &str| -> jiff::Timestamp { open[field].as_str().unwrap().parse().unwrap() };
    let days = time("until").duration_since(time("since")).as_hours() / 24;
    assert_eq!(days, 7, "{open:#}");

    let id = run.handle.info().workflow_id.clone();
    let details = run.current_details().await;
    for command in ["--adopt ID", "--retry"] {
        let command = format!("aep-flow resolve {id} {command}");
        assert!(details.contains(&command), "{details}");
    }
    assert!(details.contains("`Oracle Service Cloud`"), "{details}");
    assert!(!details.contains("not registered"), "{details}");
    listed(&world, 1).await;

    world.emulator.clear_faults();
    let answer = resolve(&run, json!({"retry": true})).await.unwrap();
    assert_eq!(
        answer,
        json!({"table": "", "step": BASE, "id": "", "outcome": "retrying"})
    );
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    let mut inputs = inputs(&run, BASE).await;
    assert_eq!(inputs.len(), 2, "{inputs:#?}");
    // The second knows what it takes up; else they are the same.
    let continues = inputs[1].as_object_mut().unwrap().remove("continues");
    assert!(continues.is_some(), "{inputs:#?}");
    assert_eq!(inputs[0], inputs[1]);
    assert_eq!(run.status().await["decisions"], json!([]));
    listed(&world, 0).await;
    world.end(worker).await;
}

#[tokio::test]
async fn a_person_names_the_resource_that_was_made() {
    let world = World::new().await;
    // The first create takes effect when the step has given up.
    let late = Action::LateCommit {
        after_ms: u64::from(STEP_DEADLINE) * 1000 + 2000,
        reply: LateReply::Answer(CannedAnswer::html(504)),
    };
    let emulator = &world.emulator;
    emulator.add_fault(Rule::new("POST", "/connections", late).nth([1]));
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    undecided(&run, 1).await;
    eventually("the late resource", async || {
        let made = emulator.resources("prod", "connections").len();
        (made == 1).then_some(())
    })
    .await;
    emulator.clear_faults();

    let id = emulator.resources("prod", "connections")[0]["id"].clone();
    let answer = resolve(&run, json!({"adopt": id})).await.unwrap();
    assert_eq!(
        answer,
        json!({"table": "", "step": BASE, "id": id, "outcome": "adopted"})
    );
    let result = run.end().await.unwrap();
    assert_eq!(result["baseConnectionId"], id);
    assert_eq!(counts(&world.emulator), whole_chain(1));
    let inputs = inputs(&run, BASE).await;
    assert_eq!(inputs.len(), 2, "{inputs:#?}");
    let mut expected = inputs[0].clone();
    expected["adopt"] = id;
    assert_eq!(inputs[1], expected);
    world.end(worker).await;
}

#[tokio::test]
async fn an_id_that_does_not_exist_leaves_the_decision_open() {
    let world = World::new().await;
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    undecided(&run, 1).await;

    let id = "4267c2ab-2104-474f-a7c2-ab2104d74f86";
    let (kind, message) = resolve(&run, json!({"adopt": id})).await.unwrap_err();
    assert_eq!(kind, "NotFound", "{message}");
    assert!(message.starts_with(BASE), "{message}");
    assert_eq!(inputs(&run, BASE).await[1]["adopt"], id);
    undecided(&run, 1).await;

    world.emulator.clear_faults();
    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    world.end(worker).await;
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_and_leaves_no_trace() {
    let world = World::new().await;
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    eventually("the first step", async || {
        let has_begun = !inputs(&run, BASE).await.is_empty();
        has_begun.then_some(())
    })
    .await;
    let (kind, message) = resolve(&run, json!({"retry": true})).await.unwrap_err();
    assert_eq!(kind, "NotFound", "{message}");
    assert!(message.contains("no decision is open"), "{message}");

    undecided(&run, 1).await;
    for (decision, expected) in [
        (json!({}), "not both"),
        (json!({"adopt": "x1", "retry": true}), "not both"),
        (json!({"adopt": "not an id"}), "can't be an id"),
        (
            json!({"retry": true, "table": "Contacts"}),
            "open are: the base connection",
        ),
        (
            json!({"retry": true, "step": "CreateDataflow"}),
            "open are: the base connection",
        ),
        (json!({"again": true}), "again"),
    ] {
        let (kind, message) = resolve(&run, decision).await.unwrap_err();
        assert!(message.contains(expected), "{message}");
        assert!(
            ["InvalidInput", "NotFound"].contains(&&*kind),
            "{kind}: {message}"
        );
    }
    let accepted = run.history().await.into_iter().filter(|event| {
        matches!(
            event.attributes,
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(
                _
            ))
        )
    });
    assert_eq!(accepted.count(), 0);

    cancel(&run).await;
    world.end(worker).await;
}

async fn cancel(run: &Run) {
    let asked = run.handle.cancel(WorkflowCancelOptions::default());
    asked.await.unwrap();
    let end = run.handle.get_result(WorkflowGetResultOptions::default());
    let end = within("the end", end).await.unwrap_err();
    assert!(
        matches!(end, WorkflowGetResultError::Cancelled { .. }),
        "{end:?}"
    );
}

#[tokio::test]
async fn two_tables_wait_and_each_is_decided_by_itself() {
    let world = World::new().await;
    lose_answers(&world, "/flows");
    let worker = world.worker();
    let run = world
        .start(&hasty(&[table("Contacts"), table("Incidents")]))
        .await;
    let status = undecided(&run, 2).await;
    for at in [0, 1] {
        assert_eq!(
            status["tables"][at]["phase"], "needs decision",
            "{status:#}"
        );
    }
    let (kind, message) = resolve(&run, json!({"retry": true})).await.unwrap_err();
    assert_eq!(kind, "InvalidInput", "{message}");
    for name in ["Contacts", "Incidents"] {
        assert!(message.contains(name), "{message}");
    }
    let details = run.current_details().await;
    let command = "--retry --table Incidents --step CreateDataflow";
    assert!(details.contains(command), "{details}");

    world.emulator.clear_faults();
    let decision = json!({"retry": true, "table": "Incidents"});
    let answer = resolve(&run, decision).await.unwrap();
    assert_eq!(answer["table"], "Incidents", "{answer}");
    let status = eventually("one table's end", async || {
        let status = run.status().await;
        (status["tablesDone"] == 1).then_some(status)
    })
    .await;
    assert_eq!(status["decisions"][0]["table"], "Contacts", "{status:#}");
    listed(&world, 1).await;
    // Alone it needs no name.
    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(2));
    world.end(worker).await;
}

#[tokio::test]
async fn a_table_that_waits_holds_no_other_up() {
    let world = World::new().await;
    lose_answers(&world, "/flows");
    let worker = world.worker();
    let mut input = hasty(&[table("Contacts"), table("Incidents"), table("Accounts")]);
    input["tablesAtOnce"] = 1.into();
    let run = world.start(&input).await;
    undecided(&run, 1).await;
    world.emulator.clear_faults();
    let status = eventually("the others' end", async || {
        let status = run.status().await;
        (status["tablesDone"] == 2).then_some(status)
    })
    .await;
    assert_eq!(status["decisions"][0]["table"], "Contacts", "{status:#}");
    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(3));
    world.end(worker).await;
}

#[tokio::test]
async fn nobody_decides_in_time() {
    let world = World::new().await;
    lose_answers(&world, "/flows");
    let worker = world.worker();
    let mut input = hasty(&[table("Contacts")]);
    input["decisionDeadlineSeconds"] = 5.into();
    let run = world.start(&input).await;
    let failed = run.end().await.unwrap_err();
    assert_eq!(failed.kind, "OutcomeUnknown", "{failed:?}");
    let table = &failed.details["failed"][0];
    assert_eq!(table["step"], "CreateDataflow", "{failed:?}");
    assert!(table["made"]["mappingSetId"].is_string(), "{failed:?}");
    let status = run.status().await;
    assert_eq!(status["phase"], "failed", "{status:#}");
    assert_eq!(status["decisions"], json!([]));
    listed(&world, 0).await;
    world.end(worker).await;
}

#[tokio::test]
async fn an_ingestion_that_waits_can_be_cancelled() {
    let world = World::new().await;
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    undecided(&run, 1).await;
    listed(&world, 1).await;
    cancel(&run).await;
    listed(&world, 0).await;
    world.end(worker).await;
}

#[tokio::test]
async fn a_namespace_without_the_search_attribute() {
    let world = World::new().await;
    forget_attribute(&world).await;
    world.expect(MISSING_SEARCH_ATTRIBUTES);
    lose_answers(&world, "/connections");
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    undecided(&run, 1).await;
    let details = eventually("the hint", async || {
        let details = run.current_details().await;
        details.contains("is not registered").then_some(details)
    })
    .await;
    let register = format!(
        "temporal operator search-attribute create --namespace {} --name AepNeedsDecision --type \
         Bool",
        world.namespace()
    );
    assert!(details.contains(&register), "{details}");

    world.emulator.clear_faults();
    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    // The others are set all the same.
    let mut upserted = Vec::new();
    for event in run.history().await {
        if let Some(Attributes::UpsertWorkflowSearchAttributesEventAttributes(upsert)) =
            event.attributes
        {
            upserted.extend(upsert.search_attributes.unwrap().indexed_fields.into_keys());
        }
    }
    assert!(
        upserted
            .iter()
            .any(|name| name == SearchAttribute::Phase.as_str()),
        "{upserted:?}"
    );
    assert!(
        upserted
            .iter()
            .all(|name| name != SearchAttribute::NeedsDecision.as_str()),
        "{upserted:?}"
    );
    world.end(worker).await;
}

/// `aep-flow` with these arguments, as it ended.
async fn cli(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    command
        .args(arguments)
        .env_clear()
        .envs(world.variables())
        .stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    within("the command", ran).await.unwrap()
}

/// The exit code, and both streams.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn the_commands_ask_and_tell() {
    let world = World::new().await;
    lose_answers(&world, "/flows");
    let worker = world.worker();
    let spec = world.folder().join("spec.json");
    let input = hasty(&[table("Contacts"), table("Incidents")]);
    std::fs::write(&spec, input.to_string()).unwrap();
    let spec = spec.to_str().unwrap().to_owned();
    let id = "ingest/prod/Oracle Service Cloud";

    let log = world.folder().join("ingest.log");
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_aep-flow"))
        .args(["ingest", "-f", &spec, "--wait"])
        .env_clear()
        .envs(world.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let told = format!("    aep-flow resolve '{id}' --retry --table Incidents");
    let shown = || std::fs::read_to_string(&log).unwrap();
    eventually("what whoever waits is told", async || {
        shown().contains(&told).then_some(())
    })
    .await;
    assert!(shown().contains("needs decision"), "{}", shown());

    let status = eventually("the decisions", async || {
        let (code, status, _) = said(&cli(&world, &["status", id]).await);
        (code == 0 && status.matches("you must decide").count() == 2).then_some(status)
    })
    .await;
    let which = "--table Contacts --step CreateDataflow";
    for command in [
        format!("aep-flow resolve '{id}' --adopt ID {which}"),
        format!("aep-flow resolve '{id}' --retry {which}"),
    ] {
        assert!(status.contains(&command), "{status}");
    }
    let (code, _, errors) = said(&cli(&world, &["resolve", id, "--retry"]).await);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("name one"), "{errors}");
    assert!(errors.contains("aep-flow status"), "{errors}");

    world.emulator.clear_faults();
    let retry = ["resolve", id, "--retry", "--table", "Contacts"];
    let (code, answer, errors) = said(&cli(&world, &retry).await);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(
        answer,
        "CreateDataflow of the table Contacts: searching and creating again\n"
    );
    assert!(errors.contains("aep-flow status"), "{errors}");
    let retry = ["resolve", id, "--retry", "-o", "json"];
    let (code, answer, errors) = said(&cli(&world, &retry).await);
    assert_eq!(code, 0, "{errors}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        answer,
        json!({"workflowId": id, "table": "Incidents", "step": "CreateDataflow", "id": "",
               "outcome": "retrying"})
    );
    let ended = eventually("the end of the waiting", async || {
        watcher.try_wait().unwrap()
    })
    .await;
    assert!(ended.success(), "{}", shown());

    let (code, _, errors) = said(&cli(&world, &["resolve", id, "--retry"]).await);
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("is not running: it is completed"),
        "{errors}"
    );
    let (code, _, errors) = said(&cli(&world, &["resolve", "nowhere", "--retry"]).await);
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("there is no workflow `nowhere`"),
        "{errors}"
    );
    world.end(worker).await;
}

async fn forget_attribute(world: &World) {
    let mut operator = world.client.connection().operator_service();
    let name = SearchAttribute::NeedsDecision.to_string();
    let request = RemoveSearchAttributesRequest {
        namespace: world.client.namespace(),
        search_attributes: vec![name.clone()],
    };
    let removed = operator.remove_search_attributes(request.into_request());
    removed.await.unwrap();
    // The server keeps what it knows for a while.
    eventually("the end of the attribute", async || {
        let request = ListSearchAttributesRequest {
            namespace: world.client.namespace(),
        };
        let mut operator = world.client.connection().operator_service();
        let listed = operator.list_search_attributes(request.into_request());
        let listed = listed.await.unwrap().into_inner();
        (!listed.custom_attributes.contains_key(&name)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_behind_a_lost_answer_is_for_a_person() {
    let world = World::new().await;
    lose_answers(&world, "/connections");
    // The look before the create passes; from then on nobody can say what exists.
    let away = Action::Refuse(CannedAnswer::gateway(503, "503000", "Service unavailable"));
    let rule = Rule::new("GET", "/connections", away);
    world.emulator.add_fault(rule.nth(2..1000));
    let worker = world.worker();
    let run = world.start(&hasty(&[table("Contacts")])).await;
    let status = undecided(&run, 1).await;
    let message = status["decisions"][0]["message"].as_str().unwrap();
    assert!(message.contains("Service unavailable"), "{message}");

    world.emulator.clear_faults();
    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn several_of_ours_that_are_all_in_use_are_for_a_person() {
    let world = World::new().await;
    let worker = world.worker();
    let plain = input(&[table("Contacts")]);
    let first = world.ingest(&plain).await.unwrap();
    // A copy with our marker, and somebody's source connection on it.
    let flow_service = "/data/foundation/flowservice";
    let base = the(&world.emulator, "connections", "");
    let copy = json!({
        "name": base["name"], "description": base["description"],
        "auth": {"specName": "Basic Authentication",
                 "params": {"host": "acme.custhelp.com", "username": "svc_aep",
                            "password": "osc-password"}},
        "connectionSpec": base["connectionSpec"],
    });
    let copy = world
        .post(&format!("{flow_service}/connections"), &copy)
        .await;
    let mut source = the(&world.emulator, "sourceConnections", "");
    source["baseConnectionId"] = copy["id"].clone();
    source["name"] = "Somebody's".into();
    let source = json!({
        "name": "Somebody's", "baseConnectionId": copy["id"], "data": source["data"],
        "params": source["params"], "connectionSpec": source["connectionSpec"],
    });
    world
        .post(&format!("{flow_service}/sourceConnections"), &source)
        .await;

    let run = world.start(&plain).await;
    let status = undecided(&run, 1).await;
    let candidates = status["decisions"][0]["candidates"].as_array().unwrap();
    let ids: Vec<&Value> = candidates.iter().map(|each| &each["id"]).collect();
    assert_eq!(ids, [&first["baseConnectionId"], &copy["id"]], "{status:#}");
    // Both stand: what is in use is not touched.
    assert_eq!(world.emulator.resources("prod", "connections").len(), 2);

    let adopt = json!({"adopt": first["baseConnectionId"]});
    resolve(&run, adopt).await.unwrap();
    assert_eq!(run.end().await.unwrap(), first);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_new_try_at_once_waits_for_what_may_still_take_effect() {
    let world = World::new().await;
    let late = Action::LateCommit {
        after_ms: 14_000,
        reply: LateReply::Answer(CannedAnswer::html(504)),
    };
    let rule = Rule::new("POST", "/connections", late);
    world.emulator.add_fault(rule.nth([1]));
    // The step gives up in the middle of the quiet period, which its like should not.
    let worker = world.worker_with(|config| {
        config.ensure.quiet_period = Duration::from_secs(18);
        config.ensure.looks = 9;
    });
    let run = world.start(&hasty(&[table("Contacts")])).await;
    undecided(&run, 1).await;
    assert_eq!(
        world.emulator.pending_commits(),
        1,
        "the create took effect too soon"
    );

    resolve(&run, json!({"retry": true})).await.unwrap();
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    let creates = inputs(&run, BASE).await;
    let first = creates[1]["continues"]["activityId"].as_str().unwrap();
    assert!(!first.is_empty(), "{creates:#?}");
    world.end(worker).await;
}

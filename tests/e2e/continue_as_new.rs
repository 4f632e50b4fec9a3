//! Many tables: an ingestion goes on in new runs, under the same workflow id.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aep_emulator::{Action, CannedAnswer, LateReply, Rule};
use aep_flow::config::{Config, Environment};
use aep_flow_testkit::platform::{assert_one_live_per_intent, counts, whole_chain};
use aep_flow_testkit::world::{Run, assert_no_secret, emulator_config};
use aep_flow_testkit::{World, eventually, input, table, within};
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use serde_json::{Value, json};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    UntypedWorkflow, WorkflowCancelOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions,
    WorkflowHandle,
};
use temporalio_common::protos::temporal::api::history::v1::{
    History, HistoryEvent, history_event::Attributes,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

use crate::decisions::{resolve, undecided};

/// Longer than any test.
const NEVER_MS: u64 = 600_000;

/// As few as the input may say, so that a test needs few tables.
const EVENTS: u32 = 200;

/// A platform with so many tables besides its own.
async fn world(extra_tables: usize) -> World {
    let mut config = emulator_config();
    config.source.extra_tables = extra_tables;
    config.lists.page_size = 100;
    World::with(config).await
}

/// Longer than a step's deadline: a create that is lost is not known to be until then.
fn patient(config: &mut Config) {
    config.ensure.quiet_period = Duration::from_secs(40);
}

fn extra(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|number| table(&format!("Table{number:03}")))
        .collect()
}

fn many(tables: &[Value]) -> Value {
    let mut input = input(tables);
    input["continueAfterEvents"] = EVENTS.into();
    input
}

/// The same workflow, whatever its run.
fn latest(run: &Run, world: &World) -> Run {
    let id = run.handle.info().workflow_id.clone();
    Run {
        handle: world.client.get_workflow_handle(id),
    }
}

/// The history of each run, the first one first.
async fn runs(run: &Run, world: &World) -> Vec<Vec<HistoryEvent>> {
    let mut runs = Vec::new();
    let mut next = run.handle.info().run_id.clone();
    while next.is_some() {
        let mut info = run.handle.info().clone();
        info.run_id = next;
        let handle: WorkflowHandle<_, UntypedWorkflow> =
            WorkflowHandle::new(world.client.clone(), info);
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        let events = within("a history", history.into_events()).await.unwrap();
        next = match &events.last().unwrap().attributes {
            Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(new)) => {
                Some(new.new_execution_run_id.clone())
            }
            _ => None,
        };
        runs.push(events);
    }
    runs
}

async fn replays(runs: &[Vec<HistoryEvent>]) {
    for events in runs {
        let options = WorkflowReplayerOptions::new()
            .register_workflow::<IngestOracleServiceCloud>()
            .unwrap()
            .build();
        let history = History {
            events: events.clone(),
        };
        let replayer = WorkflowReplayer::new(options).unwrap();
        replayer.replay_workflow(history.into()).await.unwrap();
    }
}

fn names(tables: &Value) -> Vec<&str> {
    let tables = tables.as_array().unwrap().iter();
    tables.map(|each| each["table"].as_str().unwrap()).collect()
}

/// Tables of the ingestion below, unless this variable says otherwise.
const TABLES: &str = "AEP_FLOW_TEST_TABLES";

/// `AEP_FLOW_TEST_TABLES=1000 cargo test --test e2e many_tables -- --nocapture` prints what so
/// many cost, with the bound that an input has by default.
#[tokio::test]
async fn an_ingestion_of_many_tables_goes_on_in_new_runs() {
    let asked = Environment::of_process().get(TABLES).map(str::to_owned);
    let count: usize = asked.as_deref().map_or(40, |count| count.parse().unwrap());
    let world = world(count).await;
    let worker = world.worker_process();
    let tables = extra(count);
    let input = if asked.is_some() {
        let mut input = input(&tables);
        input["tablesAtOnce"] = 16.into();
        input
    } else {
        many(&tables)
    };
    let begun = Instant::now();
    let run = world.start(&input).await;
    let now = latest(&run, &world);
    let result = run.handle.get_result(WorkflowGetResultOptions::default());
    let result = tokio::time::timeout(Duration::from_secs(1800), result).await;
    let result = result.unwrap().unwrap();
    let took = begun.elapsed();
    let bytes = result.payloads[0].data.len();
    let result: Value = serde_json::from_slice(&result.payloads[0].data).unwrap();
    let expected: Vec<&str> = tables
        .iter()
        .map(|each| each["table"].as_str().unwrap())
        .collect();
    assert_eq!(names(&result["tables"]), expected);
    let mut flows = BTreeSet::new();
    for made in result["tables"].as_array().unwrap() {
        let mut ids = made.as_object().unwrap().values();
        assert!(ids.all(|id| id.as_str() != Some("")), "{made}");
        flows.insert(made["flowId"].as_str().unwrap());
    }
    assert_eq!(flows.len(), count);
    assert_eq!(counts(&world.emulator), whole_chain(count));
    assert_one_live_per_intent(&world.emulator);

    let status = now.status().await;
    assert_eq!(status["phase"], "done");
    assert_eq!(status["tablesDone"], count);
    let runs = runs(&run, &world).await;
    let lengths: Vec<usize> = runs.iter().map(Vec::len).collect();
    let sizes: Vec<usize> = runs
        .iter()
        .map(|events| {
            events
                .iter()
                .map(prost::Message::encoded_len)
                .sum::<usize>()
                / 1024
        })
        .collect();
    println!(
        "{count} tables in {:.1} s: {} runs of {lengths:?} events and {sizes:?} KiB; result {} KiB, \
         status {} KiB, details {} bytes; the worker's peak {} MiB",
        took.as_secs_f64(),
        runs.len(),
        bytes / 1024,
        status.to_string().len() / 1024,
        now.current_details().await.len(),
        peak_mib(worker.pid()),
    );
    assert!(runs.len() >= 2, "{lengths:?}");
    // The bound, and the tables that were under way.
    let most = if asked.is_some() { 6_000 } else { 900 };
    assert!(lengths.iter().all(|length| *length < most), "{lengths:?}");
    for events in &runs {
        let bytes = events.iter().flat_map(prost::Message::encode_to_vec);
        assert_no_secret("a history", &bytes.collect::<Vec<u8>>());
    }
    replays(&runs).await;
    drop(worker);
}

/// The most memory that the process had.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1024
}

#[tokio::test]
async fn what_failed_and_what_a_person_is_asked_goes_on_too() {
    const TABLES: usize = 16;
    let world = world(TABLES).await;
    let worker = world.worker_with(patient);
    let lost = Action::Refuse(CannedAnswer::html(504));
    world
        .emulator
        .add_fault(Rule::new("POST", "/flows", lost).first(2));
    let mut tables = vec![table("Contact")];
    tables.extend(extra(TABLES));
    let mut input = many(&tables);
    input["stepDeadlineSeconds"] = 10.into();
    input["tablesAtOnce"] = 2.into();
    let run = world.start(&input).await;
    let now = latest(&run, &world);
    // All but those that wait are done, several runs later.
    let status = eventually("the others", async || {
        let status = now.status().await;
        let open = status["decisions"].as_array().map_or(0, Vec::len);
        (open == 2 && status["tablesDone"] == TABLES - 2).then_some(status)
    })
    .await;
    assert!(runs(&run, &world).await.len() >= 2);
    assert_eq!(status["tablesFailed"], 1);
    assert_eq!(status["phase"], "needs decision");
    // Another worker is sooner sure that what was sent does not take effect any more.
    worker.stop().await.unwrap();
    let worker = world.worker();
    for open in status["decisions"].as_array().unwrap() {
        let decided = json!({"retry": true, "table": open["table"], "step": open["step"]});
        resolve(&now, decided).await.unwrap();
    }
    eventually("the end", async || {
        (now.status().await["phase"] == "failed").then_some(())
    })
    .await;
    let status = now.status().await;
    assert_eq!(status["tablesDone"], TABLES);
    assert_eq!(status["tables"][0]["phase"], "failed");
    let mut expected = whole_chain(TABLES);
    expected.insert("connections", 1);
    assert_eq!(counts(&world.emulator), expected);
    let runs = runs(&run, &world).await;
    replays(&runs).await;
    let Some(Attributes::WorkflowExecutionFailedEventAttributes(failed)) =
        &runs.last().unwrap().last().unwrap().attributes
    else {
        panic!("it did not fail");
    };
    let message = &failed.failure.as_ref().unwrap().message;
    assert!(
        message.starts_with("1 of 17 tables failed; Contact: "),
        "{message}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_create_that_is_left_behind_is_not_made_twice() {
    const TABLES: usize = 12;
    let world = world(TABLES).await;
    let worker = world.worker_with(patient);
    // It takes effect when the next run has long begun.
    let late = Action::LateCommit {
        after_ms: 45_000,
        reply: LateReply::Drop,
    };
    world
        .emulator
        .add_fault(Rule::new("POST", "/flows", late).first(1));
    let mut input = many(&extra(TABLES));
    // A quarter of it is waited for tables that are under way, which is less than the quiet
    // period.
    input["stepDeadlineSeconds"] = 120.into();
    let run = world.start(&input).await;
    run.end().await.unwrap();
    eventually("what was late", async || {
        let journal = world.emulator.journal();
        let is_late = |fault: &Option<String>| fault.as_deref() == Some("committed");
        journal
            .iter()
            .any(|entry| is_late(&entry.fault))
            .then_some(())
    })
    .await;
    assert_eq!(counts(&world.emulator), whole_chain(TABLES));
    let runs = runs(&run, &world).await;
    assert!(runs.len() >= 2);
    replays(&runs).await;
    world.end(worker).await;
}

/// The run waits for its activities before it continues as new: to a cancelled one, that wait looks
/// as if it were over.
#[tokio::test]
async fn a_cancel_ends_a_run_that_is_about_to_continue() {
    const TABLES: usize = 12;
    let world = world(TABLES).await;
    let worker = world.worker();
    let slow = Action::ApplyThenDelay { ms: NEVER_MS };
    let slow = Rule::new("POST", "/flows", slow).first(8);
    world.emulator.add_fault(slow);
    let run = world.start(&many(&extra(TABLES))).await;
    // Eight tables at once: all are at their last step, and the history is long enough.
    eventually("the flows", async || {
        (counts(&world.emulator).get("flows") == Some(&8)).then_some(())
    })
    .await;
    run.handle
        .cancel(WorkflowCancelOptions::default())
        .await
        .unwrap();
    let ended = within("the end", run.result()).await.unwrap_err();
    let is_cancelled = matches!(ended, WorkflowGetResultError::Cancelled { .. });
    assert!(is_cancelled, "{ended:?}");
    let runs = runs(&run, &world).await;
    assert_eq!(runs.len(), 1);
    replays(&runs).await;

    let Some(Attributes::WorkflowExecutionCanceledEventAttributes(cancelled)) =
        &runs[0].last().unwrap().attributes
    else {
        panic!("{:?}", runs[0].last());
    };
    let details = &cancelled.details.as_ref().unwrap().payloads[0];
    let details: Value = serde_json::from_slice(&details.data).unwrap();
    assert_eq!(details["tables"], json!([]));
    let failed = details["failed"].as_array().unwrap();
    assert_eq!(failed.len(), TABLES, "{details:#}");
    let first = &failed[0];
    assert_eq!(
        (&first["type"], &first["step"]),
        (&json!("Cancelled"), &json!("CreateDataflow")),
        "{first:#}"
    );
    assert!(first["made"]["targetConnectionId"].is_string(), "{first:#}");
    world.end(worker).await;
}

#[tokio::test]
async fn an_id_that_a_person_adopts_is_checked_in_the_next_run() {
    const TABLES: usize = 12;
    let world = world(TABLES).await;
    let worker = world.worker_with(patient);
    // It takes effect when nobody looks any more.
    let late = Action::LateCommit {
        after_ms: 13_000,
        reply: LateReply::Drop,
    };
    world
        .emulator
        .add_fault(Rule::new("POST", "/flows", late).first(1));
    let mut input = many(&extra(TABLES));
    input["stepDeadlineSeconds"] = 10.into();
    input["tablesAtOnce"] = 1.into();
    let run = world.start(&input).await;
    let now = latest(&run, &world);
    let status = undecided(&now, 1).await;
    let waiting = status["decisions"][0]["table"].as_str().unwrap().to_owned();
    eventually("the others", async || {
        let status = now.status().await;
        (status["tablesDone"] == TABLES - 1).then_some(())
    })
    .await;
    assert!(runs(&run, &world).await.len() >= 2);
    let flow = eventually("what was late", async || {
        let flows = world.emulator.resources("prod", "flows").into_iter();
        let mut flows = flows.filter(|flow| flow["name"].as_str().unwrap().ends_with(&waiting));
        flows.next()
    })
    .await;
    let wrong = resolve(
        &now,
        json!({"adopt": "4267c2ab-2104-474f-a7c2-ab2104d74f86"}),
    )
    .await;
    assert_eq!(wrong.unwrap_err().0, "NotFound");
    let right = resolve(&now, json!({"adopt": flow["id"]})).await.unwrap();
    assert_eq!(right["outcome"], "adopted");
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(TABLES));
    replays(&runs(&run, &world).await).await;
    world.end(worker).await;
}

//! Attempts that fail, as an operator sees them: while they are retried, and afterwards.

#![expect(unreachable_pub, reason = "the macros ask for public workflows")]

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_proto::names::{SearchAttribute, activity};
use aep_flow_testkit::logs::MISSING_SEARCH_ATTRIBUTES;
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::world::{Run, assert_no_secret};
use aep_flow_testkit::{World, eventually, input, table, within};
use serde_json::{Value, json};
use temporalio_client::tonic::IntoRequest as _;
use temporalio_client::{
    NamespacedClient as _, UntypedSignal, WorkflowCountOptions, WorkflowDescribeOptions,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowSignalOptions,
    WorkflowStartOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    ListSearchAttributesRequest, RemoveSearchAttributesRequest,
};
use temporalio_macros::{activity_definitions, workflow, workflow_methods};
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};

const STEP: &str = "CreateSourceConnection";

/// What Adobe's support asks for.
const REQUEST: &str = "1f0c5a7e9b3d4c62";

/// Lets every create of a source connection be answered with 429.
fn throttle(world: &World) {
    let answer = CannedAnswer::too_many_requests(Some("2")).with_header("x-request-id", REQUEST);
    let rule = Rule::new("POST", "/sourceConnections", Action::Refuse(answer));
    world.emulator.add_fault(rule);
}

/// The same, once.
fn throttle_once(world: &World) {
    let answer = Action::Refuse(CannedAnswer::too_many_requests(Some("1")));
    let rule = Rule::new("POST", "/sourceConnections", answer);
    world.emulator.add_fault(rule.nth([1]));
}

async fn count(world: &World, query: &str) -> usize {
    let counted = world
        .client
        .count_workflows(query, WorkflowCountOptions::default());
    within("the count", counted).await.unwrap().count()
}

/// Waits until so many workflows are found by `query`.
pub(crate) async fn found(world: &World, query: &str, expected: usize) {
    eventually(query, async || {
        (count(world, query).await == expected).then_some(())
    })
    .await;
}

/// The last failure of each pending activity.
async fn pending_failures(run: &Run) -> Vec<String> {
    let described = run.handle.describe(WorkflowDescribeOptions::default());
    let described = within("the description", described).await.unwrap();
    let pending = described.raw().pending_activities.iter();
    pending
        .filter_map(|each| Some(each.last_failure.as_ref()?.message.clone()))
        .collect()
}

fn signals(history: &[HistoryEvent]) -> usize {
    let is_signal = |event: &&HistoryEvent| {
        matches!(
            event.attributes,
            Some(Attributes::WorkflowExecutionSignaledEventAttributes(_))
        )
    };
    history.iter().filter(is_signal).count()
}

/// The names in each upsert of search attributes, without the SDK's own.
fn upserts(history: &[HistoryEvent]) -> Vec<Vec<String>> {
    let names = |event: &HistoryEvent| match &event.attributes {
        Some(Attributes::UpsertWorkflowSearchAttributesEventAttributes(upserted)) => {
            let fields = &upserted.search_attributes.as_ref().unwrap().indexed_fields;
            let mut names: Vec<String> = fields
                .keys()
                .filter(|name| name.starts_with("Aep"))
                .cloned()
                .collect();
            names.sort();
            (!names.is_empty()).then_some(names)
        }
        _ => None,
    };
    history.iter().filter_map(names).collect()
}

/// `aep-flow` with these arguments: its exit code, and both streams.
pub(crate) async fn cli(world: &World, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    command
        .args(arguments)
        .env_clear()
        .envs(world.variables())
        .stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = within("the command", ran).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

pub(crate) async fn cli_json(world: &World, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output", "json"]].concat();
    let (code, answer, errors) = cli(world, &arguments).await;
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test]
async fn a_throttled_ingestion_is_found_and_says_what_it_retries() {
    let world = World::new().await;
    throttle(&world);
    let worker = world.worker();
    let run = world.start(&input(&[table("Contacts")])).await;
    let id = run.handle.info().workflow_id.clone();
    found(&world, "AepLastFailure = 'RateLimited'", 1).await;

    let status = run.status().await;
    let failing = &status["failing"][0];
    assert_eq!(failing["table"], "Contacts", "{status:#}");
    assert_eq!(failing["step"], STEP, "{status:#}");
    assert_eq!(failing["type"], "RateLimited", "{status:#}");
    assert_eq!(failing["nextTryReason"], "Retry-After", "{status:#}");
    let time =
        |field: &str| -> jiff::Timestamp { failing[field].as_str().unwrap().parse().unwrap() };
    assert!(time("since") < time("nextTry"), "{status:#}");

    let details = run.current_details().await;
    assert!(details.contains("| Contacts |"), "{details}");
    assert!(
        details.contains("fails as RateLimited since 20"),
        "{details}"
    );
    assert!(details.contains(": Retry-After"), "{details}");

    let message = eventually("the pending activity", async || {
        pending_failures(&run).await.pop()
    })
    .await;
    let part = format!("HTTP 429, 429050: Too many requests (request {REQUEST})");
    assert!(message.contains(&part), "{message}");
    assert!(
        message.ends_with("; next try in 2 s: Retry-After"),
        "{message}"
    );
    assert_eq!(message.matches("2 s").count(), 1, "{message}");

    let listed = cli_json(&world, &["list", "--failing", "--sandbox", "prod"]).await;
    let line = &listed["ingestions"][0];
    assert_eq!(line["workflowId"], *id, "{listed:#}");
    assert_eq!(line["phase"], "ingesting", "{listed:#}");
    assert_eq!(line["source"], "oracle-service-cloud", "{listed:#}");
    assert_eq!(line["lastFailure"], "RateLimited", "{listed:#}");
    assert_eq!(line["failing"]["step"], STEP, "{listed:#}");
    assert_eq!(listed["ignoredFilters"], json!([]), "{listed:#}");
    for none in [&["--needs-decision"][..], &["--sandbox", "dev"]] {
        let (code, answer, errors) = cli(&world, &[&["list"], none].concat()).await;
        assert_eq!((code, &*answer), (0, ""), "{errors}");
        assert!(errors.contains("no ingestion matches"), "{errors}");
    }
    let (code, answer, errors) = cli(&world, &["list"]).await;
    assert_eq!(code, 0, "{errors}");
    let mut lines = answer.lines();
    assert!(lines.next().unwrap().starts_with("WORKFLOW ID"), "{answer}");
    let line = lines.next().unwrap();
    let parts = [&*id, "running", "ingesting", "prod", "RateLimited", STEP];
    for part in parts {
        assert!(line.contains(part), "{part}: {answer}");
    }

    world.emulator.clear_faults();
    run.end().await.unwrap();
    found(&world, "AepLastFailure = 'RateLimited'", 0).await;
    let connection = status["baseConnectionId"].as_str().unwrap();
    let done = format!(
        "AepPhase = 'done' AND AepSandbox = 'prod' AND AepSource = 'oracle-service-cloud' AND \
         AepConnectionId = '{connection}' AND AepNeedsDecision IS NULL AND \
         AepDeprecated = true"
    );
    found(&world, &done, 1).await;

    let (code, answer, errors) = cli(&world, &["list", "--all"]).await;
    assert_eq!((code, &*errors), (0, ""), "{answer}");
    assert!(answer.contains("completed"), "{answer}");
    assert!(!answer.contains("RateLimited"), "{answer}");

    // The attempts are still shown, with what Adobe's support asks for.
    let status = run.status().await;
    let attempts = status["attempts"].as_array().unwrap();
    assert_eq!(status["attemptsTotal"], attempts.len(), "{status:#}");
    assert_eq!(status["failing"], json!([]), "{status:#}");
    let (_, shown, errors) = cli(&world, &["status", &id]).await;
    for (index, attempt) in attempts.iter().enumerate() {
        assert_eq!(attempt["attempt"], index + 1, "{attempt:#}");
        assert_eq!(attempt["step"], STEP, "{attempt:#}");
        assert_eq!(attempt["table"], "Contacts", "{attempt:#}");
        assert_eq!(attempt["httpStatus"], 429, "{attempt:#}");
        assert_eq!(attempt["adobeCode"], "429050", "{attempt:#}");
        assert_eq!(attempt["requestId"], REQUEST, "{attempt:#}");
    }
    assert!(!attempts.is_empty(), "{status:#}");
    assert!(shown.contains("REQUEST ID"), "{shown}{errors}");
    assert_eq!(shown.matches(REQUEST).count(), attempts.len(), "{shown}");
    world.end(worker).await;
}

#[tokio::test]
async fn an_ingestion_that_fails_keeps_its_last_failure() {
    let world = World::new().await;
    let worker = world.worker();
    let run = world
        .start(&input(&[table("Contact"), table("Incidents")]))
        .await;
    let failed = run.end().await.unwrap_err();
    let query = format!(
        "AepLastFailure = '{}' AND AepPhase = 'failed' AND ExecutionStatus = 'Failed'",
        failed.kind
    );
    found(&world, &query, 1).await;
    let status = run.status().await;
    let attempts = status["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{status:#}");
    assert_eq!(attempts[0]["attempt"], 1, "{status:#}");
    assert_eq!(attempts[0]["type"], *failed.kind, "{status:#}");
    assert_eq!(attempts[0]["nextTry"], "", "{status:#}");
    let listed = cli_json(&world, &["list", "--failing"]).await;
    assert_eq!(listed["ingestions"], json!([]), "{listed:#}");
    let listed = cli_json(&world, &["list", "--failing", "--all"]).await;
    assert_eq!(listed["ingestions"][0]["phase"], "failed", "{listed:#}");
    world.end(worker).await;
}

#[tokio::test]
async fn what_it_costs_is_what_the_documentation_says() {
    let world = World::new().await;
    let worker = world.worker();
    let clean = world.start(&input(&[table("Contacts")])).await;
    clean.end().await.unwrap();
    let history = clean.history().await;
    assert_eq!(signals(&history), 0);
    // The first one comes when the worker answered, before the base connection or after it.
    let told = upserts(&history);
    assert!((2..=3).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().unwrap(), &["AepPhase"]);
    let asked = history.iter().filter(|event| {
        matches!(&event.attributes, Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled))
            if scheduled.activity_type.as_ref().unwrap().name == activity::FIND_SEARCH_ATTRIBUTES)
    });
    assert_eq!(asked.count(), 1);

    throttle_once(&world);
    let mut other = input(&[table("Contacts")]);
    other["connection"]["name"] = "Another".into();
    let throttled = world.start(&other).await;
    throttled.end().await.unwrap();
    let history = throttled.history().await;
    assert_eq!(signals(&history), 1);
    let told = upserts(&history);
    assert!(told.len() <= 5, "{told:?}");
    let failure = told
        .iter()
        .flatten()
        .filter(|name| *name == "AepLastFailure");
    assert_eq!(failure.count(), 2, "{told:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn an_attempt_that_ends_to_wait_for_the_lists_is_no_failure() {
    let world = World::new().await;
    let worker = world.worker_with(|config| config.ensure.list_lag = Duration::from_secs(1));
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    assert!(!run.retried().await.is_empty());
    assert_eq!(signals(&run.history().await), 0);
    assert_eq!(run.status().await["attemptsTotal"], 0);
    world.end(worker).await;
}

#[tokio::test]
async fn reports_can_be_turned_off() {
    let world = World::new().await;
    throttle_once(&world);
    let worker = world.worker_with(|config| config.worker.report_attempts = false);
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    assert_eq!(signals(&run.history().await), 0);
    world.end(worker).await;
}

#[tokio::test]
async fn a_report_that_cannot_be_read_or_is_a_repeat_changes_nothing() {
    let world = World::new().await;
    throttle(&world);
    let worker = world.worker();
    let run = world.start(&input(&[table("Contacts")])).await;
    found(&world, "AepLastFailure = 'RateLimited'", 1).await;
    let payload = |encoding: &str, data: &[u8]| Payload {
        metadata: HashMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]),
        data: data.to_vec(),
        ..Payload::default()
    };
    let nobodys = json!({"activityId": "4711", "type": "Invented", "attempt": 1}).to_string();
    for payloads in [
        Vec::new(),
        vec![payload("json/plain", b"{")],
        vec![payload("json/plain", br#"{"attempt": "many", "newer": 1}"#)],
        vec![payload("binary/encrypted", b"\xff\x00")],
        vec![payload("json/plain", b"{}"), payload("json/plain", b"{}")],
        vec![payload("json/plain", nobodys.as_bytes())],
    ] {
        let sent = run.handle.signal(
            UntypedSignal::new("attemptFailed"),
            RawValue::new(payloads),
            WorkflowSignalOptions::default(),
        );
        within("the signal", sent).await.unwrap();
    }
    // What the worker's client would send again if the answer to the first one were lost.
    let first = &run.status().await["attempts"][0];
    let info = run.handle.info();
    let activity = first["activityId"].as_str().unwrap();
    let request = format!("{}/{activity}/1", info.run_id.as_ref().unwrap());
    let sent = run.handle.signal(
        UntypedSignal::new("attemptFailed"),
        RawValue::new(vec![payload("json/plain", first.to_string().as_bytes())]),
        WorkflowSignalOptions::builder().request_id(request).build(),
    );
    within("the repeat", sent).await.unwrap();
    world.emulator.clear_faults();
    run.end().await.unwrap();
    let status = run.status().await;
    let attempts = status["attempts"].as_array().unwrap();
    assert_eq!(
        signals(&run.history().await),
        attempts.len() + 6,
        "{status:#}"
    );
    assert!(
        attempts.iter().all(|each| each["type"] == "RateLimited"),
        "{status:#}"
    );
    let failed_tasks = run.history().await.into_iter().filter(|event| {
        matches!(
            event.attributes,
            Some(Attributes::WorkflowTaskFailedEventAttributes(_))
        )
    });
    assert_eq!(failed_tasks.count(), 0);
    world.end(worker).await;
}

struct AepFlow;

#[activity_definitions]
impl AepFlow {
    #[activity(name = activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION)]
    fn create_base_connection(_: Value) -> Result<Value, ActivityError> {
        unimplemented!()
    }
}

/// Somebody else's workflow, which calls one of our activities.
#[workflow]
#[derive(Default)]
pub struct CreateOne;

#[workflow_methods]
impl CreateOne {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, connection: Value) -> WorkflowResult<()> {
        let mut options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
        options.task_queue = Some("aep-flow".to_owned());
        ctx.execute_activity(AepFlow::create_base_connection, connection, options)
            .await?;
        Ok(())
    }
}

#[tokio::test]
async fn somebody_elses_workflow_is_told_nothing() {
    let world = World::new().await;
    let answer = Action::Refuse(CannedAnswer::too_many_requests(Some("1")));
    let rule = Rule::new("POST", "/connections", answer);
    world.emulator.add_fault(rule.nth([1]));
    let worker = world.worker();

    let runtime = Runtime::from_current_tokio(Default::default()).unwrap();
    let options = WorkerOptions::new("callers")
        .register_workflow::<CreateOne>()
        .unwrap()
        .build();
    let mut callers = Worker::new(&runtime, world.client.clone(), options).unwrap();
    let shutdown = callers.shutdown_handle();
    let watch = async {
        let connection = input(&[])["connection"].clone();
        let options = WorkflowStartOptions::new("callers", "create-one").build();
        let started = world
            .client
            .start_workflow(CreateOne::run, connection, options);
        let handle = started.await.unwrap();
        let result = handle.get_result(WorkflowGetResultOptions::default());
        within("the caller", result).await.unwrap();
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        let history = history.into_events().await.unwrap();
        assert_eq!(signals(&history), 0);
        shutdown();
    };
    let (ran, ()) = tokio::join!(callers.run(), watch);
    ran.unwrap();
    assert_eq!(world.emulator.faults()[0].played, 1);
    world.end(worker).await;
}

/// Takes all of our search attributes from the namespace.
async fn forget_attributes(world: &World) {
    let mut operator = world.client.connection().operator_service();
    let names = SearchAttribute::ALL.map(|each| each.to_string());
    let request = RemoveSearchAttributesRequest {
        namespace: world.client.namespace(),
        search_attributes: names.clone().into(),
    };
    let removed = operator.remove_search_attributes(request.into_request());
    removed.await.unwrap();
    // The server keeps what it knows for a while.
    eventually("the end of the attributes", async || {
        let request = ListSearchAttributesRequest {
            namespace: world.client.namespace(),
        };
        let mut operator = world.client.connection().operator_service();
        let listed = operator.list_search_attributes(request.into_request());
        let listed = listed.await.unwrap().into_inner().custom_attributes;
        names
            .iter()
            .all(|name| !listed.contains_key(name))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_namespace_without_search_attributes_works_and_is_put_right() {
    let world = World::new().await;
    forget_attributes(&world).await;
    world.expect(MISSING_SEARCH_ATTRIBUTES);
    throttle_once(&world);
    let log = world.folder().join("talkative.log");
    let mut worker = world.talkative_worker_process("talkative.log");
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    assert_eq!(upserts(&run.history().await), Vec::<Vec<String>>::new());
    assert_eq!(counts(&world.emulator), whole_chain(1));
    assert_eq!(run.status().await["attemptsTotal"], 1);

    let said = std::fs::read(&log).unwrap();
    assert_no_secret("the log", &said);
    let said = String::from_utf8(said).unwrap();
    let register = format!(
        "temporal operator search-attribute create --namespace {} --name AepSandbox --type Keyword",
        world.namespace()
    );
    let warnings: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("search attributes that are not registered"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("WARN"), "{}", warnings[0]);
    assert!(warnings[0].contains(&register), "{}", warnings[0]);
    for name in SearchAttribute::ALL {
        assert!(
            warnings[0].contains(name.as_str()),
            "{name}: {}",
            warnings[0]
        );
    }

    // A list without the attributes has all ingestions, and says what it could not ask.
    let filters = ["list", "--all", "--failing", "--sandbox", "prod"];
    let listed = cli_json(&world, &filters).await;
    let found_anyway = listed["ingestions"].as_array().unwrap();
    assert_eq!(found_anyway.len(), 1, "{listed:#}");
    assert_eq!(listed["ignoredFilters"][0]["filter"], "--failing");
    let (code, answer, errors) = cli(&world, &filters).await;
    assert_eq!(code, 0, "{errors}");
    assert!(answer.contains("completed"), "{answer}");
    for part in [
        "`--failing` is ignored",
        "AepSandbox",
        "aep-flow check --fix",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }

    let (_, checked, _) = cli(&world, &["check"]).await;
    assert!(checked.contains("fix: `aep-flow check --fix`"), "{checked}");
    assert!(checked.contains(&register), "{checked}");
    let (code, fixed, errors) = cli(&world, &["check", "--fix"]).await;
    assert_eq!(code, 0, "{fixed}{errors}");
    assert!(fixed.contains("registered just now: AepSandbox"), "{fixed}");
    // The server shows them at once, and the worker learns of them a little later.
    eventually("the check", async || {
        let (_, checked, _) = cli(&world, &["check"]).await;
        checked.contains("all 7 are registered").then_some(())
    })
    .await;
    eventually("an ingestion that says where it stands", async || {
        let run = world.start(&input(&[table("Contacts")])).await;
        run.end().await.unwrap();
        let upserts = upserts(&run.history().await);
        (!upserts.is_empty()).then_some(())
    })
    .await;
    found(&world, "AepPhase = 'done'", 1).await;
    worker.terminate().await;
}

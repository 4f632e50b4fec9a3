//! A worker that meets whatever the boards and alerts show.

use aep_emulator::{
    Action, CannedAnswer, CutAt, DEFAULT_SOURCE_PASSWORD, DEFAULT_SOURCE_USERNAME, NamedAnswer,
    RetryAfter, Rule,
};
use aep_flow_devserver::{DevServer, free_port};
use aep_flow_testkit::logs::SERVER_AWAY;
use aep_flow_testkit::platform::the;
use aep_flow_testkit::worker::WorkerProcess;
use aep_flow_testkit::world::emulator_config;
use aep_flow_testkit::{World, eventually, input, server, table};
use futures::future::join;
use serde_json::{Value, json};
use temporalio_client::{WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::RawValue;

/// What the play must leave behind, in the words of the boards and the runbook.
pub(crate) const SEEN: [&str; 10] = [
    r#"aep_flow_token_renewals_total{outcome="renewed"}"#,
    r#"aep_flow_token_renewals_total{outcome="refused"}"#,
    r#"aep_flow_token_renewals_total{outcome="failed"}"#,
    r#"aep_flow_creates_total{outcome="created"}"#,
    r#"aep_flow_creates_total{outcome="adopted"}"#,
    r#"aep_flow_creates_total{outcome="swept"}"#,
    r#"aep_flow_creates_total{outcome="undecided"}"#,
    "aep_flow_ingestions_needing_decision > 0",
    "aep_flow_ingestions_failing > 0",
    r#"aep_flow_ingestions{phase="needs decision"} > 0"#,
];

/// A server, a platform, and a worker as an operator runs it.
pub(crate) struct Stage {
    pub(crate) world: World,
    /// Where the worker's metrics are.
    pub(crate) metrics: String,
    server: DevServer,
    _worker: WorkerProcess,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        // It is restarted.
        let server = server::own().await;
        let world = World::on(&server, emulator_config()).await;
        world.expect(SERVER_AWAY);
        // Its tasks fail until the end.
        world.expect(("temporalio_sdk", "Workflow type NotOurs not found"));
        world.expect((
            "temporalio_sdk_core::worker::workflow",
            "Failing workflow task",
        ));
        let metrics = format!("127.0.0.1:{}", free_port().unwrap());
        let mut variables = world.variables();
        variables.push(("AEP_FLOW_METRICS_LISTEN".to_owned(), metrics.clone()));
        let worker = WorkerProcess::spawn(&variables, &world.folder().join("worker.log"));
        Self {
            world,
            metrics,
            server,
            _worker: worker,
        }
    }

    /// All of it, one behind the other. At the end one ingestion waits for a person, and one
    /// fails again and again.
    pub(crate) async fn play(&mut self) {
        self.two_callers_meet().await;
        self.the_platform_throttles_fails_and_loses_an_answer()
            .await;
        self.tokens_are_renewed_and_refused().await;
        self.a_workflow_ends_under_its_activity().await;
        self.a_workflow_is_not_ours().await;
        self.server.restart().await.unwrap();
        self.two_of_a_kind_are_in_use().await;
        self.a_step_fails_again_and_again().await;
    }

    /// Both look before either creates anything, so that one of two is deleted.
    async fn two_callers_meet(&self) {
        // Longer than a busy machine needs to bring the other one there.
        let slow = Action::Delay {
            ms: 3000,
            then: None,
        };
        self.fault("POST", "/connections", slow, 2);
        let input = named("Two");
        let (one, other) = join(self.world.ingest(&input), self.world.ingest(&input)).await;
        assert_eq!(one.unwrap(), other.unwrap());
        self.world.emulator.clear_faults();
    }

    async fn the_platform_throttles_fails_and_loses_an_answer(&self) {
        let throttled = CannedAnswer::named(NamedAnswer::RateLimited);
        let throttled = throttled.with_retry_after(RetryAfter::Seconds(1));
        self.fault("GET", "/flows", Action::Refuse(throttled), 1);
        let failed = CannedAnswer::flow(1000, 500, "Internal error");
        self.fault("GET", "/dataSets", Action::Refuse(failed), 2);
        let lost = Action::ApplyThenDrop { at: CutAt::Start };
        self.fault("POST", "/connections", lost, 1);
        self.fault("POST", "/sourceConnections", Action::DropBeforeApply, 1);
        self.world.ingest(&named("Faulty")).await.unwrap();
        self.world.emulator.clear_faults();
    }

    async fn tokens_are_renewed_and_refused(&self) {
        let emulator = &self.world.emulator;
        emulator.revoke_tokens();
        let away = Action::Refuse(CannedAnswer::html(503));
        self.fault("POST", "/ims/token/v3", away, 2);
        self.world.ingest(&named("Renewed")).await.unwrap();
        emulator.clear_faults();

        emulator.revoke_tokens();
        let refused = CannedAnswer::json(400, json!({"error": "invalid_client"}));
        self.fault("POST", "/ims/token/v3", Action::Refuse(refused), 9);
        let failed = self.world.ingest(&named("Refused")).await.unwrap_err();
        assert_eq!(failed.kind, "Unauthenticated", "{failed:?}");
        emulator.clear_faults();
        // A refusal is the answer for everyone for a moment.
        eventually("a token", async || {
            self.world.ingest(&named("Again")).await.ok()
        })
        .await;
    }

    /// The server does not take an activity's answer for a workflow that is over.
    async fn a_workflow_ends_under_its_activity(&self) {
        let slow = Action::ApplyThenDelay { ms: 1500 };
        self.fault("POST", "/connections", slow, 1);
        let run = self.world.start(&named("Ended")).await;
        eventually("the create", async || {
            (self.world.emulator.faults()[0].seen > 0).then_some(())
        })
        .await;
        let options = WorkflowTerminateOptions::default();
        run.handle.terminate(options).await.unwrap();
        self.world.emulator.clear_faults();
    }

    /// Its tasks fail until it is terminated, which nobody does.
    async fn a_workflow_is_not_ours(&self) {
        let options = WorkflowStartOptions::new("aep-flow", "not-ours").build();
        let workflow = UntypedWorkflow::new("NotOurs");
        let nothing = RawValue::new(Vec::new());
        let started = self.world.client.start_workflow(workflow, nothing, options);
        started.await.unwrap();
    }

    /// Two of ours have one name, and both are in use: neither can be deleted.
    async fn two_of_a_kind_are_in_use(&self) {
        let input = named("Copied");
        self.world.ingest(&input).await.unwrap();
        let emulator = &self.world.emulator;
        let base = the(emulator, "connections", "Copied");
        let copy = json!({
            "name": base["name"],
            "description": base["description"],
            "auth": {
                "specName": "Basic Authentication",
                "params": {
                    "host": "acme.custhelp.com",
                    "username": DEFAULT_SOURCE_USERNAME,
                    "password": DEFAULT_SOURCE_PASSWORD,
                },
            },
            "connectionSpec": base["connectionSpec"],
        });
        let flow_service = "/data/foundation/flowservice";
        let path = format!("{flow_service}/connections");
        let copy = self.world.post(&path, &copy).await;
        let source = the(emulator, "sourceConnections", "Copied");
        let source = json!({
            "name": "Somebody's",
            "baseConnectionId": copy["id"],
            "data": source["data"],
            "params": source["params"],
            "connectionSpec": source["connectionSpec"],
        });
        let path = format!("{flow_service}/sourceConnections");
        self.world.post(&path, &source).await;

        let run = self.world.start(&input).await;
        eventually("the decision", async || {
            let status = run.status().await;
            let open = status["decisions"].as_array().map_or(0, Vec::len);
            (open == 1).then_some(())
        })
        .await;
    }

    async fn a_step_fails_again_and_again(&self) {
        let failed = CannedAnswer::flow(1000, 500, "Internal error");
        self.fault("GET", "/connections", Action::Refuse(failed), u64::MAX);
        self.world.start(&named("Failing")).await;
    }

    /// The first `count` of these requests get that.
    fn fault(&self, method: &str, route: &str, action: Action, count: u64) {
        let rule = Rule::new(method, route, action).first(count);
        self.world.emulator.add_fault(rule);
    }
}

/// An ingestion of one table of a connection of that name.
fn named(name: &str) -> Value {
    let mut input = input(&[table("Contacts")]);
    input["connection"]["name"] = name.into();
    input["tables"][0]["dataset"] = format!("osc_{}", name.to_lowercase()).into();
    input
}

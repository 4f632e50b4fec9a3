//! Records one history per case, on a real server, with the emulator behind the worker.

use std::{path::Path, time::Duration};

use aep_emulator::{Action, CannedAnswer, Emulator, LateReply, Rule, SourceSettings};
use aep_flow::{config::Config, worker};
use aep_flow_devserver::DevServer;
use aep_flow_proto::{
    names, read,
    v1::{IngestOracleServiceCloudInput, IngestSourceInput, ResolveInput},
};
use aep_flow_testkit::{emulated, server};
use aep_flow_workflows::{
    ingest::{IngestOracleServiceCloud, IngestSource},
    payload::Message,
};
use anyhow::Context as _;
use serde_json::{Value, json};
use temporalio_client::{
    Client, WorkflowExecuteUpdateOptions, WorkflowFetchHistoryOptions, WorkflowGetResultOptions,
    WorkflowHandle, WorkflowQueryOptions, WorkflowStartOptions, errors::WorkflowUpdateError,
};

use crate::note;

struct Case {
    name: &'static str,
    workflow: &'static str,
    input: Value,
    faults: Vec<Rule>,
    /// What a person decides when a decision is needed.
    decision: Option<Decision>,
}

#[derive(Clone, Copy)]
enum Decision {
    Adopt,
    Retry,
    /// When the other tables are done.
    RetryLate,
}

/// Records the cases of these names, or every case, into `tests/histories` below `root`.
pub(crate) async fn record(root: &Path, names: &[String]) -> anyhow::Result<()> {
    let mut cases = cases();
    for name in names {
        anyhow::ensure!(
            cases.iter().any(|case| case.name == name),
            "there is no case `{name}`"
        );
    }
    cases.retain(|case| names.is_empty() || names.iter().any(|name| case.name == name));
    let server = server::start(|_| ()).await?;
    let folder = root.join("tests/histories");
    for case in cases {
        let (name, workflow) = (case.name, case.workflow);
        let ways = ["", "-next"].into_iter();
        for (history, way) in run(&server, case).await?.into_iter().zip(ways) {
            let file = folder.join(format!("{workflow}-{name}{way}.json"));
            std::fs::write(&file, history)?;
            note(&format!("wrote {}", file.display()));
        }
    }
    server.stop().await?;
    Ok(())
}

fn cases() -> Vec<Case> {
    let mut cases = of_oracle_service_cloud();
    cases.extend(of_any_source());
    cases
}

fn of_any_source() -> Vec<Case> {
    let connection = json!({
        "name": "Salesforce Service Cloud", "source": "salesforce-service-cloud",
        "auth": "OAuth2 Client Credential",
        "params": {"environmentUrl": "https://acme.my.salesforce.example.com", "clientId": "3MVG9",
                   "clientSecret": {"file": "password"}, "apiVersion": "60.0"}
    });
    let workflow = names::workflow::INGEST_SOURCE;
    vec![
        Case {
            name: "any-source",
            workflow,
            input: json!({"connection": connection, "tables": {"table": "Account"},
                          "waitForFirstRun": true}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            // A removed source, which a search attribute shows.
            name: "dropped-source",
            workflow,
            input: json!({
                "connection": {
                    "name": "Oracle Service Cloud", "source": "oracle-service-cloud",
                    "acknowledgeDeprecation": true,
                    "params": {"host": "acme.custhelp.com", "username": "svc_aep",
                               "password": {"file": "password"}}},
                "tables": [{"table": "Contacts"}]}),
            faults: vec![Rule::new("POST", "/connections", too_many()).first(1)],
            decision: None,
        },
        Case {
            // The next run gets the tables and no patterns.
            name: "pattern",
            workflow,
            input: json!({"connection": connection, "continueAfterEvents": 200, "tablesAtOnce": 2,
                          "tables": [{"match": "Table00?", "except": ["*3"]}, {"table": "Lead"}]}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "pattern-of-no-table",
            workflow,
            input: json!({"connection": connection, "tables": [{"match": "crm_*"}]}),
            faults: Vec::new(),
            decision: None,
        },
    ]
}

fn of_oracle_service_cloud() -> Vec<Case> {
    let workflow = names::workflow::INGEST_ORACLE_SERVICE_CLOUD;
    let connection = json!({
        "name": "Oracle Service Cloud", "host": "acme.custhelp.com", "username": "svc_aep",
        "password": {"file": "password"}
    });
    let schedule = json!({"startTime": "2099-12-01T00:00:00Z", "frequency": "HOUR", "interval": 1});
    vec![
        Case {
            name: "one-table",
            workflow,
            input: json!({"connection": connection, "tables": [{"table": "Contacts"}]}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "mapped-and-recurring",
            workflow,
            input: json!({"connection": connection, "tables": [
                {"table": "Contacts", "columns": ["id", "updatedTime"], "deltaColumn": "updatedTime",
                 "mapping": [{"source": "id", "destination": "_tenant.contactId"}],
                 "schedule": schedule, "dataset": "osc_contacts"},
                {"table": "Incidents", "deltaColumn": "updatedTime", "schedule": schedule}]}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "first-run",
            workflow,
            input: json!({"connection": connection, "tables": [{"table": "Contacts"}],
                          "waitForFirstRun": true}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "retried",
            workflow,
            input: json!({"connection": connection, "tables": [{"table": "Contacts"}]}),
            faults: vec![
                Rule::new(
                    "POST",
                    "/connections",
                    Action::ApplyThenDrop {
                        at: Default::default(),
                    },
                )
                .first(1),
                Rule::new(
                    "POST",
                    "/flows",
                    Action::Refuse(CannedAnswer::json(
                        503,
                        json!({"error_code": "503000", "message": "Could not validate Api Key"}),
                    )),
                )
                .first(1),
            ],
            decision: None,
        },
        Case {
            name: "one-of-two-failed",
            workflow,
            input: json!({"connection": connection, "tables": [{"table": "Contact"}, {"table": "Incidents"}]}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "invalid",
            workflow,
            input: json!({"connection": connection, "tables": []}),
            faults: Vec::new(),
            decision: None,
        },
        Case {
            name: "decided-by-retry",
            workflow,
            input: json!({"connection": connection, "stepDeadlineSeconds": 5,
                          "tables": [{"table": "Contacts"}, {"table": "Incidents"}]}),
            faults: vec![Rule::new("POST", "/flows", no_answer()).first(1)],
            decision: Some(Decision::Retry),
        },
        Case {
            name: "decided-by-adopt",
            workflow,
            input: json!({"connection": connection, "stepDeadlineSeconds": 5,
                          "tables": [{"table": "Contacts"}]}),
            faults: vec![
                Rule::new(
                    "POST",
                    "/connections",
                    Action::LateCommit {
                        after_ms: 6000,
                        reply: LateReply::Answer(CannedAnswer::html(504)),
                    },
                )
                .first(1),
            ],
            decision: Some(Decision::Adopt),
        },
        Case {
            name: "undecided",
            workflow,
            input: json!({"connection": connection, "stepDeadlineSeconds": 5,
                          "decisionDeadlineSeconds": 5, "tables": [{"table": "Contacts"}]}),
            faults: vec![Rule::new("POST", "/flows", no_answer()).first(1)],
            decision: None,
        },
        Case {
            name: "throttled",
            workflow,
            input: json!({"connection": connection,
                          "tables": [{"table": "Contacts"}, {"table": "Incidents"}]}),
            faults: vec![
                Rule::new("POST", "/sourceConnections", too_many()).first(3),
                Rule::new("GET", "/dataSets", too_many()).first(1),
            ],
            decision: None,
        },
        Case {
            // The first dataflow waits for a person over the end of the first run.
            name: "many-tables",
            workflow,
            input: json!({"connection": connection, "stepDeadlineSeconds": 5,
                          "continueAfterEvents": 200, "tablesAtOnce": 2,
                          "tables": (1..=9)
                              .map(|number| json!({"table": format!("Table00{number}")}))
                              .collect::<Vec<_>>()}),
            faults: vec![Rule::new("POST", "/flows", no_answer()).first(1)],
            decision: Some(Decision::RetryLate),
        },
        Case {
            name: "throttled-and-decided",
            workflow,
            input: json!({"connection": connection, "stepDeadlineSeconds": 5,
                          "tables": [{"table": "Contacts"}]}),
            faults: vec![
                Rule::new("POST", "/connections", too_many()).first(1),
                Rule::new("POST", "/flows", no_answer()).first(1),
            ],
            decision: Some(Decision::Retry),
        },
    ]
}

fn too_many() -> Action {
    Action::Refuse(CannedAnswer::too_many_requests(Some("1")))
}

fn no_answer() -> Action {
    Action::Refuse(CannedAnswer::html(504))
}

/// The histories of the first run, and of the last one if there were more.
async fn run(server: &DevServer, case: Case) -> anyhow::Result<Vec<Vec<u8>>> {
    let emulator = Emulator::start(aep_emulator::Config {
        faults: case.faults.clone(),
        source: SourceSettings {
            extra_tables: 9,
            ..SourceSettings::default()
        },
        ..aep_emulator::Config::default()
    })
    .await?;
    let secrets = tempfile::tempdir()?;
    std::fs::write(
        secrets.path().join("password"),
        aep_emulator::DEFAULT_SOURCE_PASSWORD,
    )?;
    let config = config(server, &emulator, secrets.path(), case.name);
    let client = aep_flow::temporal::connect(&config).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = tokio::task::spawn_local(worker::run(config, async {
        let _ = stopped.await;
    }));
    let history = ingest(&client, &emulator, &case).await?;
    let _ = stop.send(());
    worker.await??;
    emulator.shutdown().await;
    Ok(history)
}

async fn ingest(client: &Client, emulator: &Emulator, case: &Case) -> anyhow::Result<Vec<Vec<u8>>> {
    let name = case.name;
    let input = case.input.to_string();
    let options = WorkflowStartOptions::new(name, format!("record-{name}")).build();
    let started = if case.workflow == names::workflow::INGEST_SOURCE {
        let input: IngestSourceInput = read::from_json(input.as_bytes())?;
        let started = client.start_workflow(IngestSource::run, Message::from(input), options);
        started.await.map(|handle| handle.info().clone())
    } else {
        let input: IngestOracleServiceCloudInput = read::from_json(input.as_bytes())?;
        let run = IngestOracleServiceCloud::run;
        let started = client.start_workflow(run, Message::from(input), options);
        started.await.map(|handle| handle.info().clone())
    };
    let started = started.with_context(|| format!("start {name}"))?;
    // Both workflow types answer the same queries.
    let handle: WorkflowHandle<Client, IngestOracleServiceCloud> =
        WorkflowHandle::new(client.clone(), started);
    if let Some(decision) = case.decision {
        let running = client
            .get_workflow_handle::<IngestOracleServiceCloud>(handle.info().workflow_id.as_str());
        let decided = decide(&running, emulator, decision);
        tokio::time::timeout(Duration::from_secs(120), decided)
            .await
            .with_context(|| format!("{name} was not decided"))??;
    }
    // Some cases fail on purpose; only the history counts.
    let ended = handle.get_result(WorkflowGetResultOptions::default());
    let _ = tokio::time::timeout(Duration::from_secs(120), ended)
        .await
        .with_context(|| format!("{name} did not end"))?;
    let fetch = WorkflowFetchHistoryOptions::default;
    let first = handle.fetch_history(fetch()).to_json().await?;
    let last = client
        .get_workflow_handle::<IngestOracleServiceCloud>(handle.info().workflow_id.as_str())
        .fetch_history(fetch())
        .to_json()
        .await?;
    // Sorted, because the fields come in any order.
    let events = |json: &[u8]| serde_json::from_slice::<Value>(json);
    let has_gone_on = events(&first)? != events(&last)?;
    Ok(std::iter::once(first)
        .chain(has_gone_on.then_some(last))
        .collect())
}

/// Decides as soon as a decision is needed and possible.
async fn decide(
    handle: &WorkflowHandle<Client, IngestOracleServiceCloud>,
    emulator: &Emulator,
    decision: Decision,
) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let input = match decision {
            Decision::RetryLate if !is_all_that_is_left(handle).await? => continue,
            Decision::Retry | Decision::RetryLate => ResolveInput {
                retry: true,
                ..ResolveInput::default()
            },
            Decision::Adopt => match emulator.resources("prod", "connections").first() {
                None => continue,
                Some(made) => ResolveInput {
                    adopt: made["id"].as_str().unwrap_or_default().to_owned(),
                    ..ResolveInput::default()
                },
            },
        };
        let sent = handle.execute_update(
            IngestOracleServiceCloud::resolve,
            Message::from(input),
            WorkflowExecuteUpdateOptions::default(),
        );
        match sent.await {
            Ok(_) => return Ok(()),
            // No decision is open yet; a refused one leaves no trace.
            Err(WorkflowUpdateError::Failed(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether only decisions are left to do.
async fn is_all_that_is_left(
    handle: &WorkflowHandle<Client, IngestOracleServiceCloud>,
) -> anyhow::Result<bool> {
    let query = IngestOracleServiceCloud::status;
    let status = handle.query(query, (), WorkflowQueryOptions::default());
    let status = status.await?.read()?;
    Ok(status.tables_done + 1 == status.tables_total && !status.decisions.is_empty())
}

fn config(server: &DevServer, emulator: &Emulator, secrets: &Path, task_queue: &str) -> Config {
    let mut config = emulated::configuration(emulated::variables(&emulator.url()));
    config.aep.start_margin = Duration::from_secs(2);
    // Two looks fit into the steps' deadline of 5 s, and three after a decision.
    config.ensure.quiet_period = Duration::from_secs(3);
    config.secrets.folder = Some(secrets.to_owned());
    config.worker.task_queue = task_queue.to_owned();
    config.worker.share_rate_limit = false;
    config.temporal.overrides.address = Some(server.address());
    config.temporal.overrides.namespace = Some(server.namespace().to_owned());
    config
}

//! `aep-flow ingest`: starts an ingestion, and follows it if asked.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aep_flow_proto::names;
use aep_flow_proto::v1::{IngestResult, OpenDecision};
pub(super) use aep_flow_workflows::decision::shell_quoted as quoted;
use aep_flow_workflows::ingest::{IngestOracleServiceCloud, IngestSource};
use aep_flow_workflows::payload::Message;
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use serde::Serialize;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowFetchHistoryOptions, WorkflowIdConflictPolicy,
    WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::ingestion_end::{self, EndUnknown, IngestionEnd, IngestionFailure};
use super::out::{self, Output};
use super::progress::{self, Progress};
use super::signal::Signals;
use super::snapshot::{self, Handle, Snapshot};
use super::spec::{self, Spec};
use super::{plan, rpc};
use crate::catalog::Catalog;
use crate::config::{Config, Environment};
use crate::telemetry;
use crate::temporal::{self, Target};

/// Start an ingestion, or attach to the one that is running
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
The specification is the input of the workflow IngestSource:

  connection:
    name: Salesforce Service Cloud, EMEA
    source: salesforce-service-cloud
    auth: OAuth2 Client Credential
    params:
      environmentUrl: https://acme.my.salesforce.com
      clientId: 3MVG9
      clientSecret: {env: SFSC_SECRET}   # a variable of the worker, never the secret
      apiVersion: \"60.0\"
  tables:
    - match: crm_*
      deltaColumn: updatedTime
      schedule: {frequency: HOUR, interval: 1}

or, without a `source`, the input of IngestOracleServiceCloud, whose connection has a host, a
username and a password.

It is safe to run the same specification again: what exists is found and used. While an ingestion
with the same workflow id runs, the command attaches to it.

Examples:
  aep-flow ingest plan -f spec.yaml
  aep-flow ingest -f spec.yaml --wait
  aep-flow ingest -f spec.yaml --output json | jq -r .workflowId
  kubectl get configmap spec -o jsonpath='{.data.spec}' | aep-flow ingest -f -"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Specification, YAML or JSON; `-` for stdin
    #[arg(long, short, value_name = "FILE", required = true)]
    file: Option<PathBuf>,

    /// Wait until the ingestion ends, and show its progress
    #[arg(long)]
    wait: bool,

    /// Workflow Id [default: ingest/SANDBOX/NAME OF THE CONNECTION]
    #[arg(long, value_name = "ID")]
    workflow_id: Option<String>,

    /// Task queue that a worker polls [default: aep-flow]
    #[arg(long, short = 't', value_name = "NAME")]
    task_queue: Option<String>,

    #[command(flatten)]
    ui: Ui,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Arguments),
}

/// Where the Temporal UI is.
#[derive(Debug, Args)]
pub(super) struct Ui {
    /// Temporal UI, for links [env: TEMPORAL_UI_URL] [default: `http://localhost:8233`, or where
    /// a development server has it]
    #[arg(long, value_name = "URL")]
    ui_url: Option<url::Url>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    workflow_id: String,
    run_id: String,
    /// Whether it was running already.
    attached: bool,
    link: String,
    /// `running`, `done`, `failed`, `cancelled`, `terminated` or `timed out`.
    status: &'static str,
    result: Option<Box<IngestResult>>,
    failure: Option<Box<IngestionFailure>>,
}

pub(super) async fn run(
    global: &Global,
    arguments: Arguments,
    signals: Signals,
) -> Result<ExitStatus, CommandError> {
    if let Some(Command::Plan(arguments)) = &arguments.command {
        return plan::run(global, arguments).await;
    }
    let flags = [("worker.task_queue", arguments.task_queue.as_deref())];
    let config = global.start(&flags, Logs::Quiet)?;
    let catalog = Catalog::load(config.catalog.dir.as_deref())?;
    // clap lets none pass without it.
    let file = arguments.file.clone().unwrap_or_default();
    let spec = spec::read(&file, &catalog)?;
    let target = Target::read(&config, None)?;
    let client = temporal::connect_with_telemetry(&config, None).await?;
    let workflow_id = arguments
        .workflow_id
        .clone()
        .unwrap_or_else(|| workflow_id(&config, &spec));
    let (handle, attached) = start(&client, &config, &workflow_id, spec).await?;
    let run_id = handle.run_id().unwrap_or_default().to_owned();
    let mut answer = Answer {
        link: arguments.ui.link(&target, &workflow_id, &run_id),
        workflow_id,
        run_id,
        attached,
        status: "running",
        result: None,
        failure: None,
    };
    let verb = if attached { "attached to" } else { "started" };
    out::note(&format!("{verb} {}", out::plain(&answer.workflow_id)));
    out::note(&answer.link);
    if !arguments.wait {
        show_started(global.output, &answer);
        return Ok(ExitStatus::Done);
    }
    let outcome = tokio::select! {
        outcome = telemetry::untraced(follow(&handle)) => outcome?,
        () = signals.asked_to_stop() => {
            out::note(&format!(
                "\nthe ingestion goes on; see `aep-flow status {}`",
                quoted(&answer.workflow_id)
            ));
            return Ok(ExitStatus::Interrupted);
        }
    };
    end(global.output, &mut answer, outcome)
}

fn workflow_id(config: &Config, spec: &Spec) -> String {
    let sandbox = match spec.sandbox() {
        "" => &config.aep.sandbox,
        sandbox => sandbox,
    };
    names::ingest_workflow_id(sandbox, spec.name())
}

async fn start(
    client: &Client,
    config: &Config,
    workflow_id: &str,
    spec: Spec,
) -> Result<(Handle, bool), CommandError> {
    let running = telemetry::untraced(running(client, workflow_id)).await;
    let options = WorkflowStartOptions::new(config.worker.task_queue.clone(), workflow_id)
        .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
        .static_summary(spec.summary())
        .build();
    let started = match spec.clone() {
        Spec::OracleServiceCloud(input) => client
            .start_workflow(IngestOracleServiceCloud::run, Message::from(input), options)
            .await
            .map(|handle| handle.info().clone()),
        Spec::Source(input) => client
            .start_workflow(IngestSource::run, Message::from(input), options)
            .await
            .map(|handle| handle.info().clone()),
    };
    let started = started.map_err(|error| not_started(error, client))?;
    let handle = Handle::new(client.clone(), started);
    let attached = running.is_some() && running.as_deref() == handle.run_id();
    if attached {
        refuse_another(&handle, &spec, workflow_id).await?;
    }
    Ok((handle, attached))
}

/// Run id of the workflow of that id, if one is running.
async fn running(client: &Client, workflow_id: &str) -> Option<String> {
    let handle = client.get_workflow_handle::<IngestOracleServiceCloud>(workflow_id);
    let described = handle
        .describe(WorkflowDescribeOptions::default())
        .await
        .ok()?;
    snapshot::is_open(described.status()).then(|| described.run_id().to_owned())
}

/// Refuses to attach to an ingestion of another specification, whose result nobody asked for.
async fn refuse_another(
    handle: &Handle,
    spec: &Spec,
    workflow_id: &str,
) -> Result<(), CommandError> {
    // Only the first run has the input as the caller gave it.
    let described = handle.describe(WorkflowDescribeOptions::default()).await;
    let run_id = described.ok().and_then(|described| {
        let info = described.raw().workflow_execution_info.as_ref()?;
        Some(info.first_run_id.clone())
    });
    let mut info = handle.info().clone();
    info.run_id = run_id.filter(|run_id| !run_id.is_empty());
    let first_run = Handle::new(handle.client().clone(), info);
    let mut history = first_run.fetch_history(WorkflowFetchHistoryOptions::default());
    let first = match history.next().await {
        Some(Ok(event)) => event.attributes,
        _ => None,
    };
    let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = first else {
        return Ok(());
    };
    let workflow_type = started.workflow_type.as_ref().map(|it| it.name.as_str());
    let theirs = started
        .input
        .as_ref()
        .and_then(|input| input.payloads.first())
        .and_then(|payload| Spec::of_type(workflow_type?, &payload.data));
    if theirs.as_ref() == Some(spec) {
        return Ok(());
    }
    Err(CommandError::text(
        ExitStatus::Refused,
        format!("an ingestion of another specification runs as `{workflow_id}`"),
    )
    .hint(format!(
        "wait for it (`aep-flow status {}`), or run yours under another id with \
         `--workflow-id ID`",
        quoted(workflow_id)
    )))
}

fn not_started(error: WorkflowStartError, client: &Client) -> CommandError {
    match error {
        WorkflowStartError::Rpc(status) => {
            rpc::call_error(&status, "the ingestion was not started", client)
        }
        other => CommandError::new(ExitStatus::Refused, other),
    }
}

/// How often a watcher polls. More often costs more: a worker answers each query.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a server may be unreachable while somebody watches; the ingestion goes on without us.
const AWAY_AT_MOST: Duration = Duration::from_secs(120);

/// Shows the progress of the ingestion until it ends.
async fn follow(handle: &Handle) -> Result<IngestionEnd, CommandError> {
    let mut progress = Progress::default();
    let mut reported: Vec<OpenDecision> = Vec::new();
    let mut away_since: Option<Instant> = None;
    // With many tables it continues in another run.
    let workflow_id = handle.info().workflow_id.clone();
    let latest = handle.client().get_workflow_handle(workflow_id);
    loop {
        let looking = async {
            loop {
                if let Ok(snapshot) = snapshot::take(&latest).await
                    && snapshot.is_running()
                {
                    report_decisions(&mut progress, &mut reported, &snapshot);
                    progress.show(progress::lines(&snapshot));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let ended = tokio::select! {
            ended = ingestion_end::wait(handle) => ended,
            () = looking => continue,
        };
        match ended {
            Ok(outcome) => {
                if let Some(ingest) = snapshot::ask(&latest).await {
                    progress.show(progress::of_ingest(&ingest));
                }
                return Ok(outcome);
            }
            Err(EndUnknown::Final(failure)) => return Err(*failure),
            Err(EndUnknown::NoAnswer(status)) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                if !rpc::is_transient(&status) || since.elapsed() > AWAY_AT_MOST {
                    return Err(rpc::call_error(
                        &status,
                        "the ingestion can't be followed any more; it goes on by itself",
                        handle.client(),
                    ));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// Reports each decision that is needed once, in lines that stay.
fn report_decisions(
    progress: &mut Progress,
    reported: &mut Vec<OpenDecision>,
    snapshot: &Snapshot,
) {
    let Some(ingest) = &snapshot.ingest else {
        return;
    };
    if ingest.decisions.iter().any(|open| !reported.contains(open)) {
        progress.print_above(&progress::decisions(
            &snapshot.workflow_id,
            &ingest.decisions,
        ));
    }
    reported.clone_from(&ingest.decisions);
}

fn show_started(output: Output, answer: &Answer) {
    match output {
        Output::Json => out::json(answer),
        Output::Text => {
            out::answer(&out::plain(&answer.workflow_id));
            out::note(&format!(
                "\nfollow it with `aep-flow status {}`",
                quoted(&answer.workflow_id)
            ));
        }
    }
}

fn end(
    output: Output,
    answer: &mut Answer,
    outcome: IngestionEnd,
) -> Result<ExitStatus, CommandError> {
    match outcome {
        IngestionEnd::Done(result) => {
            answer.status = "done";
            let warnings = result.warnings.clone();
            match output {
                Output::Text => {
                    out::answer(&format!("base connection {}\n", result.base_connection_id));
                    out::answer(&ingestion_end::table(&result.tables));
                }
                Output::Json => {
                    answer.result = Some(result);
                    out::json(answer);
                }
            }
            for warning in warnings {
                out::warning(&warning);
            }
            Ok(ExitStatus::Done)
        }
        IngestionEnd::Failed(failed) => {
            answer.status = "failed";
            let failure = failed.explained();
            if output == Output::Text
                && let Some(ingestion) = &failed.ingestion
            {
                out::answer(&ingestion_end::made(ingestion));
            }
            if output == Output::Json {
                answer.failure = Some(failed);
                out::json(answer);
            }
            Err(failure)
        }
        IngestionEnd::Ended(how) => {
            answer.status = how;
            if output == Output::Json {
                out::json(answer);
            }
            Err(
                CommandError::text(ExitStatus::Refused, format!("the ingestion was {how}"))
                    .hint("run the same specification again: what was created is found and used"),
            )
        }
    }
}

impl Ui {
    /// The workflow's page.
    pub(super) fn link(&self, target: &Target, workflow_id: &str, run_id: &str) -> String {
        let base = self.base(target, &Environment::of_process());
        let mut link = base.clone();
        if let Ok(mut path) = link.path_segments_mut() {
            path.pop_if_empty().extend([
                "namespaces",
                &target.namespace,
                "workflows",
                workflow_id,
                run_id,
                "history",
            ]);
        }
        link.to_string()
    }

    fn base(&self, target: &Target, environment: &Environment) -> url::Url {
        let from_environment = || environment.get("TEMPORAL_UI_URL")?.parse().ok();
        if let Some(url) = self.ui_url.clone().or_else(from_environment) {
            return url;
        }
        let host = target.address.host_str().unwrap_or_default();
        let is_cloud = host.ends_with(".tmprl.cloud") || host.ends_with(".api.temporal.io");
        let usual = if is_cloud {
            "https://cloud.temporal.io"
        } else {
            "http://localhost:8233"
        };
        let mut usual = url::Url::parse(usual).expect("a constant address is a URL");
        // A development server has its UI a thousand ports above itself.
        // Source: `temporal server start-dev --help`, `--ui-port`, read 2026-11.
        let port = target
            .address
            .port()
            .and_then(|port| port.checked_add(1000));
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") && port.is_some() {
            // Only an address that has no host takes no port.
            let _ = usual.set_port(port);
        }
        usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(address: &str) -> Target {
        let mut config = Config::default();
        config.temporal.overrides.address = Some(address.to_owned());
        config.temporal.overrides.namespace = Some("ns.acct".to_owned());
        Target::read(&config, Some(&std::collections::HashMap::new())).unwrap()
    }

    #[test]
    fn a_link_survives_slashes_and_spaces() {
        let ui = Ui {
            ui_url: Some("http://ui.example:8080/temporal/".parse().unwrap()),
        };
        assert_eq!(
            ui.link(
                &target("localhost:7233"),
                "ingest/prod/Oracle, EMEA 100%",
                "r1"
            ),
            "http://ui.example:8080/temporal/namespaces/ns.acct/workflows/\
             ingest%2Fprod%2FOracle,%20EMEA%20100%25/r1/history"
        );
    }

    #[test]
    fn the_ui_is_found() {
        let none = Environment::default();
        let set = Environment::from_iter([("TEMPORAL_UI_URL", "https://ui.example")]);
        let ui = Ui { ui_url: None };
        let base = |address: &str, environment: &Environment| {
            ui.base(&target(address), environment).to_string()
        };
        assert_eq!(base("localhost:7233", &none), "http://localhost:8233/");
        assert_eq!(base("127.0.0.1:17233", &none), "http://localhost:18233/");
        assert_eq!(
            base("temporal.example:7000", &none),
            "http://localhost:8233/"
        );
        assert_eq!(
            base("x.a1.tmprl.cloud:7233", &none),
            "https://cloud.temporal.io/"
        );
        assert_eq!(base("x.a1.tmprl.cloud:7233", &set), "https://ui.example/");
    }

    #[test]
    fn an_id_can_be_pasted() {
        assert_eq!(quoted("ingest/prod/OSC"), "ingest/prod/OSC");
        assert_eq!(
            quoted("ingest/prod/it's, EMEA"),
            r"'ingest/prod/it'\''s, EMEA'"
        );
    }
}

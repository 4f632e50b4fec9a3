//! `aep-flow status`: the state of a workflow.

use aep_flow_proto::v1::{IngestResult, IngestStatus};
use clap::Args;
use serde::Serialize;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::ingest::Ui;
use super::ingestion_end::{self, EndUnknown, IngestionEnd, IngestionFailure};
use super::out::{self, Output};
use super::snapshot::{self, Snapshot};
use super::{progress, rpc};
use crate::temporal::{self, Target};

/// Show the state of an ingestion
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the workflow for its tables, and the server for the steps that are being retried: which
attempt, why the last one failed, when the next one is due. Lists failed attempts with Adobe's
request ids, even if the step succeeded later. A step whose outcome is unknown is shown with the
commands that resolve it.

Examples:
  aep-flow status 'ingest/prod/Oracle Service Cloud, EMEA'
  aep-flow status ingest/prod/osc --output json | jq .pendingActivities
  aep-flow status ingest/prod/osc --output json | jq -r '.ingest.attempts[].requestId'")]
pub(super) struct Arguments {
    /// Workflow Id
    #[arg(value_name = "WORKFLOW ID")]
    workflow_id: String,

    #[command(flatten)]
    ui: Ui,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(flatten)]
    snapshot: Snapshot,
    link: String,
    result: Option<Box<IngestResult>>,
    failure: Option<Box<IngestionFailure>>,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let config = global.start(&[], Logs::Quiet)?;
    let target = Target::read(&config, None)?;
    let client = temporal::connect(&config).await?;
    let workflow_id = arguments.workflow_id.as_str();
    let (handle, snapshot) = snapshot::find(&client, workflow_id).await?;
    let mut answer = Answer {
        link: arguments.ui.link(&target, workflow_id, &snapshot.run_id),
        snapshot,
        result: None,
        failure: None,
    };
    let is_ours = aep_flow_proto::names::workflow::is_ingestion(&answer.snapshot.workflow_type);
    if is_ours && !answer.snapshot.is_running() {
        // The result does not mention the attempts before it.
        answer.snapshot.ingest = snapshot::ask(&handle).await;
        match ingestion_end::wait(&handle).await {
            Ok(IngestionEnd::Done(result)) => answer.result = Some(result),
            Ok(IngestionEnd::Failed(failed)) => answer.failure = Some(failed),
            Ok(IngestionEnd::Ended(_)) => {}
            Err(EndUnknown::Final(failure)) => return Err(*failure),
            Err(EndUnknown::NoAnswer(status)) => {
                return Err(rpc::call_error(
                    &status,
                    "the workflow's result can't be read",
                    &client,
                ));
            }
        }
    }
    match global.output {
        Output::Json => out::json(&answer),
        Output::Text => show(&answer),
    }
    Ok(ExitStatus::Done)
}

fn show(answer: &Answer) {
    let snapshot = &answer.snapshot;
    out::answer(&out::plain(&format!(
        "{}  {:?}",
        snapshot.workflow_id, snapshot.status
    )));
    if let Some(started) = snapshot.started_at {
        let closed = snapshot
            .closed_at
            .map_or_else(String::new, |closed| format!(", ended {closed:.0}"));
        out::answer(&format!("started {started:.0}{closed}"));
    }
    out::answer("");
    if snapshot.is_running() {
        let open = snapshot.ingest.as_ref().map(|ingest| &ingest.decisions);
        let decisions = open.map(|open| progress::decisions(&snapshot.workflow_id, open));
        let lines = progress::lines(snapshot);
        for line in lines.into_iter().chain(decisions.unwrap_or_default()) {
            out::answer(&line);
        }
    }
    if let Some(result) = &answer.result {
        out::answer(&format!("base connection {}\n", result.base_connection_id));
        out::answer(&ingestion_end::table(&result.tables));
        for warning in &result.warnings {
            out::warning(warning);
        }
    }
    if let Some(failed) = &answer.failure {
        out::answer(&out::plain(&failed.in_short()));
        if let Some(ingestion) = &failed.ingestion {
            let rows = ingestion.failed.iter().map(|table| {
                vec![
                    table.table.clone(),
                    table.step.clone(),
                    table.r#type.clone(),
                    table.message.clone(),
                ]
            });
            out::answer("");
            out::answer(&out::table(&["TABLE", "STEP", "FAILURE", "MESSAGE"], rows));
            out::answer(&format!("\n{}", ingestion_end::made(ingestion)));
        }
        if let Some(step) = failed.explained().next_step() {
            out::note(&format!(
                "\n{} {}",
                out::paint("hint:", "1;36"),
                out::plain(step)
            ));
        }
    }
    if let Some(ingest) = &snapshot.ingest {
        attempts(ingest);
    }
    out::note(&format!("\n{}", answer.link));
}

fn attempts(ingest: &IngestStatus) {
    if ingest.attempts.is_empty() {
        return;
    }
    let known = ingest.attempts.len();
    out::answer(&match usize::try_from(ingest.attempts_total) {
        Ok(total) if total > known => {
            format!("\nattempts that failed: {total}, of which the latest {known}")
        }
        _ => "\nattempts that failed".to_owned(),
    });
    let rows = ingest.attempts.iter().map(|attempt| {
        let number = match attempt.attempt {
            0 => String::new(),
            number => number.to_string(),
        };
        let http = match attempt.http_status {
            0 => String::new(),
            status => status.to_string(),
        };
        let next = match attempt.next_try.as_str() {
            "" => String::new(),
            next => format!("{next}: {}", attempt.next_try_reason),
        };
        vec![
            attempt.time.clone(),
            attempt.table.clone(),
            attempt.step.clone(),
            number,
            attempt.r#type.clone(),
            http,
            attempt.adobe_code.clone(),
            attempt.request_id.clone(),
            next,
        ]
    });
    let header = [
        "TIME",
        "TABLE",
        "STEP",
        "ATTEMPT",
        "FAILURE",
        "HTTP",
        "ADOBE CODE",
        "REQUEST ID",
        "NEXT TRY",
    ];
    out::answer(&out::table(&header, rows));
}

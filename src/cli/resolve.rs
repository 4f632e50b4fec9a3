//! `aep-flow resolve`: a person's decision on a step whose outcome is unknown.

use std::time::Duration;

use aep_flow_proto::names::{self, FailureType};
use aep_flow_proto::read;
use aep_flow_proto::v1::{FailureDetails, ResolveInput, ResolveResult};
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use aep_flow_workflows::payload::Message;
use clap::Args;
use serde::Serialize;
use temporalio_client::errors::WorkflowUpdateError;
use temporalio_client::{Client, WorkflowExecuteUpdateOptions};
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::ingest::quoted;
use super::out::{self, Output};
use super::rpc;
use super::snapshot::{self, Snapshot};
use crate::temporal;

/// The check of an id may take a minute; a worker that takes longer counts as absent.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// Resolve a step whose outcome is unknown
#[derive(Debug, Args)]
#[command(after_help = "\
If the response to a create is lost, and searching does not show whether it took effect, the step
waits for you. `aep-flow status` shows the step, and the commands below ready to paste. Look on the
platform. If the resource exists, adopt it: the worker checks that it matches the step. If it does
not, retry: the worker searches once more and then creates it.

Examples:
  aep-flow resolve ingest/prod/osc --adopt 4267c2ab-2104-474f-a7c2-ab2104d74f86
  aep-flow resolve ingest/prod/osc --retry --table Contacts --step CreateDataflow")]
pub(super) struct Arguments {
    /// Workflow Id
    #[arg(value_name = "WORKFLOW ID")]
    workflow_id: String,

    #[command(flatten)]
    way: Way,

    /// Table of the decision, if decisions on several tables are open
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,

    /// Step of the decision, if several of one table are open
    #[arg(long, value_name = "ACTIVITY")]
    step: Option<String>,
}

/// One of the two ways out.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Way {
    /// Take the resource with this id as the result of the step
    #[arg(long, value_name = "ID")]
    adopt: Option<String>,

    /// Search and create again, with a new deadline
    #[arg(long)]
    retry: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    workflow_id: String,
    /// Empty for the base connection.
    table: String,
    step: String,
    /// The adopted resource; empty after `--retry`.
    id: String,
    /// `adopted` or `retrying`.
    outcome: String,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let config = global.start(&[], Logs::Quiet)?;
    let client = temporal::connect(&config).await?;
    let workflow_id = arguments.workflow_id.as_str();
    let (handle, snapshot) = snapshot::find(&client, workflow_id).await?;
    can_be_decided(&snapshot)?;

    let input = ResolveInput {
        adopt: arguments.way.adopt.unwrap_or_default(),
        retry: arguments.way.retry,
        table: arguments.table.unwrap_or_default(),
        step: arguments.step.unwrap_or_default(),
    };
    let update = handle.execute_update(
        IngestOracleServiceCloud::resolve,
        Message::from(input),
        WorkflowExecuteUpdateOptions::default(),
    );
    let answer = match tokio::time::timeout(ANSWER_WITHIN, update).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(not_decided(error, workflow_id, &client)),
        Err(_) => {
            return Err(no_worker(&snapshot));
        }
    };
    let result = answer.read_known().map_err(|error| {
        CommandError::new(ExitStatus::Refused, error)
            .hint("the worker is of another version than this command")
    })?;
    show(global.output, workflow_id, result);
    Ok(ExitStatus::Done)
}

/// Refuses, by what the server knows, if no worker would take the decision.
fn can_be_decided(snapshot: &Snapshot) -> Result<(), CommandError> {
    let id = &snapshot.workflow_id;
    if !names::workflow::is_ingestion(&snapshot.workflow_type) {
        let kind = &snapshot.workflow_type;
        return Err(CommandError::text(
            ExitStatus::Refused,
            format!("`{id}` is not an ingestion but a workflow of the type {kind}"),
        ));
    }
    if !snapshot.is_running() {
        let status = snapshot::status_word(snapshot.status);
        return Err(CommandError::text(
            ExitStatus::Refused,
            format!("the ingestion `{id}` is not running: it is {status}"),
        )
        .hint(
            "run the same specification again: it finds and uses what was created, and searches \
             for what may have been created",
        ));
    }
    if snapshot.waits_for_worker {
        return Err(no_worker(snapshot));
    }
    Ok(())
}

fn no_worker(snapshot: &Snapshot) -> CommandError {
    CommandError::text(
        ExitStatus::Unreachable,
        format!(
            "no worker takes the decision: none responds on the task queue `{}`",
            snapshot.task_queue
        ),
    )
    .hint("start one with `aep-flow worker`, then run this again")
}

fn not_decided(error: WorkflowUpdateError, workflow_id: &str, client: &Client) -> CommandError {
    const WHAT: &str = "nothing was decided";
    match error {
        WorkflowUpdateError::Failed(failure) => refused(&failure, workflow_id),
        WorkflowUpdateError::NotFound(_) => CommandError::text(
            ExitStatus::Refused,
            format!("the ingestion `{workflow_id}` ended before the decision"),
        )
        .hint(format!("see `aep-flow status {}`", quoted(workflow_id))),
        WorkflowUpdateError::Rpc(status) => rpc::call_error(&status, WHAT, client),
        other => CommandError::new(ExitStatus::Refused, anyhow::Error::new(other).context(WHAT)),
    }
}

/// The error for a refusal by the workflow, or by the check of an id.
fn refused(failure: &Failure, workflow_id: &str) -> CommandError {
    let application = failure
        .cause
        .as_ref()
        .and_then(|cause| cause.failure_info.as_ref())
        .and_then(|info| match info {
            FailureInfo::ApplicationFailureInfo(info) => Some(info),
            _ => None,
        });
    let kind = application.and_then(|info| FailureType::parse(&info.r#type));
    let details: Option<FailureDetails> = application
        .and_then(|info| info.details.as_ref()?.payloads.first())
        .and_then(|payload| read::from_json(&payload.data).ok());
    let message = match &kind {
        Some(kind) => format!("{kind}: {}", failure.message),
        None => failure.message.clone(),
    };
    let step = details
        .map(|details| details.next_step)
        .filter(|step| !step.is_empty())
        .map_or_else(String::new, |step| format!("{step}; "));
    CommandError::new(
        kind.as_ref().map_or(ExitStatus::Refused, ExitStatus::from),
        anyhow::Error::msg(message).context("nothing was decided"),
    )
    .hint(format!(
        "{step}`aep-flow status {}` shows what is open",
        quoted(workflow_id)
    ))
}

fn show(output: Output, workflow_id: &str, result: ResolveResult) {
    let ResolveResult {
        table,
        step,
        id,
        outcome,
    } = result;
    match output {
        Output::Json => out::json(&Answer {
            workflow_id: workflow_id.to_owned(),
            table,
            step,
            id,
            outcome,
        }),
        Output::Text => {
            let of = if table.is_empty() {
                step
            } else {
                format!("{step} of the table {table}")
            };
            let said = if id.is_empty() {
                format!("{of}: searching and creating again")
            } else {
                format!("{of}: adopted {id}")
            };
            out::answer(&out::plain(&said));
            out::note(&format!(
                "\nfollow it with `aep-flow status {}`",
                quoted(workflow_id)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use aep_flow_workflows::failure;
    use temporalio_client::WorkflowExecutionStatus;
    use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
    use temporalio_common::protos::temporal::api::failure::v1::ApplicationFailureInfo;

    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot::running(None)
    }

    #[test]
    fn only_an_ingestion_that_runs_can_be_decided() {
        assert!(can_be_decided(&snapshot()).is_ok());
        let change = |change: fn(&mut Snapshot)| {
            let mut snapshot = snapshot();
            change(&mut snapshot);
            let failure = can_be_decided(&snapshot).unwrap_err();
            (failure.exit(), failure.one_line())
        };
        let (exit, text) = change(|snapshot| snapshot.status = WorkflowExecutionStatus::Failed);
        assert_eq!(exit, ExitStatus::Refused);
        assert!(text.ends_with("is not running: it is failed"), "{text}");
        let (exit, text) = change(|snapshot| snapshot.workflow_type = "Other".to_owned());
        assert_eq!(exit, ExitStatus::Refused);
        assert!(text.contains("is not an ingestion"), "{text}");
        let (exit, text) = change(|snapshot| snapshot.waits_for_worker = true);
        assert_eq!(exit, ExitStatus::Unreachable);
        assert!(text.contains("no worker"), "{text}");
    }

    #[test]
    fn a_refusal_has_its_type_and_its_next_step() {
        let details = failure::describe(Vec::new()).1;
        let payload = Payload {
            data: serde_json::to_vec(&details).unwrap(),
            ..Payload::default()
        };
        let cause = |kind: &str| Failure {
            failure_info: Some(FailureInfo::ApplicationFailureInfo(
                ApplicationFailureInfo {
                    r#type: kind.to_owned(),
                    details: Some(Payloads {
                        payloads: vec![payload.clone()],
                    }),
                    ..ApplicationFailureInfo::default()
                },
            )),
            ..Failure::default()
        };
        for (kind, exit) in [
            ("NotFound", ExitStatus::Refused),
            ("Unavailable", ExitStatus::Unreachable),
        ] {
            let failure = Failure {
                message: "gone".to_owned(),
                cause: Some(Box::new(cause(kind))),
                ..Failure::default()
            };
            let refused = refused(&failure, "a b");
            assert_eq!(refused.exit(), exit);
            assert_eq!(
                refused.one_line(),
                format!("nothing was decided: {kind}: gone")
            );
            let hint = refused.next_step().unwrap();
            assert!(hint.starts_with(&details.next_step), "{hint}");
            assert!(hint.contains("aep-flow status 'a b'"), "{hint}");
        }
    }
}

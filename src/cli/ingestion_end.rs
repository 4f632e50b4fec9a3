//! How an ingestion ended, from the workflow's result or failure.

use aep_flow_proto::names::FailureType;
use aep_flow_proto::read;
use aep_flow_proto::v1::{FailureDetails, IngestFailure, IngestResult, IngestedTable};
use serde::Serialize;
use temporalio_client::WorkflowGetResultOptions;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::tonic::Status;
use temporalio_common::error::{ApplicationFailure, IncomingError};

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::out;
use super::snapshot::Handle;

/// How an ingestion ended.
#[derive(Debug)]
pub(super) enum IngestionEnd {
    /// Every table went through.
    Done(Box<IngestResult>),
    /// At least one did not.
    Failed(Box<IngestionFailure>),
    /// Ended from outside: `cancelled`, `terminated`, `timed out`.
    Ended(&'static str),
}

/// A failure as the workflow gave it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestionFailure {
    /// Failure type; empty for one without.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
    /// Which tables failed and which did not, if the ingestion got as far as tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ingestion: Option<IngestFailure>,
    /// The details of a failure before the first table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<FailureDetails>,
}

/// Why the end of the ingestion is unknown.
#[derive(Debug)]
pub(super) enum EndUnknown {
    /// The server did not respond; asking again may help.
    NoAnswer(Box<Status>),
    /// It responded, and asking again does not help.
    Final(Box<CommandError>),
}

/// Waits until the ingestion ends.
///
/// Cancel safe: dropping it loses nothing but the wait.
pub(super) async fn wait(handle: &Handle) -> Result<IngestionEnd, EndUnknown> {
    let ended = handle.get_result(WorkflowGetResultOptions::default()).await;
    match ended {
        Ok(message) => match message.read_known() {
            Ok(result) => Ok(IngestionEnd::Done(Box::new(result))),
            Err(error) => Err(EndUnknown::Final(Box::new(
                CommandError::new(ExitStatus::Refused, error)
                    .hint("the worker is of another version than this command"),
            ))),
        },
        Err(WorkflowGetResultError::Failed(error)) => Ok(IngestionEnd::Failed(Box::new(
            IngestionFailure::read(&error),
        ))),
        Err(WorkflowGetResultError::Cancelled { .. }) => Ok(IngestionEnd::Ended("cancelled")),
        Err(WorkflowGetResultError::Terminated { .. }) => Ok(IngestionEnd::Ended("terminated")),
        Err(WorkflowGetResultError::TimedOut) => Ok(IngestionEnd::Ended("timed out")),
        Err(WorkflowGetResultError::Rpc(status)) => Err(EndUnknown::NoAnswer(Box::new(status))),
        Err(error) => Err(EndUnknown::Final(Box::new(CommandError::new(
            ExitStatus::Refused,
            error,
        )))),
    }
}

impl IngestionFailure {
    fn read(error: &IncomingError) -> Self {
        let failure = error.failure();
        let Some(application) = application(error) else {
            return Self {
                kind: String::new(),
                message: failure.message.clone(),
                ingestion: None,
                details: None,
            };
        };
        let payload = application
            .raw_details()
            .and_then(<[_]>::first)
            .map(|payload| payload.data.as_slice());
        // Each message refuses the other's fields, so at most one of them is read; a failure
        // without any field set is the poorer of the two.
        let details: Option<FailureDetails> = payload.and_then(|json| read::from_json(json).ok());
        let ingestion: Option<IngestFailure> = match details {
            Some(_) => None,
            None => payload.and_then(|json| read::from_json(json).ok()),
        };
        Self {
            kind: application.type_name().unwrap_or_default().to_owned(),
            message: application
                .failure()
                .map_or_else(|| failure.message.clone(), |inner| inner.message.clone()),
            ingestion,
            details,
        }
    }

    /// The exit code of the worst failure.
    pub(super) fn exit(&self) -> ExitStatus {
        let of = |kind: &str| {
            FailureType::parse(kind)
                .as_ref()
                .map_or(ExitStatus::Refused, ExitStatus::from)
        };
        let mut exit = of(&self.kind);
        if self
            .details
            .as_ref()
            .is_some_and(|details| details.outcome_unknown)
        {
            exit = exit.worse(ExitStatus::OutcomeUnknown);
        }
        let failed = self
            .ingestion
            .iter()
            .flat_map(|ingestion| &ingestion.failed);
        failed.fold(exit, |exit, table| exit.worse(of(&table.r#type)))
    }

    /// What happened in one line, without what [`Self::explained`] lists table by table.
    pub(super) fn in_short(&self) -> String {
        let kind = if self.kind.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.kind)
        };
        match &self.ingestion {
            Some(ingestion) if !ingestion.failed.is_empty() => {
                let failed = ingestion.failed.len();
                let all = failed + ingestion.tables.len();
                format!("{kind}{failed} of {all} tables did not go through")
            }
            _ => format!("{kind}{}", self.message),
        }
    }

    /// The error for a person, without what was created.
    pub(super) fn explained(&self) -> CommandError {
        let mut failure = CommandError::new(
            self.exit(),
            anyhow::Error::msg(self.in_short()).context("the ingestion failed"),
        );
        if let Some(ingestion) = &self.ingestion {
            failure = failure.details(ingestion.failed.iter().map(|table| {
                format!(
                    "{}: {} failed with {}: {}",
                    table.table, table.step, table.r#type, table.message
                )
            }));
        }
        let own_step = self
            .details
            .as_ref()
            .map(|details| details.next_step.clone())
            .filter(|step| !step.is_empty());
        let step = own_step.unwrap_or_else(|| {
            match self.exit() {
                ExitStatus::OutcomeUnknown => {
                    "check on the platform whether the named resource exists before you run it again"
                }
                ExitStatus::Unreachable => {
                    "run the same specification again: what was created is found and used"
                }
                _ => "correct what is named, then run it again: what was created is found and used",
            }
            .to_owned()
        });
        failure.hint(step)
    }
}

/// The application failure that `error` is, or was caused by.
fn application(error: &IncomingError) -> Option<&ApplicationFailure> {
    let mut error = Some(error);
    while let Some(current) = error {
        if let IncomingError::Application(application) = current {
            return Some(application);
        }
        error = current.cause();
    }
    None
}

/// What was created although tables failed.
pub(super) fn made(ingestion: &IngestFailure) -> String {
    let mut text = format!("base connection {}", ingestion.base_connection_id);
    if !ingestion.tables.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table(&ingestion.tables));
    }
    text
}

/// What was created, one line per table.
pub(super) fn table<'a>(tables: impl IntoIterator<Item = &'a IngestedTable>) -> String {
    let tables: Vec<&IngestedTable> = tables.into_iter().collect();
    let has_runs = tables.iter().any(|table| table.first_run.is_some());
    let mut header = vec!["TABLE", "FLOW", "DATASET", "SOURCE CONNECTION"];
    if has_runs {
        header.extend(["FIRST RUN", "RECORDS"]);
    }
    let rows = tables.into_iter().map(|table| {
        let mut row = vec![
            table.table.clone(),
            table.flow_id.clone(),
            table.dataset_id.clone(),
            table.source_connection_id.clone(),
        ];
        if has_runs {
            let run = table.first_run.as_ref();
            let records = run.and_then(|run| run.output_records);
            row.push(run.map(|run| run.status.clone()).unwrap_or_default());
            row.push(records.map(|count| count.to_string()).unwrap_or_default());
        }
        row
    });
    out::table(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aep_flow_proto::v1::FailedTable;

    fn failed(kind: &str, tables: &[&str]) -> IngestionFailure {
        IngestionFailure {
            kind: kind.to_owned(),
            message: "2 of 3 tables failed".to_owned(),
            ingestion: Some(IngestFailure {
                failed: tables
                    .iter()
                    .map(|&kind| FailedTable {
                        table: "Contacts".to_owned(),
                        step: "CreateDataflow".to_owned(),
                        r#type: kind.to_owned(),
                        message: "no".to_owned(),
                        ..FailedTable::default()
                    })
                    .collect(),
                ..IngestFailure::default()
            }),
            details: None,
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst_table() {
        for (kind, tables, expected) in [
            ("InvalidInput", &["InvalidInput"][..], ExitStatus::Refused),
            ("Unavailable", &["Unavailable"], ExitStatus::Unreachable),
            (
                "Unavailable",
                &["Unavailable", "NotFound"],
                ExitStatus::Refused,
            ),
            (
                "NotFound",
                &["NotFound", "OutcomeUnknown"],
                ExitStatus::OutcomeUnknown,
            ),
            ("SomethingElse", &[], ExitStatus::Refused),
        ] {
            assert_eq!(failed(kind, tables).exit(), expected, "{kind} {tables:?}");
        }
    }

    #[test]
    fn a_lost_response_counts_as_unknown() {
        let mut failed = failed("Unavailable", &[]);
        failed.details = Some(FailureDetails {
            outcome_unknown: true,
            ..FailureDetails::default()
        });
        assert_eq!(failed.exit(), ExitStatus::OutcomeUnknown);
    }
}

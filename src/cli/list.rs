//! `aep-flow list`: the ingestions of a namespace, found by their search attributes.

use std::time::SystemTime;

use aep_flow_proto::names::{SearchAttribute, workflow};
use aep_flow_proto::v1::FailingStep;
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::errors::ClientError;
use temporalio_client::{
    Client, NamespacedClient as _, WorkflowExecution, WorkflowExecutionStatus, WorkflowListOptions,
};
use temporalio_common::search_attributes::SearchAttributeKey;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out::{self, Output};
use super::{rpc, snapshot};
use crate::search_attributes::{Registered, names};
use crate::temporal;

/// How many ingestions are queried at the same time for the step that fails.
const ASKED_AT_ONCE: usize = 8;

/// List ingestions: running, failing, or waiting for a person
#[derive(Debug, Args)]
#[command(after_help = "\
Finds ingestions by the search attributes that they set, and asks those that are failing which
step fails, since when, and when the next attempt is due. If the namespace lacks a search
attribute, its filter is ignored with a warning; `aep-flow check --fix` registers it, for
ingestions that start from then on.

Examples:
  aep-flow list
  aep-flow list --failing --sandbox prod
  aep-flow list --needs-decision --output json | jq -r '.ingestions[].workflowId'
  aep-flow list --all --limit 200")]
pub(super) struct Arguments {
    /// Only those with a step that is failing now
    #[arg(long)]
    failing: bool,

    /// Only those that wait for a person's decision
    #[arg(long)]
    needs_decision: bool,

    /// Only those into this sandbox
    #[arg(long, value_name = "NAME")]
    sandbox: Option<String>,

    /// Also those that have ended, as long as the server keeps them
    #[arg(long)]
    all: bool,

    /// At most this many, the latest first
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// A filter that is ignored because the namespace lacks its search attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ignored {
    filter: &'static str,
    search_attribute: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ingestions: Vec<Ingestion>,
    /// Whether more ingestions match than the limit.
    has_more: bool,
    ignored_filters: Vec<Ignored>,
}

/// One line of the result. What the ingestion did not set is empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ingestion {
    workflow_id: String,
    run_id: String,
    #[serde(serialize_with = "snapshot::serialize_status")]
    status: WorkflowExecutionStatus,
    phase: String,
    sandbox: String,
    source: String,
    connection_id: String,
    last_failure: String,
    needs_decision: bool,
    started_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    /// The step that failed last of those that are failing now, as the ingestion reports it;
    /// nothing if no worker answers the query.
    failing: Option<FailingStep>,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let config = global.start(&[], Logs::Quiet)?;
    let client = temporal::connect(&config).await?;
    // Credentials that may not list search attributes may still filter by them.
    let registered = Registered::list(&client).await.ok();
    let has = |name: &str| registered.as_ref().is_none_or(|all| all.has(name));
    let (query, ignored) = query(&arguments, has);
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let found = client
        .list_workflows(
            query,
            WorkflowListOptions::builder().limit(limit + 1).build(),
        )
        .try_collect::<Vec<WorkflowExecution>>()
        .await
        .map_err(|error| not_listed(error, &client))?;
    let has_more = found.len() > limit;
    let ingestions = futures::stream::iter(found.iter().take(limit))
        .map(|execution| ingestion(&client, execution))
        .buffered(ASKED_AT_ONCE)
        .collect()
        .await;
    let answer = Answer {
        ingestions,
        has_more,
        ignored_filters: ignored,
    };
    match global.output {
        Output::Json => out::json(&answer),
        Output::Text => show(&answer),
    }
    report_ignored(&answer.ignored_filters, &client.namespace());
    Ok(ExitStatus::Done)
}

/// The query for `arguments`, and the filters that it can't contain.
fn query(arguments: &Arguments, has: impl Fn(&str) -> bool) -> (String, Vec<Ignored>) {
    let types = workflow::INGESTIONS.map(quoted).join(", ");
    let mut conditions = vec![format!("WorkflowType IN ({types})")];
    if !arguments.all {
        conditions.push("ExecutionStatus = 'Running'".to_owned());
    }
    let sandbox = arguments.sandbox.as_deref().map(quoted);
    let filters = [
        (
            "--failing",
            SearchAttribute::LastFailure.as_str(),
            arguments.failing.then(|| "IS NOT NULL".to_owned()),
        ),
        (
            "--needs-decision",
            SearchAttribute::NeedsDecision.as_str(),
            arguments.needs_decision.then(|| "= true".to_owned()),
        ),
        (
            "--sandbox",
            SearchAttribute::Sandbox.as_str(),
            sandbox.map(|sandbox| format!("= {sandbox}")),
        ),
    ];
    let mut ignored = Vec::new();
    for (filter, search_attribute, condition) in filters {
        match condition {
            None => {}
            Some(condition) if has(search_attribute) => {
                conditions.push(format!("{search_attribute} {condition}"));
            }
            Some(_) => ignored.push(Ignored {
                filter,
                search_attribute,
            }),
        }
    }
    (conditions.join(" AND "), ignored)
}

/// A text as a literal of Temporal's query language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

async fn ingestion(client: &Client, execution: &WorkflowExecution) -> Ingestion {
    let attributes = execution.search_attributes();
    let keyword = |name: &'static str| {
        let key: SearchAttributeKey<String> = SearchAttributeKey::keyword(name);
        attributes.get(&key).unwrap_or_default()
    };
    let time = |time: Option<SystemTime>| time.and_then(|time| Timestamp::try_from(time).ok());
    let last_failure = keyword(SearchAttribute::LastFailure.as_str());
    let is_running = execution.status() == WorkflowExecutionStatus::Running;
    let failing = if is_running && !last_failure.is_empty() {
        let handle = client.get_workflow_handle::<IngestOracleServiceCloud>(execution.id());
        let said = snapshot::ask(&handle).await;
        said.and_then(|mut ingest| ingest.failing.pop())
    } else {
        None
    };
    Ingestion {
        workflow_id: execution.id().to_owned(),
        run_id: execution.run_id().to_owned(),
        status: execution.status(),
        phase: keyword(SearchAttribute::Phase.as_str()),
        sandbox: keyword(SearchAttribute::Sandbox.as_str()),
        source: keyword(SearchAttribute::Source.as_str()),
        connection_id: keyword(SearchAttribute::ConnectionId.as_str()),
        last_failure,
        needs_decision: attributes
            .get(&SearchAttributeKey::bool(
                SearchAttribute::NeedsDecision.as_str(),
            ))
            .unwrap_or_default(),
        started_at: time(execution.start_time()),
        closed_at: time(execution.close_time()),
        failing,
    }
}

fn not_listed(error: ClientError, client: &Client) -> CommandError {
    const WHAT: &str = "the ingestions can't be listed";
    match error {
        ClientError::Rpc(status) => rpc::call_error(&status, WHAT, client),
        other => CommandError::new(ExitStatus::Refused, anyhow::Error::new(other).context(WHAT)),
    }
}

fn show(answer: &Answer) {
    if answer.ingestions.is_empty() {
        out::note("no ingestion matches");
        return;
    }
    let header = [
        "WORKFLOW ID",
        "STATUS",
        "PHASE",
        "SANDBOX",
        "SOURCE",
        "LAST FAILURE",
        "STEP",
        "SINCE",
        "NEXT TRY",
    ];
    out::answer(&out::table(&header, answer.ingestions.iter().map(row)));
    if answer.has_more {
        out::note("\nthere are more: raise `--limit`");
    }
}

fn row(ingestion: &Ingestion) -> Vec<String> {
    let failing = ingestion.failing.clone().unwrap_or_default();
    let step = match (failing.table.as_str(), failing.step) {
        ("", step) => step,
        (table, step) => format!("{step} of {table}"),
    };
    vec![
        ingestion.workflow_id.clone(),
        snapshot::status_word(ingestion.status),
        ingestion.phase.clone(),
        ingestion.sandbox.clone(),
        ingestion.source.clone(),
        ingestion.last_failure.clone(),
        step,
        failing.since,
        failing.next_try,
    ]
}

fn report_ignored(ignored: &[Ignored], namespace: &str) {
    for each in ignored {
        let Ignored {
            filter,
            search_attribute,
        } = each;
        out::warning(&format!(
            "`{filter}` is ignored: the search attribute {search_attribute} is not registered in the \
             namespace {namespace}"
        ));
    }
    if !ignored.is_empty() {
        let missing: Vec<SearchAttribute> = SearchAttribute::ALL
            .into_iter()
            .filter(|ours| {
                ignored
                    .iter()
                    .any(|each| each.search_attribute == ours.as_str())
            })
            .collect();
        out::note(&format!(
            "{} `aep-flow check --fix` registers {}, for ingestions that start from then on",
            out::paint("hint:", "1;36"),
            names(&missing)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Arguments {
        Arguments {
            failing: true,
            needs_decision: true,
            sandbox: Some("d'v".to_owned()),
            all: false,
            limit: 50,
        }
    }

    #[test]
    fn every_filter_is_a_condition() {
        let (text, ignored) = query(&arguments(), |_| true);
        assert_eq!(
            text,
            "WorkflowType IN ('IngestOracleServiceCloud', 'IngestSource') AND ExecutionStatus = 'Running' AND \
             AepLastFailure IS NOT NULL AND AepNeedsDecision = true AND AepSandbox = 'd''v'"
        );
        assert_eq!(ignored, []);
    }

    #[test]
    fn a_filter_that_the_namespace_lacks_is_ignored_and_reported() {
        let all = Arguments {
            all: true,
            ..arguments()
        };
        let (text, ignored) = query(&all, |name| name == "AepSandbox");
        assert_eq!(
            text,
            "WorkflowType IN ('IngestOracleServiceCloud', 'IngestSource') AND AepSandbox = 'd''v'"
        );
        let ignored: Vec<&str> = ignored.iter().map(|each| each.filter).collect();
        assert_eq!(ignored, ["--failing", "--needs-decision"]);
    }
}

//! `aep-flow ingest plan`: what an ingestion would do, without a write.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out::{self, Output};
use super::spec::{self, Spec};
use crate::activities::{ActivityFailure, Platform};
use crate::catalog::Catalog;
use crate::plan::{self, Action, Plan, Step};
use crate::platform_client;

/// Show what an ingestion would do, without a write
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the platform directly, with the configured credentials; it needs no worker and no Temporal
server. It only reads: it compares what exists with what the specification asks for, by the marker
in the description. It does not see what the platform's lists do not show yet.

It does not read the source's secrets, unless the worker's markers contain hashes of them
(`ensure.fingerprint_key`): then this machine needs the same secrets and the same key.

With --detailed-exitcode:
  0  nothing to do
  1  an error, or an ingestion would fail
  2  there is something to do

Examples:
  aep-flow ingest plan -f spec.yaml
  aep-flow ingest plan -f spec.yaml --output json | jq '.steps[] | select(.action == \"create\")'
  aep-flow ingest plan -f spec.yaml --detailed-exitcode")]
pub(super) struct Arguments {
    /// Specification, YAML or JSON; `-` for stdin
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,

    /// Show by the exit code whether there is something to do
    #[arg(long)]
    detailed_exitcode: bool,
}

/// The flag's name, for a command line that can't be read.
pub(super) const DETAILED_EXIT_CODE: &str = "--detailed-exitcode";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// Whether an ingestion would change something.
    changes: bool,
    /// Whether an ingestion would fail.
    refused: bool,
    #[serde(flatten)]
    plan: &'a Plan,
}

pub(super) async fn run(
    global: &Global,
    arguments: &Arguments,
) -> Result<ExitStatus, CommandError> {
    match make(global, arguments).await {
        Ok(plan) => {
            show(global.output, &plan);
            Ok(exit(&plan, arguments.detailed_exitcode))
        }
        // 2 would mean that there is something to do.
        Err(failure) if arguments.detailed_exitcode => {
            failure.print();
            Ok(ExitStatus::Refused)
        }
        Err(failure) => Err(failure),
    }
}

async fn make(global: &Global, arguments: &Arguments) -> Result<Plan, CommandError> {
    let config = global.start(&[], Logs::Quiet)?;
    let catalog = Catalog::load(config.catalog.dir.as_deref())?;
    let given = match spec::read(&arguments.file, &catalog)? {
        Spec::OracleServiceCloud(input) => input.into(),
        Spec::Source(input) => input.into(),
    };
    let client = platform_client::from_config(&config)?;
    let platform = Platform::new(&config, client, catalog)
        .map_err(|error| CommandError::new(ExitStatus::Usage, error))?;
    plan::plan(&platform, &given).await.map_err(not_known)
}

fn exit(plan: &Plan, is_detailed: bool) -> ExitStatus {
    if plan.is_refused() {
        ExitStatus::Refused
    } else if is_detailed && plan.changes() {
        ExitStatus::Changes
    } else {
        ExitStatus::Done
    }
}

fn not_known(failed: ActivityFailure) -> CommandError {
    let kind = failed.kind();
    CommandError::text(
        (&kind).into(),
        format!(
            "what an ingestion would do can't be determined: {kind}: {}",
            failed.message()
        ),
    )
    .hint(failed.next_step())
}

fn show(output: Output, plan: &Plan) {
    for warning in &plan.warnings {
        out::warning(warning);
    }
    if output == Output::Json {
        return out::json(&Answer {
            changes: plan.changes(),
            refused: plan.is_refused(),
            plan,
        });
    }
    out::answer(&text(plan));
}

fn text(plan: &Plan) -> String {
    let mut lines = Vec::new();
    let mut table = None;
    for step in &plan.steps {
        if table != Some(&step.table) {
            if table.is_some() {
                lines.push(String::new());
            }
            lines.push(heading(step));
            table = Some(&step.table);
        }
        lines.push(line(step));
    }
    lines.push(String::new());
    lines.push(summary(plan));
    lines.join("\n")
}

fn heading(step: &Step) -> String {
    if step.table.is_empty() {
        "connection".to_owned()
    } else {
        format!("table {}", out::plain(&step.table))
    }
}

fn line(step: &Step) -> String {
    let (sign, color) = match step.action {
        Action::Keep => ("=", "2"),
        Action::Create => ("+", "32"),
        Action::Adopt => ("~", "33"),
        Action::Remove => ("-", "31"),
        Action::Refuse => ("!", "31"),
        Action::Unknown => ("?", "33"),
    };
    let sign = out::paint_answer(sign, color);
    let mut what = step.kind.to_owned();
    if !step.name.is_empty() {
        what = format!("{what} `{}`", out::plain(&step.name));
    }
    if let Some(id) = &step.id {
        what = format!("{what} {}", out::plain(id));
    }
    format!("  {sign} {what}: {}", out::plain(&step.reason))
}

fn summary(plan: &Plan) -> String {
    let counted = [
        (Action::Create, "to create"),
        (Action::Keep, "as they are"),
        (Action::Adopt, "to adopt"),
        (Action::Remove, "to remove"),
        (Action::Refuse, "refused"),
        (Action::Unknown, "not known yet"),
    ];
    let counts = counted.map(|(action, what)| (plan.count(action), what));
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match (plan.is_refused(), plan.changes()) {
        (true, _) => format!("An ingestion would fail: {}.", counts.join(", ")),
        (false, true) => format!("Something to do: {}.", counts.join(", ")),
        (false, false) => format!("Nothing to do: {}.", counts.join(", ")),
    }
}

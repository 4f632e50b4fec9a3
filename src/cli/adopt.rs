//! `aep-flow adopt`: puts our marker on an existing resource.

use std::io::{BufRead as _, IsTerminal as _};

use aep_flow_ensure::ResourceKind;
use aep_platform::Sandbox;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out::{self, Output};
use super::platform;
use crate::adoption::{self, AdoptError, Plan};

/// Put our marker on a resource that somebody created by hand
#[derive(Debug, Args)]
#[command(after_help = "\
An ingestion uses only resources that carry our marker; another resource of the same name is a
`Conflict`. This command appends the marker to the resource's description. It shows the change
first, and makes it only if nobody has changed the resource since. Ingestions find the resource by
its name: for the resources of a table that is `<connection> - <table>`.

Examples:
  aep-flow adopt base-connection 4267c2ab-2104-474f-a7c2-ab2104d74f86
  aep-flow adopt dataset 5ba9452f7de80400007fc52a --sandbox dev --yes")]
pub(super) struct Arguments {
    /// Kind of the resource
    #[arg(value_parser = kinds())]
    kind: ResourceKind,
    /// Its id
    id: String,
    /// Sandbox [env: AEP_FLOW_SANDBOX] [default: prod]
    #[arg(long, short)]
    sandbox: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

/// The kinds as the command line writes them, such as `base-connection`.
fn kinds() -> impl TypedValueParser<Value = ResourceKind> {
    let word = |kind: ResourceKind| kind.shown().replace(' ', "-");
    PossibleValuesParser::new(ResourceKind::ALL.map(word)).try_map(move |given| {
        let mut all = ResourceKind::ALL.into_iter();
        all.find(|kind| word(*kind) == given).ok_or("no such kind")
    })
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let flags = [("aep.sandbox", arguments.sandbox.as_deref())];
    let config = global.start(&flags, Logs::Quiet)?;
    let sandbox = platform::sandbox(&config)?;
    let organisation = config.aep.org_id.clone().unwrap_or_default();
    let kind = arguments.kind;
    let plan = adoption::plan(&sandbox, &organisation, kind, &arguments.id)
        .await
        .map_err(refused)?;
    let is_done = if plan.changes() {
        if global.output == Output::Text {
            out::answer(&shown(&plan, &sandbox));
        }
        if !arguments.yes && !is_agreed(&plan)? {
            out::note("Nothing was changed.");
            return Ok(ExitStatus::Refused);
        }
        plan.carry_out(&sandbox).await.map_err(refused)?;
        true
    } else {
        false
    };
    match (global.output, is_done) {
        (Output::Json, _) => out::json(&json!({
            "kind": plan.kind.as_str(),
            "id": plan.id,
            "name": plan.name,
            "changed": is_done,
            "descriptionBefore": plan.before,
            "description": plan.after,
        })),
        (Output::Text, true) => out::answer(&format!(
            "The {} {} is ours now: an ingestion that needs `{}` uses it.",
            plan.kind, plan.id, plan.name
        )),
        (Output::Text, false) => out::answer(&format!(
            "The {} {} is ours already; nothing to do.",
            plan.kind, plan.id
        )),
    }
    Ok(ExitStatus::Done)
}

fn shown(plan: &Plan, sandbox: &Sandbox) -> String {
    let before = if plan.before.is_empty() {
        "(none)"
    } else {
        &plan.before
    };
    [
        format!(
            "{} {} `{}` in sandbox `{}`",
            plan.kind,
            plan.id,
            plan.name,
            sandbox.name()
        ),
        format!("  description now:   {before}"),
        format!("  description then:  {}", plan.after),
    ]
    .map(|line| out::plain(&line))
    .join("\n")
}

/// Asks the person at the terminal.
fn is_agreed(plan: &Plan) -> Result<bool, CommandError> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::text(
            ExitStatus::Usage,
            "there is no terminal to ask for confirmation, and --yes is not given",
        )
        .hint("--yes makes the change that is shown above"));
    }
    out::note(&format!("Make this {} ours? [y/N]", plan.kind));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CommandError::new(ExitStatus::Usage, error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn refused(error: AdoptError) -> CommandError {
    let exit = ExitStatus::from(&error);
    if let AdoptError::Platform(cause) = &error {
        let hint = platform::hint(cause);
        return CommandError::new(exit, error).hint(hint);
    }
    let hint = match &error {
        AdoptError::Id(_) => "an id is in the resource's address in Adobe's UI",
        AdoptError::Taken { .. } => {
            "an ingestion uses that one; delete it first if it is the wrong one"
        }
        AdoptError::Changed { .. } => "run the command again: it shows the current description",
        AdoptError::Kind { .. } | AdoptError::Incomplete { .. } | AdoptError::Platform(_) => {
            "set `onExisting: ADOPT_ANY` in the ingestion to use it as it is"
        }
    };
    CommandError::new(exit, error).hint(hint)
}

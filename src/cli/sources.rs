//! `aep-flow sources`: the catalogue of sources, and a specification to fill in.

mod diff;
mod list;
mod show;
mod template;

use clap::{Args, Subcommand};

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use crate::catalog::Catalog;

/// List the sources that can be ingested, or show what one of them needs
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The catalogue is compiled in and follows Adobe's public documents; `--catalog DIR` names a folder
of files that replace or extend it. Only `sources diff` calls the platform.

Examples:
  aep-flow sources
  aep-flow sources --all --output json | jq -r '.sources[] | select(.served | not).name'
  aep-flow sources show salesforce-service-cloud > spec.yaml
  aep-flow sources diff"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    selection: list::Selection,
}

#[derive(Debug, Subcommand)]
enum Command {
    Diff(diff::Arguments),
    Show(show::Arguments),
}

pub(super) async fn run(
    global: &Global,
    arguments: &Arguments,
) -> Result<ExitStatus, CommandError> {
    let sandbox = match &arguments.command {
        Some(Command::Diff(diff)) => diff.sandbox.as_deref(),
        Some(Command::Show(_)) | None => None,
    };
    let config = global.start(&[("aep.sandbox", sandbox)], Logs::Quiet)?;
    let catalog = Catalog::load(config.catalog.dir.as_deref())?;
    match &arguments.command {
        None => list::run(global.output, &catalog, &arguments.selection),
        Some(Command::Diff(diff)) => {
            return diff::run(global.output, &config, &catalog, diff).await;
        }
        Some(Command::Show(show)) => show::run(global.output, &catalog, show)?,
    }
    Ok(ExitStatus::Done)
}

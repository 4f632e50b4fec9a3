//! `aep-flow sources`: what the catalogue knows, and a specification to fill in.

mod list;
mod show;
mod template;

use clap::{Args, Subcommand};

use super::exit::ExitStatus;
use super::failure::Failure;
use super::global::{Global, Logs};
use crate::catalog::Catalog;

/// List the sources that can be taken, or show what one of them needs
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The catalogue is compiled in, made from Adobe's public documents; `--catalog DIR` names a folder
of files that replace or extend it. Nothing is asked of the platform.

Examples:
  aep-flow sources
  aep-flow sources --all --output json | jq -r '.sources[] | select(.served | not).name'
  aep-flow sources show salesforce-service-cloud > spec.yaml"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    selection: list::Selection,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Arguments),
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let config = global.start(&[], Logs::Quiet)?;
    let catalog = Catalog::load(config.catalog.dir.as_deref())?;
    match &arguments.command {
        None => list::run(global.output, &catalog, &arguments.selection),
        Some(Command::Show(show)) => show::run(global.output, &catalog, show)?,
    }
    Ok(ExitStatus::Done)
}

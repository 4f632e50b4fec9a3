//! `aep-flow schema`: the schema by which an editor completes and checks a specification.

use clap::Args;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out;
use crate::catalog::Catalog;

/// Print the JSON Schema of a specification, for editors
#[derive(Debug, Args)]
#[command(after_help = "\
It contains the sources of the catalogue, with the parameters of each way of authentication. An
editor with a YAML language server finds it by a first line such as

  # yaml-language-server: $schema=aep-flow.schema.json

Examples:
  aep-flow schema > aep-flow.schema.json
  aep-flow schema --catalog ./sources > aep-flow.schema.json")]
pub(super) struct Arguments {}

pub(super) fn run(global: &Global) -> Result<ExitStatus, CommandError> {
    let config = global.start(&[], Logs::Quiet)?;
    let catalog = Catalog::load(config.catalog.dir.as_deref())?;
    let mut schema = aep_flow_proto::schema::ingestion();
    catalog.refine(&mut schema);
    out::json(&schema);
    Ok(ExitStatus::Done)
}

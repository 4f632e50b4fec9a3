//! `aep-flow sources diff`: where the catalogue and the platform differ.

use aep_platform::{PlatformError, Sandbox};
use clap::Args;
use serde::Serialize;

use super::super::command_error::CommandError;
use super::super::exit::ExitStatus;
use super::super::out::{self, Output};
use super::super::platform;
use crate::catalog::Catalog;
use crate::catalog::compare::{self, Difference, DifferenceKind, Offer};
use crate::config::Config;

/// Flow specification that table sources are read by.
const TABLE_FLOW_SPEC: &str = "CRMToAEP";

/// Compare the catalogue with what your organisation's platform offers
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the platform directly, with the configured credentials, for its connection and flow
specifications; it writes nothing. Where the two differ, the platform is right: a file in your own
folder (`--catalog DIR`) replaces an entry.

Exits with 0 if nothing differs, and with 1 if something does.

Examples:
  aep-flow sources diff
  aep-flow sources diff salesforce-service-cloud
  aep-flow sources diff --output json | jq -r '.differences[] | select(.difference == \"spec-gone\").source'")]
pub(super) struct Arguments {
    /// Name of a source [default: all that are served]
    name: Option<String>,
    /// Sandbox [env: AEP_FLOW_SANDBOX] [default: prod]
    #[arg(long, short)]
    pub(super) sandbox: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// How many sources were compared.
    compared: usize,
    differences: Vec<Difference>,
}

pub(super) async fn run(
    output: Output,
    config: &Config,
    catalog: &Catalog,
    arguments: &Arguments,
) -> Result<ExitStatus, CommandError> {
    let name = arguments.name.as_deref();
    if let Some(name) = name {
        catalog.source(name)?.served()?;
    }
    let sandbox = platform::sandbox(config)?;
    let offer = offer(&sandbox).await.map_err(unreadable)?;
    let served = catalog.iter().filter(|source| source.tabular.is_some());
    let answer = Answer {
        compared: served
            .filter(|source| name.is_none_or(|name| source.name == name))
            .count(),
        differences: compare::compare(catalog, &offer, name),
    };
    let is_same = answer.differences.is_empty();
    match output {
        Output::Json => out::json(&answer),
        Output::Text if is_same => {
            out::answer(&format!("nothing differs, of {} compared", answer.compared))
        }
        Output::Text => show(&answer.differences),
    }
    Ok(if is_same {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

async fn offer(sandbox: &Sandbox) -> Result<Offer, PlatformError> {
    Ok(Offer {
        connection_specs: sandbox.list_connection_specs().await?,
        flow_specs: sandbox.find_flow_specs_named(TABLE_FLOW_SPEC).await?,
    })
}

fn unreadable(error: PlatformError) -> CommandError {
    let (exit, hint) = (error.class().into(), platform::hint(&error));
    let context = "what the platform offers can't be read";
    CommandError::new(exit, anyhow::Error::new(error).context(context)).hint(hint)
}

fn show(differences: &[Difference]) {
    let rows = differences.iter().map(|each| {
        vec![
            out::plain(&each.source),
            out::plain(each.auth.as_deref().unwrap_or_default()),
            what(each),
            out::plain(&each.catalogue),
            out::plain(&each.platform),
        ]
    });
    let header = ["SOURCE", "AUTHENTICATION", "WHAT", "CATALOGUE", "PLATFORM"];
    out::answer(&out::table(&header, rows));
}

fn what(difference: &Difference) -> String {
    match (difference.difference, difference.param.as_deref()) {
        (DifferenceKind::SpecGone, _) => "connection specification".to_owned(),
        (DifferenceKind::Version, _) => "version".to_owned(),
        (DifferenceKind::FlowSpec, _) => "flow specification".to_owned(),
        (DifferenceKind::RowFilter, _) => "row filter".to_owned(),
        (DifferenceKind::Way, _) => "the way itself".to_owned(),
        (DifferenceKind::Param | DifferenceKind::Required | DifferenceKind::Secret, param) => {
            format!("parameter {}", out::plain(param.unwrap_or_default()))
        }
    }
}

//! `aep-flow explore`: what a source contains, read through a base connection.

use aep_flow_proto::json::Object;
use aep_flow_proto::v1::{ExploreTableResult, ExploreTablesResult, TableEntry};
use aep_platform::{BaseConnectionId, Class, Column, PlatformError, Sandbox};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out::{self, Output};
use super::platform;

/// List a source's tables, a table's columns, or its first rows
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the platform directly, with the configured credentials; it needs no worker. The base
connection is that of an ingestion: its id is in the result, and in `aep-flow status`.

Examples:
  aep-flow explore tables --base-connection 4267c2ab-2104-474f-a7c2-ab2104d74f86
  aep-flow explore table Contacts --base-connection 4267c2ab-2104-474f-a7c2-ab2104d74f86
  aep-flow explore preview Contacts --base-connection 4267c2ab-… --sandbox dev")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the tables
    Tables {
        #[command(flatten)]
        place: Place,
    },
    /// Show the columns of a table
    Table {
        /// Path of the table, as `explore tables` lists it
        table: String,
        #[command(flatten)]
        place: Place,
    },
    /// Show the first rows of a table; they may hold personal data
    Preview {
        /// Path of the table, as `explore tables` lists it
        table: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// Id of the base connection
    #[arg(long, short, value_name = "ID")]
    base_connection: String,
    /// Sandbox [env: AEP_FLOW_SANDBOX] [default: prod]
    #[arg(long, short)]
    sandbox: Option<String>,
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let place = match &arguments.what {
        What::Tables { place } | What::Table { place, .. } | What::Preview { place, .. } => place,
    };
    let flags = [("aep.sandbox", place.sandbox.as_deref())];
    let config = global.start(&flags, Logs::Quiet)?;
    let sandbox = platform::sandbox(&config)?;
    let id = BaseConnectionId::parse(place.base_connection.as_str())
        .map_err(|error| CommandError::new(ExitStatus::Usage, error))?;
    match &arguments.what {
        What::Tables { .. } => tables(global.output, &sandbox, &id).await,
        What::Table { table, .. } => columns(global.output, &sandbox, &id, table).await,
        What::Preview { table, .. } => preview(global.output, &sandbox, &id, table).await,
    }?;
    Ok(ExitStatus::Done)
}

async fn tables(
    output: Output,
    sandbox: &Sandbox,
    id: &BaseConnectionId,
) -> Result<(), CommandError> {
    let found = sandbox
        .explore_tables(id)
        .await
        .map_err(|error| refused(error, sandbox, id, None))?;
    let tables: Vec<TableEntry> = found
        .into_iter()
        .map(|table| TableEntry {
            name: table.name,
            path: table.path,
            r#type: table.type_,
            can_preview: table.can_preview,
        })
        .collect();
    match output {
        Output::Json => out::json(&ExploreTablesResult { tables }),
        Output::Text => {
            let rows = tables.into_iter().map(|table| {
                let preview = if table.can_preview { "yes" } else { "no" };
                vec![table.path, table.name, table.r#type, preview.to_owned()]
            });
            out::answer(&out::table(&["PATH", "NAME", "TYPE", "PREVIEW"], rows));
        }
    }
    Ok(())
}

async fn columns(
    output: Output,
    sandbox: &Sandbox,
    id: &BaseConnectionId,
    table: &str,
) -> Result<(), CommandError> {
    let found = sandbox
        .explore_table(id, table, false)
        .await
        .map_err(|error| refused(error, sandbox, id, Some(table)))?;
    match output {
        Output::Json => out::json(&ExploreTableResult {
            columns: found.columns.into_iter().map(raw).collect(),
            rows: Vec::new(),
        }),
        Output::Text => {
            let rows = found.columns.into_iter().map(|column| {
                vec![
                    column.name,
                    column.type_.unwrap_or_default(),
                    column.xdm_type.unwrap_or_default(),
                ]
            });
            out::answer(&out::table(&["COLUMN", "TYPE", "XDM TYPE"], rows));
        }
    }
    Ok(())
}

async fn preview(
    output: Output,
    sandbox: &Sandbox,
    id: &BaseConnectionId,
    table: &str,
) -> Result<(), CommandError> {
    let found = sandbox
        .explore_table(id, table, true)
        .await
        .map_err(|error| refused(error, sandbox, id, Some(table)))?;
    match output {
        Output::Json => out::json(&ExploreTableResult {
            columns: found.columns.into_iter().map(raw).collect(),
            rows: found.rows.into_iter().map(Object::from).collect(),
        }),
        Output::Text => {
            let names: Vec<String> = found
                .columns
                .into_iter()
                .map(|column| column.name)
                .collect();
            let rows = found.rows.iter().map(|row| {
                names
                    .iter()
                    .map(|name| row.get(name).map(cell).unwrap_or_default())
                    .collect()
            });
            let header: Vec<&str> = names.iter().map(String::as_str).collect();
            out::answer(&out::table(&header, rows));
        }
    }
    Ok(())
}

/// A column as the platform gave it.
fn raw(column: Column) -> Object {
    match column.raw {
        Value::Object(map) => Object::from(map),
        _ => Object::default(),
    }
}

/// A value in a table: texts without quotes, nothing for null.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn refused(
    error: PlatformError,
    sandbox: &Sandbox,
    id: &BaseConnectionId,
    table: Option<&str>,
) -> CommandError {
    let exit = error.class().into();
    let what = match table {
        Some(table) => format!("the table `{table}`"),
        None => "the tables".to_owned(),
    };
    let context = format!(
        "{what} of base connection {id} in sandbox `{}` can't be read",
        sandbox.name()
    );
    let hint = match (table, error.class()) {
        (Some(_), Class::NotFound | Class::InvalidInput | Class::PlatformRejected) => {
            format!("`aep-flow explore tables --base-connection {id}` lists the tables")
        }
        _ => platform::hint(&error),
    };
    CommandError::new(exit, anyhow::Error::new(error).context(context)).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_readable() {
        for (value, expected) in [
            (Value::Null, ""),
            (Value::from("a b"), "a b"),
            (Value::from(3), "3"),
            (serde_json::json!({"a": [1]}), r#"{"a":[1]}"#),
        ] {
            assert_eq!(cell(&value), expected);
        }
    }
}

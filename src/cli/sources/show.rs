//! `aep-flow sources show`: one source, as a specification to fill in.

use clap::Args;
use serde::Serialize;

use super::super::command_error::CommandError;
use super::super::exit::ExitStatus;
use super::super::out::{self, Output};
use super::template;
use crate::catalog::entry::{
    Auth, ConnectionSpec, DeltaColumn, Deprecation, FlowSpec, Format, Literal, Param, Source,
    SourceKind, Tabular, ValueType,
};
use crate::catalog::{AuthError, Catalog, NotServed, UnknownSource};

/// Show what a source needs, as a specification to fill in
#[derive(Debug, Args)]
#[command(after_help = "\
The output is YAML, with explanations as comments: write it to a file, fill it in, and pass it to
`aep-flow ingest -f`. Secrets are references, never values.

Examples:
  aep-flow sources show postgresql > spec.yaml
  aep-flow sources show postgresql --auth 'Basic Authentication' > spec.yaml
  aep-flow sources show postgresql --output json | jq '.auth[].params'")]
pub(super) struct Arguments {
    /// Name of the source, as `aep-flow sources` lists it
    #[arg(value_name = "NAME")]
    source: String,

    /// Way of authentication, by Adobe's exact name [default: the preferred one]
    #[arg(long, value_name = "WAY")]
    auth: Option<String>,
}

pub(super) fn run(
    output: Output,
    catalog: &Catalog,
    arguments: &Arguments,
) -> Result<(), CommandError> {
    let source = catalog.source(&arguments.source)?;
    let tabular = source.served()?;
    let auth = match arguments.auth.as_deref() {
        Some(name) => tabular.auth(name)?,
        None => template::preferred(tabular),
    };
    match output {
        Output::Json => out::json(&answer(source, tabular)),
        Output::Text => out::answer(template::of(source, tabular, auth).trim_end()),
    }
    Ok(())
}

impl From<UnknownSource> for CommandError {
    fn from(error: UnknownSource) -> Self {
        Self::new(ExitStatus::Refused, error).hint("`aep-flow sources --all` lists every name")
    }
}

impl From<NotServed> for CommandError {
    fn from(error: NotServed) -> Self {
        Self::new(ExitStatus::Refused, error).hint("`aep-flow sources` lists those that are served")
    }
}

impl From<AuthError> for CommandError {
    fn from(error: AuthError) -> Self {
        Self::new(ExitStatus::Refused, error)
            .hint("name one of them exactly, such as `--auth 'Basic Authentication'`")
    }
}

/// The entry, with field names in the style of the other results.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    name: &'a str,
    title: &'a str,
    kind: SourceKind,
    category: &'a str,
    document: &'a str,
    in_current_catalog: Option<bool>,
    remarks: Option<&'a str>,
    doubt: Option<&'a str>,
    deprecation: Option<&'a Deprecation>,
    connection_spec: &'a ConnectionSpec,
    flow_spec: Option<&'a FlowSpec>,
    source_connection: SourceConnection<'a>,
    delta_column: Option<Delta<'a>>,
    auth: Vec<Way<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceConnection<'a> {
    data_format: &'a str,
    table_param: &'a str,
    columns_param: &'a str,
    row_filter: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Delta<'a> {
    supported: bool,
    date_format: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Way<'a> {
    spec_name: &'a str,
    description: Option<&'a str>,
    deprecation: Option<&'a Deprecation>,
    params: Vec<Parameter<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameter<'a> {
    name: &'a str,
    description: &'a str,
    secret: bool,
    optional: bool,
    r#type: ValueType,
    format: Option<Format>,
    example: Option<&'a Literal>,
}

fn answer<'a>(source: &'a Source, tabular: &'a Tabular) -> Answer<'a> {
    let connection = &tabular.source_connection;
    Answer {
        name: &source.name,
        title: &source.title,
        kind: source.kind,
        category: &source.category,
        document: &source.document,
        in_current_catalog: source.in_current_catalog,
        remarks: source.remarks.as_deref(),
        doubt: source.doubt.as_deref(),
        deprecation: source.deprecation.as_ref(),
        connection_spec: &source.connection_spec,
        flow_spec: source.flow_spec.as_ref(),
        source_connection: SourceConnection {
            data_format: &connection.data_format,
            table_param: &connection.table_param,
            columns_param: &connection.columns_param,
            row_filter: connection.row_filter,
        },
        delta_column: tabular.delta_column.as_ref().map(delta),
        auth: tabular.auth.iter().map(way).collect(),
    }
}

fn delta(column: &DeltaColumn) -> Delta<'_> {
    Delta {
        supported: column.supported,
        date_format: column.date_format.as_deref(),
    }
}

fn way(auth: &Auth) -> Way<'_> {
    Way {
        spec_name: &auth.spec_name,
        description: auth.description.as_deref(),
        deprecation: auth.deprecation.as_ref(),
        params: auth.params.iter().map(parameter).collect(),
    }
}

fn parameter(param: &Param) -> Parameter<'_> {
    Parameter {
        name: &param.name,
        description: &param.description,
        secret: param.secret,
        optional: param.optional,
        r#type: param.value_type,
        format: param.format,
        example: param.example.as_ref(),
    }
}

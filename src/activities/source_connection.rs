//! The source connection: one table of a base connection.

use aep_flow_proto::v1::{ConnectionSpec, CreateSourceConnectionInput, SourceConnection};
use aep_platform::{ConnectionSpecId, ConnectionSpecRef, Kind, NewSourceConnection};
use serde_json::Value;

use super::{
    attempt::Attempt,
    base_connection::base_connection_id,
    ensured::{created, ensured, found},
    failure::Failed,
    platform::Platform,
};

const KIND: &str = Kind::SourceConnection.as_str();

pub(super) async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: CreateSourceConnectionInput,
) -> Result<SourceConnection, Failed> {
    super::check_named(&input.name, &input.description)?;
    if input.table.trim().is_empty() {
        return Err(Failed::field(
            "table",
            "nothing",
            "a table's path, as ExploreTables gives it",
        ));
    }
    if input.columns.is_empty() {
        return Err(Failed::field(
            "columns",
            "nothing",
            "columns as ExploreTable gives them",
        ));
    }
    let base_connection_id = base_connection_id(&input.base_connection_id)?;
    let connection_spec = connection_spec(input.connection_spec.as_ref())?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let columns: Vec<Value> = input
        .columns
        .into_iter()
        .map(|column| Value::Object(column.0))
        .collect();
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|column| column.get("name")?.as_str())
        .collect();
    let intent = platform
        .intent(KIND, &sandbox, base_connection_id.as_str(), &input.name)
        .field("table", &input.table)
        // Names alone: what else explore says of a column may change without a change in
        // what is asked for.
        .field("columns", &names.join("\n"));
    let base = base_connection_id.clone();
    let new = NewSourceConnection {
        name: input.name,
        description: Some(intent.described(&input.description)),
        base_connection_id,
        table_name: input.table,
        columns,
        connection_spec,
    };
    let ensured = ensured(
        platform,
        attempt,
        &intent,
        on_existing,
        async {
            found(
                sandbox
                    .find_source_connections_named(intent.name(), &base)
                    .await,
            )
        },
        async { created(sandbox.create_source_connection(&new).await) },
    )
    .await?;
    Ok(SourceConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
    })
}

/// The specification in an input's `connectionSpec`.
pub(super) fn connection_spec(spec: Option<&ConnectionSpec>) -> Result<ConnectionSpecRef, Failed> {
    let Some(spec) = spec else {
        return Err(Failed::field(
            "connectionSpec",
            "nothing",
            "the base connection's",
        ));
    };
    let id = super::read_id::<ConnectionSpecId>("connectionSpec.id", &spec.id)?;
    let mut reference = ConnectionSpecRef::v1(id);
    if !spec.version.is_empty() {
        reference.version.clone_from(&spec.version);
    }
    Ok(reference)
}

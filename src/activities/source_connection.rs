//! The source connection: one table of a base connection.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::v1::{ConnectionSpec, CreateSourceConnectionInput, SourceConnection};
use aep_platform::{
    ConnectionSpecId, ConnectionSpecRef, Created, Deleted, NewSourceConnection, PlatformError,
    Sandbox, SourceConnection as Found, SourceConnectionId,
};
use serde_json::Value;

use super::{
    attempt::Attempt,
    base_connection::{base_connection_id, other_spec},
    ensured::{Ensurable, Wanted},
    failure::Failed,
    platform::Platform,
    row_filter,
};

const KIND: ResourceKind = ResourceKind::SourceConnection;

pub(crate) async fn create(
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
    let filter = input.filter.as_ref().map(row_filter::read).transpose()?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    if let Some(filter) = &filter {
        row_filter::check(platform, &sandbox, &connection_spec.id, filter).await?;
    }

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
    let intent = platform.intent(KIND, &sandbox, base_connection_id.as_str(), &input.name);
    let mut intent = attempt
        .sign(intent, input.continues.as_ref())
        .field("table", &input.table)
        // Names alone: what else explore says of a column may change without a change in
        // what is asked for.
        .field("columns", &names.join("\n"));
    if let Some(filter) = &filter {
        intent = intent.option("filter", &filter.to_params().to_string());
    }
    let new = NewSourceConnection {
        name: input.name,
        description: Some(intent.described(&input.description)),
        base_connection_id,
        table_name: input.table,
        columns,
        filter,
        connection_spec,
    };
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: &sandbox,
        intent: &intent,
        on_existing,
        adopt: input.adopt.as_deref(),
        continues: input.continues.as_ref(),
        new: &new,
    };
    let ensured = wanted.ensured().await?;
    Ok(SourceConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
    })
}

impl Ensurable for NewSourceConnection {
    const KIND: ResourceKind = KIND;
    type Id = SourceConnectionId;
    type Found = Found;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox
            .find_source_connections_named(&self.name, &self.base_connection_id)
            .await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_source_connection(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_source_connection(id).await
    }

    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_flows_reading(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_source_connection(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        if found.base_connection_id.as_ref() != Some(&self.base_connection_id) {
            return Some("it stands on another base connection".to_owned());
        }
        if found.table_name.as_ref() != Some(&self.table_name) {
            return Some("it reads another table".to_owned());
        }
        other_spec(&self.connection_spec, found.connection_spec.as_ref())
    }
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

//! The source connection: one table of a base connection.

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::v1::{ConnectionSpec, CreateSourceConnectionInput, SourceConnection};
use aep_platform::{
    ConnectionSpecId, ConnectionSpecRef, Created, Deleted, NewSourceConnection, PlatformError,
    Sandbox, SourceConnection as Found, SourceConnectionId,
};
use serde_json::Value;

use super::{
    attempt::Attempt,
    base_connection::{base_connection_id, other_spec},
    ensure::{Create, Creates, Deletable, Ensurable},
    failure::ActivityFailure,
    platform::Platform,
    row_filter,
};

const KIND: ResourceKind = ResourceKind::SourceConnection;

impl Creates for CreateSourceConnectionInput {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<SourceConnection, ActivityFailure> {
        super::check_named(&self)?;
        if self.table.trim().is_empty() {
            return Err(ActivityFailure::field(
                "table",
                "nothing",
                "a table's path, as ExploreTables gives it",
            ));
        }
        if self.columns.is_empty() {
            return Err(ActivityFailure::field(
                "columns",
                "nothing",
                "columns as ExploreTable gives them",
            ));
        }
        let base_connection_id = base_connection_id(&self.base_connection_id)?;
        let connection_spec = connection_spec(self.connection_spec.as_ref())?;
        let filter = self.filter.as_ref().map(row_filter::read).transpose()?;
        let create = Create::of(platform, attempt, &self).await?;
        if let Some(filter) = &filter {
            row_filter::check(platform, &create.sandbox, &connection_spec.id, filter).await?;
        }

        // Names alone: what else explore says of a column may change although the request does not.
        let names = self.columns.iter();
        let names: Vec<&str> = names.filter_map(|column| column.text("name")).collect();
        let mut intent = create
            .intent(KIND, base_connection_id.as_str(), &self.name)
            .field("table", &self.table)
            .field("columns", &names.join("\n"));
        if let Some(filter) = &filter {
            intent = intent.option("filter", &filter.to_params().to_string());
        }
        let columns = self.columns.into_iter();
        let new = NewSourceConnection {
            name: self.name,
            description: None,
            base_connection_id,
            table_name: self.table,
            columns: columns.map(|column| Value::Object(column.0)).collect(),
            filter,
            connection_spec,
        };
        let ensured = create.run(intent, new).await?;
        Ok(SourceConnection {
            id: ensured.id,
            etag: ensured.etag,
            outcome: ensured.outcome.into(),
        })
    }
}

impl Ensurable for NewSourceConnection {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "00000000-0000-0000-0000-000000000000";
    type Id = SourceConnectionId;
    type Found = Found;
    type Duplicate = Self;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = Some(intent.described(description));
    }

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

    fn differs(&self, found: &Found) -> Option<String> {
        if found.base_connection_id.as_ref() != Some(&self.base_connection_id) {
            return Some("it is of another base connection".to_owned());
        }
        if found.table_name.as_ref() != Some(&self.table_name) {
            return Some("it reads another table".to_owned());
        }
        other_spec(&self.connection_spec, found.connection_spec.as_ref())
    }
}

impl Deletable for NewSourceConnection {
    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_flows_reading(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_source_connection(id).await
    }
}

/// The specification in an input's `connectionSpec`.
pub(super) fn connection_spec(
    spec: Option<&ConnectionSpec>,
) -> Result<ConnectionSpecRef, ActivityFailure> {
    let Some(spec) = spec else {
        return Err(ActivityFailure::field(
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

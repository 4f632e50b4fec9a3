//! The target connection: one dataset of the data lake.

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::v1::{CreateTargetConnectionInput, TargetConnection};
use aep_platform::{
    Created, DatasetId, Deleted, NewTargetConnection, PlatformError, Sandbox,
    TargetConnection as Found, TargetConnectionId,
};

use super::{
    attempt::Attempt,
    ensure::{Create, Creates, Deletable, Ensurable},
    failure::ActivityFailure,
    platform::Platform,
    schema::schema_id,
};

const KIND: ResourceKind = ResourceKind::TargetConnection;

impl Creates for CreateTargetConnectionInput {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<TargetConnection, ActivityFailure> {
        super::check_named(&self)?;
        let schema_id = schema_id(&self.schema_id)?;
        let dataset_id = super::read_id::<DatasetId>("datasetId", &self.dataset_id)?;
        let create = Create::of(platform, attempt, &self).await?;
        let intent = create
            .intent(KIND, "", &self.name)
            .field("schemaId", schema_id.as_str())
            .field("datasetId", dataset_id.as_str());
        let new = NewTargetConnection {
            name: self.name,
            description: None,
            schema_id,
            dataset_id,
        };
        let ensured = create.run(intent, new).await?;
        Ok(TargetConnection {
            id: ensured.id,
            etag: ensured.etag,
            outcome: ensured.outcome.into(),
        })
    }
}

impl Ensurable for NewTargetConnection {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "00000000-0000-0000-0000-000000000000";
    type Id = TargetConnectionId;
    type Found = Found;
    type Duplicate = Self;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = Some(intent.described(description));
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_target_connections_named(&self.name).await
    }

    async fn find_named(sandbox: &Sandbox, name: &str) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_target_connections_named(name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_target_connection(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_target_connection(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        (found.dataset_id.as_ref() != Some(&self.dataset_id))
            .then(|| "it writes into another dataset".to_owned())
    }
}

impl Deletable for NewTargetConnection {
    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_flows_writing(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_target_connection(id).await
    }
}

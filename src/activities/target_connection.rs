//! The target connection: one dataset of the data lake.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::v1::{CreateTargetConnectionInput, TargetConnection};
use aep_platform::{
    Created, DatasetId, Deleted, NewTargetConnection, PlatformError, Sandbox,
    TargetConnection as Found, TargetConnectionId,
};

use super::{
    attempt::Attempt,
    ensured::{Ensurable, Wanted},
    failure::Failed,
    platform::Platform,
    schema::schema_id,
};

const KIND: ResourceKind = ResourceKind::TargetConnection;

pub(crate) async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: CreateTargetConnectionInput,
) -> Result<TargetConnection, Failed> {
    super::check_named(&input.name, &input.description)?;
    let schema_id = schema_id(&input.schema_id)?;
    let dataset_id = super::read_id::<DatasetId>("datasetId", &input.dataset_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let intent = platform.intent(KIND, &sandbox, "", &input.name);
    let intent = attempt
        .sign(intent, input.continues.as_ref())
        .field("schemaId", schema_id.as_str())
        .field("datasetId", dataset_id.as_str());
    let new = NewTargetConnection {
        name: input.name,
        description: Some(intent.described(&input.description)),
        schema_id,
        dataset_id,
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
    Ok(TargetConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
    })
}

impl Ensurable for NewTargetConnection {
    const KIND: ResourceKind = KIND;
    type Id = TargetConnectionId;
    type Found = Found;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_target_connections_named(&self.name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_target_connection(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_target_connection(id).await
    }

    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_flows_writing(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_target_connection(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        (found.dataset_id.as_ref() != Some(&self.dataset_id))
            .then(|| "it writes into another dataset".to_owned())
    }
}

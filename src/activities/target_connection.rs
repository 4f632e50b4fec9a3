//! The target connection: one dataset of the data lake.

use aep_flow_proto::v1::{CreateTargetConnectionInput, TargetConnection};
use aep_platform::{DatasetId, Kind, NewTargetConnection};

use super::{
    attempt::Attempt,
    ensured::{created, ensured, found},
    failure::Failed,
    platform::Platform,
    schema::schema_id,
};

const KIND: &str = Kind::TargetConnection.as_str();

pub(super) async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: CreateTargetConnectionInput,
) -> Result<TargetConnection, Failed> {
    super::check_named(&input.name, &input.description)?;
    let schema_id = schema_id(&input.schema_id)?;
    let dataset_id = super::read_id::<DatasetId>("datasetId", &input.dataset_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let intent = platform
        .intent(KIND, &sandbox, "", &input.name)
        .field("schemaId", schema_id.as_str())
        .field("datasetId", dataset_id.as_str());
    let new = NewTargetConnection {
        name: input.name,
        description: Some(intent.described(&input.description)),
        schema_id,
        dataset_id,
    };
    let ensured = ensured(
        platform,
        attempt,
        &intent,
        on_existing,
        async { found(sandbox.find_target_connections_named(intent.name()).await) },
        async { created(sandbox.create_target_connection(&new).await) },
    )
    .await?;
    Ok(TargetConnection {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
    })
}

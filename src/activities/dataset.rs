//! The dataset: where the rows end up.

use std::collections::BTreeMap;

use aep_flow_proto::v1::{Dataset, EnsureDatasetInput};
use aep_platform::{Kind, NewDataset};

use super::{
    attempt::Attempt,
    ensured::{created, ensured, found},
    failure::Failed,
    platform::Platform,
    schema::schema_id,
};

const KIND: &str = Kind::Dataset.as_str();

pub(super) async fn ensure_dataset(
    platform: &Platform,
    attempt: &Attempt,
    input: EnsureDatasetInput,
) -> Result<Dataset, Failed> {
    super::check_named(&input.name, &input.description)?;
    let schema_id = schema_id(&input.schema_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let intent = platform
        .intent(KIND, &sandbox, "", &input.name)
        .field("schemaId", schema_id.as_str());
    let new = NewDataset {
        name: input.name,
        description: Some(intent.described(&input.description)),
        schema_id,
        // People look through datasets in the UI; the tag tells them whose it is.
        tags: BTreeMap::from([("aep-flow".to_owned(), vec![intent.marker().to_string()])]),
    };
    let ensured = ensured(
        platform,
        attempt,
        &intent,
        on_existing,
        async { found(sandbox.find_datasets_named(intent.name()).await) },
        async { created(sandbox.create_dataset(&new).await) },
    )
    .await?;
    Ok(Dataset {
        id: ensured.id,
        outcome: ensured.outcome.into(),
    })
}

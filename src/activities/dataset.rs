//! The dataset: where the rows end up.

use std::collections::BTreeMap;

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    v1::{Dataset, EnsureDatasetInput, Existing, Outcome},
    validate::{self, Findings},
};
use aep_platform::{
    Created, Dataset as Found, DatasetId, Deleted, NewDataset, PlatformError, Sandbox,
};

use super::{
    attempt::Attempt,
    ensured::{Ensurable, Wanted},
    existing::{adopts_no_other, found_once},
    failure::Failed,
    platform::Platform,
    schema::schema_id,
};

const KIND: ResourceKind = ResourceKind::Dataset;

pub(crate) async fn ensure_dataset(
    platform: &Platform,
    attempt: &Attempt,
    input: EnsureDatasetInput,
) -> Result<Dataset, Failed> {
    if let Some(existing) = &input.existing {
        return use_existing(platform, &input, existing).await;
    }
    super::check_named(&input.name, &input.description)?;
    let schema_id = schema_id(&input.schema_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let intent = platform.intent(KIND, &sandbox, "", &input.name);
    let intent = attempt
        .sign(intent, input.continues.as_ref())
        .field("schemaId", schema_id.as_str());
    let new = NewDataset {
        name: input.name,
        description: Some(intent.described(&input.description)),
        schema_id,
        // People look through datasets in the UI; the tag tells them whose it is.
        tags: BTreeMap::from([("aep-flow".to_owned(), vec![intent.marker().to_string()])]),
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
    Ok(Dataset {
        id: ensured.id,
        outcome: ensured.outcome.into(),
        schema_id: String::new(),
    })
}

/// One that stands already, as it is.
async fn use_existing(
    platform: &Platform,
    input: &EnsureDatasetInput,
    existing: &Existing,
) -> Result<Dataset, Failed> {
    const AT: &str = "existing";
    let mut findings = Findings::default();
    validate::existing(&mut findings, AT, existing);
    for (field, given) in [("name", &input.name), ("schemaId", &input.schema_id)] {
        if !given.is_empty() {
            findings.note(field, "a value", "nothing beside `existing`");
        }
    }
    findings.into_result().map_err(Failed::invalid)?;

    let sandbox = platform.sandbox(&input.sandbox).await?;
    let dataset = if existing.id.is_empty() {
        let mut named = sandbox.find_datasets_named(&existing.name).await?;
        let ids = named.iter().map(|dataset| dataset.id.clone()).collect();
        let id = found_once(AT, KIND.as_str(), existing, ids)?;
        named.retain(|dataset| dataset.id == id);
        named.remove(0)
    } else {
        let field = format!("{AT}.id");
        let found = sandbox
            .get_dataset(&super::read_id(&field, &existing.id)?)
            .await;
        found.map_err(|error| Failed::from(error).of_field(&field))?
    };
    let id = dataset.id.to_string();
    adopts_no_other(input.adopt.as_deref(), KIND.as_str(), &id)?;
    let Some(schema) = dataset.schema_ref else {
        let message = format!("the dataset {id} has no schema");
        return Err(Failed::in_the_way(
            message,
            AT,
            "name one whose rows have a schema",
        ));
    };
    Ok(Dataset {
        id,
        outcome: Outcome::Adopted.into(),
        schema_id: schema.id.to_string(),
    })
}

impl Ensurable for NewDataset {
    const KIND: ResourceKind = KIND;
    type Id = DatasetId;
    type Found = Found;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_datasets_named(&self.name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_dataset(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_dataset(id).await
    }

    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_target_connections_into(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_dataset(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        let schema = found.schema_ref.as_ref().map(|schema| &schema.id);
        (schema != Some(&self.schema_id)).then(|| "it has another schema".to_owned())
    }
}

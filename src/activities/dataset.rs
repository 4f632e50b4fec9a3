//! The dataset: where the rows end up.

use std::collections::BTreeMap;

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::{
    v1::{Dataset, EnsureDatasetInput, Existing, Outcome},
    validate::{self, Findings},
};
use aep_platform::{
    Created, Dataset as Found, DatasetId, Deleted, NewDataset, PlatformError, Sandbox,
};

use super::{
    attempt::Attempt,
    ensure::{Create, Creates, Deletable, Ensurable},
    existing::{adopts_no_other, found_once},
    failure::ActivityFailure,
    platform::Platform,
    schema::schema_id,
};

const KIND: ResourceKind = ResourceKind::Dataset;

impl Creates for EnsureDatasetInput {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<Dataset, ActivityFailure> {
        if let Some(existing) = &self.existing {
            return use_existing(platform, &self, existing).await;
        }
        super::check_named(&self)?;
        let schema_id = schema_id(&self.schema_id)?;
        let create = Create::of(platform, attempt, &self).await?;
        let intent = create
            .intent(KIND, "", &self.name)
            .field("schemaId", schema_id.as_str());
        let new = NewDataset {
            name: self.name,
            description: None,
            schema_id,
            tags: BTreeMap::new(),
        };
        let ensured = create.run(intent, new).await?;
        Ok(Dataset {
            id: ensured.id,
            outcome: ensured.outcome.into(),
            schema_id: String::new(),
        })
    }
}

/// The existing one that the caller names, as it is.
async fn use_existing(
    platform: &Platform,
    input: &EnsureDatasetInput,
    existing: &Existing,
) -> Result<Dataset, ActivityFailure> {
    const AT: &str = "existing";
    let mut findings = Findings::default();
    validate::existing(&mut findings, AT, existing);
    for (field, given) in [("name", &input.name), ("schemaId", &input.schema_id)] {
        if !given.is_empty() {
            findings.note(field, "a value", "nothing beside `existing`");
        }
    }
    findings.into_result().map_err(ActivityFailure::invalid)?;

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
        found.map_err(|error| ActivityFailure::from(error).of_field(&field))?
    };
    let id = dataset.id.to_string();
    adopts_no_other(input.adopt.as_deref(), KIND.as_str(), &id)?;
    let Some(schema) = dataset.schema_ref else {
        let message = format!("the dataset {id} has no schema");
        return Err(ActivityFailure::in_the_way(
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
    const DRY_RUN_ID: &'static str = "000000000000000000000000";
    type Id = DatasetId;
    type Found = Found;
    type Duplicate = Self;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = Some(intent.described(description));
        // People look through datasets in the UI; the tag says whose it is.
        let marker = intent.marker().to_string();
        self.tags.insert("aep-flow".to_owned(), vec![marker]);
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_datasets_named(&self.name).await
    }

    async fn find_named(sandbox: &Sandbox, name: &str) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_datasets_named(name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_dataset(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_dataset(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        let schema = found.schema_ref.as_ref().map(|schema| &schema.id);
        (schema != Some(&self.schema_id)).then(|| "it has another schema".to_owned())
    }
}

impl Deletable for NewDataset {
    async fn is_used(sandbox: &Sandbox, id: &Self::Id) -> Result<bool, PlatformError> {
        let users = sandbox.find_target_connections_into(id).await?;
        Ok(!users.is_empty())
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_dataset(id).await
    }
}

//! The mapping set: which column goes into which field.
//!
//! The platform keeps no description of one, and nothing deletes it, so the hash of its key
//! stands in its name, and its content is part of that key: another mapping is another set.
//! That an ingestion changed shows at the dataflow, which names its mapping set.

use aep_flow_proto::{
    v1::{CreateMappingSetInput, MappingSet},
    validate::MAX_NAME_CHARS,
};
use aep_platform::{FieldMapping, Kind, NewMappingSet};

use super::{
    attempt::Attempt,
    ensured::{created, ensured},
    failure::Failed,
    platform::Platform,
    schema::schema_id,
};
use crate::ensure::{Intent, Standing};

const KIND: &str = Kind::MappingSet.as_str();

/// What is put behind the name: ` - ` and the hash.
const HASH_CHARS: usize = 19;

/// Version of a mapping set that nobody changed.
const FIRST_VERSION: u32 = 0;

pub(super) async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: CreateMappingSetInput,
) -> Result<MappingSet, Failed> {
    super::check_named(&input.name, "")?;
    if input.name.chars().count() > MAX_NAME_CHARS - HASH_CHARS {
        let most = format!("at most {} characters", MAX_NAME_CHARS - HASH_CHARS);
        return Err(Failed::field("name", "a name that is too long", most));
    }
    if input.mapping.is_empty() {
        return Err(Failed::field(
            "mapping",
            "nothing",
            "at least one mapping of a column",
        ));
    }
    let schema_id = schema_id(&input.schema_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let content: Vec<String> = input
        .mapping
        .iter()
        .map(|each| format!("{}\t{}", each.source, each.destination))
        .collect();
    let content = content.join("\n");
    let intent = platform.intent(
        KIND,
        &sandbox,
        &format!("{schema_id}\n{content}"),
        &input.name,
    );
    let new = NewMappingSet {
        name: format!("{} - {}", input.name, intent.marker().key()),
        schema_id,
        mappings: input
            .mapping
            .into_iter()
            .map(|each| FieldMapping::attribute(each.source, each.destination))
            .collect(),
    };
    let ensured = ensured(
        platform,
        attempt,
        &intent,
        on_existing,
        async {
            let named = sandbox.find_mapping_sets_named(&new.name).await;
            let named = named.map_err(|error| error.failure())?;
            Ok(named
                .into_iter()
                .map(|each| standing(each, &intent))
                .collect())
        },
        async { created(sandbox.create_mapping_set(&new).await) },
    )
    .await?;
    Ok(MappingSet {
        id: ensured.id,
        version: FIRST_VERSION,
        outcome: ensured.outcome.into(),
    })
}

/// One of the whole name: the hash in it says what it was made for.
fn standing(set: aep_platform::MappingSet, intent: &Intent) -> Standing {
    Standing {
        id: set.id.to_string(),
        etag: String::new(),
        created_at: set.created_at_ms.unwrap_or_default(),
        marker: Some(intent.marker().clone()),
    }
}

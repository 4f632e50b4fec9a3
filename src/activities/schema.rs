//! The schema: a field group made from columns, and a schema that holds it; or one that exists.

mod existing;
mod fields;
mod identity;
#[cfg(test)]
mod samples;

use aep_flow_ensure::{Ensured, Intent, ResourceKind};
use aep_flow_proto::{
    json::Object,
    v1::{Behavior, EarlierCall, EnsureSchemaInput, OnExisting, Schema, SchemaSettings},
    validate::{self, Findings},
};
use aep_platform::{
    ClassId, Column, Created, Deleted, FieldGroup, FieldGroupId, NewFieldGroup, NewIdentity,
    NewSchema, PlatformError, Sandbox, Schema as FoundSchema, SchemaId, TenantId,
};
use serde_json::{Map, Value};

use fields::Fields;

use super::{
    attempt::Attempt,
    ensured::{self, Ensurable},
    failure::Failed,
    platform::Platform,
};

const FIELD_GROUP: ResourceKind = ResourceKind::FieldGroup;
const SCHEMA: ResourceKind = ResourceKind::Schema;

/// What field group and schema share.
struct Wanted<'a> {
    platform: &'a Platform,
    attempt: &'a Attempt,
    sandbox: Sandbox,
    title: String,
    description: String,
    on_existing: OnExisting,
    behavior: Behavior,
    /// Id that a person decided to take: a schema's, or a field group's.
    adopt: Option<String>,
    continues: Option<EarlierCall>,
}

pub(crate) async fn ensure_schema(
    platform: &Platform,
    attempt: &Attempt,
    input: EnsureSchemaInput,
) -> Result<Schema, Failed> {
    let settings = input.settings.clone().unwrap_or_default();
    check(&input, &settings)?;
    let columns = columns(&input.columns)?;
    if let Some(existing) = &settings.existing {
        return existing::use_existing(platform, &input, existing, &columns).await;
    }
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: platform.sandbox(&input.sandbox).await?,
        on_existing: input.on_existing(),
        behavior: settings.behavior(),
        adopt: input.adopt,
        continues: input.continues,
        title: input.title,
        description: input.description,
    };
    let tenant = platform.tenant(&wanted.sandbox).await?;
    let fields = Fields::of(&tenant, &columns, &input.mapping, &settings)?;
    // Before anything is made: what it goes into must be fit for it.
    let identity = settings.identity.as_ref();
    let identity = identity
        .map(|identity| {
            let property = fields.identity_property(&tenant, &identity.column);
            property.map(|property| (identity, property))
        })
        .transpose()?;

    let field_group_id = wanted.field_group(tenant, fields.properties).await?;
    let schema = wanted.schema(field_group_id.clone()).await?;
    if let Some((identity, property)) = identity {
        let new = NewIdentity {
            schema_id: read_made(&schema.id)?,
            property,
            namespace: identity.namespace.clone(),
            is_primary: identity.primary,
        };
        identity::ensure(
            platform,
            attempt,
            &wanted.sandbox,
            wanted.continues.as_ref(),
            new,
        )
        .await
        .map_err(|failed| failed.with_created(SCHEMA.as_str(), &schema.id))?;
    }
    Ok(Schema {
        id: schema.id,
        field_group_id: field_group_id.to_string(),
        outcome: schema.outcome.into(),
        mapping: fields.mapping,
        warnings: fields.warnings,
    })
}

/// What can be told of the input alone.
fn check(input: &EnsureSchemaInput, settings: &SchemaSettings) -> Result<(), Failed> {
    // One that exists has a title.
    if settings.existing.is_none() {
        super::check_named(&input.title, &input.description)?;
    }
    if input.columns.is_empty() {
        return Err(Failed::field(
            "columns",
            "nothing",
            "columns as ExploreTable gives them",
        ));
    }
    let mut findings = Findings::default();
    let fields = validate::fields_under(Some(settings));
    validate::mapping(&mut findings, "mapping", &input.mapping, fields);
    validate::schema_settings(&mut findings, "settings", settings, &input.mapping);
    findings.into_result().map_err(Failed::invalid)
}

/// An id that the platform gave.
fn read_made<I: std::str::FromStr<Err = aep_platform::IdError>>(id: &str) -> Result<I, Failed> {
    id.parse().map_err(|error: aep_platform::IdError| {
        Failed::platform_rejected(error.to_string(), "report this answer to Adobe's support")
    })
}

impl Wanted<'_> {
    async fn field_group(
        &self,
        tenant_id: TenantId,
        properties: Map<String, Value>,
    ) -> Result<FieldGroupId, Failed> {
        let title = format!("{} fields", self.title);
        let fields = serde_json::to_string(&properties).expect("a JSON object is JSON");
        let intent = self.platform.intent(FIELD_GROUP, &self.sandbox, "", &title);
        let intent = self
            .attempt
            .sign(intent, self.continues.as_ref())
            .field("fields", &fields);
        let intent = self.with_behavior(intent);
        let new = NewFieldGroup {
            title,
            description: intent.described(&self.description),
            class_id: self.class_id(),
            tenant_id,
            properties,
        };
        let ensured = self.ensured(&intent, &new, is_field_group).await?;
        read_made(&ensured.id)
    }

    async fn schema(&self, field_group_id: FieldGroupId) -> Result<Ensured, Failed> {
        let intent = self.platform.intent(SCHEMA, &self.sandbox, "", &self.title);
        let intent = self
            .attempt
            .sign(intent, self.continues.as_ref())
            .field("fieldGroupId", field_group_id.as_str());
        let intent = self.with_behavior(intent);
        let new = NewSchema {
            title: self.title.clone(),
            description: intent.described(&self.description),
            class_id: self.class_id(),
            field_group_ids: vec![field_group_id],
        };
        self.ensured(&intent, &new, |id| !is_field_group(id)).await
    }

    fn class_id(&self) -> ClassId {
        match self.behavior {
            Behavior::Unspecified | Behavior::Record => ClassId::individual_profile(),
            Behavior::ExperienceEvent => ClassId::experience_event(),
        }
    }

    fn with_behavior(&self, intent: Intent) -> Intent {
        match self.behavior {
            // As before there were others.
            Behavior::Unspecified | Behavior::Record => intent,
            Behavior::ExperienceEvent => intent.option("behavior", self.behavior.as_str_name()),
        }
    }

    async fn ensured<K: Ensurable>(
        &self,
        intent: &Intent,
        new: &K,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<Ensured, Failed> {
        let wanted = ensured::Wanted {
            platform: self.platform,
            attempt: self.attempt,
            sandbox: &self.sandbox,
            intent,
            on_existing: self.on_existing,
            adopt: self.adopt.as_deref().filter(|id| is_meant(id)),
            continues: self.continues.as_ref(),
            new,
        };
        wanted.ensured().await
    }
}

/// Whether an id of the registry is a field group's: the form of the id says so, and each of
/// Adobe's documents shows one of the two words.
fn is_field_group(id: &str) -> bool {
    ["/mixins/", "/fieldgroups/", ".mixins.", ".fieldgroups."]
        .iter()
        .any(|part| id.contains(part))
}

impl Ensurable for NewFieldGroup {
    const KIND: ResourceKind = FIELD_GROUP;
    type Id = FieldGroupId;
    type Found = FieldGroup;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FieldGroup>, PlatformError> {
        sandbox.find_field_groups_titled(&self.title).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_field_group(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FieldGroup, PlatformError> {
        sandbox.get_field_group(id).await
    }

    // The registry keeps titles unique, so there is never a second one to sweep.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, PlatformError> {
        Ok(true)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_field_group(id).await
    }

    fn differs(&self, found: &FieldGroup) -> Option<String> {
        let is_of_class = found.class_ids.is_empty() || found.class_ids.contains(&self.class_id);
        (!is_of_class).then(|| "it is for another class".to_owned())
    }
}

impl Ensurable for NewSchema {
    const KIND: ResourceKind = SCHEMA;
    type Id = SchemaId;
    type Found = FoundSchema;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FoundSchema>, PlatformError> {
        sandbox.find_schemas_titled(&self.title).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_schema(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FoundSchema, PlatformError> {
        sandbox.get_schema(id).await
    }

    // As of a field group.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, PlatformError> {
        Ok(true)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_schema(id).await
    }

    fn differs(&self, found: &FoundSchema) -> Option<String> {
        let has_fields = self
            .field_group_ids
            .iter()
            .all(|id| found.refs.iter().any(|found| found == id.as_str()));
        (!has_fields).then(|| "it has other field groups".to_owned())
    }
}

/// The schema's id in an input's `schemaId`.
pub(super) fn schema_id(id: &str) -> Result<SchemaId, Failed> {
    super::read_id("schemaId", id)
}

fn columns(given: &[Object]) -> Result<Vec<Column>, Failed> {
    given
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let name = column.text("name").ok_or_else(|| {
                Failed::field(
                    &format!("columns[{index}].name"),
                    "nothing",
                    "a column as ExploreTable gives it",
                )
            })?;
            Ok(Column {
                name: name.to_owned(),
                type_: column.text("type").map(str::to_owned),
                xdm: column.0.get("xdm").cloned(),
                xdm_type: column.text("meta:xdmType").map(str::to_owned),
                raw: Value::Object(column.0.clone()),
            })
        })
        .collect()
}

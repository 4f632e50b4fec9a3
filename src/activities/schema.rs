//! The schema: a field group created from columns, and a schema that holds it; or one that exists.

mod columns;
mod existing;
mod fields;
mod identity;
#[cfg(test)]
mod samples;

use aep_flow_ensure::{Ensured, Intent, ResourceKind};
use aep_flow_proto::{
    v1::{Behavior, EnsureSchemaInput, Schema, SchemaSettings},
    validate::{self, Findings},
};
use aep_platform::{
    ClassId, Created, FieldGroup, FieldGroupId, NewFieldGroup, NewIdentity, NewSchema,
    PlatformError, Sandbox, Schema as FoundSchema, SchemaId, TenantId,
};
use serde_json::{Map, Value};

use columns::Columns;
use fields::Fields;

use super::{
    attempt::Attempt,
    ensure::{Create, Creates, Ensurable, Stays},
    failure::ActivityFailure,
    platform::Platform,
};

const FIELD_GROUP: ResourceKind = ResourceKind::FieldGroup;
const SCHEMA: ResourceKind = ResourceKind::Schema;

impl Creates for EnsureSchemaInput {
    const RESOURCE: ResourceKind = SCHEMA;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<Schema, ActivityFailure> {
        let settings = self.settings.clone().unwrap_or_default();
        check(&self, &settings)?;
        let columns = Columns::read(&self, &settings, &platform.catalog)?;
        if let Some(existing) = &settings.existing {
            return existing::use_existing(platform, &self, existing, &columns.all).await;
        }
        let create = Create::of(platform, attempt, &self).await?;
        let tenant = platform.tenant(&create.sandbox).await?;
        let of = |columns| Fields::of(&tenant, columns, &self.mapping, &settings);
        let mut fields = of(&columns.all)?;
        // Where it fails, nothing was created.
        let former = of(&columns.former()).map(|fields| fields.properties).ok();
        fields.warnings.extend(columns.warnings(&self.mapping));
        // Before anything is created: the identity's field must be fit for it.
        let identity = settings.identity.as_ref();
        let identity = identity
            .map(|identity| {
                let property = fields.identity_property(&tenant, &identity.column);
                property.map(|property| (identity, property))
            })
            .transpose()?;

        let behavior = settings.behavior();
        let title = format!("{} fields", self.title);
        let properties = fields.properties;
        let field_group = field_group(&create, behavior, title, tenant, properties, former);
        let field_group_id: FieldGroupId = read_made(&field_group.await?.id)?;
        let schema = schema(&create, behavior, self.title, field_group_id.clone()).await?;
        if let Some((identity, property)) = identity {
            let new = NewIdentity {
                schema_id: read_made(&schema.id)?,
                property,
                namespace: identity.namespace.clone(),
                is_primary: identity.primary,
            };
            identity::ensure(&create, new)
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
}

/// The checks that need the input alone.
fn check(input: &EnsureSchemaInput, settings: &SchemaSettings) -> Result<(), ActivityFailure> {
    // One that exists has a title.
    if settings.existing.is_none() {
        super::check_named(input)?;
    }
    if input.columns.is_empty() {
        return Err(ActivityFailure::field(
            "columns",
            "nothing",
            "columns as ExploreTable gives them",
        ));
    }
    let mut findings = Findings::default();
    let fields = validate::fields_under(Some(settings));
    validate::mapping(&mut findings, "mapping", &input.mapping, fields);
    validate::schema_settings(&mut findings, "settings", settings, &input.mapping);
    findings.into_result().map_err(ActivityFailure::invalid)
}

/// An id that the platform gave.
fn read_made<I: std::str::FromStr<Err = aep_platform::IdError>>(
    id: &str,
) -> Result<I, ActivityFailure> {
    id.parse().map_err(|error: aep_platform::IdError| {
        ActivityFailure::platform_rejected(
            error.to_string(),
            "report this answer to Adobe's support",
        )
    })
}

async fn field_group(
    create: &Create<'_>,
    behavior: Behavior,
    title: String,
    tenant_id: TenantId,
    properties: Map<String, Value>,
    former: Option<Map<String, Value>>,
) -> Result<Ensured, ActivityFailure> {
    let text = |properties| serde_json::to_string(properties).expect("a JSON object is JSON");
    let mut intent = create.intent(FIELD_GROUP, "", &title);
    intent = intent.field("fields", &text(&properties));
    if let Some(former) = former {
        intent = intent.formerly("fields", &text(&former));
    }
    let intent = with_behavior(intent, behavior);
    let new = NewFieldGroup {
        title,
        description: String::new(),
        class_id: class_id(behavior),
        tenant_id,
        properties,
    };
    create.run(intent, new).await
}

async fn schema(
    create: &Create<'_>,
    behavior: Behavior,
    title: String,
    field_group_id: FieldGroupId,
) -> Result<Ensured, ActivityFailure> {
    let intent = create.intent(SCHEMA, "", &title);
    let intent = intent.field("fieldGroupId", field_group_id.as_str());
    let new = NewSchema {
        title,
        description: String::new(),
        class_id: class_id(behavior),
        field_group_ids: vec![field_group_id],
    };
    create.run(with_behavior(intent, behavior), new).await
}

fn class_id(behavior: Behavior) -> ClassId {
    match behavior {
        Behavior::Unspecified | Behavior::Record => ClassId::individual_profile(),
        Behavior::ExperienceEvent => ClassId::experience_event(),
    }
}

fn with_behavior(intent: Intent, behavior: Behavior) -> Intent {
    match behavior {
        // As before there were others.
        Behavior::Unspecified | Behavior::Record => intent,
        Behavior::ExperienceEvent => intent.option("behavior", behavior.as_str_name()),
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
    const DRY_RUN_ID: &'static str = "https://ns.adobe.com/to-come/mixins/0";
    type Id = FieldGroupId;
    type Found = FieldGroup;
    // The registry keeps titles unique, so there is never a second one.
    type Duplicate = Stays;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = intent.described(description);
    }

    fn is_id(id: &str) -> bool {
        is_field_group(id)
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FieldGroup>, PlatformError> {
        sandbox.find_field_groups_titled(&self.title).await
    }

    async fn find_named(sandbox: &Sandbox, name: &str) -> Result<Vec<FieldGroup>, PlatformError> {
        sandbox.find_field_groups_titled(name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_field_group(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FieldGroup, PlatformError> {
        sandbox.get_field_group(id).await
    }

    fn differs(&self, found: &FieldGroup) -> Option<String> {
        let is_of_class = found.class_ids.is_empty() || found.class_ids.contains(&self.class_id);
        (!is_of_class).then(|| "it is for another class".to_owned())
    }
}

impl Ensurable for NewSchema {
    const KIND: ResourceKind = SCHEMA;
    const DRY_RUN_ID: &'static str = "https://ns.adobe.com/to-come/schemas/0";
    type Id = SchemaId;
    type Found = FoundSchema;
    // As of a field group.
    type Duplicate = Stays;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = intent.described(description);
    }

    fn is_id(id: &str) -> bool {
        !is_field_group(id)
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FoundSchema>, PlatformError> {
        sandbox.find_schemas_titled(&self.title).await
    }

    async fn find_named(sandbox: &Sandbox, name: &str) -> Result<Vec<FoundSchema>, PlatformError> {
        sandbox.find_schemas_titled(name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_schema(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FoundSchema, PlatformError> {
        sandbox.get_schema(id).await
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
pub(super) fn schema_id(id: &str) -> Result<SchemaId, ActivityFailure> {
    super::read_id("schemaId", id)
}

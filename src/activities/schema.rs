//! The schema: a field group made from columns, and a schema that holds it.

use aep_flow_ensure::{Ensured, Intent, ResourceKind};
use aep_flow_proto::{
    json::Object,
    v1::{EarlierCall, EnsureSchemaInput, FieldMapping, OnExisting, Schema},
};
use aep_platform::{
    ClassId, Column, CreateError, Created, DeleteError, Deleted, FieldGroup, FieldGroupId,
    NewFieldGroup, NewSchema, ReadError, Sandbox, Schema as FoundSchema, SchemaId, TenantId,
    schema_fields, source_path, xdm_type,
};
use serde_json::{Map, Value, json};

use super::{
    attempt::Attempt,
    ensured::{self, Ensurable},
    failure::Failed,
    platform::Platform,
};

const FIELD_GROUP: ResourceKind = ResourceKind::FieldGroup;
const SCHEMA: ResourceKind = ResourceKind::Schema;

/// What the fields of a schema are, and which column goes where.
struct Fields {
    properties: Map<String, Value>,
    mapping: Vec<FieldMapping>,
    warnings: Vec<String>,
}

/// What field group and schema share.
struct Wanted<'a> {
    platform: &'a Platform,
    attempt: &'a Attempt,
    sandbox: Sandbox,
    title: String,
    description: String,
    on_existing: OnExisting,
    /// Id that a person decided to take: a schema's, or a field group's.
    adopt: Option<String>,
    continues: Option<EarlierCall>,
}

pub(super) async fn ensure_schema(
    platform: &Platform,
    attempt: &Attempt,
    input: EnsureSchemaInput,
) -> Result<Schema, Failed> {
    super::check_named(&input.title, &input.description)?;
    if input.columns.is_empty() {
        return Err(Failed::field(
            "columns",
            "nothing",
            "columns as ExploreTable gives them",
        ));
    }
    let columns = columns(&input.columns)?;
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: platform.sandbox(&input.sandbox).await?,
        on_existing: input.on_existing(),
        adopt: input.adopt,
        continues: input.continues,
        title: input.title,
        description: input.description,
    };
    let tenant = platform.tenant(&wanted.sandbox).await?;
    let fields = if input.mapping.is_empty() {
        one_per_column(&tenant, &columns)
    } else {
        as_mapped(&tenant, &columns, &input.mapping)?
    };

    let class = ClassId::individual_profile();
    let field_group_id = wanted
        .field_group(tenant, class.clone(), fields.properties)
        .await?;
    let schema = wanted.schema(class, field_group_id.clone()).await?;
    Ok(Schema {
        id: schema.id,
        field_group_id: field_group_id.to_string(),
        outcome: schema.outcome.into(),
        mapping: fields.mapping,
        warnings: fields.warnings,
    })
}

impl Wanted<'_> {
    async fn field_group(
        &self,
        tenant_id: TenantId,
        class_id: ClassId,
        properties: Map<String, Value>,
    ) -> Result<FieldGroupId, Failed> {
        let title = format!("{} fields", self.title);
        let fields = serde_json::to_string(&properties).expect("a JSON object is JSON");
        let intent = self.platform.intent(FIELD_GROUP, &self.sandbox, "", &title);
        let intent = self
            .attempt
            .sign(intent, self.continues.as_ref())
            .field("fields", &fields);
        let new = NewFieldGroup {
            title,
            description: intent.described(&self.description),
            class_id,
            tenant_id,
            properties,
        };
        let ensured = self.ensured(&intent, &new, is_field_group).await?;
        FieldGroupId::parse(ensured.id).map_err(|error| {
            Failed::platform_rejected(error.to_string(), "report this answer to Adobe's support")
        })
    }

    async fn schema(
        &self,
        class_id: ClassId,
        field_group_id: FieldGroupId,
    ) -> Result<Ensured, Failed> {
        let intent = self.platform.intent(SCHEMA, &self.sandbox, "", &self.title);
        let intent = self
            .attempt
            .sign(intent, self.continues.as_ref())
            .field("fieldGroupId", field_group_id.as_str());
        let new = NewSchema {
            title: self.title.clone(),
            description: intent.described(&self.description),
            class_id,
            field_group_ids: vec![field_group_id],
        };
        self.ensured(&intent, &new, |id| !is_field_group(id)).await
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

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FieldGroup>, ReadError> {
        sandbox.find_field_groups_titled(&self.title).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, CreateError> {
        sandbox.create_field_group(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FieldGroup, ReadError> {
        sandbox.get_field_group(id).await
    }

    // The registry keeps titles unique, so there is never a second one to sweep.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, ReadError> {
        Ok(true)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, DeleteError> {
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

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<FoundSchema>, ReadError> {
        sandbox.find_schemas_titled(&self.title).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, CreateError> {
        sandbox.create_schema(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<FoundSchema, ReadError> {
        sandbox.get_schema(id).await
    }

    // As of a field group.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, ReadError> {
        Ok(true)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, DeleteError> {
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

fn one_per_column(tenant: &TenantId, columns: &[Column]) -> Fields {
    let fields = schema_fields(tenant, columns);
    Fields {
        properties: fields.properties,
        mapping: fields
            .mappings
            .into_iter()
            .map(|each| FieldMapping {
                source: each.source,
                destination: each.destination,
                ..FieldMapping::default()
            })
            .collect(),
        warnings: fields
            .renamed
            .into_iter()
            .map(|each| {
                format!(
                    "column `{}` goes into field `{}`: XDM does not take the column's name",
                    each.column, each.field
                )
            })
            .collect(),
    }
}

/// Fields where the caller wants them, each of its column's type.
fn as_mapped(
    tenant: &TenantId,
    columns: &[Column],
    mapping: &[FieldMapping],
) -> Result<Fields, Failed> {
    let namespace = tenant.namespace();
    let mut fields = Fields {
        properties: Map::new(),
        mapping: Vec::with_capacity(mapping.len()),
        warnings: Vec::new(),
    };
    for (index, each) in mapping.iter().enumerate() {
        let at = |part: &str| format!("mapping[{index}].{part}");
        let column = columns
            .iter()
            .find(|column| column.name == each.source)
            .ok_or_else(|| {
                Failed::field(
                    &at("source"),
                    format!("`{}`", each.source),
                    "one of the columns",
                )
            })?;
        let path = each
            .destination
            .strip_prefix("_tenant.")
            .or_else(|| each.destination.strip_prefix(&namespace)?.strip_prefix('.'))
            .ok_or_else(|| {
                Failed::field(
                    &at("destination"),
                    format!("`{}`", each.destination),
                    format!("a path that begins with `_tenant.` or `{namespace}.`"),
                )
            })?;
        let parts: Vec<&str> = path.split('.').collect();
        let mut leaf = xdm_type(column);
        leaf.insert("title".to_owned(), Value::String(column.name.clone()));
        if !insert(&mut fields.properties, &parts, leaf) {
            return Err(Failed::field(
                &at("destination"),
                format!("`{}`", each.destination),
                "a path that is no part of another destination, nor has one as its part",
            ));
        }
        fields.mapping.push(FieldMapping {
            source: source_path(&each.source),
            destination: format!("{namespace}.{path}"),
            ..FieldMapping::default()
        });
    }
    Ok(fields)
}

/// Puts `leaf` at `path`, making objects on the way; false if something else is there.
fn insert(properties: &mut Map<String, Value>, path: &[&str], leaf: Map<String, Value>) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return properties
            .insert((*first).to_owned(), Value::Object(leaf))
            .is_none();
    }
    let object = properties
        .entry((*first).to_owned())
        .or_insert_with(|| json!({"title": first, "type": "object", "properties": {}}));
    match object.get_mut("properties").and_then(Value::as_object_mut) {
        Some(inner) => insert(inner, rest, leaf),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_: &str) -> Column {
        let object = json!({"name": name, "type": type_});
        columns(&[Object(object.as_object().unwrap().clone())])
            .unwrap()
            .remove(0)
    }

    fn mapping(pairs: &[(&str, &str)]) -> Vec<FieldMapping> {
        pairs
            .iter()
            .map(|(source, destination)| FieldMapping {
                source: (*source).to_owned(),
                destination: (*destination).to_owned(),
                ..FieldMapping::default()
            })
            .collect()
    }

    #[test]
    fn destinations_become_nested_fields_of_the_columns_types() {
        let tenant = TenantId::parse("acme").unwrap();
        let columns = [column("id", "integer"), column("emails.address", "string")];
        let wanted = mapping(&[
            ("id", "_tenant.contact.id"),
            ("emails.address", "_acme.contact.email"),
        ]);
        let fields = as_mapped(&tenant, &columns, &wanted).unwrap();
        assert_eq!(
            fields.mapping,
            mapping(&[
                ("id", "_acme.contact.id"),
                (r"emails\.address", "_acme.contact.email")
            ])
        );
        let contact = &fields.properties["contact"];
        assert_eq!(contact["type"], "object");
        assert_eq!(contact["properties"]["id"]["type"], "integer");
        assert_eq!(contact["properties"]["email"]["type"], "string");
        assert_eq!(contact["properties"]["email"]["title"], "emails.address");
    }

    #[test]
    fn a_destination_that_cannot_be_is_named() {
        let tenant = TenantId::parse("acme").unwrap();
        let columns = [column("id", "integer"), column("name", "string")];
        let cases = [
            (mapping(&[("id", "_other.id")]), "mapping[0].destination"),
            (mapping(&[("nope", "_acme.id")]), "mapping[0].source"),
            (
                mapping(&[("id", "_acme.a"), ("name", "_acme.a.b")]),
                "mapping[1].destination",
            ),
            (
                mapping(&[("id", "_acme.a.b"), ("name", "_acme.a")]),
                "mapping[1].destination",
            ),
        ];
        for (wanted, field) in cases {
            let failure = as_mapped(&tenant, &columns, &wanted)
                .err()
                .unwrap()
                .into_failure(1, None);
            assert!(failure.to_string().contains(field), "{failure}");
        }
    }
}

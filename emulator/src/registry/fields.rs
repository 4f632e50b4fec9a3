//! All fields of a schema: those of its class and of its field groups, merged.

use serde_json::{Map, Value, json};

use super::{references, rules};
use crate::config::Config;
use crate::store::{Kind, Store};

/// The fields of a schema.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    properties: Map<String, Value>,
    /// Whether it has field groups of Adobe's own, whose fields aren't known here.
    is_open: bool,
    /// Whether it is of class ExperienceEvent.
    pub(crate) is_event: bool,
}

impl Fields {
    /// Whether there is a field at this path of dots.
    pub(crate) fn has(&self, path: &str, tenant_root: &str) -> bool {
        let mut properties = Some(&self.properties);
        let mut found = None;
        for segment in path.split('.') {
            // `items[*]` and `items[0]` both mean a member.
            let name = segment.split('[').next().unwrap_or_default();
            found = properties.and_then(|properties| properties.get(name));
            properties = found.and_then(|field| {
                let inner = if field["type"] == "array" {
                    &field["items"]["properties"]
                } else {
                    &field["properties"]
                };
                inner.as_object()
            });
        }
        found.is_some() || (self.is_open && path.split('.').next() != Some(tenant_root))
    }

    /// The fields as JSON Schema.
    pub(crate) fn into_properties(self) -> Map<String, Value> {
        self.properties
    }
}

/// The fields of the schema of this id, `None` if there is no such schema.
pub(crate) fn fields_of(
    store: &Store,
    config: &Config,
    sandbox: &str,
    schema: &str,
) -> Option<Fields> {
    let schema = store.get(sandbox, Kind::Schemas, schema)?;
    let mut fields = Fields {
        properties: Map::new(),
        is_open: false,
        is_event: false,
    };
    for id in references(&schema.body) {
        match id.as_str() {
            "https://ns.adobe.com/xdm/context/profile" => merge(&mut fields.properties, &profile()),
            "https://ns.adobe.com/xdm/context/experienceevent" => {
                fields.is_event = true;
                merge(&mut fields.properties, &event());
            }
            _ => match store.get(sandbox, Kind::Fieldgroups, &id) {
                Some(fieldgroup) => {
                    for properties in rules::property_sets(&fieldgroup.body) {
                        merge(&mut fields.properties, properties);
                    }
                }
                None => fields.is_open = true,
            },
        }
    }
    // A schema without field groups still has its tenant's root.
    fields
        .properties
        .entry(format!("_{}", config.tenant))
        .or_insert_with(|| json!({"type": "object", "properties": {}}));
    Some(fields)
}

/// Merges properties, and those of objects that both have.
fn merge(into: &mut Map<String, Value>, from: &Value) {
    for (name, field) in from.as_object().into_iter().flatten() {
        match into
            .get_mut(name)
            .and_then(|old| old.get_mut("properties"))
            .and_then(Value::as_object_mut)
        {
            Some(old) => merge(old, &field["properties"]),
            None => {
                into.insert(name.clone(), field.clone());
            }
        }
    }
}

fn profile() -> Value {
    json!({
        "_id": {"type": "string"},
        "_repo": {"type": "object", "properties": {
            "createDate": {"type": "string", "format": "date-time"},
            "modifyDate": {"type": "string", "format": "date-time"},
        }},
        "createdByBatchID": {"type": "string"},
        "modifiedByBatchID": {"type": "string"},
        "repositoryCreatedBy": {"type": "string"},
        "repositoryLastModifiedBy": {"type": "string"},
        "personID": {"type": "string"},
    })
}

fn event() -> Value {
    json!({
        "_id": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "eventType": {"type": "string"},
        "producedBy": {"type": "string"},
    })
}

//! All fields of a schema: those of its class and its field groups, merged.
//!
//! Source: Schema Registry guide (schemas), the classes' own definitions in the public XDM
//! repository, and XDM field constraints, read 2026-11.

use serde_json::{Map, Value, json};

use super::rules::{self, references};
use crate::scene::Scene;
use crate::store::Kind;

/// The fields of a schema.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    properties: Map<String, Value>,
    /// Whether it uses field groups of Adobe's own. Their fields aren't known here.
    is_open: bool,
    /// The paths of the fields that every row must have.
    required: Vec<String>,
}

impl Fields {
    /// Whether there is a field at this path with dots.
    pub(crate) fn has(&self, path: &str, tenant_root: &str) -> bool {
        self.at(path).is_some() || (self.is_open && path.split('.').next() != Some(tenant_root))
    }

    /// The JSON type of the field at this path with dots.
    pub(crate) fn kind_of(&self, path: &str) -> Option<&str> {
        self.at(path)?["type"].as_str()
    }

    /// The paths of the fields that every row must have: `_id` and `timestamp` of an
    /// ExperienceEvent, and what a field group names in `required`.
    pub(crate) fn required(&self) -> &[String] {
        &self.required
    }

    /// The fields as JSON Schema with the types that the registry adds, and the required ones at
    /// the top level.
    pub(crate) fn into_resolved(mut self) -> (Map<String, Value>, Vec<String>) {
        for field in self.properties.values_mut() {
            add_xdm_types(field);
        }
        self.required.retain(|path| !path.contains('.'));
        (self.properties, self.required)
    }

    fn at(&self, path: &str) -> Option<&Value> {
        let mut properties = Some(&self.properties);
        let mut found = None;
        for segment in path.split('.') {
            // `items[*]` and `items[0]` both name a member.
            let name = segment.split('[').next().unwrap_or_default();
            found = properties.and_then(|properties| properties.get(name));
            properties = found.and_then(|field| inner(field).as_object());
        }
        found
    }
}

/// The fields below a field.
fn inner(field: &Value) -> &Value {
    if field["type"] == "array" {
        &field["items"]["properties"]
    } else {
        &field["properties"]
    }
}

/// Adds `meta:xdmType` to a field and all fields below it, as the registry does.
fn add_xdm_types(field: &mut Value) {
    let kind = xdm_type(field);
    if let Some(kind) = kind {
        field["meta:xdmType"] = Value::from(kind);
    }
    if let Some(items) = field.get_mut("items") {
        add_xdm_types(items);
    }
    let properties = field.get_mut("properties").and_then(Value::as_object_mut);
    for field in properties.into_iter().flat_map(|all| all.values_mut()) {
        add_xdm_types(field);
    }
}

/// The XDM type of a field, from its JSON type, its format and its bounds.
fn xdm_type(field: &Value) -> Option<&'static str> {
    Some(match (field["type"].as_str()?, field["format"].as_str()) {
        ("string", Some("date")) => "date",
        ("string", Some("date-time")) => "date-time",
        ("string", _) => "string",
        ("number", _) => "number",
        ("boolean", _) => "boolean",
        ("array", _) => "array",
        ("object", _) => "object",
        ("integer", _) => match field["maximum"].as_i64() {
            Some(maximum) if maximum > 1 << 31 => "long",
            _ => "int",
        },
        _ => return None,
    })
}

/// The fields of the schema of this id, `None` if there is no such schema.
pub(crate) fn fields_of(scene: &Scene<'_>, schema: &str) -> Option<Fields> {
    let schema = scene.get(Kind::Schemas, schema)?;
    let mut fields = Fields {
        properties: Map::new(),
        is_open: false,
        required: Vec::new(),
    };
    for id in references(&schema.body) {
        match id.as_str() {
            "https://ns.adobe.com/xdm/context/profile" => merge(&mut fields.properties, &profile()),
            "https://ns.adobe.com/xdm/context/experienceevent" => {
                fields.required = vec!["_id".to_owned(), "timestamp".to_owned()];
                merge(&mut fields.properties, &event());
            }
            _ => match scene.get(Kind::Fieldgroups, &id) {
                Some(fieldgroup) => {
                    for holder in rules::holders(&fieldgroup.body) {
                        merge(&mut fields.properties, &holder["properties"]);
                        add_required(&mut fields.required, holder, "");
                    }
                }
                None => fields.is_open = true,
            },
        }
    }
    // A schema without field groups still has the root of its tenant.
    fields
        .properties
        .entry(format!("_{}", scene.config.tenant))
        .or_insert_with(|| json!({"type": "object", "properties": {}}));
    Some(fields)
}

/// Merges properties, including those of objects that exist in both.
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

/// Adds the paths that an object, and the objects below it, name in `required`.
fn add_required(paths: &mut Vec<String>, object: &Value, prefix: &str) {
    let named = object["required"].as_array().into_iter().flatten();
    for name in named.filter_map(Value::as_str) {
        let path = format!("{prefix}{name}");
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        add_required(paths, field, &format!("{prefix}{name}."));
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

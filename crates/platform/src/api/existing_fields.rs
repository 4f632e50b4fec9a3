//! The fields of an existing schema, by their paths.
//!
//! They are read from the form in which the registry resolves all references. Source: Schema
//! Registry API guide ("Look up a schema") and "Field constraints", read 2026-11.

use serde_json::{Map, Value};

use super::schema_registry::Schema;
use crate::fields;

/// What a field can hold: Data Prep converts between the types of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFamily {
    /// Texts, dates and times among them.
    Text,
    /// Numbers, whole ones among them.
    Number,
    /// True or false.
    Boolean,
    /// Objects, arrays, and unknown types.
    Nested,
}

impl FieldFamily {
    /// The family of a field's definition.
    #[must_use]
    pub fn of(definition: &Map<String, Value>) -> Self {
        match definition.get("type").and_then(Value::as_str) {
            Some("string") => Self::Text,
            Some("number" | "integer") => Self::Number,
            Some("boolean") => Self::Boolean,
            _ => Self::Nested,
        }
    }

    /// The family in words, for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Nested => "object or list",
        }
    }
}

impl Schema {
    /// The definition of the field at this path of names and dots, such as `_acme.contactId`.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Map<String, Value>> {
        let mut parts = path.split('.');
        let first = parts.next()?;
        let raw = self.raw.as_value();
        // A resolved schema has the fields itself; in an unresolved one each part has its own.
        let holders = std::iter::once(raw).chain(fields::list(raw, "/allOf"));
        let roots = holders.filter_map(|holder| holder.get("properties")?.get(first));
        let rest: Vec<&str> = parts.collect();
        roots
            .filter_map(|root| {
                rest.iter()
                    .try_fold(root, |field, name| field.get("properties")?.get(name))
            })
            .find_map(Value::as_object)
    }

    /// Whether its rows are events, each with an `_id` and a `timestamp`: those of the class
    /// ExperienceEvent, and of classes that extend the behaviour of a time series.
    #[must_use]
    pub fn is_of_events(&self) -> bool {
        const EVENTS: [&str; 2] = [
            "https://ns.adobe.com/xdm/context/experienceevent",
            "https://ns.adobe.com/xdm/data/time-series",
        ];
        let extends = fields::list(self.raw.as_value(), "/meta:extends").iter();
        let class = self.class_id.as_ref().map(crate::ClassId::as_str);
        extends
            .filter_map(Value::as_str)
            .chain(class)
            .any(|id| EVENTS.contains(&id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::schema_registry::Titled as _;

    fn schema(mut value: Value) -> Schema {
        value["$id"] = json!("https://ns.adobe.com/acme/schemas/1f");
        Schema::read(value).unwrap()
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        let resolved = schema(json!({"properties": {
            "timestamp": {"type": "string", "format": "date-time"},
            "_acme": {"type": "object", "properties": {
                "age": {"type": "integer"},
                "isActive": {"type": "boolean"},
                "contact": {"type": "object", "properties": {"name": {"type": "string"}}},
                "tags": {"type": "array", "items": {"type": "string"}}}}}}));
        let cases = [
            ("timestamp", Some(FieldFamily::Text)),
            ("_acme.age", Some(FieldFamily::Number)),
            ("_acme.isActive", Some(FieldFamily::Boolean)),
            ("_acme.contact.name", Some(FieldFamily::Text)),
            ("_acme.contact", Some(FieldFamily::Nested)),
            ("_acme.tags", Some(FieldFamily::Nested)),
            ("_acme.tags.items", None),
            ("_acme.contact.name.x", None),
            ("_acme.nope", None),
            ("age", None),
            ("", None),
        ];
        for (path, family) in cases {
            assert_eq!(resolved.field(path).map(FieldFamily::of), family, "{path}");
        }
        let parts = schema(json!({"allOf": [
            {"$ref": "https://ns.adobe.com/xdm/context/profile"},
            {"properties": {"_acme": {"properties": {"a": {"type": "string"}}}}},
            {"properties": {"_acme": {"properties": {"b": {"type": "string"}}}}}]}));
        for path in ["_acme.a", "_acme.b"] {
            assert!(parts.field(path).is_some(), "{path}");
        }
    }

    #[test]
    fn event_schemas_are_known_by_class_and_by_what_it_extends() {
        let event = "https://ns.adobe.com/xdm/context/experienceevent";
        let own_class = "https://ns.adobe.com/acme/classes/1f";
        for (value, expected) in [
            (json!({"meta:class": event}), true),
            (
                json!({"meta:class": own_class,
                       "meta:extends": ["https://ns.adobe.com/xdm/data/time-series", own_class]}),
                true,
            ),
            (
                json!({"meta:class": "https://ns.adobe.com/xdm/context/profile"}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(schema(value.clone()).is_of_events(), expected, "{value}");
        }
    }
}

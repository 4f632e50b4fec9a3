//! What the registry requires of a new field group or schema.
//!
//! The documents name the numbers of the namespace rule (1020 to 1024), but not which case has
//! which. Other numbers here are close to documented ones. A client must accept any of them.

use serde_json::Value;

use super::find::not_found;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

const CLASSES: [&str; 2] = [
    "https://ns.adobe.com/xdm/context/profile",
    "https://ns.adobe.com/xdm/context/experienceevent",
];

/// The JSON types of XDM. Source: XDM field constraints, read 2026-11.
const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];
/// The formats of strings in XDM, and those of JSON Schema that Adobe's own schemas use.
const FORMATS: [&str; 7] = [
    "date",
    "date-time",
    "time",
    "email",
    "uri",
    "uri-reference",
    "ipv4",
];

/// Whether an id is that of a class.
pub(crate) fn is_class(id: &Value) -> bool {
    CLASSES.iter().any(|class| id == class)
}

/// Checks a field group: what it extends, and that all its fields are below `_tenant`.
pub(crate) fn check_fieldgroup(sent: &Value, tenant: &str) -> Result<(), Problem> {
    check_common(sent)?;
    if sent["meta:intendedToExtend"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        return Err(invalid("meta:intendedToExtend is missing"));
    }
    let namespace = format!("_{tenant}");
    for holder in holders(sent) {
        let Some(properties) = holder["properties"].as_object() else {
            return Err(invalid("properties must be an object"));
        };
        for (name, field) in properties {
            if *name != namespace {
                let detail = format!("Namespace validation error: {name} is not below {namespace}");
                return Err(namespace_error(1020, detail));
            }
            if field["type"] != "object" {
                let detail = format!("Namespace validation error: {name} must be an object");
                return Err(namespace_error(1020, detail));
            }
            check_fields(field, name)?;
        }
    }
    Ok(())
}

/// Checks a schema: it needs exactly one class, and its field groups must exist.
pub(crate) fn check_schema(scene: &Scene<'_>, sent: &Value) -> Result<(), Problem> {
    check_common(sent)?;
    if sent["description"].as_str().is_none() {
        return Err(invalid("description is missing"));
    }
    let references = references(sent);
    let classes = references
        .iter()
        .filter(|id| CLASSES.contains(&id.as_str()))
        .count();
    if classes != 1 {
        return Err(invalid(&format!(
            "allOf must have exactly one class, it has {classes}"
        )));
    }
    for id in references {
        // Adobe's own field groups are not stored here. They are accepted as they are.
        if id.starts_with("https://ns.adobe.com/xdm/") {
            continue;
        }
        let fieldgroup = scene.get(Kind::Fieldgroups, &id);
        let Some(fieldgroup) = fieldgroup else {
            return Err(not_found(Kind::Fieldgroups, &id));
        };
        let extends = fieldgroup.body["meta:intendedToExtend"].as_array();
        let fits = extends
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(|class| {
                class == "https://ns.adobe.com/xdm/data/record"
                    || class == "https://ns.adobe.com/xdm/data/time-series"
                    || sent["allOf"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .any(|member| text(member, "/$ref") == class)
            });
        if !fits {
            return Err(invalid(&format!(
                "field group {id} is not intended to extend the class of the schema"
            )));
        }
    }
    Ok(())
}

fn check_common(sent: &Value) -> Result<(), Problem> {
    if sent["type"] != "object" {
        return Err(invalid("type must be object"));
    }
    if text(sent, "/title").is_empty() {
        return Err(invalid("title is missing"));
    }
    if sent["allOf"].as_array().is_none_or(Vec::is_empty) {
        return Err(invalid("allOf is missing"));
    }
    Ok(())
}

/// The `$ref`s of a schema's `allOf`.
pub(super) fn references(schema: &Value) -> Vec<String> {
    let members = schema["allOf"].as_array();
    members
        .into_iter()
        .flatten()
        .filter_map(|member| member["$ref"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The parts of a field group that have properties: itself, its definitions and its members.
pub(crate) fn holders(fieldgroup: &Value) -> Vec<&Value> {
    let definitions = fieldgroup["definitions"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    let members = fieldgroup["allOf"].as_array().into_iter().flatten();
    std::iter::once(fieldgroup)
        .chain(definitions)
        .chain(members)
        .filter(|holder| holder.get("properties").is_some())
        .collect()
}

/// Checks a field and the fields below it: each needs a type, and a name that the registry accepts.
fn check_fields(field: &Value, path: &str) -> Result<(), Problem> {
    check_type(field, path)?;
    let inner = match field["type"].as_str() {
        Some("array") => &field["items"]["properties"],
        _ => &field["properties"],
    };
    for (name, field) in inner.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let is_plain = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
        if name.is_empty() || name.starts_with('_') || !is_plain {
            return Err(namespace_error(
                1021,
                format!("Namespace validation error: field name {path} is not valid"),
            ));
        }
        check_fields(field, &path)?;
    }
    Ok(())
}

/// Checks that a field has a type of XDM: one lower-case word, with a matching format or matching
/// items.
fn check_type(field: &Value, path: &str) -> Result<(), Problem> {
    if field["$ref"].is_string() {
        return Ok(());
    }
    let wrong = |detail: String| Err(namespace_error(1024, format!("Field {path} {detail}")));
    let Some(kind) = field["type"].as_str() else {
        return wrong("has no type".to_owned());
    };
    if !TYPES.contains(&kind) {
        return wrong(format!("has type {kind}, which XDM hasn't"));
    }
    match (kind, &field["format"]) {
        (_, Value::Null) => {}
        ("string", Value::String(format)) if FORMATS.contains(&format.as_str()) => {}
        (_, format) => return wrong(format!("has format {format}, which type {kind} hasn't")),
    }
    if kind == "array" {
        return check_type(&field["items"], &format!("{path}[]"));
    }
    if kind != "object" && !field["properties"].is_null() {
        return wrong(format!("has properties, which type {kind} hasn't"));
    }
    Ok(())
}

fn namespace_error(number: u16, detail: String) -> Problem {
    Problem::Registry {
        number,
        status: 400,
        title: "Namespace validation error",
        detail,
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::Registry {
        number: 1018,
        status: 400,
        title: "Invalid resource",
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fieldgroup(properties: Value) -> Value {
        json!({
            "type": "object", "title": "t", "meta:intendedToExtend": [CLASSES[0]],
            "definitions": {"customFields": {"type": "object", "properties": properties}},
            "allOf": [{"$ref": "#/definitions/customFields"}],
        })
    }

    #[test]
    fn fields_are_below_the_tenant_and_have_plain_names() {
        let fine = json!({"_acme": {"type": "object", "properties": {"contact-Id_1": {"type": "string"}}}});
        assert_eq!(check_fieldgroup(&fieldgroup(fine), "acme"), Ok(()));
        for (properties, wanted) in [
            (json!({"contactId": {"type": "string"}}), 1020),
            (json!({"_other": {"type": "object"}}), 1020),
            (
                json!({"_acme": {"type": "object", "properties": {"emails.address": {"type": "string"}}}}),
                1021,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"_id": {"type": "string"}}}}),
                1021,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"größe": {"type": "string"}}}}),
                1021,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"title": "A"}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "String"}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "binary"}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "number", "format": "date"}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "array"}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "string", "properties": {}}}}}),
                1024,
            ),
            (
                json!({"_acme": {"type": "object", "properties": {"a": {"type": "array", "items": {
                    "type": "object", "properties": {"b c": {"type": "string"}},
                }}}}}),
                1021,
            ),
            (json!({"_acme": {"type": "string"}}), 1020),
        ] {
            let problem = check_fieldgroup(&fieldgroup(properties.clone()), "acme").unwrap_err();
            assert!(
                matches!(problem, Problem::Registry { number, .. } if number == wanted),
                "{properties}: {problem}"
            );
        }
    }

    #[test]
    fn required_fields_are_required() {
        for field in ["type", "title", "meta:intendedToExtend", "allOf"] {
            let mut body = fieldgroup(json!({"_acme": {"type": "object"}}));
            body.as_object_mut().unwrap().remove(field);
            assert!(check_fieldgroup(&body, "acme").is_err(), "{field}");
        }
    }
}

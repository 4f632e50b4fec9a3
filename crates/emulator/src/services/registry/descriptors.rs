//! Descriptors: what the fields of a schema mean, above all which of them is an identity.
//!
//! Source: the descriptors endpoint of the Schema Registry guide, read 2026-11. It documents
//! numbers for the `Accept` header only (1008, 1009). 1018 is this emulator's guess.

use serde_json::{Map, Value, json};

use super::accept::{self, DescriptorForm};
use super::fields::fields_of;
use super::find::{find, not_found};
use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::{Entity, Kind};

const KIND: Kind = Kind::Descriptors;
const IDENTITY: &str = "xdm:descriptorIdentity";

/// `POST /tenant/descriptors`: checks an identity. For other types it only checks that the schema
/// exists.
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let mut body = scene.call.json()?;
    let schema = text(&body, "/xdm:sourceSchema");
    if schema.is_empty() {
        return Err(invalid("xdm:sourceSchema is missing"));
    }
    if find(scene, Kind::Schemas, schema).is_none() {
        return Err(not_found(Kind::Schemas, schema));
    }
    match text(&body, "/@type") {
        "" => return Err(invalid("@type is missing")),
        IDENTITY => check_identity(scene, &body)?,
        _ => {}
    }
    let id = scene.ids.next_hex(40);
    body["@id"] = Value::from(id.as_str());
    body["meta:containerId"] = Value::from("tenant");
    let mut kept = body.clone();
    let user = scene.caller.account();
    kept["imsOrg"] = Value::from(scene.config.org.as_str());
    kept["createdClient"] = Value::from(scene.caller.client_id.as_str());
    kept["createdUser"] = Value::from(user.as_str());
    kept["updatedUser"] = Value::from(user);
    kept["created"] = Value::from(scene.now_ms);
    kept["updated"] = Value::from(scene.now_ms);
    scene.insert(KIND, id, kept, Map::new());
    Ok(Answer::json(201, body))
}

/// `GET /tenant/descriptors`: one array for each type that occurs.
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let form = accept::for_descriptors(scene.call.header("accept"))?;
    let descriptors: Vec<&Entity> = scene.listed(KIND).collect();
    if form == DescriptorForm::Pages {
        let results: Vec<&Value> = descriptors.iter().map(|entity| &entity.body).collect();
        let page = json!({"orderby": "created", "next": null, "count": results.len()});
        let body = json!({"results": results, "_page": page, "_links": {"next": null}});
        return Ok(Answer::json(200, body));
    }
    let mut by_type: Map<String, Value> = Map::new();
    for entity in descriptors {
        let shown = match form {
            DescriptorForm::Ids => Value::from(entity.id.as_str()),
            DescriptorForm::Links => Value::from(format!("/tenant/descriptors/{}", entity.id)),
            DescriptorForm::Whole | DescriptorForm::Pages => entity.body.clone(),
        };
        let of_type = by_type
            .entry(entity.text("/@type"))
            .or_insert_with(|| json!([]));
        if let Some(of_type) = of_type.as_array_mut() {
            of_type.push(shown);
        }
    }
    Ok(Answer::json(200, by_type))
}

/// `GET /tenant/descriptors/{id}`, with any `Accept`: descriptors have no versions.
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = scene.call.param("id");
    let found = scene.get(KIND, id);
    let found = found.ok_or_else(|| not_found(KIND, id))?;
    Ok(Answer::json(200, found.body.clone()))
}

/// `DELETE /tenant/descriptors/{id}`
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = scene.call.param("id").to_owned();
    if scene.get(KIND, &id).is_none() {
        return Err(not_found(KIND, &id));
    }
    scene.remove(KIND, &id);
    Ok(Answer::empty(204))
}

/// Checks an identity: its field must be a string of the schema, it needs a namespace, and a schema
/// has at most one primary identity.
fn check_identity(scene: &Scene<'_>, body: &Value) -> Result<(), Problem> {
    if body["xdm:sourceVersion"] != 1 {
        return Err(invalid("xdm:sourceVersion must be 1"));
    }
    if text(body, "/xdm:namespace").is_empty() {
        return Err(invalid("xdm:namespace is missing"));
    }
    if !matches!(text(body, "/xdm:property"), "xdm:code" | "xdm:id") {
        return Err(invalid("xdm:property must be xdm:code or xdm:id"));
    }
    let is_primary = match &body["xdm:isPrimary"] {
        Value::Null => false,
        Value::Bool(is_primary) => *is_primary,
        _ => return Err(invalid("xdm:isPrimary must be a boolean")),
    };
    let schema = text(body, "/xdm:sourceSchema");
    check_property(scene, schema, text(body, "/xdm:sourceProperty"))?;
    let mut primaries = scene
        .existing(KIND)
        .filter(|other| other.text("/@type") == IDENTITY)
        .filter(|other| other.text("/xdm:sourceSchema") == schema)
        .filter(|other| other.body["xdm:isPrimary"] == true);
    if is_primary && primaries.next().is_some() {
        let detail = format!("schema {schema} has a primary identity already");
        return Err(invalid(detail));
    }
    Ok(())
}

fn check_property(scene: &Scene<'_>, schema: &str, property: &str) -> Result<(), Problem> {
    let path = property
        .strip_prefix('/')
        .filter(|path| !path.is_empty() && !path.ends_with('/'));
    let Some(path) = path else {
        let detail = "xdm:sourceProperty must begin with a / and not end with one";
        return Err(invalid(detail));
    };
    let path = path.replace('/', ".");
    let fields = fields_of(scene, schema);
    let namespace = format!("_{}", scene.config.tenant);
    match fields
        .as_ref()
        .map(|fields| (fields, fields.kind_of(&path)))
    {
        Some((_, Some("string"))) => Ok(()),
        Some((_, Some(kind))) => Err(invalid(format!(
            "field {property} is of type {kind}, no string"
        ))),
        // The field can be in a field group of Adobe's own.
        Some((fields, None)) if fields.has(&path, &namespace) => Ok(()),
        Some((_, None)) | None => Err(invalid(format!("field {property} is not in the schema"))),
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::Registry {
        number: 1018,
        status: 400,
        title: "Invalid descriptor",
        detail: detail.into(),
    }
}

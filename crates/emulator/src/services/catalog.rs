//! Catalog: datasets.
//!
//! Responses are objects keyed by id, in the order requested. Source: Catalog API reference and
//! guides (create, list, filter, delete), read 2026-11. Catalog documents no error bodies.

mod change;
mod query;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::services::registry::fields::fields_of;
use crate::store::{Entity, Kind};

const KIND: Kind = Kind::DataSets;

/// `POST /dataSets`
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    check(scene, &sent)?;
    let id = scene.ids.next_hex(24);
    let reference = format!("@/dataSets/{id}");
    if scene
        .call
        .header("pragma")
        .is_some_and(|pragma| pragma.contains("validate-only"))
    {
        return Ok(Answer::json(200, json!([])));
    }
    let mut body = Map::new();
    for field in change::FIELDS {
        if let Some(value) = sent.get(*field) {
            body.insert((*field).to_owned(), value.clone());
        }
    }
    let user = scene.caller.account();
    let view = scene.ids.next_hex(24);
    let service = json!({
        "version": "1.0.0",
        "imsOrg": scene.config.org,
        "created": scene.now_ms,
        "updated": scene.now_ms,
        "createdClient": scene.caller.client_id,
        "updatedClient": scene.caller.client_id,
        "createdUser": user,
        "updatedUser": user,
        "sandboxId": scene.sandbox_id(),
        "state": "DRAFT",
        "viewId": view,
        "files": format!("@/dataSets/{id}/views/{view}/files"),
    });
    body.extend(service.as_object().cloned().unwrap_or_default());
    scene.insert(KIND, id.clone(), Value::Object(body), Map::new());
    Ok(Answer::json(201, json!([reference])).with_header("location", format!("/dataSets/{id}")))
}

/// `GET /dataSets`
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let query = query::Query::parse(scene.call.query_pairs())?.with_faults(scene.lists)?;
    let found = query.select(scene.listed(KIND));
    Ok(Answer::text(200, keyed(found.into_iter())))
}

/// `GET /dataSets/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let entity = find(scene)?;
    let body = keyed([(entity.id.clone(), entity.body.clone())].into_iter());
    Ok(Answer::text(200, body).with_header("e-tag", entity.text("/version")))
}

/// `PATCH /dataSets/{id}`: a JSON merge or a JSON Patch. With `If-Match` it applies only to that
/// version.
pub(crate) fn patch(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let entity = find(scene)?;
    let (id, body) = (entity.id.clone(), entity.body.clone());
    if scene
        .call
        .header("if-match")
        .is_some_and(|sent| sent.trim_matches('"') != entity.text("/version"))
    {
        return Err(Problem::Generic {
            status: 412,
            title: "PreconditionFailed",
            detail: format!("The version of dataset {id} is another one"),
        });
    }
    let mut body = change::changed(scene.call, body)?;
    check(scene, &body)?;
    body["version"] = Value::from(next_version(text(&body, "/version")));
    body["updated"] = Value::from(scene.now_ms);
    if let Some(entity) = scene.get_mut(KIND, &id) {
        entity.body = body;
    }
    Ok(Answer::json(200, json!([format!("@/dataSets/{id}")])))
}

/// `DELETE /dataSets/{id}`: the response to an unknown id is 200 too, with an empty array.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = scene.call.param("id").to_owned();
    if scene.get(KIND, &id).is_none() {
        return Ok(Answer::json(200, json!([])));
    }
    scene.remove(KIND, &id);
    Ok(Answer::json(200, json!([format!("@/dataSets/{id}")])))
}

fn find<'s>(scene: &'s Scene<'_>) -> Result<&'s Entity, Problem> {
    let id = scene.call.param("id");
    let found = scene.get(KIND, id);
    found.ok_or_else(|| Problem::not_found(format!("Dataset {id} is not found")))
}

fn check(scene: &Scene<'_>, dataset: &Value) -> Result<(), Problem> {
    if dataset.get("name").is_some_and(|name| !name.is_string()) {
        return Err(Problem::bad_request("name must be a string"));
    }
    for (name, values) in dataset["tags"].as_object().into_iter().flatten() {
        let is_list = values
            .as_array()
            .is_some_and(|values| values.iter().all(Value::is_string));
        if !is_list {
            return Err(Problem::bad_request(format!(
                "tag {name} must be an array of strings"
            )));
        }
        if name.to_ascii_lowercase().starts_with("adobe") {
            return Err(Problem::bad_request(format!("tag {name} is reserved")));
        }
    }
    let schema = text(dataset, "/schemaRef/id");
    if !schema.is_empty() {
        let known = fields_of(scene, schema);
        if known.is_none() {
            return Err(Problem::bad_request(format!(
                "schemaRef {schema} is not found"
            )));
        }
        if text(dataset, "/schemaRef/contentType").is_empty() {
            return Err(Problem::bad_request("schemaRef.contentType is missing"));
        }
    }
    Ok(())
}

/// The version of a dataset after this one: `1.0.3` after `1.0.2`.
pub(crate) fn next_version(version: &str) -> String {
    let last = version.rsplit('.').next().unwrap_or_default();
    let number: u64 = last.parse().unwrap_or(0);
    format!("1.0.{}", number + 1)
}

/// A JSON object whose keys keep this order. A map of `serde_json` would not keep it.
fn keyed(entries: impl Iterator<Item = (String, Value)>) -> String {
    let members: Vec<String> = entries
        .map(|(id, body)| format!("{}:{body}", Value::from(id)))
        .collect();
    format!("{{{}}}", members.join(","))
}

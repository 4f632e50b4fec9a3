//! Data Prep: mapping sets.
//!
//! It accepts both forms of a mapping: that of the tutorials (`sourceAttribute`,
//! `destinationXdmPath`) and that of the reference (`source`, `destination`). Source: Data Prep API
//! reference and guide, read 2026-11. Data Prep documents no error bodies.

pub(crate) mod mapping;

mod expression;
mod functions;

use serde_json::{Map, Value, json};

use mapping::{destination_of, fault, output_schema, source_of};

use crate::answer::Answer;
use crate::list_faults::FilterFault;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::services::registry::fields::{Fields, fields_of};
use crate::store::{Entity, Kind};

const KIND: Kind = Kind::MappingSets;
/// `POST /mappingSets`: the response is 200, not 201.
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    check(scene, &sent)?;
    let id = scene.ids.next_hex(32);
    let body = stored(scene, &sent, &id, 0, scene.now_ms);
    let answer = summary(&body);
    scene.insert(KIND, id, body, Map::new());
    Ok(Answer::json(200, answer))
}

/// `GET /mappingSets`, which requires `limit` and `start`.
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let number = |name: &str| {
        let value = scene
            .call
            .query(name)
            .and_then(|value| value.parse::<usize>().ok());
        value.ok_or_else(|| Problem::bad_request(format!("Query parameter {name} is required")))
    };
    let (limit, start) = (number("limit")?, number("start")?);
    let name = match (scene.call.query("name"), scene.lists.filter) {
        (name, FilterFault::None) => name,
        (Some(_), FilterFault::Refused(_)) => {
            return Err(Problem::bad_request(
                "Query parameter name is not supported",
            ));
        }
        (_, FilterFault::Refused(_) | FilterFault::Ignored) => None,
    };
    let mut bodies: Vec<&Value> = scene
        .listed(KIND)
        .map(|entity| &entity.body)
        .filter(|body| name.is_none_or(|name| body["name"] == name))
        .collect();
    if let Some(order) = scene.call.query("orderBy") {
        let field = order.trim_start_matches(['+', '-']);
        let key = |body: &Value| {
            (
                body[field].as_i64(),
                body[field].as_str().map(str::to_owned),
            )
        };
        bodies.sort_by_key(|body| key(body));
        if order.starts_with('-') {
            bodies.reverse();
        }
    }
    let page: Vec<&Value> = bodies
        .into_iter()
        .skip(scene.lists.page.offset(start))
        .take(limit)
        .collect();
    // In Adobe's own example `_page.count` is 0 although there are entries.
    Ok(Answer::json(
        200,
        json!({"data": page, "_page": {"count": 0, "limit": limit}, "_links": {}}),
    ))
}

/// `GET /mappingSets/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Ok(Answer::json(200, find(scene)?.body.clone()))
}

/// `GET /mappingSets/{id}/mappings`
pub(crate) fn mappings(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Ok(Answer::json(200, find(scene)?.body["mappings"].clone()))
}

/// `PUT /mappingSets/{id}`: increases the version by one.
pub(crate) fn replace(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    check(scene, &sent)?;
    let old = find(scene)?;
    let (id, version) = (
        old.id.clone(),
        old.body["version"].as_i64().unwrap_or_default() + 1,
    );
    let created = old.body["createdDate"].as_i64().unwrap_or(scene.now_ms);
    let body = stored(scene, &sent, &id, version, created);
    if let Some(entity) = scene.get_mut(KIND, &id) {
        entity.body = body.clone();
    }
    Ok(Answer::json(200, body))
}

/// `POST /mappingSets/validate`: the response to an invalid mapping is 200 too.
pub(crate) fn validate(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    let fields = fields(scene, &sent);
    let mappings = sent["mappings"].as_array().cloned().unwrap_or_default();
    let results: Vec<Value> = mappings
        .iter()
        .map(|mapping| match fault(mapping, fields.as_ref(), None) {
            None => json!({"status": "SUCCESS", "errors": null}),
            Some(fault) => json!({"status": "FAILED", "errors": [{
                "source": source_of(mapping),
                "sourceType": mapping["sourceType"],
                "destination": destination_of(mapping),
                "exception": fault,
            }]}),
        })
        .collect();
    Ok(Answer::json(200, json!({"validationResponse": results})))
}

fn fields(scene: &Scene<'_>, set: &Value) -> Option<Fields> {
    fields_of(scene, output_schema(set).0)
}

fn check(scene: &Scene<'_>, sent: &Value) -> Result<(), Problem> {
    let (schema, _) = output_schema(sent);
    if schema.is_empty() {
        return Err(Problem::bad_request("outputSchema.schemaRef.id is missing"));
    }
    let Some(fields) = fields(scene, sent) else {
        return Err(Problem::bad_request(format!(
            "Schema {schema} is not found"
        )));
    };
    let Some(mappings) = sent["mappings"]
        .as_array()
        .filter(|mappings| !mappings.is_empty())
    else {
        return Err(Problem::bad_request("mappings are missing"));
    };
    if scene.call.query("validate") == Some("false") {
        return Ok(());
    }
    match mappings
        .iter()
        .find_map(|mapping| fault(mapping, Some(&fields), None))
    {
        None => Ok(()),
        Some(fault) => Err(Problem::bad_request(fault)),
    }
}

fn find<'s>(scene: &'s Scene<'_>) -> Result<&'s Entity, Problem> {
    let id = scene.call.param("id");
    let found = scene.get(KIND, id);
    found.ok_or_else(|| Problem::not_found(format!("Mapping set {id} is not found")))
}

/// A set as it is stored and read, with both forms of each mapping.
fn stored(scene: &mut Scene<'_>, sent: &Value, id: &str, version: i64, created_ms: i64) -> Value {
    let mut body = Map::new();
    for field in [
        "name",
        "outputSchema",
        "inputSchema",
        "xdmSchema",
        "xdmVersion",
        "allowNullValues",
        "supportVersion",
    ] {
        if let Some(value) = sent.get(field).filter(|value| !value.is_null()) {
            body.insert(field.to_owned(), value.clone());
        }
    }
    let mut mappings = Vec::new();
    for mapping in sent["mappings"].as_array().into_iter().flatten() {
        let mut kept = mapping.clone();
        let (source, destination) = (
            source_of(mapping).to_owned(),
            destination_of(mapping).to_owned(),
        );
        kept["id"] = Value::from(scene.ids.next_hex(32));
        kept["version"] = Value::from(version);
        kept["source"] = Value::from(source.as_str());
        kept["sourceAttribute"] = Value::from(source);
        kept["destination"] = Value::from(destination.as_str());
        kept["destinationXdmPath"] = Value::from(destination);
        if matches!(kept["sourceType"].as_str(), None | Some("ATTRIBUTE")) {
            kept["sourceType"] = Value::from("text/x.schema-path");
        }
        mappings.push(kept);
    }
    let user = scene.caller.account();
    body.insert("mappings".to_owned(), Value::from(mappings));
    body.insert("id".to_owned(), Value::from(id));
    body.insert("version".to_owned(), Value::from(version));
    body.insert("status".to_owned(), Value::from("DRAFT"));
    body.insert("createdDate".to_owned(), Value::from(created_ms));
    body.insert("modifiedDate".to_owned(), Value::from(scene.now_ms));
    body.insert("createdBy".to_owned(), Value::from(user.as_str()));
    body.insert("modifiedBy".to_owned(), Value::from(user));
    Value::Object(body)
}

fn summary(body: &Value) -> Value {
    let names = [
        "id",
        "version",
        "createdDate",
        "modifiedDate",
        "createdBy",
        "modifiedBy",
    ];
    Value::Object(
        names
            .iter()
            .map(|name| ((*name).to_owned(), body[*name].clone()))
            .collect(),
    )
}

//! Field groups and schemas. Titles are unique across both, and most of their operations are the
//! same.

use serde_json::{Map, Value, json};

use super::accept;
use super::fields::fields_of;
use super::find::{find, not_found};
use super::list;
use super::rules::{self, references};
use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

/// `GET /stats`
pub(crate) fn stats(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let count = |kind| scene.existing(kind).count();
    let body = json!({
        "imsOrg": scene.config.org,
        "tenantId": scene.config.tenant,
        "counts": {
            "schemas": count(Kind::Schemas),
            "mixins": count(Kind::Fieldgroups),
            "datatypes": 0,
            "classes": 0,
            "unions": 0,
        },
        "recentlyCreatedResources": [],
        "recentlyUpdatedResources": [],
        "classUsage": {},
    });
    Ok(Answer::json(200, body))
}

/// `GET /tenant/fieldgroups`
pub(crate) fn list_fieldgroups(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list::answer(scene, Kind::Fieldgroups)
}

/// `POST /tenant/fieldgroups`
pub(crate) fn create_fieldgroup(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    rules::check_fieldgroup(&sent, &scene.config.tenant)?;
    create(scene, Kind::Fieldgroups, sent)
}

/// `GET /tenant/fieldgroups/{id}`
pub(crate) fn get_fieldgroup(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    get(scene, Kind::Fieldgroups)
}

/// `DELETE /tenant/fieldgroups/{id}`
pub(crate) fn delete_fieldgroup(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    delete(scene, Kind::Fieldgroups)
}

/// `GET /tenant/schemas`
pub(crate) fn list_schemas(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list::answer(scene, Kind::Schemas)
}

/// `POST /tenant/schemas`
pub(crate) fn create_schema(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    rules::check_schema(scene, &sent)?;
    create(scene, Kind::Schemas, sent)
}

/// `GET /tenant/schemas/{id}`
pub(crate) fn get_schema(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    get(scene, Kind::Schemas)
}

/// `DELETE /tenant/schemas/{id}`
pub(crate) fn delete_schema(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    delete(scene, Kind::Schemas)
}

fn create(scene: &mut Scene<'_>, kind: Kind, sent: Value) -> Result<Answer, Problem> {
    check_title(scene, text(&sent, "/title"))?;
    let tenant = scene.config.tenant.clone();
    // In ids, field groups keep their old name.
    let place = if kind == Kind::Schemas {
        "schemas"
    } else {
        "mixins"
    };
    let hex = scene.ids.next_hex(48);
    let id = format!("https://ns.adobe.com/{tenant}/{place}/{hex}");
    let mut body = sent;
    body["$id"] = Value::from(id.as_str());
    body["meta:altId"] = Value::from(format!("_{tenant}.{place}.{hex}"));
    body["meta:resourceType"] = Value::from(place);
    body["version"] = Value::from("1.0");
    body["imsOrg"] = Value::from(scene.config.org.as_str());
    body["meta:extensible"] = Value::from(false);
    body["meta:abstract"] = Value::from(false);
    body["meta:xdmType"] = Value::from("object");
    body["meta:containerId"] = Value::from("tenant");
    body["meta:sandboxId"] = Value::from(scene.sandbox_id());
    body["meta:sandboxType"] = Value::from(sandbox_type(scene));
    body["meta:tenantNamespace"] = Value::from(format!("_{tenant}"));
    body["meta:registryMetadata"] = json!({
        "repo:createdDate": scene.now_ms,
        "repo:lastModifiedDate": scene.now_ms,
        "xdm:createdClientId": scene.caller.client_id,
        "xdm:lastModifiedClientId": scene.caller.client_id,
        "xdm:createdUserId": scene.caller.account(),
        "xdm:lastModifiedUserId": scene.caller.account(),
        "eTag": scene.ids.next_hex(64),
        "meta:globalLibVersion": "1.50.4",
    });
    if kind == Kind::Schemas {
        let refs: Vec<Value> = references(&body).into_iter().map(Value::from).collect();
        body["meta:class"] = refs
            .iter()
            .find(|id| rules::is_class(id))
            .cloned()
            .unwrap_or_default();
        body["meta:extends"] = Value::from(refs.clone());
        body["refs"] = Value::from(refs);
    }
    scene.insert(kind, id, body.clone(), Map::new());
    Ok(Answer::json(201, body))
}

fn sandbox_type<'s>(scene: &Scene<'s>) -> &'s str {
    let sandbox = scene
        .config
        .sandboxes
        .iter()
        .find(|sandbox| sandbox.name == scene.caller.sandbox);
    sandbox.map_or("production", |sandbox| sandbox.kind.as_str())
}

/// Checks that the title is unique in the sandbox, across schemas and field groups.
fn check_title(scene: &Scene<'_>, title: &str) -> Result<(), Problem> {
    let taken = [Kind::Schemas, Kind::Fieldgroups]
        .into_iter()
        .flat_map(|kind| scene.existing(kind))
        .find(|entity| entity.text("/title") == title);
    let Some(taken) = taken else { return Ok(()) };
    Err(Problem::Registry {
        number: 1521,
        status: 400,
        title: "Title not unique",
        detail: format!(
            "Object titles must be unique. An object {} already exists with the same title",
            taken.id
        ),
    })
}

fn get(scene: &Scene<'_>, kind: Kind) -> Result<Answer, Problem> {
    let form = accept::for_one(scene.call.header("accept"))?;
    let id = scene.call.param("id");
    let entity = find(scene, kind, id).ok_or_else(|| not_found(kind, id))?;
    let mut body = entity.body.clone();
    if form == accept::Form::Full && kind == Kind::Schemas {
        let fields = fields_of(scene, &entity.id);
        if let Some(fields) = fields {
            let (properties, required) = fields.into_resolved();
            body["properties"] = Value::Object(properties);
            if !required.is_empty() {
                body["required"] = Value::from(required);
            }
        }
        if let Some(body) = body.as_object_mut() {
            body.remove("allOf");
        }
    }
    Ok(Answer::json(200, body))
}

fn delete(scene: &mut Scene<'_>, kind: Kind) -> Result<Answer, Problem> {
    let id = scene.call.param("id");
    let id = find(scene, kind, id)
        .ok_or_else(|| not_found(kind, id))?
        .id
        .clone();
    scene.remove(kind, &id);
    Ok(Answer::empty(204))
}

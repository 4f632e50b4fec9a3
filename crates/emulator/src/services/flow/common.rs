//! What all resources of Flow Service share: fields, create, read, patch, delete.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::json_patch::{self, PatchError, PatchOperation};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::{Entity, Kind};

/// Creates a resource from `body` and the fields that the service adds. The response is 201.
pub(crate) fn create(
    scene: &mut Scene<'_>,
    kind: Kind,
    mut body: Value,
    hidden: Map<String, Value>,
) -> Result<Answer, Problem> {
    let id = scene.ids.next_uuid();
    let etag = scene.ids.next_etag(scene.now_ms);
    add_common_fields(scene, &mut body, &id, &etag);
    scene.insert(kind, id.clone(), body, hidden);
    let answer = Answer::json(201, json!({"id": id, "etag": etag}));
    // Adobe documents the header for these two only.
    Ok(match kind {
        Kind::Connections | Kind::Flows => {
            answer.with_header("location", format!("/{}/{id}", kind.as_str()))
        }
        _ => answer,
    })
}

fn add_common_fields(scene: &Scene<'_>, body: &mut Value, id: &str, etag: &str) {
    let account = scene.caller.account();
    body["id"] = Value::from(id);
    body["createdAt"] = Value::from(scene.now_ms);
    body["updatedAt"] = Value::from(scene.now_ms);
    body["createdBy"] = Value::from(account.as_str());
    body["updatedBy"] = Value::from(account.as_str());
    body["createdClient"] = Value::from(scene.caller.client_id.as_str());
    body["updatedClient"] = Value::from(scene.caller.client_id.as_str());
    body["sandboxId"] = Value::from(scene.sandbox_id());
    body["sandboxName"] = Value::from(scene.caller.sandbox.as_str());
    body["imsOrgId"] = Value::from(scene.config.org.as_str());
    body["version"] = Value::from(etag);
    body["etag"] = Value::from(etag);
    if body.get("state").is_none() {
        body["state"] = Value::from("enabled");
    }
}

/// The resource in the path.
pub(crate) fn find<'s>(scene: &'s Scene<'_>, kind: Kind) -> Result<&'s Entity, Problem> {
    find_by(scene, kind, scene.call.param("id"))
}

/// The resource of this id.
pub(crate) fn find_by<'s>(
    scene: &'s Scene<'_>,
    kind: Kind,
    id: &str,
) -> Result<&'s Entity, Problem> {
    let found = scene.get(kind, id);
    found.ok_or_else(|| Problem::flow_not_found(kind.as_str(), id))
}

/// One resource, in the envelope of a list.
pub(crate) fn get(scene: &mut Scene<'_>, kind: Kind) -> Result<Answer, Problem> {
    let entity = find(scene, kind)?;
    Ok(Answer::json(200, json!({"items": [entity.body]})))
}

/// Deletes the resource in the path.
pub(crate) fn delete(scene: &mut Scene<'_>, kind: Kind) -> Result<Answer, Problem> {
    let id = find(scene, kind)?.id.clone();
    scene.remove(kind, &id);
    Ok(Answer::empty(204))
}

/// The operations of a PATCH. Its `If-Match` must hold, and each operation must have a path that
/// may be patched.
pub(crate) fn patch_operations(
    scene: &Scene<'_>,
    kind: Kind,
    may_patch: impl Fn(&str) -> bool,
) -> Result<Vec<PatchOperation>, Problem> {
    let entity = find(scene, kind)?;
    let Some(sent) = scene.call.header("if-match") else {
        return Err(Problem::flow(
            1403,
            400,
            "Header If-Match is missing. Provide it and try again.",
        ));
    };
    check_version(entity, sent)?;
    let operations = json_patch::parse(&scene.call.json()?)?;
    for operation in &operations {
        if operation.path.starts_with("/connectionSpec") {
            return Err(Problem::flow(
                1414,
                400,
                "The connection spec of a connection can't be changed.",
            ));
        }
        if !may_patch(&operation.path) {
            let message = format!(
                "JSON Patch is not valid: path {} can't be changed.",
                operation.path
            );
            return Err(Problem::flow(1455, 400, message));
        }
    }
    Ok(operations)
}

impl From<PatchError> for Problem {
    /// The refusal of Flow Service.
    fn from(error: PatchError) -> Self {
        let number = match error {
            PatchError::Invalid(_) => 1455,
            PatchError::UnknownOperation(_) => 1434,
        };
        Self::flow(number, 400, error.to_string())
    }
}

/// Refuses a version that isn't the current one. Quotes around it don't matter.
pub(crate) fn check_version(entity: &Entity, sent: &str) -> Result<(), Problem> {
    if sent.trim_matches('"') == entity.text("/etag").trim_matches('"') {
        return Ok(());
    }
    let message = format!(
        "Supplied version=[\"{}\"] does not match the current version on entity=[{}]",
        sent.trim_matches('"'),
        entity.text("/etag"),
    );
    Err(Problem::flow(1404, 412, message))
}

/// Replaces the body of a resource and gives it a new etag. The response names the etag.
pub(crate) fn replace(
    scene: &mut Scene<'_>,
    kind: Kind,
    id: &str,
    mut body: Value,
) -> Result<Answer, Problem> {
    let etag = scene.ids.next_etag(scene.now_ms);
    body["etag"] = Value::from(etag.as_str());
    body["version"] = Value::from(etag.as_str());
    body["updatedAt"] = Value::from(scene.now_ms);
    body["updatedClient"] = Value::from(scene.caller.client_id.as_str());
    body["updatedBy"] = Value::from(scene.caller.account());
    match scene.get_mut(kind, id) {
        Some(entity) => {
            entity.body = body;
            Ok(Answer::json(200, json!({"id": id, "etag": etag})))
        }
        None => Err(Problem::flow_not_found(kind.as_str(), id)),
    }
}

/// The flows that use this source or target connection.
pub(crate) fn flows_using(scene: &Scene<'_>, pointer: &str, id: &str) -> Vec<String> {
    let flows = scene.existing(Kind::Flows);
    let uses = |flow: &&Entity| {
        let ids = flow.body.pointer(pointer).and_then(Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|used| used == id))
    };
    flows.filter(uses).map(|flow| flow.id.clone()).collect()
}

/// A string that must exist and not be empty, or 1304.
pub(crate) fn required<'v>(body: &'v Value, pointer: &str) -> Result<&'v str, Problem> {
    let field = pointer.trim_start_matches('/').replace('/', ".");
    match body.pointer(pointer) {
        None | Some(Value::Null) => Err(Problem::missing_field(&field)),
        Some(Value::String(text)) if text.is_empty() => Err(Problem::missing_field(&field)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong_type(&field, "a string")),
    }
}

/// A value of the wrong type.
pub(crate) fn wrong_type(field: &str, wanted: &str) -> Problem {
    Problem::flow(
        1312,
        400,
        format!("Value of parameter {field} is not valid: it must be {wanted}."),
    )
}

/// The fields of a body that the resource has. Adobe drops the others.
pub(crate) fn pick(body: &Value, fields: &[&str]) -> Value {
    let kept = fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), body.get(field)?.clone())));
    Value::Object(kept.collect())
}

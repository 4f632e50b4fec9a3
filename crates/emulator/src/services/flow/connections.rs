//! Base connections: a source system's address and credentials.
//!
//! Source: create a base connection (the tutorials of the sources), update an account, delete, read
//! 2026-11.

use serde_json::{Map, Value, json};

use super::specs::named_connection_spec;
use super::{auth, common, list};
use crate::answer::Answer;
use crate::json::text;
use crate::json_patch::{self, PatchOperation};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "connectionSpec",
    "state",
    "auth",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "createdClient",
    "updatedClient",
    "sandboxName",
    "sandboxId",
    "imsOrgId",
    "version",
    "etag",
];

/// `POST /connections`
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    common::required(&sent, "/name")?;
    let spec = named_connection_spec(scene, &sent)?;
    let settings = &scene.config.source;
    let params = auth::check(spec, &sent, settings.unknown_params)?;
    if scene.backdrop.refuses(text(spec, "/id")) {
        return Err(Problem::flow(
            1305,
            400,
            "Connector type is not supported for this operation.",
        ));
    }
    if settings.checks_credentials_on_create && !auth::lets_in(settings, spec, &sent, &params) {
        return Err(Problem::flow(
            1100,
            400,
            "The request could not be processed. Error from flow provider: The request could not be \
             processed. Rest call failed with client error, status code 401 Unauthorized, please check \
             your activity settings.",
        ));
    }
    let spec = spec.clone();
    let mut body = common::pick(&sent, &["name", "description", "connectionSpec", "auth"]);
    body["connectionSpec"]["version"] = spec["version"].clone();
    body["auth"]["params"] = auth::shown(
        &spec,
        text(&sent, "/auth/specName"),
        &params,
        scene.config.shown_secrets,
    );
    common::create(scene, Kind::Connections, body, hidden(params))
}

/// `GET /connections`
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let filters = list::filters(scene)?;
    list::answer(
        scene,
        Kind::Connections.as_str(),
        list::entries(scene, Kind::Connections),
        filters,
        FIELDS,
    )
}

/// `GET /connections/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, Kind::Connections)
}

/// `GET /connections/{id}/test`: the response to wrong credentials is 200 with `false`.
pub(crate) fn test(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let connection = common::find(scene, Kind::Connections)?;
    Ok(Answer::json(
        200,
        json!({"result": auth::can_log_in(&scene.config.source, scene.backdrop, connection)}),
    ))
}

/// `PATCH /connections/{id}`
pub(crate) fn patch(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let may_patch = |path: &str| {
        matches!(path, "/name" | "/description" | "/auth/params")
            || path.starts_with("/auth/params/")
    };
    let operations = common::patch_operations(scene, Kind::Connections, may_patch)?;
    let connection = common::find(scene, Kind::Connections)?;
    let id = connection.id.clone();
    // The patch applies to the real credentials. The result is shown masked.
    let mut body = connection.body.clone();
    body["auth"]["params"] = connection.hidden.get("params").cloned().unwrap_or_default();
    for operation in &operations {
        json_patch::apply(&mut body, operation)?;
    }
    let touches_auth = |operation: &PatchOperation| operation.path.starts_with("/auth");
    let spec = named_connection_spec(scene, &body)?.clone();
    if operations.iter().any(touches_auth) {
        auth::check(&spec, &body, scene.config.source.unknown_params)?;
    }
    let params = body["auth"]["params"].clone();
    body["auth"]["params"] = auth::shown(
        &spec,
        text(&body, "/auth/specName"),
        &params,
        scene.config.shown_secrets,
    );
    let answer = common::replace(scene, Kind::Connections, &id, body)?;
    if let Some(connection) = scene.get_mut(Kind::Connections, &id) {
        connection.hidden = hidden(params);
    }
    Ok(answer)
}

/// `DELETE /connections/{id}`: refused while flows use the connection.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = common::find(scene, Kind::Connections)?.id.clone();
    let sources = scene.existing(Kind::SourceConnections);
    let flows: Vec<String> = sources
        .filter(|source| source.text("/baseConnectionId") == id)
        .flat_map(|source| common::flows_using(scene, "/sourceConnectionIds", &source.id))
        .collect();
    if !flows.is_empty() {
        let message = format!(
            "The base connection {id} is used by flows {}. Delete the flows before trying again.",
            flows.join(", ")
        );
        return Err(Problem::flow(1418, 400, message));
    }
    common::delete(scene, Kind::Connections)
}

fn hidden(params: Value) -> Map<String, Value> {
    Map::from_iter([("params".to_owned(), params)])
}

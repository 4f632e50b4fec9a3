//! Base connections: a source system's address and credentials.
//!
//! Source: create a base connection (Oracle Service Cloud), update an account, delete, read 2026-11.

use serde_json::{Map, Value, json};

use super::common;
use super::list::{self, Listed};
use crate::answer::Answer;
use crate::backdrop::ORACLE_SERVICE_CLOUD;
use crate::call::{Scene, text};
use crate::config::{ShownSecrets, SourceOffer, SourceSettings};
use crate::json_patch::{self, Operation};
use crate::mask::{self, MASK};
use crate::problem::Problem;
use crate::store::{Entity, Kind};

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
    let spec = connection_spec(scene, &sent)?;
    let params = check_auth(spec, &sent)?;
    if spec["id"] == ORACLE_SERVICE_CLOUD
        && scene.config.source.oracle_service_cloud == SourceOffer::Refused
    {
        return Err(Problem::flow(
            1305,
            400,
            "Connector type is not supported for this operation.",
        ));
    }
    if scene.config.source.checks_credentials_on_create && !logs_in(&scene.config.source, &params) {
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
    body["auth"]["params"] = shown_params(
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
        listed(scene, Kind::Connections),
        filters,
        FIELDS,
    )
}

/// The entries of a list of this kind.
pub(crate) fn listed<'s>(scene: &'s Scene<'_>, kind: Kind) -> Vec<Listed<'s>> {
    scene
        .listed(kind)
        .map(|entity| Listed {
            order: entity.order,
            body: &entity.body,
        })
        .collect()
}

/// `GET /connections/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, Kind::Connections)
}

/// `GET /connections/{id}/test`: wrong credentials are a 200 with `false`.
pub(crate) fn test(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let connection = common::find(scene, Kind::Connections)?;
    Ok(Answer::json(
        200,
        json!({"result": can_log_in(&scene.config.source, connection)}),
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
    // Credentials are patched as they are, then shown masked.
    let mut body = connection.body.clone();
    body["auth"]["params"] = connection.hidden.get("params").cloned().unwrap_or_default();
    for operation in &operations {
        json_patch::apply(&mut body, operation)?;
    }
    let touches_auth = |operation: &Operation| operation.path.starts_with("/auth");
    let spec = connection_spec(scene, &body)?.clone();
    if operations.iter().any(touches_auth) {
        check_auth(&spec, &body)?;
    }
    let params = body["auth"]["params"].clone();
    body["auth"]["params"] = shown_params(
        &spec,
        text(&body, "/auth/specName"),
        &params,
        scene.config.shown_secrets,
    );
    let answer = common::replace(scene, Kind::Connections, &id, body)?;
    let sandbox = scene.caller.sandbox.clone();
    if let Some(connection) = scene.store.get_mut(&sandbox, Kind::Connections, &id) {
        connection.hidden = hidden(params);
    }
    Ok(answer)
}

/// `DELETE /connections/{id}`, refused while flows use it.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = common::find(scene, Kind::Connections)?.id.clone();
    let sources = scene
        .store
        .all(&scene.caller.sandbox, Kind::SourceConnections);
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

/// The spec that a body names, or 1413.
pub(crate) fn connection_spec<'s>(scene: &Scene<'s>, body: &Value) -> Result<&'s Value, Problem> {
    let id = text(body, "/connectionSpec/id");
    let unknown = || Problem::flow(1413, 400, format!("Spec ID {id} is not valid."));
    let spec = scene.backdrop.connection_spec(id).ok_or_else(unknown)?;
    match body.pointer("/connectionSpec/version") {
        None | Some(Value::Null) => Ok(spec),
        Some(version) if *version == spec["version"] => Ok(spec),
        Some(_) => Err(unknown()),
    }
}

/// Whether the source takes the credentials of this connection.
pub(crate) fn can_log_in(settings: &SourceSettings, connection: &Entity) -> bool {
    connection
        .hidden
        .get("params")
        .is_some_and(|params| logs_in(settings, params))
}

/// The parameters of `auth`, if the spec is content with them.
fn check_auth(spec: &Value, body: &Value) -> Result<Value, Problem> {
    let name = common::required(body, "/auth/specName")?;
    let Some(auth_spec) = auth_spec(spec, name) else {
        return Err(Problem::flow(
            1415,
            400,
            format!("Auth spec {name} is not valid for this connection spec."),
        ));
    };
    let Some(params) = body
        .pointer("/auth/params")
        .filter(|params| params.is_object())
    else {
        return Err(Problem::missing_field("auth.params"));
    };
    for required in auth_spec["spec"]["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        common::required(body, &format!("/auth/params/{required}"))?;
    }
    Ok(params.clone())
}

fn auth_spec<'s>(spec: &'s Value, name: &str) -> Option<&'s Value> {
    spec["authSpec"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|auth| auth["name"] == name)
}

fn logs_in(settings: &SourceSettings, params: &Value) -> bool {
    // Ways without a password have nothing to compare with: any value is good.
    let Some(password) = params.get("password") else {
        return params.get("username").is_none();
    };
    settings.accounts.iter().any(|account| {
        params["username"] == account.username.as_str() && *password == account.password.as_str()
    })
}

/// Parameters as the connection is read: secrets masked or left out.
fn shown_params(spec: &Value, auth_name: &str, params: &Value, shown: ShownSecrets) -> Value {
    let properties = auth_spec(spec, auth_name).map(|auth| &auth["spec"]["properties"]);
    let is_secret = |name: &str| match properties.and_then(|properties| properties.get(name)) {
        Some(property) => property["format"] == "password",
        None => mask::is_secret_name(name),
    };
    let mut visible = Map::new();
    for (name, value) in params.as_object().into_iter().flatten() {
        match (is_secret(name), shown) {
            (false, _) => visible.insert(name.clone(), value.clone()),
            (true, ShownSecrets::Masked) => visible.insert(name.clone(), Value::from(MASK)),
            (true, ShownSecrets::Absent) => None,
        };
    }
    Value::Object(visible)
}

fn hidden(params: Value) -> Map<String, Value> {
    Map::from_iter([("params".to_owned(), params)])
}

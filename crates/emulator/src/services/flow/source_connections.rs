//! Source connections: a table of a base connection, or some of its columns.
//!
//! Source: create a source connection and a dataflow for a customer success source, read 2026-11.

use serde_json::{Map, Value, json};

use super::children::{delete_child, list_children, patch_child};
use super::{common, row_filters, specs};
use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

const KIND: Kind = Kind::SourceConnections;
const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "connectionSpec",
    "baseConnectionId",
    "state",
    "data",
    "params",
    "inheritedAttributes",
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

/// `POST /sourceConnections`
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    common::required(&sent, "/name")?;
    let base_id = common::required(&sent, "/baseConnectionId")?;
    let spec = specs::named_connection_spec(scene, &sent)?;
    let base = common::find_by(scene, Kind::Connections, base_id)?;
    if base.text("/connectionSpec/id") != spec["id"] {
        let message = "Spec ID of the source connection is not that of its base connection.";
        return Err(Problem::flow(1413, 400, message));
    }
    let inherited =
        json!({"baseConnection": {"id": base.id, "connectionSpec": base.body["connectionSpec"]}});
    match text(&sent, "/data/format") {
        "" => {
            return Err(Problem::flow(
                1326,
                400,
                "Format is missing in the source connection.",
            ));
        }
        "tabular" => {}
        format => {
            let message = format!("Format {format} of the source connection is not supported.");
            return Err(Problem::flow(1327, 400, message));
        }
    }
    check_params(scene, text(spec, "/id"), &sent)?;
    let fields = [
        "name",
        "description",
        "baseConnectionId",
        "connectionSpec",
        "data",
        "params",
    ];
    let mut body = common::pick(&sent, &fields);
    body["connectionSpec"]["version"] = spec["version"].clone();
    body["inheritedAttributes"] = inherited;
    common::create(scene, KIND, body, Map::new())
}

/// `GET /sourceConnections`
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list_children(scene, KIND, FIELDS)
}

/// `GET /sourceConnections/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, KIND)
}

/// `PATCH /sourceConnections/{id}`
pub(crate) fn patch(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    patch_child(scene, KIND, |scene, body| {
        check_params(scene, text(body, "/connectionSpec/id"), body)
    })
}

/// `DELETE /sourceConnections/{id}`: refused while a flow uses it.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    delete_child(scene, KIND, "/sourceConnectionIds")
}

fn check_params(scene: &Scene<'_>, spec: &str, sent: &Value) -> Result<(), Problem> {
    // Newer bodies use `tableName`, older ones `path`.
    let table = match text(sent, "/params/tableName") {
        "" => text(sent, "/params/path"),
        table => table,
    };
    if table.is_empty() {
        return Err(Problem::flow(
            1324,
            400,
            "Entity is missing in the source connection: params.tableName.",
        ));
    }
    let Some(columns) = sent.pointer("/params/columns") else {
        return Err(Problem::missing_field("params.columns"));
    };
    let Some(columns) = columns.as_array() else {
        return Err(common::wrong_type("params.columns", "an array"));
    };
    if columns.is_empty() {
        return Err(Problem::flow(1370, 400, "No source columns are given."));
    }
    for column in columns {
        if text(column, "/name").is_empty() {
            return Err(Problem::missing_field("params.columns[].name"));
        }
    }
    match sent.pointer("/params/filters") {
        None => Ok(()),
        Some(filters) => row_filters::of_source_connection(scene.backdrop, spec, table, filters),
    }
}

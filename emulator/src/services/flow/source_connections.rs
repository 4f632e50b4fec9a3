//! Source connections: a table of a base connection, or some of its columns.
//!
//! Source: create a source connection and a dataflow for a customer success source, read 2026-11.

use serde_json::{Map, Value, json};

use super::{common, connections, list, row_filters};
use crate::answer::Answer;
use crate::config::NameFilter;
use crate::json::text;
use crate::json_patch::{self, PatchOperation};
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
    let spec = connections::connection_spec(scene, &sent)?;
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

/// A list of source or target connections. The documents leave open whether they can be filtered by
/// name.
pub(crate) fn list_children(
    scene: &Scene<'_>,
    kind: Kind,
    fields: &list::ListFields,
) -> Result<Answer, Problem> {
    let mut filters = list::filters(scene)?;
    match scene.config.lists.child_name_filter {
        NameFilter::Accepted => {}
        NameFilter::Refused if filters.iter().any(|filter| filter.root() == "name") => {
            return Err(Problem::flow(
                1448,
                400,
                "Filtering by field name is not supported.",
            ));
        }
        NameFilter::Refused => {}
        NameFilter::Ignored => filters.retain(|filter| filter.root() != "name"),
    }
    list::answer(
        scene,
        kind.as_str(),
        connections::listed(scene, kind),
        filters,
        fields,
    )
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

/// Changes a source or target connection. New parameters must pass the check. Flows that use it
/// don't notice, as Adobe warns.
pub(crate) fn patch_child(
    scene: &mut Scene<'_>,
    kind: Kind,
    check: impl Fn(&Scene<'_>, &Value) -> Result<(), Problem>,
) -> Result<Answer, Problem> {
    let may_patch =
        |path: &str| matches!(path, "/name" | "/description") || path.starts_with("/params");
    let operations = common::patch_operations(scene, kind, may_patch)?;
    let entity = common::find(scene, kind)?;
    let (id, mut body) = (entity.id.clone(), entity.body.clone());
    for operation in &operations {
        json_patch::apply(&mut body, operation)?;
    }
    let touches_params = |operation: &PatchOperation| operation.path.starts_with("/params");
    if operations.iter().any(touches_params) {
        check(scene, &body)?;
    }
    common::replace(scene, kind, &id, body)
}

/// `DELETE /sourceConnections/{id}`: refused while a flow uses it.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    delete_child(scene, KIND, "/sourceConnectionIds")
}

/// Deletes a source or target connection, unless a flow names it at this pointer.
pub(crate) fn delete_child(
    scene: &mut Scene<'_>,
    kind: Kind,
    pointer: &str,
) -> Result<Answer, Problem> {
    let id = common::find(scene, kind)?.id.clone();
    let flows = common::flows_using(scene, pointer, &id);
    if !flows.is_empty() {
        let message = format!("Active flows {} still contain id {id}.", flows.join(", "));
        return Err(Problem::flow(1447, 400, message));
    }
    common::delete(scene, kind)
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

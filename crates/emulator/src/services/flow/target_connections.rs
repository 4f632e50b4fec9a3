//! Target connections: a dataset of the data lake and its schema.
//!
//! Source: create a source connection and a dataflow for a customer success source, read 2026-11.

use serde_json::{Map, Value};

use super::children::{delete_child, list_children, patch_child};
use super::{common, specs};
use crate::answer::Answer;
use crate::backdrop::DATA_LAKE;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

const KIND: Kind = Kind::TargetConnections;
const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "connectionSpec",
    "baseConnectionId",
    "state",
    "data",
    "params",
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

/// `POST /targetConnections`
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    common::required(&sent, "/name")?;
    let spec = specs::named_connection_spec(scene, &sent)?;
    if spec["id"] != DATA_LAKE {
        let message = format!("Spec ID of a target connection must be {DATA_LAKE}.");
        return Err(Problem::flow(1307, 400, message));
    }
    if sent.get("baseConnectionId").is_some_and(|id| !id.is_null()) {
        return Err(Problem::flow(
            1332,
            400,
            "This spec doesn't take a baseConnectionId.",
        ));
    }
    common::required(&sent, "/data/schema/id")?;
    common::required(&sent, "/data/schema/version")?;
    check_dataset(scene, &sent)?;
    let mut body = common::pick(
        &sent,
        &["name", "description", "connectionSpec", "data", "params"],
    );
    body["connectionSpec"]["version"] = spec["version"].clone();
    common::create(scene, KIND, body, Map::new())
}

/// `GET /targetConnections`
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list_children(scene, KIND, FIELDS)
}

/// `GET /targetConnections/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, KIND)
}

/// `PATCH /targetConnections/{id}`
pub(crate) fn patch(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    patch_child(scene, KIND, check_dataset)
}

/// `DELETE /targetConnections/{id}`: refused while a flow uses it.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    delete_child(scene, KIND, "/targetConnectionIds")
}

fn check_dataset(scene: &Scene<'_>, body: &Value) -> Result<(), Problem> {
    let dataset = text(body, "/params/dataSetId");
    if dataset.is_empty() {
        return Err(Problem::flow(
            1325,
            400,
            "Dataset id is missing in the target connection.",
        ));
    }
    if scene.get(Kind::DataSets, dataset).is_none() {
        let message = format!("Dataset id {dataset} of the target connection is not valid.");
        return Err(Problem::flow(1325, 400, message));
    }
    Ok(())
}

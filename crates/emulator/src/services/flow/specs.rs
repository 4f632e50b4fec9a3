//! Connection specs and flow specs. Callers can only read them.

use serde_json::{Value, json};

use super::list::{self, Listed};
use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;

const FIELDS: &[&str] = &[
    "id",
    "name",
    "providerId",
    "version",
    "attributes",
    "sourceConnectionSpecIds",
    "targetConnectionSpecIds",
];

/// `GET /connectionSpecs`
pub(crate) fn list_connection_specs(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list_specs(scene, "connectionSpecs", &scene.backdrop.connection_specs)
}

/// `GET /connectionSpecs/{id}`
pub(crate) fn get_connection_spec(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = scene.call.param("id");
    get_spec("connectionSpecs", id, scene.backdrop.connection_spec(id))
}

/// `GET /flowSpecs`
pub(crate) fn list_flow_specs(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list_specs(scene, "flowSpecs", &scene.backdrop.flow_specs)
}

/// `GET /flowSpecs/{id}`
pub(crate) fn get_flow_spec(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = scene.call.param("id");
    get_spec("flowSpecs", id, scene.backdrop.flow_spec(id))
}

/// `POST /connectionSpecs`: for Adobe and its partners.
pub(crate) fn not_writable(_scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Err(Problem::flow(
        1426,
        400,
        "Connection specs can't be written with a user token.",
    ))
}

/// The spec that a body names, or 1413.
pub(crate) fn named_connection_spec<'s>(
    scene: &Scene<'s>,
    body: &Value,
) -> Result<&'s Value, Problem> {
    let id = text(body, "/connectionSpec/id");
    let unknown = || Problem::flow(1413, 400, format!("Spec ID {id} is not valid."));
    let spec = scene.backdrop.connection_spec(id).ok_or_else(unknown)?;
    match body.pointer("/connectionSpec/version") {
        None | Some(Value::Null) => Ok(spec),
        Some(version) if *version == spec["version"] => Ok(spec),
        Some(_) => Err(unknown()),
    }
}

fn list_specs(scene: &Scene<'_>, resource: &str, specs: &[Value]) -> Result<Answer, Problem> {
    let filters = list::filters(scene)?;
    let entries = (1..)
        .zip(specs)
        .map(|(order, body)| Listed { order, body })
        .collect();
    list::answer(scene, resource, entries, filters, FIELDS)
}

fn get_spec(kind: &'static str, id: &str, spec: Option<&Value>) -> Result<Answer, Problem> {
    let spec = spec.ok_or_else(|| Problem::flow_not_found(kind, id))?;
    Ok(Answer::json(200, json!({"items": [spec]})))
}

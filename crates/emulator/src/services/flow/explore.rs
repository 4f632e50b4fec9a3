//! Exploring: the tables of a source, and the columns of a table.
//!
//! Source: explore a tabular data source; filter row-level data for a source, read 2026-11. Views
//! and `primaryKey` are in the tutorial of Microsoft Dynamics.

use serde_json::{Value, json};

use super::{auth, common, row_filters};
use crate::answer::Answer;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::source::passing;
use crate::store::Kind;

/// How many rows a preview shows. Adobe names no number.
const PREVIEW_ROWS: usize = 10;

/// `GET /connections/{id}/explore`
pub(crate) fn explore(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let connection = common::find(scene, Kind::Connections)?;
    if !auth::can_log_in(&scene.config.source, scene.backdrop, connection) {
        return Err(Problem::flow(
            1308,
            400,
            "Rest call failed with client error, status code 401 Unauthorized, please check your activity settings.",
        ));
    }
    let spec = connection.text("/connectionSpec/id");
    let object_type = scene.call.query("objectType").unwrap_or_default();
    match object_type.to_ascii_lowercase().as_str() {
        "" => Err(Problem::flow(
            1359,
            400,
            "Query parameter objectType is missing.",
        )),
        "root" => {
            let entries: Vec<Value> = scene
                .backdrop
                .tables(spec)
                .iter()
                .map(|table| table.entry())
                .collect();
            Ok(Answer::json(200, entries))
        }
        "table" | "view" => explore_table(scene, spec),
        _ => Err(Problem::flow(
            1358,
            400,
            format!("Value {object_type} of objectType is not valid."),
        )),
    }
}

fn explore_table(scene: &Scene<'_>, spec: &str) -> Result<Answer, Problem> {
    let path = match scene.call.query("object") {
        None => {
            return Err(Problem::flow(
                1337,
                400,
                "Query parameter object is required for objectType table.",
            ));
        }
        Some("") => return Err(Problem::flow(1334, 400, "Query parameter object is empty.")),
        Some(path) => path,
    };
    let filter = scene
        .call
        .query("filters")
        .map(|filters| row_filters::of_explore(scene.backdrop, spec, filters))
        .transpose()?;
    let Some(table) = scene.backdrop.table(spec, path) else {
        return Err(Problem::flow(
            1330,
            400,
            format!("No columns found for table {path}."),
        ));
    };
    if let Some(filter) = &filter {
        row_filters::check(filter, table)?;
    }
    if let Some(key) = scene.call.query("primaryKey")
        && table.primary_key.as_deref() != Some(key)
    {
        let message = format!("Value {key} of primaryKey is not valid for {path}.");
        return Err(Problem::flow(1312, 400, message));
    }
    let mut body = json!({"format": "flat", "schema": {"columns": table.column_list()}});
    if scene
        .call
        .query("preview")
        .is_some_and(|preview| preview.eq_ignore_ascii_case("true"))
    {
        body["data"] = passing(table, filter.as_ref()).take(PREVIEW_ROWS).collect();
    }
    Ok(Answer::json(200, body))
}

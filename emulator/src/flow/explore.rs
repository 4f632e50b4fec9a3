//! Exploring: which tables the source has, and which columns a table.
//!
//! Source: explore a tabular data source, read 2026-11.

use serde_json::{Value, json};

use super::{common, connections};
use crate::answer::Answer;
use crate::call::Scene;
use crate::problem::Problem;
use crate::store::Kind;

/// How many rows a preview shows; Adobe names no number.
const PREVIEW_ROWS: usize = 10;

/// `GET /connections/{id}/explore`
pub(crate) fn explore(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let connection = common::find(scene, Kind::Connections)?;
    if !connections::can_log_in(&scene.config.source, connection) {
        return Err(Problem::flow(
            1308,
            400,
            "Rest call failed with client error, status code 401 Unauthorized, please check your activity settings.",
        ));
    }
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
                .tables()
                .iter()
                .map(|table| table.entry())
                .collect();
            Ok(Answer::json(200, entries))
        }
        "table" => explore_table(scene),
        _ => Err(Problem::flow(
            1358,
            400,
            format!("Value {object_type} of objectType is not valid."),
        )),
    }
}

fn explore_table(scene: &Scene<'_>) -> Result<Answer, Problem> {
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
    if scene.call.query("filters").is_some() {
        return Err(Problem::flow(
            1353,
            400,
            "Filtering is not supported for this connector.",
        ));
    }
    let Some(table) = scene.backdrop.table(path) else {
        return Err(Problem::flow(
            1330,
            400,
            format!("No columns found for table {path}."),
        ));
    };
    let mut body = json!({"format": "flat", "schema": {"columns": table.column_list()}});
    if scene
        .call
        .query("preview")
        .is_some_and(|preview| preview.eq_ignore_ascii_case("true"))
    {
        body["data"] = table.rows(PREVIEW_ROWS);
    }
    Ok(Answer::json(200, body))
}

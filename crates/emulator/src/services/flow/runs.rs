//! Flow runs as callers see them. `run_life.rs` creates and advances them.
//!
//! Source: monitor dataflows, on-demand ingestion, Flow Service API reference, read 2026-11.

use serde_json::{Map, Value, json};

use super::schedule::{Schedule, integer};
use super::{common, list, run_life};
use crate::answer::Answer;
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

pub(crate) use super::run_life::advance;

const KIND: Kind = Kind::Runs;
const FIELDS: &[&str] = &[
    "id",
    "flowId",
    "flowSpec",
    "state",
    "metrics",
    "activities",
    "providerRefId",
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

/// `GET /runs`
pub(crate) fn list(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let filters = list::filters(scene)?;
    list::answer(
        scene,
        KIND.as_str(),
        list::entries(scene, KIND),
        filters,
        FIELDS,
    )
}

/// `GET /runs/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, KIND)
}

/// `POST /runs`: an on-demand run of a flow that runs once.
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    let flow_id = text(&sent, "/flowId").to_owned();
    if flow_id.is_empty() {
        return Err(Problem::flow(1446, 400, "Flow id is null or empty."));
    }
    let Some(flow) = scene.get(Kind::Flows, &flow_id) else {
        return Err(Problem::flow(
            1430,
            400,
            format!("Flow {flow_id} is not found."),
        ));
    };
    if Schedule::parse(&flow.body["scheduleParams"])?
        .every_ms
        .is_some()
    {
        return Err(Problem::flow(
            1386,
            400,
            "Frequency of the flow is not supported for a run on demand.",
        ));
    }
    let params = &sent["params"];
    let time = |name: &str| {
        let missing = || Problem::flow(1384, 400, format!("Run parameter {name} is empty."));
        params.get(name).and_then(integer).ok_or_else(missing)
    };
    let (start, from, to) = (
        time("startTime")?,
        time("windowStartTime")?,
        time("windowEndTime")?,
    );
    if to < from {
        return Err(Problem::flow(
            1381,
            400,
            "Window end time is before the window start time.",
        ));
    }
    let flow = flow.clone();
    let window = (from * 1000, to * 1000);
    let id = run_life::insert(
        scene.config,
        scene.backdrop,
        scene.store,
        &scene.caller.sandbox,
        &flow,
        &mut scene.ids,
        run_life::Due {
            due_ms: (start * 1000).max(scene.now_ms),
            window_ms: window,
            rows: run_life::Rows::All,
            now_ms: scene.now_ms,
        },
    );
    let etag = common::find_by(scene, KIND, &id)?.body["etag"].clone();
    Ok(Answer::json(201, json!({"id": id, "etag": etag})))
}

/// `PUT /runs/{id}`, for providers.
pub(crate) fn not_writable(_scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Err(Problem::flow(
        1427,
        400,
        "Flow runs can't be written with a user token.",
    ))
}

/// `POST /runs/{id}/action?op=re_trigger`: repeats the window of a failed run.
pub(crate) fn action(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let run = common::find(scene, KIND)?.clone();
    let op = scene
        .call
        .query("op")
        .unwrap_or_default()
        .to_ascii_lowercase();
    if op != "re_trigger" {
        return Err(Problem::flow(
            1401,
            400,
            format!("Run action {op} is not supported."),
        ));
    }
    let flow = common::find_by(scene, Kind::Flows, run.text("/flowId"))?.clone();
    if flow.text("/state") != "enabled" {
        return Err(Problem::flow(
            1388,
            400,
            "The flow must be enabled to trigger a run again.",
        ));
    }
    if run.text("/metrics/statusSummary/status") != "failed" {
        return Err(Problem::flow(
            1387,
            400,
            "A run in this state can't be triggered again.",
        ));
    }
    let hidden: &Map<String, Value> = &run.hidden;
    let at = |name: &str| {
        hidden
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or(scene.now_ms)
    };
    let due = run_life::Due {
        due_ms: scene.now_ms,
        window_ms: (at("windowStart"), at("windowEnd")),
        rows: run_life::Rows::All,
        now_ms: scene.now_ms,
    };
    let id = run_life::insert(
        scene.config,
        scene.backdrop,
        scene.store,
        &scene.caller.sandbox,
        &flow,
        &mut scene.ids,
        due,
    );
    let run = common::find_by(scene, KIND, &id)?;
    Ok(Answer::json(200, run.body.clone()))
}

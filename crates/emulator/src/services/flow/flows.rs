//! Flows: a source connection, a target connection, the transformations between them, and a
//! schedule.
//!
//! Source: Flow Service API reference, the collect tutorials, update, delete and draft a dataflow,
//! read 2026-11.

use serde_json::{Map, Value, json};

use super::ends::Ends;
use super::schedule::Schedule;
use super::{common, list, run_life, transformations};
use crate::answer::Answer;
use crate::json::text;
use crate::json_patch;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

const KIND: Kind = Kind::Flows;
const FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "flowSpec",
    "state",
    "sourceConnectionIds",
    "targetConnectionIds",
    "inheritedAttributes",
    "transformations",
    "scheduleParams",
    "options",
    "labels",
    "lastOperation",
    "lastRunDetails",
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

/// `POST /flows`. With `mode=draft` the flow may be incomplete.
pub(crate) fn create(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let sent = scene.call.json()?;
    let is_draft = match scene.call.query("mode") {
        None => false,
        Some(mode) if mode.eq_ignore_ascii_case("draft") => true,
        Some(_) => {
            return Err(Problem::flow(
                1368,
                400,
                "This mode is not allowed in the flow request.",
            ));
        }
    };
    if sent.get("state").is_some() {
        return Err(Problem::flow(
            1410,
            400,
            "State can't be given when a flow is created.",
        ));
    }
    common::required(&sent, "/name")?;
    let spec_id = text(&sent, "/flowSpec/id");
    let Some(spec) = scene.backdrop.flow_spec(spec_id) else {
        return Err(Problem::flow(
            1413,
            400,
            format!("Spec ID {spec_id} is not valid."),
        ));
    };
    let spec = spec.clone();
    let ends = Ends::find(scene, &sent, &spec)?;
    let schedule = if is_draft {
        None
    } else {
        Some(ends.check(scene, &sent)?)
    };
    let mut body = common::pick(
        &sent,
        &[
            "name",
            "description",
            "flowSpec",
            "sourceConnectionIds",
            "targetConnectionIds",
            "transformations",
            "scheduleParams",
            "options",
            "labels",
        ],
    );
    body["flowSpec"]["version"] = spec["version"].clone();
    body["inheritedAttributes"] = ends.inherited();
    body["state"] = Value::from(if is_draft { "draft" } else { "enabled" });
    body["lastOperation"] = operation("create", scene.now_ms, 0);
    let hidden = schedule.map_or_else(Map::new, |schedule| {
        run_life::plan(&scene.config.runs, schedule, scene.arrived_ms)
    });
    let answer = common::create(scene, KIND, body, hidden)?;
    link_runs(scene);
    Ok(answer)
}

/// `GET /flows`
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

/// `GET /flows/{id}`
pub(crate) fn get(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    common::get(scene, KIND)
}

/// `PATCH /flows/{id}`
pub(crate) fn patch(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let may_patch = |path: &str| {
        matches!(path, "/name" | "/description" | "/labels")
            || ["/scheduleParams", "/transformations", "/options"]
                .iter()
                .any(|start| path.starts_with(start))
    };
    let operations = common::patch_operations(scene, KIND, may_patch)?;
    let flow = common::find(scene, KIND)?;
    let (id, mut body) = (flow.id.clone(), flow.body.clone());
    let is_draft = flow.text("/state") == "draft";
    let old = if is_draft {
        None
    } else {
        Some(Schedule::parse(&body["scheduleParams"])?)
    };
    for operation in &operations {
        if let Some(old) = old {
            check_schedule_patch(&operation.path, &old, scene.arrived_ms)?;
        }
        json_patch::apply(&mut body, operation)?;
    }
    let mut plan = None;
    if let Some(old) = old {
        let schedule = Schedule::parse(&body["scheduleParams"])?;
        if schedule.start_ms != old.start_ms && schedule.start_ms < scene.arrived_ms {
            return Err(Problem::flow(1360, 400, "Start time can't be in the past."));
        }
        if operations
            .iter()
            .any(|operation| operation.path.starts_with("/transformations"))
        {
            let spec = scene
                .backdrop
                .flow_spec(text(&body, "/flowSpec/id"))
                .cloned()
                .unwrap_or_default();
            let ends = Ends::find(scene, &body, &spec)?;
            let transformations = &body["transformations"];
            transformations::check(
                scene,
                transformations,
                &schedule,
                &ends.source,
                &ends.target,
            )?;
        }
        if schedule != old {
            plan = Some(run_life::plan(
                &scene.config.runs,
                schedule,
                scene.arrived_ms,
            ));
        }
    }
    body["lastOperation"] = operation("update", scene.now_ms, scene.now_ms);
    let answer = common::replace(scene, KIND, &id, body)?;
    set_plan(scene, &id, plan);
    Ok(answer)
}

/// `DELETE /flows/{id}`: the flow's connections and data stay. Its runs are deleted too.
pub(crate) fn delete(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let id = common::find(scene, KIND)?.id.clone();
    let answer = common::delete(scene, KIND)?;
    let runs = scene
        .existing(Kind::Runs)
        .filter(|run| run.text("/flowId") == id);
    let runs: Vec<String> = runs.map(|run| run.id.clone()).collect();
    for run in runs {
        scene
            .store
            .remove(&scene.caller.sandbox, Kind::Runs, &run, scene.now_ms, 0);
    }
    Ok(answer)
}

/// `POST /flows/{id}/action?op=enable|disable|publish`
pub(crate) fn action(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let flow = common::find(scene, KIND)?;
    if let Some(sent) = scene.call.header("if-match") {
        common::check_version(flow, sent)?;
    }
    let (id, mut body) = (flow.id.clone(), flow.body.clone());
    let op = scene
        .call
        .query("op")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let state = text(&body, "/state").to_owned();
    let (next, plan) = match (op.as_str(), state.as_str()) {
        ("enable", "disabled") => {
            let schedule = Schedule::parse(&body["scheduleParams"])?;
            let has_run = flow.hidden.contains_key("hasRun");
            let is_over = schedule.every_ms.is_none() && has_run;
            let plan =
                (!is_over).then(|| run_life::plan(&scene.config.runs, schedule, scene.arrived_ms));
            ("enabled", plan)
        }
        ("disable", "enabled") => ("disabled", None),
        ("publish", "draft") => {
            let spec = scene
                .backdrop
                .flow_spec(text(&body, "/flowSpec/id"))
                .cloned()
                .unwrap_or_default();
            let schedule = Ends::find(scene, &body, &spec)?.check(scene, &body)?;
            (
                "enabled",
                Some(run_life::plan(
                    &scene.config.runs,
                    schedule,
                    scene.arrived_ms,
                )),
            )
        }
        ("enable" | "disable" | "publish", _) => {
            let message = format!("Action {op} is not applicable in state {state}.");
            return Err(Problem::flow(1422, 400, message));
        }
        ("finalize" | "finalize_update", _) => {
            return Err(Problem::flow(
                1402,
                400,
                "Action finalize is for providers only.",
            ));
        }
        _ => {
            return Err(Problem::flow(
                1434,
                400,
                format!("Operation type {op} is not supported."),
            ));
        }
    };
    body["state"] = Value::from(next);
    body["lastOperation"] = operation(&op, scene.now_ms, scene.now_ms);
    let answer = common::replace(scene, KIND, &id, body)?;
    set_plan(scene, &id, plan);
    Ok(answer)
}

fn check_schedule_patch(path: &str, old: &Schedule, now_ms: i64) -> Result<(), Problem> {
    let has_started = old.start_ms <= now_ms;
    match path {
        "/scheduleParams/startTime" if has_started => Err(Problem::flow(
            1366,
            400,
            "Start time has passed and can't be updated.",
        )),
        "/scheduleParams/backfill" if has_started => Err(Problem::flow(
            1404,
            400,
            "Start time has passed, backfill can't be changed.",
        )),
        _ => Ok(()),
    }
}

fn operation(name: &str, started_ms: i64, updated_ms: i64) -> Value {
    json!({
        "started": started_ms,
        "updated": updated_ms,
        "percentCompleted": 100.0,
        "status": {"value": "completed", "errors": []},
        "operation": if name == "create" { "create" } else { "update" },
    })
}

/// Adds the link to its runs to the flow that was just created.
fn link_runs(scene: &mut Scene<'_>) {
    let Some(id) = scene.existing(KIND).last().map(|flow| flow.id.clone()) else {
        return;
    };
    if let Some(flow) = scene.get_mut(KIND, &id) {
        flow.body["runs"] = Value::from(format!("/runs?property=flowId=={id}"));
    }
}

fn set_plan(scene: &mut Scene<'_>, id: &str, plan: Option<Map<String, Value>>) {
    if let (Some(plan), Some(flow)) = (plan, scene.get_mut(KIND, id)) {
        // The mark that the flow has run stays.
        flow.hidden.extend(plan);
    }
}

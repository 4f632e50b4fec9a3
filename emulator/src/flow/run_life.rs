//! The life of runs: due by a flow's schedule, seen a little later, running, over.
//!
//! Nothing ticks. Before each call the state is moved on to the present: what should have happened
//! by now has happened.

use serde_json::{Map, Value, json};

use super::connections::can_log_in;
use super::schedule::Schedule;
use crate::backdrop::Backdrop;
use crate::call::sandbox_id;
use crate::config::{Config, RunOutcome};
use crate::ids::{Ids, mix};
use crate::store::{Entity, Kind, NewEntity, Store};

/// How many runs of one flow are made up at once for a time when the emulator didn't run.
const MOST_AT_ONCE: usize = 100;

/// A run that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// Its planned start.
    pub(crate) due_ms: i64,
    /// Which changes it takes, from and to.
    pub(crate) window_ms: (i64, i64),
    /// How much of the table that is.
    pub(crate) rows: Rows,
    /// The time.
    pub(crate) now_ms: i64,
}

/// How much of a table a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Every row.
    All,
    /// Those that changed, some tenth.
    Changed,
    /// None: a first run without backfill.
    None,
}

/// The hidden plan of a flow whose next run is due then.
pub(crate) fn plan(schedule: &Schedule, next_ms: i64) -> Map<String, Value> {
    Map::from_iter([
        ("nextRunAt".to_owned(), Value::from(next_ms)),
        ("everyMs".to_owned(), Value::from(schedule.every_ms)),
        ("backfill".to_owned(), Value::from(schedule.backfill)),
    ])
}

/// Moves all runs of all sandboxes on to this time.
pub(crate) fn advance(config: &Config, backdrop: &Backdrop, store: &mut Store, now_ms: i64) {
    if now_ms < store.wake_ms {
        return;
    }
    let mut wake_ms = i64::MAX;
    for sandbox in store.sandbox_names() {
        wake_ms = wake_ms.min(make_due_runs(config, backdrop, store, &sandbox, now_ms));
        wake_ms = wake_ms.min(move_runs_on(config, backdrop, store, &sandbox, now_ms));
    }
    // Last: every change of a resource resets it.
    store.wake_ms = wake_ms;
}

/// Makes the runs that should show by now; gives the time of the next one.
fn make_due_runs(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    now_ms: i64,
) -> i64 {
    let appears_ms = millis(config.runs.appears);
    let mut wake_ms = i64::MAX;
    let flows: Vec<Entity> = store
        .all(sandbox, Kind::Flows)
        .filter(|flow| flow.text("/state") == "enabled" && flow.hidden.contains_key("nextRunAt"))
        .cloned()
        .collect();
    for flow in flows {
        let number = |name: &str| flow.hidden.get(name).and_then(Value::as_i64);
        let every_ms =
            number("everyMs").map(|every_ms| config.runs.every.map_or(every_ms, millis).max(1));
        let mut next = number("nextRunAt");
        let mut is_first =
            flow.body.get("lastRunDetails").is_none() && !flow.hidden.contains_key("hasRun");
        let mut made = 0;
        while let Some(due_ms) = next.filter(|due_ms| due_ms.saturating_add(appears_ms) <= now_ms) {
            if made == MOST_AT_ONCE {
                break;
            }
            let rows = match (is_first, every_ms, flow.hidden.get("backfill")) {
                (true, Some(_), Some(Value::Bool(false))) => Rows::None,
                (true, _, _) | (false, None, _) => Rows::All,
                (false, Some(_), _) => Rows::Changed,
            };
            let from_ms = every_ms.map_or(0, |every_ms| due_ms - every_ms);
            let due = Due {
                due_ms,
                window_ms: (from_ms, due_ms),
                rows,
                now_ms,
            };
            let seed = mix(due_ms.unsigned_abs()) ^ mix(flow.order);
            insert(
                config,
                backdrop,
                store,
                sandbox,
                &flow,
                &mut Ids::seeded(seed),
                due,
            );
            is_first = false;
            made += 1;
            next = every_ms.map(|every_ms| due_ms + every_ms);
        }
        if made > 0
            && let Some(flow) = store.get_mut(sandbox, Kind::Flows, &flow.id)
        {
            flow.hidden
                .insert("nextRunAt".to_owned(), Value::from(next));
            flow.hidden.insert("hasRun".to_owned(), Value::from(true));
        }
        if let Some(next) = next {
            wake_ms = wake_ms.min(next.saturating_add(appears_ms));
        }
    }
    wake_ms
}

/// Keeps a run, `scheduled`, and gives its id.
pub(crate) fn insert(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    flow: &Entity,
    ids: &mut Ids,
    due: Due,
) -> String {
    let (id, etag) = (ids.uuid(), ids.etag(due.now_ms));
    let seen_ms = due
        .due_ms
        .saturating_add(millis(config.runs.appears))
        .min(due.now_ms);
    let body = json!({
        "id": id,
        "flowId": flow.id,
        "flowSpec": flow.body["flowSpec"],
        "createdAt": seen_ms,
        "updatedAt": seen_ms,
        "createdBy": "acp_foundation_connectors@AdobeID",
        "updatedBy": "acp_foundation_connectors@AdobeID",
        "createdClient": "acp_foundation_connectors",
        "updatedClient": "acp_foundation_connectors",
        "sandboxId": sandbox_id(sandbox),
        "sandboxName": sandbox,
        "imsOrgId": config.org,
        "version": etag,
        "etag": etag,
        "providerRefId": format!("M-{}-incremental-0:{}", flow.id, ids.uuid()),
        "metrics": {"statusSummary": {"status": "scheduled"}},
        "activities": [],
    });
    let total = table_path(store, sandbox, flow)
        .and_then(|path| backdrop.table(&path))
        .map_or(0, |table| table.row_count);
    let rows = match due.rows {
        Rows::All => total,
        Rows::Changed => total.div_ceil(10),
        Rows::None => 0,
    };
    let hidden = Map::from_iter([
        ("dueAt".to_owned(), Value::from(due.due_ms)),
        ("windowStart".to_owned(), Value::from(due.window_ms.0)),
        ("windowEnd".to_owned(), Value::from(due.window_ms.1)),
        ("rows".to_owned(), Value::from(rows)),
    ]);
    store.insert(
        sandbox,
        Kind::Runs,
        NewEntity {
            id: id.clone(),
            body,
            hidden,
            now_ms: seen_ms,
        },
    );
    id
}

/// Starts and ends runs; gives the time of the next such event.
fn move_runs_on(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    now_ms: i64,
) -> i64 {
    let (starts_ms, ends_ms) = (millis(config.runs.starts), millis(config.runs.ends));
    let mut wake_ms = i64::MAX;
    let open: Vec<Entity> = store
        .all(sandbox, Kind::Runs)
        .filter(|run| {
            matches!(
                run.text("/metrics/statusSummary/status"),
                "scheduled" | "inProgress"
            )
        })
        .cloned()
        .collect();
    for run in open {
        let due_ms = run
            .hidden
            .get("dueAt")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let flow = store
            .get(sandbox, Kind::Flows, run.text("/flowId"))
            .cloned();
        let table = flow
            .as_ref()
            .and_then(|flow| table_path(store, sandbox, flow));
        let table_exists = table
            .as_ref()
            .is_some_and(|path| backdrop.table(path).is_some());
        let outcome = table.and_then(|path| config.runs.outcomes.get(&path).copied());
        let is_stuck = outcome == Some(RunOutcome::Stuck);
        if now_ms >= due_ms.saturating_add(ends_ms) && !is_stuck {
            let ended_ms = due_ms + ends_ms;
            let failed = !table_exists
                || !source_opens(config, store, sandbox, flow.as_ref())
                || outcome == Some(RunOutcome::Failed);
            let body = ended(
                &run,
                due_ms + starts_ms,
                ended_ms,
                failed,
                outcome,
                flow.as_ref(),
            );
            finish(store, sandbox, &run, body, ended_ms);
            continue;
        }
        if now_ms >= due_ms.saturating_add(starts_ms) {
            if run.text("/metrics/statusSummary/status") == "scheduled" {
                let mut body = run.body.clone();
                body["metrics"] = json!({
                    "durationSummary": {"startedAtUTC": due_ms + starts_ms},
                    "statusSummary": {"status": "inProgress"},
                });
                update(store, sandbox, &run, body, due_ms + starts_ms);
            }
            if !is_stuck {
                wake_ms = wake_ms.min(due_ms.saturating_add(ends_ms));
            }
        } else {
            wake_ms = wake_ms.min(due_ms.saturating_add(starts_ms));
        }
    }
    wake_ms
}

fn update(store: &mut Store, sandbox: &str, run: &Entity, mut body: Value, at_ms: i64) {
    let etag = Ids::seeded(mix(run.order) ^ at_ms.unsigned_abs()).etag(at_ms);
    body["etag"] = Value::from(etag.as_str());
    body["version"] = Value::from(etag);
    body["updatedAt"] = Value::from(at_ms);
    if let Some(run) = store.get_mut(sandbox, Kind::Runs, &run.id) {
        run.body = body;
    }
}

/// Ends a run and tells its flow. The flow's etag stays: its version is that of its definition.
fn finish(store: &mut Store, sandbox: &str, run: &Entity, body: Value, ended_ms: i64) {
    let details = json!({
        "id": run.id,
        "state": body["metrics"]["statusSummary"]["status"],
        "startedAtUTC": body["metrics"]["durationSummary"]["startedAtUTC"],
        "completedAtUTC": ended_ms,
    });
    update(store, sandbox, run, body, ended_ms);
    if let Some(flow) = store.get_mut(sandbox, Kind::Flows, run.text("/flowId")) {
        flow.body["lastRunDetails"] = details;
    }
}

/// The body of a run that is over.
fn ended(
    run: &Entity,
    started_ms: i64,
    ended_ms: i64,
    failed: bool,
    outcome: Option<RunOutcome>,
    flow: Option<&Entity>,
) -> Value {
    let hidden = |name: &str| {
        run.hidden
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let window = json!({"windowStart": hidden("windowStart"), "windowEnd": hidden("windowEnd")});
    let rows = u64::try_from(hidden("rows")).unwrap_or_default();
    let failed_rows = match outcome {
        Some(RunOutcome::FailedRows(count)) => count.min(rows),
        Some(RunOutcome::Failed | RunOutcome::Stuck) | None => 0,
    };
    let end = |field: &str| flow.map_or(Value::Null, |flow| flow.body[field][0].clone());
    let duration = json!({"startedAtUTC": started_ms, "completedAtUTC": ended_ms});
    let mut ids = Ids::seeded(mix(run.order));
    let mut copy = json!({
        "id": ids.uuid(),
        "name": "Copy Activity",
        "updatedAtUTC": ended_ms,
        "durationSummary": {"startedAtUTC": started_ms, "completedAtUTC": ended_ms, "extensions": window},
        "latencySummary": {},
        "sizeSummary": {"inputBytes": rows * 240, "outputBytes": rows * 170},
        "recordSummary": {},
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1},
        "statusSummary": {"status": "success"},
        "sourceInfo": [{
            "id": end("sourceConnectionIds"), "type": "SourceConnection",
            "reference": {"type": "AdfRunId", "ids": [ids.uuid()]},
        }],
    });
    let mut body = run.body.clone();
    if failed {
        let error = json!({"code": "CONNECTOR-1001-500", "message": "Error occurred while copying data from the source."});
        copy["statusSummary"] = json!({
            "status": "failed",
            "errors": [error],
            "extensions": {"errors": [{"code": "2200", "message": "The source refused the connection."}]},
        });
        body["metrics"] = json!({
            "durationSummary": duration,
            "sizeSummary": {"inputBytes": 0, "outputBytes": 0},
            "recordSummary": {"inputRecordCount": 0, "outputRecordCount": 0, "failedRecordCount": 0},
            "statusSummary": {"status": "failed", "errors": [error], "activityRefs": ["copyActivity"]},
        });
        body["activities"] = json!([copy]);
        return body;
    }
    let records = json!({
        "inputRecordCount": rows,
        "outputRecordCount": rows - failed_rows,
        "failedRecordCount": failed_rows,
    });
    let errors = if failed_rows == 0 {
        json!([])
    } else {
        json!([{"code": "CONNECTOR-2001-500", "message": "Error occurred at promotion activity."}])
    };
    let promotion = json!({
        "id": ids.uuid(),
        "name": "Promotion Activity",
        "updatedAtUTC": ended_ms,
        "durationSummary": duration,
        "latencySummary": {},
        "sizeSummary": {"inputBytes": rows * 170, "outputBytes": rows * 120},
        "recordSummary": records,
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1},
        "statusSummary": {"status": "success", "errors": errors, "extensions": {}},
        "targetInfo": [{
            "id": end("targetConnectionIds"), "type": "TargetConnection",
            "reference": {"type": "Batch", "ids": [ids.hex(26).to_uppercase()]},
        }],
    });
    body["metrics"] = json!({
        "durationSummary": duration,
        "sizeSummary": {"inputBytes": rows * 240, "outputBytes": rows * 120},
        "recordSummary": records,
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1, "activityRefs": ["promotionActivity"]},
        "statusSummary": {"status": "success", "errors": errors, "activityRefs": ["promotionActivity"]},
    });
    body["activities"] = json!([copy, promotion]);
    body
}

/// The path of the table that a flow reads.
fn table_path(store: &Store, sandbox: &str, flow: &Entity) -> Option<String> {
    let source = store.get(
        sandbox,
        Kind::SourceConnections,
        flow.text("/sourceConnectionIds/0"),
    )?;
    let path = match source.text("/params/tableName") {
        "" => source.text("/params/path"),
        path => path,
    };
    Some(path.to_owned())
}

/// Whether the base connection below a flow is there and its credentials are good.
fn source_opens(config: &Config, store: &Store, sandbox: &str, flow: Option<&Entity>) -> bool {
    let source = flow.map_or("", |flow| flow.text("/sourceConnectionIds/0"));
    let base = store.get(sandbox, Kind::SourceConnections, source);
    let base = base
        .and_then(|source| store.get(sandbox, Kind::Connections, source.text("/baseConnectionId")));
    base.is_some_and(|base| can_log_in(&config.source, base))
}

fn millis(duration: std::time::Duration) -> i64 {
    // A quarter of the range, so that sums stay in it.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

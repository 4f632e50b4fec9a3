//! The life of runs: due by a flow's schedule, visible a little later, in progress, ended.
//!
//! There is no timer. Before each call, the state is advanced to the present: everything that
//! should have happened by then happens.

use serde_json::{Map, Value, json};

use super::auth::can_log_in;
use super::run_report::ended;
use super::schedule::Schedule;
use crate::backdrop::Backdrop;
use crate::config::{Config, RunOutcome, RunSettings};
use crate::ids::{Ids, mix};
use crate::scene::sandbox_id;
use crate::source::{RowFilter, Table, count_passing};
use crate::store::{Entity, Kind, NewEntity, Store};

/// How many runs of one flow are created at once for the time when the emulator didn't run.
const MOST_AT_ONCE: usize = 100;

/// A run that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// Its planned start.
    pub(crate) due_ms: i64,
    /// The start and end of the changes that it ingests.
    pub(crate) window_ms: (i64, i64),
    /// How many rows of the table it ingests.
    pub(crate) rows: Rows,
    /// The time.
    pub(crate) now_ms: i64,
}

/// How many rows of a table a run ingests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Every row.
    All,
    /// About a tenth: those that changed.
    Changed,
    /// None: the first run of a flow without backfill.
    None,
}

/// The hidden plan of a flow, from this time on.
pub(crate) fn plan(settings: &RunSettings, schedule: Schedule, now_ms: i64) -> Map<String, Value> {
    let every_ms = match (schedule.every_ms, settings.every) {
        (Some(_), Some(every)) => Some(millis(every).max(1)),
        (every_ms, _) => every_ms,
    };
    let schedule = Schedule {
        every_ms,
        ..schedule
    };
    let next_ms = schedule.next_from(now_ms);
    Map::from_iter([
        ("nextRunAt".to_owned(), Value::from(next_ms)),
        ("everyMs".to_owned(), Value::from(schedule.every_ms)),
        ("backfill".to_owned(), Value::from(schedule.backfill)),
    ])
}

/// Advances all runs of all sandboxes to this time.
pub(crate) fn advance(config: &Config, backdrop: &Backdrop, store: &mut Store, now_ms: i64) {
    if now_ms < store.wake_ms {
        return;
    }
    let mut wake_ms = i64::MAX;
    for sandbox in store.sandbox_names() {
        wake_ms = wake_ms.min(create_due_runs(config, backdrop, store, &sandbox, now_ms));
        wake_ms = wake_ms.min(advance_runs(config, backdrop, store, &sandbox, now_ms));
    }
    // This comes last, because every change of a resource resets it.
    store.wake_ms = wake_ms;
}

/// Creates the runs that should be visible by now. Returns the time of the next one.
fn create_due_runs(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    now_ms: i64,
) -> i64 {
    let appears_ms = millis(config.runs.appears);
    let mut wake_ms = i64::MAX;
    let mut due_flows = Vec::new();
    for flow in store.existing(sandbox, Kind::Flows) {
        let next = flow.hidden.get("nextRunAt").and_then(Value::as_i64);
        let Some(shows_ms) = next.map(|next| next.saturating_add(appears_ms)) else {
            continue;
        };
        if flow.text("/state") != "enabled" {
            continue;
        }
        // Only due flows are copied, because there may be thousands.
        if shows_ms <= now_ms {
            due_flows.push(flow.clone());
        } else {
            wake_ms = wake_ms.min(shows_ms);
        }
    }
    for flow in due_flows {
        let number = |name: &str| flow.hidden.get(name).and_then(Value::as_i64);
        let every_ms = number("everyMs").map(|every_ms| every_ms.max(1));
        let mut next = number("nextRunAt");
        let mut is_first =
            flow.body.get("lastRunDetails").is_none() && !flow.hidden.contains_key("hasRun");
        let mut created = 0;
        while let Some(due_ms) = next.filter(|due_ms| due_ms.saturating_add(appears_ms) <= now_ms) {
            if let (MOST_AT_ONCE, Some(every_ms)) = (created, every_ms) {
                // The remaining runs are skipped.
                next = Some(due_ms + (now_ms - due_ms) / every_ms * every_ms + every_ms);
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
            created += 1;
            next = every_ms.map(|every_ms| due_ms + every_ms);
        }
        if created > 0
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

/// Adds a `scheduled` run and returns its id.
pub(crate) fn insert(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    flow: &Entity,
    ids: &mut Ids,
    due: Due,
) -> String {
    let (id, etag) = (ids.next_uuid(), ids.next_etag(due.now_ms));
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
        "providerRefId": format!("M-{}-incremental-0:{}", flow.id, ids.next_uuid()),
        "metrics": {"statusSummary": {"status": "scheduled"}},
        "activities": [],
    });
    let source = source_connection(store, sandbox, flow);
    let filter = source.and_then(|source| source.body.pointer("/params/filters"));
    // A filter that can't be read was refused when the source connection was created.
    let filter = filter.and_then(|filter| RowFilter::parse(filter).ok());
    let total = source
        .and_then(|source| table(backdrop, source))
        .map_or(0, |table| count_passing(table, filter.as_ref()));
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

/// Starts and ends runs. Returns the time of the next such event.
fn advance_runs(
    config: &Config,
    backdrop: &Backdrop,
    store: &mut Store,
    sandbox: &str,
    now_ms: i64,
) -> i64 {
    let (starts_ms, ends_ms) = (millis(config.runs.starts), millis(config.runs.ends));
    let mut wake_ms = i64::MAX;
    let mut advancing = Vec::new();
    for run in store.existing(sandbox, Kind::Runs) {
        let event_ms = match run.text("/metrics/statusSummary/status") {
            "scheduled" => due_of(run).saturating_add(starts_ms),
            "inProgress" => due_of(run).saturating_add(ends_ms),
            _ => continue,
        };
        if event_ms <= now_ms {
            advancing.push(run.clone());
        } else {
            wake_ms = wake_ms.min(event_ms);
        }
    }
    for run in advancing {
        let due_ms = due_of(&run);
        let flow = store
            .get(sandbox, Kind::Flows, run.text("/flowId"))
            .cloned();
        let source = flow
            .as_ref()
            .and_then(|flow| source_connection(store, sandbox, flow));
        let table_exists = source.is_some_and(|source| table(backdrop, source).is_some());
        let outcome = source.and_then(|source| config.runs.outcomes.get(table_path(source)));
        let outcome = outcome.copied();
        let is_stuck = outcome == Some(RunOutcome::Stuck);
        if now_ms >= due_ms.saturating_add(ends_ms) && !is_stuck {
            let ended_ms = due_ms + ends_ms;
            let failed = !table_exists
                || !source_opens(config, backdrop, store, sandbox, source)
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
        if run.text("/metrics/statusSummary/status") == "scheduled" {
            let mut body = run.body.clone();
            body["metrics"] = json!({
                "durationSummary": {"startedAtUTC": due_ms + starts_ms},
                "statusSummary": {"status": "inProgress"},
            });
            update(store, sandbox, &run, body, due_ms + starts_ms);
            wake_ms = wake_ms.min(due_ms.saturating_add(ends_ms));
        }
    }
    wake_ms
}

/// The planned start of a run.
fn due_of(run: &Entity) -> i64 {
    let due = run.hidden.get("dueAt").and_then(Value::as_i64);
    due.unwrap_or_default()
}

fn update(store: &mut Store, sandbox: &str, run: &Entity, mut body: Value, at_ms: i64) {
    let etag = Ids::seeded(mix(run.order) ^ at_ms.unsigned_abs()).next_etag(at_ms);
    body["etag"] = Value::from(etag.as_str());
    body["version"] = Value::from(etag);
    body["updatedAt"] = Value::from(at_ms);
    if let Some(run) = store.get_mut(sandbox, Kind::Runs, &run.id) {
        run.body = body;
    }
}

/// Ends a run and records it in its flow. The flow's etag stays, because it is the version of its
/// definition.
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

/// The source connection that a flow reads.
fn source_connection<'s>(store: &'s Store, sandbox: &str, flow: &Entity) -> Option<&'s Entity> {
    let id = flow.text("/sourceConnectionIds/0");
    store.get(sandbox, Kind::SourceConnections, id)
}

/// The path of the table that a source connection names.
fn table_path(source: &Entity) -> &str {
    match source.text("/params/tableName") {
        "" => source.text("/params/path"),
        path => path,
    }
}

/// The table that a source connection names.
fn table<'b>(backdrop: &'b Backdrop, source: &Entity) -> Option<&'b Table> {
    backdrop.table(source.text("/connectionSpec/id"), table_path(source))
}

/// Whether the base connection of a source connection exists and has valid credentials.
fn source_opens(
    config: &Config,
    backdrop: &Backdrop,
    store: &Store,
    sandbox: &str,
    source: Option<&Entity>,
) -> bool {
    let base = source
        .and_then(|source| store.get(sandbox, Kind::Connections, source.text("/baseConnectionId")));
    base.is_some_and(|base| can_log_in(&config.source, backdrop, base))
}

fn millis(duration: std::time::Duration) -> i64 {
    // A quarter of the range, so that sums don't overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_with_flow(schedule: Schedule) -> Store {
        let mut store = Store::default();
        let body = json!({"id": "f", "state": "enabled", "flowSpec": {}});
        let hidden = plan(&RunSettings::default(), schedule, 0);
        let flow = NewEntity {
            id: "f".to_owned(),
            body,
            hidden,
            now_ms: 0,
        };
        store.insert("prod", Kind::Flows, flow);
        store
    }

    fn advanced(store: &mut Store, now_ms: i64) -> usize {
        let config = Config::default();
        advance(&config, &Backdrop::new(&config.source), store, now_ms);
        store.existing("prod", Kind::Runs).count()
    }

    #[test]
    fn a_long_absence_leaves_a_hundred_runs_and_the_grid() {
        let schedule = Schedule {
            start_ms: 10_000,
            every_ms: Some(1000),
            backfill: true,
        };
        let mut store = store_with_flow(schedule);
        assert_eq!(advanced(&mut store, 1_000_500), MOST_AT_ONCE);
        let next = store.get("prod", Kind::Flows, "f").unwrap().hidden["nextRunAt"].as_i64();
        assert_eq!(next, Some(1_001_000));
        assert_eq!(advanced(&mut store, 1_001_500), MOST_AT_ONCE);
        // A run becomes visible one second after its planned start.
        assert_eq!(advanced(&mut store, 1_002_000), MOST_AT_ONCE + 1);
    }

    #[test]
    fn a_flow_without_its_connections_fails() {
        let schedule = Schedule {
            start_ms: 10_000,
            every_ms: None,
            backfill: true,
        };
        let mut store = store_with_flow(schedule);
        assert_eq!(advanced(&mut store, 10_999), 0);
        assert_eq!(advanced(&mut store, 11_000), 1);
        assert_eq!(advanced(&mut store, 99_000), 1);
        let run = store.existing("prod", Kind::Runs).next().unwrap();
        assert_eq!(run.text("/metrics/statusSummary/status"), "failed");
        let flow = store.get("prod", Kind::Flows, "f").unwrap();
        assert_eq!(flow.text("/lastRunDetails/id"), run.id);
    }
}

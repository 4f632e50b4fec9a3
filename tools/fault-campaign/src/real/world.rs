//! One real run: a platform, a task queue, workers, one or two workflows.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aep_emulator::{Config, Emulator};
use aep_flow_testkit::{
    World, input,
    logs::FAILED_ATTEMPT,
    platform::KINDS,
    table,
    worker::WorkerProcess,
    world::{Home, Run, emulator_config},
};
use anyhow::anyhow;
use serde_json::Value;
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};

use super::{Case, Ground};
use crate::{oracle::Verdict, sim::Rare};

pub(super) const NAMESPACE: &str = "campaign";

/// Past this a run is stuck.
const LONGEST: Duration = Duration::from_secs(240);

/// Scaled down, or a thousand runs would take days.
const QUIET_PERIOD: Duration = Duration::from_secs(3);
const LIST_LAG: Duration = Duration::from_secs(1);

/// A world with a task queue of its own, and these waits: quiet period and list lag.
pub(super) async fn new(
    ground: &Ground,
    waits: (Duration, Duration),
    lists_lag: Duration,
) -> anyhow::Result<World> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let home = Home {
        address: ground.server.address(),
        namespace: NAMESPACE.to_owned(),
        task_queue: format!("run-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
    };
    let mut config: Config = emulator_config();
    config.lists.lag = lists_lag;
    let millis = |wait: Duration| format!("{}ms", wait.as_millis());
    let more = [
        ("AEP_FLOW_START_MARGIN", "60s".to_owned()),
        ("AEP_FLOW_ENSURE_QUIET_PERIOD", millis(waits.0)),
        ("AEP_FLOW_ENSURE_LIST_LAG", millis(waits.1)),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let world = World::at(home, config, more.into()).await?;
    // Faults and deaths are what a run is about.
    world.expect(FAILED_ATTEMPT);
    Ok(world)
}

/// Starts a worker, with the place where it is to die, if it is.
pub(super) fn worker(world: &World, program: &Path, crash_at: Option<&str>) -> WorkerProcess {
    let crash_at = crash_at.map(|at| (aep_flow_ensure::crash::VARIABLE, at));
    world.worker_process_from(program, crash_at.as_slice())
}

/// Starts the ingestion of caller `number`.
pub(super) async fn start(world: &World, number: usize) -> anyhow::Result<Run> {
    let id = format!("{}-caller-{number}", world.task_queue());
    let mut input = input(&[table("Contacts")]);
    // All runs share a namespace, and each has a platform of its own: the same names would be the
    // same resources.
    input["connection"]["name"] = format!("OSC {}", world.task_queue()).into();
    world
        .try_start("IngestOracleServiceCloud", &id, &input)
        .await
}

/// Result of a workflow, as JSON.
pub(super) async fn result(run: &Run) -> anyhow::Result<Value> {
    run.result().await.map_err(|error| anyhow!("{error:?}"))
}

/// The ids of all resources that exist.
fn ids(emulator: &Emulator) -> HashSet<String> {
    let mut ids = HashSet::new();
    for (kind, _) in KINDS {
        for resource in emulator.resources("prod", kind) {
            // The body of a dataset has its id in links alone.
            let files = resource["files"].as_str().unwrap_or_default();
            let id = ["id", "$id"]
                .iter()
                .find_map(|field| resource[*field].as_str())
                .or_else(|| files.split('/').nth(2));
            ids.extend(id.map(str::to_owned));
        }
    }
    ids
}

/// Attempts beyond the first, over all activities of a history.
fn retries(events: &[HistoryEvent]) -> i32 {
    let attempts = events.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::ActivityTaskStartedEventAttributes(started)) => Some(started.attempt - 1),
        _ => None,
    });
    attempts.sum()
}

/// Waits for the end of a worker, however long it takes.
async fn death(worker: &mut WorkerProcess) {
    while worker.has_ended().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a case, and judges what it left.
pub(super) async fn run(ground: &Ground, case: &Case) -> anyhow::Result<Verdict> {
    let waits = (QUIET_PERIOD, LIST_LAG);
    let world = new(ground, waits, LIST_LAG * 7 / 10).await?;
    match tokio::time::timeout(LONGEST, judged(ground, case, &world)).await {
        Ok(verdict) => verdict,
        Err(_) => Err(anyhow!("no end within {} s", LONGEST.as_secs())),
    }
}

async fn judged(ground: &Ground, case: &Case, world: &World) -> anyhow::Result<Verdict> {
    let program = &ground.options.worker;
    if let Some(rule) = case.rule() {
        world.emulator.add_fault(rule);
    }
    let crash_at = case.crash_at();
    let mut first = worker(world, program, crash_at.as_deref());
    let mut others = Vec::new();
    if case.second.is_some() {
        others.push(worker(world, program, None));
    }
    let mut runs = vec![start(world, 0).await?];
    if let Some(pause) = case.second {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        runs.push(start(world, 1).await?);
    }
    let results = async {
        let mut results = Vec::new();
        for run in &runs {
            results.push(result(run).await);
        }
        results
    };
    tokio::pin!(results);
    let mut died = false;
    let results = tokio::select! {
        results = &mut results => results,
        // It killed itself: another takes over.
        () = death(&mut first) => {
            died = true;
            others.push(worker(world, program, None));
            results.await
        }
    };
    // Late commits take effect before the count.
    while world.emulator.state()["pendingCommits"] != 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut verdict = judge(case, world, &results);
    let alone = case.second.is_none();
    if crash_at.is_some() && alone && !died {
        verdict.counts.wrong += 1;
        verdict.reasons.push("the worker did not die".to_owned());
    }
    let mut retried = 0;
    for run in &runs {
        retried += retries(&run.try_history().await?);
    }
    if died && retried == 0 {
        verdict.counts.wrong += 1;
        verdict
            .reasons
            .push("a worker died, and no history shows a second attempt".to_owned());
    }
    verdict.rare.deaths = u64::from(died);
    drop((first, others));
    for line in world.unexpected_lines() {
        verdict.counts.wrong += 1;
        verdict.reasons.push(format!("no run expects: {line}"));
    }
    if !verdict.reasons.is_empty() {
        verdict.reasons.push(world.tail());
    }
    Ok(verdict)
}

fn judge(case: &Case, world: &World, results: &[anyhow::Result<Value>]) -> Verdict {
    let mut verdict = Verdict {
        rare: Rare::default(),
        ..Verdict::default()
    };
    for (kind, name) in KINDS {
        let mut count = BTreeMap::new();
        for resource in world.emulator.resources("prod", kind) {
            *count.entry(resource[name].to_string()).or_insert(0_u64) += 1;
        }
        if count.is_empty() {
            verdict.counts.lost += 1;
            verdict.reasons.push(format!("there is no {kind}"));
        }
        let extra: u64 = count.values().map(|each| each - 1).sum();
        if kind == "mappingSets" {
            verdict.counts.kept += extra;
        } else if extra > 0 {
            verdict.counts.duplicates += extra;
            verdict.reasons.push(format!("several {kind}: {count:?}"));
        }
    }
    let existing = ids(&world.emulator);
    for (number, result) in results.iter().enumerate() {
        match result {
            Err(error) => {
                verdict.counts.wrong += 1;
                verdict
                    .reasons
                    .push(format!("caller {number} failed: {error:#}"));
            }
            Ok(result) => {
                for id in ids_in(result) {
                    if !existing.contains(&id) {
                        verdict.counts.wrong += 1;
                        verdict.reasons.push(format!(
                            "caller {number} was given {id}, which is not there"
                        ));
                    }
                }
            }
        }
    }
    let answers: Vec<_> = results.iter().flatten().map(ids_in).collect();
    if answers.windows(2).any(|pair| pair[0] != pair[1]) {
        verdict.counts.wrong += 1;
        verdict.reasons.push(format!(
            "the callers were given different ones: {answers:?}"
        ));
    }
    if !verdict.reasons.is_empty() {
        let case = serde_json::to_string(case).unwrap_or_default();
        verdict.reasons.push(case);
    }
    verdict
}

/// The ids in a result.
fn ids_in(result: &Value) -> Vec<String> {
    let table = &result["tables"][0];
    let ids = [
        &result["baseConnectionId"],
        &table["sourceConnectionId"],
        &table["schemaId"],
        &table["datasetId"],
        &table["targetConnectionId"],
        &table["mappingSetId"],
        &table["flowId"],
    ];
    ids.iter()
        .map(|id| id.as_str().unwrap_or("nothing").to_owned())
        .collect()
}

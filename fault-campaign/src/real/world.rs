//! One real run: a platform, a task queue, workers, one or two workflows.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aep_emulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
    DEFAULT_SOURCE_USERNAME, Emulator, RunSettings,
};
use aep_flow::config::Config;
use aep_flow_ensure::{ResourceKind, Uniqueness};
use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use temporalio_client::{
    Client, UntypedWorkflow, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowStartOptions,
};
use temporalio_common::{
    data_converters::RawValue,
    protos::temporal::api::{
        common::v1::Payload,
        history::v1::{HistoryEvent, history_event::Attributes},
    },
};
use tokio::process::Child;

use super::{Case, Ground, case, worker::spawn};
use crate::{oracle::Verdict, sim::Rare};

pub(super) const NAMESPACE: &str = "campaign";
const PASSWORD_FILE: &str = "osc.txt";

/// Past this a run is stuck.
const LONGEST: Duration = Duration::from_secs(240);

/// Scaled down, or a thousand runs would take days.
const QUIET_PERIOD: Duration = Duration::from_secs(3);
const LIST_LAG: Duration = Duration::from_secs(1);

/// Its platform, and the way to it.
pub(super) struct World {
    pub(super) emulator: Emulator,
    pub(super) client: Client,
    folder: tempfile::TempDir,
    address: String,
    queue: String,
    waits: (Duration, Duration),
}

pub(super) type Handle = WorkflowHandle<Client, UntypedWorkflow>;

impl World {
    /// With these waits: quiet period and list lag.
    pub(super) async fn new(
        ground: &Ground,
        waits: (Duration, Duration),
        lists_lag: Duration,
    ) -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let queue = format!("run-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("secrets"))?;
        std::fs::write(
            folder.path().join("secrets").join(PASSWORD_FILE),
            DEFAULT_SOURCE_PASSWORD,
        )?;
        // Keeps the Temporal configuration of whoever runs this out.
        std::fs::write(folder.path().join("temporal.toml"), "[profile.campaign]\n")?;
        let mut config = aep_emulator::Config {
            runs: RunSettings::quick(),
            ..aep_emulator::Config::default()
        };
        config.lists.page_size = 3;
        config.lists.lag = lists_lag;
        let emulator = Emulator::start(config).await?;
        let address = ground.server.address();
        let mut config = Config::default();
        let temporal = &mut config.temporal.overrides;
        temporal.config_file = Some(folder.path().join("temporal.toml"));
        temporal.profile = Some("campaign".to_owned());
        temporal.address = Some(address.clone());
        temporal.namespace = Some(NAMESPACE.to_owned());
        let client = aep_flow::temporal::connect(&config).await?;
        Ok(Self {
            emulator,
            client,
            folder,
            address,
            queue,
            waits,
        })
    }

    pub(super) fn worker(&self, program: &Path, crash_at: Option<&str>) -> anyhow::Result<Child> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let log = format!("worker-{}.log", NEXT.fetch_add(1, Ordering::Relaxed));
        let url = self.emulator.url();
        let folder = |name: &str| self.folder.path().join(name).display().to_string();
        let millis = |wait: Duration| format!("{}ms", wait.as_millis());
        let mut variables = [
            ("TEMPORAL_ADDRESS", self.address.clone()),
            ("TEMPORAL_NAMESPACE", NAMESPACE.to_owned()),
            ("TEMPORAL_CONFIG_FILE", folder("temporal.toml")),
            ("TEMPORAL_PROFILE", "campaign".to_owned()),
            ("AEP_FLOW_WORKER_TASK_QUEUE", self.queue.clone()),
            ("AEP_FLOW_PLATFORM_URL", url.clone()),
            ("AEP_FLOW_IMS_URL", url),
            ("AEP_FLOW_ALLOW_INSECURE", "true".to_owned()),
            ("AEP_FLOW_ORG_ID", DEFAULT_ORG.to_owned()),
            ("AEP_FLOW_CLIENT_ID", DEFAULT_CLIENT_ID.to_owned()),
            ("AEP_FLOW_CLIENT_SECRET", DEFAULT_CLIENT_SECRET.to_owned()),
            ("AEP_FLOW_SECRETS_FOLDER", folder("secrets")),
            ("AEP_FLOW_START_MARGIN", "60s".to_owned()),
            // A case is to take its own time.
            ("AEP_FLOW_WORKER_SHARE_RATE_LIMIT", "false".to_owned()),
            ("AEP_FLOW_ENSURE_QUIET_PERIOD", millis(self.waits.0)),
            ("AEP_FLOW_ENSURE_LIST_LAG", millis(self.waits.1)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        if let Some(at) = crash_at {
            let variable = aep_flow_ensure::crash::VARIABLE.to_owned();
            variables.push((variable, at.to_owned()));
        }
        spawn(program, &variables, &self.folder.path().join(log))
    }

    pub(super) async fn start(&self, number: usize) -> anyhow::Result<Handle> {
        let input = json!({
            "connection": {
                "name": "Oracle Service Cloud",
                "host": "acme.custhelp.com",
                "username": DEFAULT_SOURCE_USERNAME,
                "password": {"file": PASSWORD_FILE},
            },
            "tables": [{"table": "Contacts"}],
        });
        let id = format!("{}-caller-{number}", self.queue);
        let options = WorkflowStartOptions::new(self.queue.as_str(), id).build();
        let payload = Payload {
            metadata: HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]),
            data: serde_json::to_vec(&input)?,
            ..Payload::default()
        };
        let workflow = UntypedWorkflow::new("IngestOracleServiceCloud");
        let input = RawValue::new(vec![payload]);
        Ok(self.client.start_workflow(workflow, input, options).await?)
    }

    /// All ids that exist.
    fn ids(&self) -> HashSet<String> {
        let mut ids = HashSet::new();
        for place in case::PLACES {
            for resource in self.emulator.resources("prod", place.collection) {
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
}

/// Result of a workflow, as JSON.
pub(super) async fn result(handle: &Handle) -> anyhow::Result<Value> {
    let result = handle.get_result(WorkflowGetResultOptions::default());
    let result = result.await.map_err(|error| anyhow!("{error:?}"))?;
    let payload = result.payloads.first().context("no result")?;
    Ok(serde_json::from_slice(&payload.data)?)
}

pub(super) async fn history(handle: &Handle) -> anyhow::Result<Vec<HistoryEvent>> {
    let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
    Ok(history.into_events().await?)
}

/// Attempts beyond the first, over all activities of a history.
fn retries(events: &[HistoryEvent]) -> i32 {
    let attempts = events.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::ActivityTaskStartedEventAttributes(started)) => Some(started.attempt - 1),
        _ => None,
    });
    attempts.sum()
}

/// Runs a case, and judges what it left.
pub(super) async fn run(ground: &Ground, case: &Case) -> anyhow::Result<Verdict> {
    let waits = (QUIET_PERIOD, LIST_LAG);
    let world = World::new(ground, waits, LIST_LAG * 7 / 10).await?;
    let ended = tokio::time::timeout(LONGEST, judged(ground, case, &world)).await;
    world.emulator.shutdown().await;
    match ended {
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
    let mut first = world.worker(program, crash_at.as_deref())?;
    let mut others = Vec::new();
    if case.second.is_some() {
        others.push(world.worker(program, None)?);
    }
    let mut handles = vec![world.start(0).await?];
    if let Some(pause) = case.second {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        handles.push(world.start(1).await?);
    }
    let results = async {
        let mut results = Vec::new();
        for handle in &handles {
            results.push(result(handle).await);
        }
        results
    };
    tokio::pin!(results);
    let mut died = false;
    let results = tokio::select! {
        results = &mut results => results,
        // Killed by its own hand: another takes over.
        _ = first.wait() => {
            died = true;
            others.push(world.worker(program, None)?);
            results.await
        }
    };
    // What was to come late has come.
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
    for handle in &handles {
        retried += retries(&history(handle).await?);
    }
    if died && retried == 0 {
        verdict.counts.wrong += 1;
        verdict
            .reasons
            .push("a worker died, and no history shows a second attempt".to_owned());
    }
    verdict.rare.deaths = u64::from(died);
    if died {
        let _ = first.wait().await;
    } else {
        first.kill().await?;
    }
    for mut other in others {
        other.kill().await?;
    }
    Ok(verdict)
}

fn judge(case: &Case, world: &World, results: &[anyhow::Result<Value>]) -> Verdict {
    let mut verdict = Verdict {
        rare: Rare::default(),
        ..Verdict::default()
    };
    for (place, kind) in case::PLACES.iter().zip(ResourceKind::ALL) {
        let mut count = BTreeMap::new();
        for resource in world.emulator.resources("prod", place.collection) {
            let name = resource[place.name].to_string();
            *count.entry(name).or_insert(0_u64) += 1;
        }
        if count.is_empty() {
            verdict.counts.lost += 1;
            verdict.reasons.push(format!("no {kind} exists"));
        }
        let extra: u64 = count.values().map(|each| each - 1).sum();
        if kind.uniqueness() == Uniqueness::Kept {
            verdict.counts.kept += extra;
        } else if extra > 0 {
            verdict.counts.duplicates += extra;
            verdict.reasons.push(format!("several {kind}s: {count:?}"));
        }
    }
    let existing = world.ids();
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

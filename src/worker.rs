//! The worker process: runs activities and workflows of one task queue until it is stopped.

use std::future::Future;
use std::time::Duration;

use aep_flow_workflows::{
    ingest::{IngestOracleServiceCloud, IngestSource},
    settle::SettleCreate,
};
use temporalio_client::Client;
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::{
        RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::{
    activities::{Activities, HEARTBEAT_THROTTLE, Platform, SearchAttributes},
    catalog::{Catalog, CatalogError},
    config::Config,
    endpoints::{self, Health},
    ingestions,
    platform_client::{self, ClientError},
    secrets::{self, NoOpenat2, vault::VaultConfigError},
    telemetry::Meters,
    temporal::{self, ConnectError},
    throttle,
};

/// How long after the grace the worker waits for the server to accept what it hands back. Together
/// with the default grace, it is shorter than the time that orchestrators leave a process.
const HANDING_BACK: Duration = Duration::from_secs(5);

/// Why a worker could not run, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The Temporal server could not be reached.
    #[error("cannot connect to Temporal")]
    Connect(#[from] ConnectError),
    /// The settings for Adobe Experience Platform are wrong.
    #[error("cannot talk to Adobe Experience Platform")]
    Platform(#[from] ClientError),
    /// The settings for Vault are wrong.
    #[error("cannot read secrets from Vault")]
    Vault(#[from] VaultConfigError),
    /// The system can't read files of the secrets folder.
    #[error("cannot read secrets from files")]
    SecretFiles(#[from] NoOpenat2),
    /// The folder of sources can't be read, or one of its files is wrong.
    #[error("cannot load the sources")]
    Catalog(#[from] CatalogError),
    /// A configured address can't be served, or the metrics can't be sent.
    #[error("the worker's probes or metrics cannot be served as configured")]
    Watch(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Temporal's SDK refused the worker's options, or polling ended.
    #[error("the Temporal worker stopped")]
    Sdk(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Prepares a worker and runs it until `shutdown` resolves, also while it still connects:
/// [`ReadyWorker`].
///
/// # Errors
/// [`WorkerError`]. Ending by `shutdown` is not an error.
pub async fn run(
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WorkerError> {
    let mut shutdown = Box::pin(shutdown);
    let worker = tokio::select! {
        () = &mut shutdown => return Ok(()),
        worker = ReadyWorker::prepare(config) => worker?,
    };
    worker.run(shutdown).await
}

/// A worker that is connected and does not poll yet.
pub struct ReadyWorker {
    config: Config,
    worker: Worker,
    health: Health,
    meters: Option<Meters>,
    observers: JoinSet<()>,
}

impl ReadyWorker {
    /// Checks the configuration, connects to Temporal, and serves what the configuration says.
    /// Nothing that is under way is lost if this is dropped or the process ends.
    ///
    /// A worker also runs without credentials: its activities then fail as `Unauthenticated`, which
    /// people see in the Temporal UI. Nobody would see a worker that did not start.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn prepare(config: Config) -> Result<Self, WorkerError> {
        // A wrong file stops the worker now, not the first ingestion of that source.
        let catalog = Catalog::load(config.catalog.dir.as_deref())?;
        if let Some(folder) = &config.secrets.folder {
            secrets::check_system(folder)?;
        }
        let meters = Meters::start(config.metrics.listen.is_some()).map_err(watch)?;
        // The server tries again whatever may pass.
        let platform = platform_client::from_config(&config)?.map(aep_platform::Client::patient);
        if platform.is_none() {
            tracing::warn!(
                "no credentials for Adobe Experience Platform: every activity will fail; \
                 `aep-flow check` shows what is missing"
            );
        }
        // Reports wrong settings before anything else is tried.
        let platform_client = platform.clone();
        let platform = Platform::new(&config, platform, catalog)?;
        let client =
            temporal::connect_with_telemetry(&config, meters.as_ref().map(Meters::of_client))
                .await?;
        let health = Health::new(
            client.clone(),
            config.worker.task_queue.clone(),
            platform_client,
        );
        let mut observers = spawn_observers(&config, &client, meters.as_ref(), &health).await?;
        let (throttle, watching) = throttle::of(client.clone(), config.worker.task_queue.clone());
        observers.spawn(watching);
        let throttle = config.worker.share_rate_limit.then_some(throttle);
        let search_attributes = SearchAttributes::new(client.clone(), &config.aep.sandbox);
        search_attributes.warn_of_missing().await;
        let activities = Activities::new(platform, config.worker.report_attempts, throttle);
        let mut options = options(&config, activities)?;
        options.register_activities(search_attributes);
        let runtime_options = RuntimeOptions::builder()
            .maybe_telemetry_options(meters.as_ref().map(Meters::of_worker))
            .build()
            .map_err(|error| WorkerError::Sdk(error.into()))?;
        let runtime = Runtime::from_current_tokio(runtime_options)
            .map_err(|error| WorkerError::Sdk(error.into()))?;
        let worker = Worker::new(&runtime, client, options)
            .map_err(|error| WorkerError::Sdk(error.into()))?;
        Ok(Self {
            config,
            worker,
            health,
            meters,
            observers,
        })
    }

    /// Works until `shutdown` resolves. It then stops polling and gives running activities the
    /// configured grace. The rest is handed back to the server, which gives the next attempt to
    /// another worker. A server that does not respond can't delay the end by more than
    /// 5 s.
    ///
    /// # Errors
    /// [`WorkerError`]. Ending by `shutdown` is not an error.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), WorkerError> {
        let Self {
            config,
            mut worker,
            health,
            meters,
            observers,
        } = self;
        let stop = worker.shutdown_handle();
        let (stopping, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            shutdown.await;
            tracing::info!("stopping: no new tasks are taken");
            health.stop();
            stop();
            let _ = stopping.send(());
        });
        let overdue = async {
            // The sender is only dropped after it has sent.
            let _ = stopped.await;
            tokio::time::sleep(config.worker.shutdown_grace + HANDING_BACK).await;
        };
        tracing::info!(task_queue = config.worker.task_queue, "polling");
        let ended = tokio::select! {
            ended = worker.run() => ended.map_err(|error| WorkerError::Sdk(error.into())),
            () = overdue => {
                tracing::warn!(
                    "stopped without the Temporal server's response: what ran is retried when its \
                     heartbeat is missed"
                );
                Ok(())
            }
        };
        drop(observers);
        if let Some(meters) = meters {
            // It blocks the thread until the exporter's own thread is done.
            let _ = tokio::task::spawn_blocking(move || meters.shut_down()).await;
        }
        ended
    }
}

/// The worker's options, with `activities` and the workflows.
fn options(config: &Config, activities: Activities) -> Result<WorkerOptions, WorkerError> {
    let eager = if config.worker.share_rate_limit { 0 } else { 3 };
    Ok(WorkerOptions::new(config.worker.task_queue.as_str())
        .register_activities(activities)
        .register_workflow::<IngestOracleServiceCloud>()
        .and_then(|options| options.register_workflow::<IngestSource>())
        .and_then(|options| options.register_workflow::<SettleCreate>())
        .map_err(|error| WorkerError::Sdk(error.into()))?
        .tuner(
            TunerHolder::builder()
                .activity_task_slot_supplier(slots(config.worker.max_concurrent_activities))
                .workflow_task_slot_supplier(slots(config.worker.max_concurrent_workflow_tasks))
                // Neither is used, but the SDK requires at least one of each.
                .local_activity_task_slot_supplier(slots(1))
                .nexus_task_slot_supplier(slots(1))
                .build(),
        )
        .maybe_max_task_queue_activities_per_second(config.worker.max_activities_per_second)
        // An activity in the response to a workflow task would bypass the rate limit.
        .max_eager_activity_reservations_per_workflow_task(eager)
        .max_cached_workflows(config.worker.max_cached_workflows)
        .max_heartbeat_throttle_interval(HEARTBEAT_THROTTLE)
        .graceful_shutdown_period(config.worker.shutdown_grace)
        .build())
}

/// Starts the tasks that make the worker observable. They end when the set is dropped.
async fn spawn_observers(
    config: &Config,
    client: &Client,
    meters: Option<&Meters>,
    health: &Health,
) -> Result<JoinSet<()>, WorkerError> {
    let mut tasks = JoinSet::new();
    if let Some(address) = config.health.listen {
        let serving = endpoints::serve_health(address, health.clone()).await;
        tasks.spawn(serving.map_err(watch)?);
    }
    if let Some(meters) = meters {
        if let Some(address) = config.metrics.listen {
            let serving = endpoints::serve_metrics(address, meters.clone()).await;
            tasks.spawn(serving.map_err(watch)?);
        }
        tasks.spawn(ingestions::count(client.clone()));
    }
    Ok(tasks)
}

fn watch(error: impl std::error::Error + Send + Sync + 'static) -> WorkerError {
    WorkerError::Watch(Box::new(error))
}

fn slots(count: usize) -> FixedSizeSlotSupplier {
    FixedSizeSlotSupplier::new(count)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::activities::HEARTBEATS;

    #[test]
    fn two_heartbeats_in_a_row_may_get_lost() {
        let config = Config::default();
        let platform = Platform::new(&config, None, Catalog::built_in()).unwrap();
        let options = options(&config, Activities::new(platform, false, None)).unwrap();
        for timeout in [2, 15, 60].map(Duration::from_secs) {
            // As the SDK computes it.
            let throttle = timeout
                .mul_f64(0.8)
                .min(options.max_heartbeat_throttle_interval);
            let between = throttle.max(timeout / HEARTBEATS);
            assert!(between * 3 < timeout, "{between:?} of {timeout:?}");
        }
    }
}

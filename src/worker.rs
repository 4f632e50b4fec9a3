//! The worker process: activities and workflows on one task queue, until told to stop.

use std::future::Future;

use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::{
        RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};

use crate::{
    activities::{Activities, Platform, SearchAttributes},
    config::Config,
    platform_client::{self, ClientError},
    temporal::{self, ConnectError},
};

/// Why a worker could not run, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The Temporal server could not be reached.
    #[error("cannot connect to Temporal")]
    Connect(#[from] ConnectError),
    /// The settings for Adobe Experience Platform are wrong.
    #[error("cannot talk to Adobe Experience Platform")]
    Platform(#[from] ClientError),
    /// Temporal's SDK refused the worker's options, or polling ended.
    #[error("the Temporal worker stopped")]
    Sdk(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Works until `shutdown` resolves: then stops polling, and gives what runs the configured
/// grace to end; what does not is handed back to the server, whose next attempt goes to
/// another worker.
///
/// Without credentials it works all the same: its activities fail as `Unauthenticated`,
/// which a person at the Temporal UI sees, and a worker that is not there nobody does.
///
/// # Errors
/// [`WorkerError`]. Ending by `shutdown` is none.
pub async fn run(
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WorkerError> {
    let platform = platform_client::from_config(&config)?;
    if platform.is_none() {
        tracing::warn!(
            "no credentials for Adobe Experience Platform: every activity will fail; \
             `aep-flow check` says what is missing"
        );
    }
    let client = temporal::connect(&config).await?;
    let activities = Activities::new(Platform::new(&config, platform));
    let options = WorkerOptions::new(config.worker.task_queue.as_str())
        .register_activities(activities)
        .register_activities(SearchAttributes::new(client.clone()))
        .register_workflow::<IngestOracleServiceCloud>()
        .map_err(|error| WorkerError::Sdk(error.into()))?
        .tuner(
            TunerHolder::builder()
                .activity_task_slot_supplier(slots(config.worker.max_concurrent_activities))
                .workflow_task_slot_supplier(slots(config.worker.max_concurrent_workflow_tasks))
                // Neither is used; the SDK wants at least one of each.
                .local_activity_task_slot_supplier(slots(1))
                .nexus_task_slot_supplier(slots(1))
                .build(),
        )
        .max_cached_workflows(config.worker.max_cached_workflows)
        .graceful_shutdown_period(config.worker.shutdown_grace)
        .build();
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default())
        .map_err(|error| WorkerError::Sdk(error.into()))?;
    let mut worker =
        Worker::new(&runtime, client, options).map_err(|error| WorkerError::Sdk(error.into()))?;

    let stop = worker.shutdown_handle();
    tokio::spawn(async move {
        shutdown.await;
        tracing::info!("stopping: no new tasks are taken");
        stop();
    });
    tracing::info!(task_queue = config.worker.task_queue, "polling");
    worker
        .run()
        .await
        .map_err(|error| WorkerError::Sdk(error.into()))
}

fn slots(count: usize) -> FixedSizeSlotSupplier {
    FixedSizeSlotSupplier::new(count)
}

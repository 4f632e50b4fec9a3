//! `aep-flow worker`: runs the worker until a signal ends it.

use clap::Args;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::signal::Signals;
use crate::worker::{ReadyWorker, WorkerError};

/// Run the worker until SIGTERM or Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "\
The worker polls a task queue of Temporal and runs its workflows and activities. On SIGTERM,
SIGHUP, SIGQUIT or Ctrl-C it takes no new tasks, waits up to `worker.shutdown_grace` for running
ones, hands the rest back to the server, and exits with 0. Before it polls, it exits with 0 at once.
A second Ctrl-C ends it at once with 130.

Examples:
  aep-flow worker
  aep-flow worker --task-queue aep-flow-test --set aep.sandbox=dev")]
pub(super) struct Arguments {
    /// Task queue to poll [default: aep-flow]
    #[arg(long, short = 't', value_name = "NAME")]
    task_queue: Option<String>,
}

pub(super) async fn run(
    global: &Global,
    arguments: Arguments,
    signals: Signals,
) -> Result<ExitStatus, CommandError> {
    let flags = [("worker.task_queue", arguments.task_queue.as_deref())];
    let config = global.start(&flags, Logs::Full)?;
    let worker = ReadyWorker::prepare(config).await.map_err(explain)?;
    // Until here nothing runs, and a signal ends the process.
    let ended = worker.run(signals.asked_to_stop()).await;
    ended.map_err(explain)?;
    Ok(ExitStatus::Done)
}

fn explain(error: WorkerError) -> CommandError {
    match error {
        WorkerError::Connect(error) => error.into(),
        WorkerError::Platform(error) => error.into(),
        WorkerError::Vault(error) => error.into(),
        WorkerError::Catalog(error) => error.into(),
        WorkerError::SecretFiles(error) => {
            let hint = error.next_step();
            CommandError::new(ExitStatus::Usage, error).hint(hint)
        }
        error @ WorkerError::Watch(_) => CommandError::new(ExitStatus::Usage, error)
            .hint("correct `health.listen`, `metrics.listen` or the variables `OTEL_…`"),
        error @ WorkerError::Sdk(_) => CommandError::new(ExitStatus::Unreachable, error)
            .hint("start the worker again; `aep-flow check` shows what it cannot reach"),
    }
}

//! `aep-flow demo`: the whole job on this machine.

use clap::Args;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::out::{self, Output};
use super::signal::Signals;
use crate::config::Environment;
use crate::demo::{self, DemoError, Ended, Summary};

/// Run one ingestion on this machine, on a real Temporal server and an emulated platform
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no credentials and touches nothing of yours. One answer of the emulated platform is a
503 and one is lost, so that the retries can be seen.

Examples:
  aep-flow demo
  aep-flow demo --keep     then look around in the Temporal UI")]
pub(super) struct Arguments {
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

pub(super) async fn run(
    global: &Global,
    arguments: Arguments,
    signals: Signals,
) -> Result<ExitStatus, CommandError> {
    // The demo shows failed attempts itself; as log lines they would appear twice.
    let config = global.start(&[], Logs::Silent)?;
    let options = demo::Options {
        keep: arguments.keep,
        temporal: config.temporal,
        codec: config.codec,
        environment: Environment::of_process(),
    };
    let show = |summary: &Summary| match global.output {
        Output::Text => out::answer(summary.to_string().trim_end()),
        Output::Json => out::json(summary),
    };
    let report = |line: &str| out::note(&out::plain(line));
    match demo::run(options, signals.asked_to_stop(), &report, show).await {
        Ok(Ended::Done) => Ok(ExitStatus::Done),
        Ok(Ended::Interrupted) => Ok(ExitStatus::Interrupted),
        Err(error) => Err(explain(error)),
    }
}

fn explain(error: DemoError) -> CommandError {
    let hint = error.next_step();
    let exit = match &error {
        DemoError::Server(_) | DemoError::Connect(_) => ExitStatus::Unreachable,
        DemoError::Emulator(_)
        | DemoError::Folder(_)
        | DemoError::Worker(_)
        | DemoError::WorkerGone
        | DemoError::Start(_)
        | DemoError::Failed(_)
        | DemoError::Result { .. } => ExitStatus::Refused,
    };
    CommandError::new(exit, error).hint(hint)
}

//! The commands.
//!
//! stdout carries the result and nothing else; progress, warnings and errors go to stderr.
//! Nothing here decides what an ingestion does: commands read, start, ask and show.

mod command_error;
mod exit;
mod global;
mod ingestion_end;
mod out;
mod platform;
mod progress;
mod rpc;
mod signal;
mod snapshot;
mod spec;

mod adopt;
mod check;
mod codec_server;
mod completions;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod explore;
mod ingest;
mod list;
mod plan;
mod probe;
mod resolve;
mod schema;
mod sources;
mod status;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::ExitStatus;

use command_error::CommandError;
use global::Global;
use signal::Signals;

use crate::{core_dumps, panics, telemetry};

/// How to try the program, if this build has the demo.
const TRY_IT: &str = if cfg!(feature = "demo") {
    "To try it on this machine, with an emulated platform: `aep-flow demo`. "
} else {
    ""
};

/// Takes tables of a source system into datasets of Adobe Experience Platform, exactly
/// once, as workflows of Temporal.
#[derive(Debug, Parser)]
#[command(
    name = "aep-flow",
    version,
    about,
    long_about = format!(
        "Takes tables of a source system into datasets of Adobe Experience Platform, \
         exactly once, as workflows of Temporal.\n\n\
         {TRY_IT}For the real platform: set the credentials, make sure that `aep-flow check` \
         passes, start `aep-flow worker`, and run `aep-flow ingest -f spec.yaml`."
    ),
    after_help = exit::HELP,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Worker(worker::Arguments),
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    Ingest(ingest::Arguments),
    List(list::Arguments),
    Status(status::Arguments),
    Resolve(resolve::Arguments),
    Sources(sources::Arguments),
    Schema(schema::Arguments),
    Explore(explore::Arguments),
    Adopt(adopt::Arguments),
    Check(check::Arguments),
    CodecServer(codec_server::Arguments),
    Config(config::Arguments),
    Probe(probe::Arguments),
    Completions(completions::Arguments),
}

impl Command {
    /// How the process ends if a signal stops it before the command has begun its work, or in the
    /// middle of a command that has nothing to end in order.
    fn stopped(&self) -> ExitStatus {
        match self {
            // They run until they are stopped.
            Self::Worker(_) | Self::CodecServer(_) => ExitStatus::Done,
            _ => ExitStatus::Interrupted,
        }
    }
}

/// Runs the command that the process was started with, and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    panics::hide_payloads();
    // Before the first secret is read.
    if let Err(error) = core_dumps::forbid() {
        out::warning(&format!("core dumps can't be switched off: {error}"));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    match run(cli) {
        Ok(status) => status.into(),
        Err(failure) => {
            failure.print();
            failure.exit().into()
        }
    }
}

/// The exit code for a command line that can't be read or that only asks for help.
fn misread(error: &clap::Error) -> ExitCode {
    // As clap itself does; a closed stderr is no reason to fail.
    let _ = error.print();
    let mut words = std::env::args_os();
    // 2 would mean that there is something to do.
    if error.use_stderr() && words.any(|word| word == plan::DETAILED_EXIT_CODE) {
        return ExitStatus::Refused.into();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn run(cli: Cli) -> Result<ExitStatus, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ExitStatus::Unreachable, error))?;
    let Cli { global, command } = cli;
    let done = runtime.block_on(async {
        // Before anything that waits.
        let signals = Signals::handle(command.stopped())
            .map_err(|error| CommandError::new(ExitStatus::Unreachable, error))?;
        let done = match command {
            Command::Worker(arguments) => worker::run(&global, arguments, signals).await,
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => demo::run(&global, arguments, signals).await,
            Command::Ingest(arguments) => ingest::run(&global, arguments, signals).await,
            Command::List(arguments) => list::run(&global, arguments).await,
            Command::Status(arguments) => status::run(&global, arguments).await,
            Command::Resolve(arguments) => resolve::run(&global, arguments).await,
            Command::Sources(arguments) => sources::run(&global, &arguments).await,
            Command::Schema(_) => schema::run(&global),
            Command::Explore(arguments) => explore::run(&global, arguments).await,
            Command::Adopt(arguments) => adopt::run(&global, arguments).await,
            Command::Check(arguments) => check::run(&global, arguments).await,
            Command::CodecServer(arguments) => codec_server::run(&global, arguments, signals).await,
            Command::Config(arguments) => config::run(&global, &arguments),
            Command::Probe(arguments) => probe::run(&arguments).await,
            Command::Completions(arguments) => completions::run(Cli::command(), &arguments),
        };
        telemetry::flush().await;
        done
    });
    // An abandoned name look-up or read of stdin may still hold a thread.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}

//! `aep-flow codec-server`: decrypts for Temporal's UI and command line.

use clap::Args;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::{Global, Logs};
use super::signal::Signals;
use crate::codec_server::{Limits, Server, ServerError};

/// Decrypt payloads for the Temporal UI and command line
#[derive(Debug, Args)]
#[command(after_help = "\
Serves POST /decode and POST /encode with the keys of `codec.keys`, until SIGTERM or Ctrl-C.
Accepts requests with the token of `codec.server_token`, and web pages of `codec.server_origins`.
It needs a token, unless a proxy in front of it authenticates the users, or you trust every user of
this machine. It serves plain HTTP; TLS is up to the proxy.

Examples:
  AEP_FLOW_CODEC_SERVER_TOKEN=TOKEN aep-flow codec-server
  temporal workflow show --workflow-id ID --codec-endpoint http://127.0.0.1:8081 \\
    --codec-auth \"Bearer TOKEN\"
  aep-flow codec-server --origin http://localhost:8233 --trust-machine")]
pub(super) struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:8081]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,

    /// Origin of the Temporal UI; several are separated by commas
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Promise that it is only reachable through a proxy that authenticates its users
    #[arg(long)]
    behind_proxy: bool,

    /// Need no token on a loopback address: every user of this machine can decrypt
    #[arg(long)]
    trust_machine: bool,
}

pub(super) async fn run(
    global: &Global,
    arguments: Arguments,
    signals: Signals,
) -> Result<ExitStatus, CommandError> {
    let flags = [
        ("codec.server_listen", arguments.listen.as_deref()),
        ("codec.server_origins", arguments.origin.as_deref()),
        (
            "codec.server_behind_proxy",
            arguments.behind_proxy.then_some("true"),
        ),
        (
            "codec.server_trust_machine",
            arguments.trust_machine.then_some("true"),
        ),
    ];
    let config = global.start(&flags, Logs::Full)?;
    let limits = Limits::new(&config.codec);
    let server = Server::bind(&config.codec, limits).await.map_err(explain)?;
    let address = server.address();
    tracing::info!(%address, setting = "codec.server_listen", "serving");
    let ended = server.run(signals.asked_to_stop()).await;
    ended.map_err(|error| CommandError::new(ExitStatus::Unreachable, error))?;
    Ok(ExitStatus::Done)
}

fn explain(error: ServerError) -> CommandError {
    let hint = error.next_step();
    CommandError::new(ExitStatus::Usage, error).hint(hint)
}

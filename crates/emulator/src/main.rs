//! `aep-emulator`: an emulated Adobe Experience Platform on one port.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use aep_emulator::{
    Client, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_TENANT,
    Emulator, EmulatorError, ListBehaviour, Rule, RulesError, RunSettings, Sandbox, SourceOffer,
    SourceSettings, UnknownParams, knows_source, read_rules,
};
use aep_probe::ProbeError;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

/// An emulated Adobe Experience Platform: IMS, Flow Service, Schema Registry, Catalog, Data Prep
/// and Sandbox management on one port. The first line of standard output is its URL.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    arguments: Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check whether the service at a URL is healthy: exit code 0 if it responds with 2xx within 2
    /// s, else 1
    Probe {
        /// URL to check, such as http://127.0.0.1:8080/_emulator/health
        url: Url,
    },
}

#[derive(Debug, Args)]
struct Arguments {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    ip: IpAddr,
    /// File that keeps the state between starts. It holds source passwords and tokens
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Serve /_emulator/ too, to anyone who reaches the port
    #[arg(long)]
    control: bool,
    /// Client id that gets tokens
    #[arg(long, default_value = DEFAULT_CLIENT_ID)]
    client_id: String,
    /// Secret of that client
    #[arg(long, default_value = DEFAULT_CLIENT_SECRET, env = "AEP_EMULATOR_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// IMS organisation
    #[arg(long, default_value = DEFAULT_ORG)]
    org: String,
    /// Tenant id, without underscore
    #[arg(long, default_value = DEFAULT_TENANT)]
    tenant: String,
    /// Another active development sandbox besides prod, dev and resetting. May be repeated
    #[arg(long, value_name = "NAME")]
    sandbox: Vec<String>,
    /// Most entries in a page of Flow Service and Schema Registry
    #[arg(long, default_value_t = 20, value_name = "ENTRIES", value_parser = clap::value_parser!(u16).range(1..))]
    page_size: u16,
    /// Lifetime of a token in seconds
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
    token_lifetime: u64,
    /// Rules of the fault dial, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Let runs take minutes, as at Adobe, instead of seconds
    #[arg(long)]
    realistic_runs: bool,
    /// Number of extra tables Table001, Table002, …
    #[arg(long, default_value_t = 0, value_name = "TABLES")]
    extra_tables: usize,
    /// Add tables with awkward names
    #[arg(long)]
    awkward_tables: bool,
    /// How a source is offered, such as phoenix=gone: offered, missing-from-flow-spec, refused or
    /// gone. May be repeated
    #[arg(long, value_name = "SOURCE=OFFER", value_parser = source_offer)]
    source_offer: Vec<(String, SourceOffer)>,
    /// List in CRMToAEP only what its newest printed version lists: six sources fewer
    #[arg(long)]
    newest_flow_spec: bool,
    /// Refuse parameters of a base connection that its auth spec doesn't have
    #[arg(long)]
    refuse_unknown_params: bool,
}

fn source_offer(text: &str) -> Result<(String, SourceOffer), String> {
    let (source, offer) = text
        .split_once('=')
        .ok_or("give a source and its offer, such as phoenix=gone")?;
    if !knows_source(source) {
        return Err(format!("there is no source {source}"));
    }
    Ok((source.to_owned(), offer.parse()?))
}

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("the service is not healthy")]
    Unwell(#[source] ProbeError),
    #[error("fault rules {path} can't be read")]
    FaultsUnreadable {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("fault rules {path} are not valid")]
    FaultsInvalid {
        path: PathBuf,
        #[source]
        cause: RulesError,
    },
    #[error("the emulator can't start")]
    Emulator(#[source] EmulatorError),
    #[error("can't listen for signals")]
    Signals(#[source] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = format!("error: {error}\n");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                message.push_str(&format!("  caused by: {error}\n"));
                cause = error.source();
            }
            // If this fails too, nothing is left to do.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), StartError> {
    match cli.command {
        Some(Command::Probe { url }) => aep_probe::probe(&url).await.map_err(StartError::Unwell),
        None => serve(cli.arguments).await,
    }
}

async fn serve(arguments: Arguments) -> Result<(), StartError> {
    let address = SocketAddr::new(arguments.ip, arguments.port);
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let emulator = Emulator::bind(config(arguments)?, address)
        .await
        .map_err(StartError::Emulator)?;
    let mut out = std::io::stdout();
    if writeln!(out, "{}", emulator.url())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::warn!("nobody reads the URL");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    emulator.shutdown().await;
    Ok(())
}

fn config(arguments: Arguments) -> Result<Config, StartError> {
    let faults: Vec<Rule> = match arguments.faults {
        None => Vec::new(),
        Some(path) => {
            let text = fs::read_to_string(&path).map_err(|cause| StartError::FaultsUnreadable {
                path: path.clone(),
                cause,
            })?;
            read_rules(&text).map_err(|cause| StartError::FaultsInvalid { path, cause })?
        }
    };
    let mut config = Config {
        org: arguments.org,
        tenant: arguments.tenant,
        clients: vec![Client::new(arguments.client_id, arguments.client_secret)],
        token_lifetime: Duration::from_secs(arguments.token_lifetime),
        lists: ListBehaviour {
            page_size: usize::from(arguments.page_size),
            ..ListBehaviour::default()
        },
        source: SourceSettings {
            extra_tables: arguments.extra_tables,
            awkward_tables: arguments.awkward_tables,
            offers: arguments.source_offer.into_iter().collect(),
            newest_flow_spec: arguments.newest_flow_spec,
            unknown_params: if arguments.refuse_unknown_params {
                UnknownParams::Refused
            } else {
                UnknownParams::Kept
            },
            ..SourceSettings::default()
        },
        faults,
        control: arguments.control,
        state_file: arguments.state,
        ..Config::default()
    };
    if arguments.realistic_runs {
        config.runs = RunSettings::realistic();
    }
    for name in arguments.sandbox {
        if !config.sandboxes.iter().any(|sandbox| sandbox.name == name) {
            config.sandboxes.push(Sandbox::development(&name));
        }
    }
    Ok(config)
}

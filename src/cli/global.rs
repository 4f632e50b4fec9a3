//! The flags that every command takes, and the configuration they lead to.

use std::path::PathBuf;

use clap::Args;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::out::{self, Output};
use crate::config::{Config, Environment, Loaded, Origin, Sources};
use crate::secrets::exposure;
use crate::telemetry::{self, TelemetryError};

/// What a command logs by default; a worker logs more.
const QUIET: &str = "warn,temporalio_sdk_core=error,temporalio_client=error";

/// What a command logs that provokes failures and reports them itself.
const SILENT: &str = "error";

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Global {
    /// Format of the result; json fields are added, never renamed
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Global options"
    )]
    pub(super) output: Output,

    /// Configuration file [env: AEP_FLOW_CONFIG] [default: aep-flow.toml here, then
    /// aep-flow/config.toml in the folder for configuration]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    config: Option<PathBuf>,

    /// Set any setting except a secret, such as `--set aep.sandbox=dev`; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value, help_heading = "Global options")]
    set: Vec<(String, String)>,

    /// Folder of sources that replace or extend those compiled in [env: AEP_FLOW_CATALOG_DIR]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    catalog: Option<String>,

    /// Host and port of the Temporal server [env: TEMPORAL_ADDRESS] [default: localhost:7233]
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        help_heading = "Global options"
    )]
    address: Option<String>,

    /// Namespace at the Temporal server [env: TEMPORAL_NAMESPACE] [default: default]
    #[arg(long, short, global = true, help_heading = "Global options")]
    namespace: Option<String>,

    /// Profile of the Temporal configuration file [env: TEMPORAL_PROFILE]
    #[arg(long, global = true, help_heading = "Global options")]
    profile: Option<String>,

    /// Temporal configuration file [env: TEMPORAL_CONFIG_FILE]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    temporal_config: Option<PathBuf>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        // The error does not repeat the text, which may be a secret.
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// How much a command logs if no filter is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logs {
    /// Warnings: a person reads the command's own lines.
    Quiet,
    /// Errors.
    #[cfg_attr(
        not(feature = "demo"),
        expect(dead_code, reason = "the demo alone shows its failures itself")
    )]
    Silent,
    /// As configured: a person reads the log.
    Full,
}

impl Global {
    /// Reads the configuration; `flags` are the command's own, by setting.
    pub(super) fn load(&self, flags: &[(&str, Option<&str>)]) -> Result<Loaded, CommandError> {
        let mut sources = Sources {
            config_file: self.config.clone(),
            folder: PathBuf::new(),
            environment: Environment::of_process(),
            flags: self.set.clone(),
        };
        let catalog = ("catalog.dir", self.catalog.as_deref());
        for (key, value) in flags.iter().chain([&catalog]) {
            if let Some(value) = value {
                sources.flags.push(((*key).to_owned(), (*value).to_owned()));
            }
        }
        let mut loaded = Config::load(&sources)?;
        let overrides = &mut loaded.config.temporal.overrides;
        overrides.address.clone_from(&self.address);
        overrides.namespace.clone_from(&self.namespace);
        overrides.profile.clone_from(&self.profile);
        overrides.config_file.clone_from(&self.temporal_config);
        Ok(loaded)
    }

    /// Reads the configuration, shows its warnings and starts the logs.
    pub(super) fn start(
        &self,
        flags: &[(&str, Option<&str>)],
        logs: Logs,
    ) -> Result<Config, CommandError> {
        let mut loaded = self.load(flags)?;
        if loaded.origin("log.filter") == Origin::Default {
            let filter = &mut loaded.config.log.filter;
            match logs {
                Logs::Quiet => QUIET.clone_into(filter),
                Logs::Silent => SILENT.clone_into(filter),
                Logs::Full => {}
            }
        }
        telemetry::init(&loaded.config.log).map_err(|error| {
            let hint = match &error {
                TelemetryError::Filter { .. } => "a filter reads as in `info,aep_platform=debug`",
                TelemetryError::Export { .. } => "correct the variables, or unset them",
                TelemetryError::AlreadySet(_) => "one process runs one command",
            };
            CommandError::new(ExitStatus::Usage, error).hint(hint)
        })?;
        if logs == Logs::Full {
            loaded.warnings.extend(exposure::warnings(&loaded));
        }
        for warning in &loaded.warnings {
            match logs {
                Logs::Quiet | Logs::Silent => out::warning(warning),
                Logs::Full => tracing::warn!("{warning}"),
            }
        }
        Ok(loaded.config)
    }
}

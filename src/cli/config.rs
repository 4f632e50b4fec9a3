//! `aep-flow config show`: every setting, its value and its source.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::Global;
use super::out::{self, Output};
use crate::temporal::Target;

/// Show the configuration
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every setting, its value and its source; secrets as ***
    #[command(after_help = "\
Later sources win: defaults, the configuration file, the environment, flags.

Examples:
  aep-flow config show
  aep-flow config show --output json | jq '.settings[] | select(.origin != \"default\")'")]
    Show,
}

#[derive(Debug, Serialize)]
struct Answer {
    file: Option<String>,
    settings: Vec<Setting>,
    temporal: Option<Temporal>,
}

#[derive(Debug, Serialize)]
struct Setting {
    key: &'static str,
    value: String,
    origin: String,
    env: &'static str,
}

#[derive(Debug, Serialize)]
struct Temporal {
    address: String,
    namespace: String,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> Result<ExitStatus, CommandError> {
    let Command::Show = arguments.command;
    let loaded = global.load(&[])?;
    let settings: Vec<Setting> = loaded
        .config
        .shown()
        .into_iter()
        .map(|shown| Setting {
            key: shown.key,
            value: shown.value,
            origin: loaded.origin(shown.key).to_string(),
            env: shown.env,
        })
        .collect();
    let target = Target::read(&loaded.config, None);
    match global.output {
        Output::Json => out::json(&Answer {
            file: loaded.file.as_ref().map(|file| file.display().to_string()),
            settings,
            temporal: target.as_ref().ok().map(|target| Temporal {
                address: target.address.to_string(),
                namespace: target.namespace.clone(),
            }),
        }),
        Output::Text => {
            let rows = settings
                .into_iter()
                .map(|setting| vec![setting.key.to_owned(), setting.value, setting.origin]);
            out::answer(&out::table(&["SETTING", "VALUE", "FROM"], rows));
            let file = loaded.file.as_ref().map_or_else(
                || "no configuration file was found".to_owned(),
                |file| format!("configuration file: {}", file.display()),
            );
            out::note(&format!("\n{file}"));
            if let Ok(target) = &target {
                out::note(&format!(
                    "Temporal: {}, namespace {} (by flags, TEMPORAL_… and temporal.toml)",
                    target.address, target.namespace
                ));
            }
        }
    }
    for warning in &loaded.warnings {
        out::warning(warning);
    }
    if let Err(error) = target {
        out::warning(&error.to_string());
    }
    Ok(ExitStatus::Done)
}

//! `aep-flow probe`: a health check for where there is no curl.

use clap::Args;
use url::Url;

use super::command_error::CommandError;
use super::exit::ExitStatus;

/// Ask a URL whether what serves it is well; 0 if it answers 2xx within 2 s, else 1
#[derive(Debug, Args)]
#[command(after_help = "\
For the health check of a container and an exec probe of Kubernetes: the image has no shell.
Only plain http is spoken.

Examples:
  aep-flow probe http://127.0.0.1:8078/healthz
  aep-flow probe http://127.0.0.1:8078/readyz")]
pub(super) struct Arguments {
    /// What to ask
    url: Url,
}

pub(super) async fn run(arguments: &Arguments) -> Result<ExitStatus, CommandError> {
    aep_probe::probe(&arguments.url)
        .await
        .map_err(|error| CommandError::new(ExitStatus::Refused, error))?;
    Ok(ExitStatus::Done)
}

//! `aep-flow probe`: a health check for images without curl.

use clap::Args;
use url::Url;

use super::command_error::CommandError;
use super::exit::ExitStatus;

/// Check a health URL: exits with 0 for a 2xx response within 2 s, else with 1
#[derive(Debug, Args)]
#[command(after_help = "\
For the health check of a container and for exec probes of Kubernetes: the image has no shell.
Only plain http is supported.

Examples:
  aep-flow probe http://127.0.0.1:8078/healthz
  aep-flow probe http://127.0.0.1:8078/readyz")]
pub(super) struct Arguments {
    /// URL to check
    url: Url,
}

pub(super) async fn run(arguments: &Arguments) -> Result<ExitStatus, CommandError> {
    aep_probe::probe(&arguments.url)
        .await
        .map_err(|error| CommandError::new(ExitStatus::Refused, error))?;
    Ok(ExitStatus::Done)
}

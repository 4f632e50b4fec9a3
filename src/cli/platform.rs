//! The platform as commands call it: directly, with the configured credentials.

use aep_platform::{Next, PlatformError, Sandbox, SandboxName};

use super::command_error::CommandError;
use super::exit::ExitStatus;
use crate::config::Config;
use crate::platform_client;

/// The configured sandbox, whether or not it exists.
pub(super) fn sandbox(config: &Config) -> Result<Sandbox, CommandError> {
    let client = platform_client::from_config(config)?.ok_or_else(|| {
        CommandError::text(
            ExitStatus::Usage,
            "there are no credentials for Adobe Experience Platform",
        )
        .hint(
            "set AEP_FLOW_CLIENT_ID, AEP_FLOW_CLIENT_SECRET and AEP_FLOW_ORG_ID; \
             `aep-flow check` tests them",
        )
    })?;
    let name = SandboxName::parse(config.aep.sandbox.as_str())
        .map_err(|error| CommandError::new(ExitStatus::Usage, error))?;
    Ok(client.sandbox(&name))
}

/// What to do about an error, with the wait that the platform asked for.
pub(super) fn hint(error: &PlatformError) -> String {
    let step = error.next_step();
    match error.retry_after() {
        Some(wait) if error.next() == Next::Wait => format!("{step} (in {} s)", wait.as_secs()),
        Some(_) | None => step.to_owned(),
    }
}

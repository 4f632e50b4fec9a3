//! The platform as a command asks it: directly, with the configured credentials.

use aep_platform::{Failure as Report, Next, Sandbox, SandboxName};

use super::exit::ExitStatus;
use super::failure::Failure;
use crate::config::Config;
use crate::platform_client;

/// The configured sandbox, whether or not it exists.
pub(super) fn sandbox(config: &Config) -> Result<Sandbox, Failure> {
    let client = platform_client::from_config(config)?.ok_or_else(|| {
        Failure::text(
            ExitStatus::Usage,
            "there are no credentials for Adobe Experience Platform",
        )
        .hint(
            "set AEP_FLOW_CLIENT_ID, AEP_FLOW_CLIENT_SECRET and AEP_FLOW_ORG_ID; \
             `aep-flow check` tells whether they are good",
        )
    })?;
    let name = SandboxName::parse(config.aep.sandbox.as_str())
        .map_err(|error| Failure::new(ExitStatus::Usage, error))?;
    Ok(client.sandbox(&name))
}

/// What to do about a failure of the platform, with the wait that the platform asked for.
pub(super) fn next_step(report: Report) -> String {
    match report.next {
        Next::Wait(Some(wait)) => format!("{} (in {} s)", report.next_step, wait.as_secs()),
        Next::Wait(None) | Next::FixInput | Next::RenewToken | Next::Look | Next::GiveUp => {
            report.next_step
        }
    }
}

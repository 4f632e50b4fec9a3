//! The platform as a command asks it: directly, with the configured credentials.

use aep_platform::{Class, Next, PlatformError, Sandbox, SandboxName};

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

/// How a command ends that the platform answered so.
pub(super) fn exit_of(class: Class) -> ExitStatus {
    match class {
        Class::RateLimited | Class::Unavailable => ExitStatus::Unreachable,
        Class::OutcomeUnknown => ExitStatus::OutcomeUnknown,
        Class::InvalidInput
        | Class::Unauthenticated
        | Class::PermissionDenied
        | Class::SandboxNotFound
        | Class::SourceRejectedCredentials
        | Class::Conflict(_)
        | Class::NotFound
        | Class::PlatformRejected => ExitStatus::Refused,
    }
}

/// What to do about an error, with the wait that the platform asked for.
pub(super) fn hint(error: &PlatformError) -> String {
    let step = error.next_step();
    match error.retry_after() {
        Some(wait) if error.next() == Next::Wait => format!("{step} (in {} s)", wait.as_secs()),
        Some(_) | None => step.to_owned(),
    }
}

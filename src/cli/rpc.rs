//! From an error of the Temporal server to an error for a person.

use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::tonic::{Code, Status};
use temporalio_client::{Client, NamespacedClient as _};

use super::command_error::CommandError;
use super::exit::ExitStatus;

/// Whether the same call may succeed a little later.
pub(super) fn is_transient(status: &Status) -> bool {
    ExitStatus::from(status.code()) == ExitStatus::Unreachable
}

/// The error for a failed call; `what` says what was not done because of it.
pub(super) fn call_error(status: &Status, what: &str, client: &Client) -> CommandError {
    let message = if status.message().is_empty() {
        status.code().description()
    } else {
        status.message()
    };
    let error = anyhow::Error::msg(message.to_owned()).context(what.to_owned());
    let namespace = client.namespace();
    match status.code() {
        Code::NotFound if message.to_lowercase().contains("namespace") => {
            CommandError::new(ExitStatus::Usage, error).hint(format!(
                "name an existing namespace with `--namespace`, or create it: `temporal operator \
                 namespace create --namespace {namespace}`"
            ))
        }
        code @ (Code::Unauthenticated | Code::PermissionDenied) => {
            CommandError::new(code.into(), error)
                .hint("set `TEMPORAL_API_KEY`, or the client certificate in `temporal.toml`")
        }
        code if is_transient(status) => CommandError::new(code.into(), error)
            .hint("run it again; `aep-flow check` shows what cannot be reached"),
        code => CommandError::new(code.into(), error),
    }
}

/// The error for a failed call about one workflow.
pub(super) fn about_workflow(
    error: WorkflowInteractionError,
    workflow_id: &str,
    client: &Client,
) -> CommandError {
    match error {
        WorkflowInteractionError::NotFound(status) => {
            let message = status.message().to_lowercase();
            if message.contains("namespace") {
                return call_error(&status, "the workflow can't be looked up", client);
            }
            CommandError::text(
                ExitStatus::Refused,
                format!(
                    "there is no workflow `{workflow_id}` in the namespace `{}`",
                    client.namespace()
                ),
            )
            .hint("`aep-flow list --all` lists the ingestions")
        }
        WorkflowInteractionError::Rpc(status) => {
            call_error(&status, "the workflow can't be looked up", client)
        }
        other => CommandError::new(ExitStatus::Refused, other),
    }
}

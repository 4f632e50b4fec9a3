//! The checks about Temporal: server, namespace, search attributes, workers.

use std::time::Duration;

use aep_flow_proto::names::SearchAttribute;
use temporalio_client::tonic::{Code, IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::{NamespaceState, TaskQueueType},
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{DescribeNamespaceRequest, DescribeTaskQueueRequest},
};

use super::{Check, CommandError, ExitStatus};
use crate::config::Config;
use crate::search_attributes::{self, Registered, names, register_command};
use crate::temporal::{self, Target};

// The client retries a call for ten seconds; a check that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(15);

const SERVER: &str = "temporal";
const NAMESPACE: &str = "namespace";
const ATTRIBUTES: &str = "search attributes";
const WORKERS: &str = "workers";

pub(super) async fn report(config: &Config, fix: bool) -> Vec<Check> {
    let connected = match Target::read(config, None) {
        Ok(target) => temporal::connect(config)
            .await
            .map(|client| (client, target.address.to_string())),
        Err(error) => Err(error),
    };
    let (client, address) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            return vec![
                Check::failed(SERVER, &CommandError::from(error)),
                Check::skip(NAMESPACE, "no server"),
                Check::skip(ATTRIBUTES, "no server"),
                Check::skip(WORKERS, "no server"),
            ];
        }
    };
    let mut checks = vec![Check::ok(SERVER, address)];
    let namespace = namespace(&client).await;
    let is_there = namespace.result == super::CheckResult::Ok;
    checks.push(namespace);
    if is_there {
        checks.push(attributes(&client, fix).await);
        checks.push(workers(&client, &config.worker.task_queue).await);
    } else {
        checks.push(Check::skip(ATTRIBUTES, "no namespace"));
        checks.push(Check::skip(WORKERS, "no namespace"));
    }
    checks
}

async fn within<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    tokio::time::timeout(TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("no response within 15 s")))
}

async fn namespace(client: &Client) -> Check {
    let name = client.namespace();
    let request = DescribeNamespaceRequest {
        namespace: name.clone(),
        ..DescribeNamespaceRequest::default()
    };
    let mut service = client.connection().workflow_service();
    let described = within(service.describe_namespace(request.into_request())).await;
    match described {
        Ok(described) => {
            let state = described
                .into_inner()
                .namespace_info
                .map_or(NamespaceState::Unspecified, |info| info.state());
            match state {
                NamespaceState::Deprecated | NamespaceState::Deleted => Check::fail(
                    NAMESPACE,
                    ExitStatus::Refused,
                    format!("`{name}` accepts no new workflows: it is {state:?}"),
                    "name another one with `--namespace` or `TEMPORAL_NAMESPACE`",
                ),
                NamespaceState::Registered | NamespaceState::Unspecified => {
                    Check::ok(NAMESPACE, name)
                }
            }
        }
        Err(status) if status.code() == Code::NotFound => Check::fail(
            NAMESPACE,
            ExitStatus::Refused,
            format!("there is no namespace `{name}`"),
            format!(
                "name an existing one with `--namespace`, or create it: `temporal operator \
                 namespace create --namespace {name}`"
            ),
        ),
        // A key that may use a namespace need not be allowed to describe it.
        Err(status) if status.code() == Code::PermissionDenied => Check::fail(
            NAMESPACE,
            ExitStatus::Refused,
            format!("`{name}` can't be read with these credentials"),
            "check the namespace's name and that the API key or certificate is for it",
        ),
        Err(status) => Check::failed(
            NAMESPACE,
            &crate::cli::rpc::call_error(&status, "the namespace can't be read", client),
        ),
    }
}

async fn attributes(client: &Client, fix: bool) -> Check {
    let namespace = client.namespace();
    let registered = match within(Registered::list(client)).await {
        Ok(registered) => registered,
        Err(status) => {
            return Check::warn(
                ATTRIBUTES,
                format!("they can't be listed: {}", status.message()),
                "check in the namespace's settings that those of docs/configuration.md exist",
            );
        }
    };
    if let Some((name, found)) = registered.mistyped().first() {
        return Check::warn(
            ATTRIBUTES,
            format!("{name} is of the type {found}, so it can't be used"),
            format!("have it removed and registered as {}", name.value_type()),
        );
    }
    let missing = registered.missing();
    if missing.is_empty() {
        return Check::ok(
            ATTRIBUTES,
            format!("all {} are registered", SearchAttribute::ALL.len()),
        );
    }
    let command = register_command(&namespace, &missing);
    let missing_names = names(&missing);
    if !fix {
        return Check::warn(
            ATTRIBUTES,
            format!("not registered, so workflows can't be listed by them: {missing_names}"),
            format!("`aep-flow check --fix`, or {command}"),
        );
    }
    match within(search_attributes::register(client, &missing)).await {
        Ok(()) => Check::ok(ATTRIBUTES, format!("registered just now: {missing_names}")),
        Err(status) => Check::warn(
            ATTRIBUTES,
            format!(
                "{missing_names} could not be registered: {}",
                status.message()
            ),
            format!("have somebody who may change the namespace run {command}"),
        ),
    }
}

async fn workers(client: &Client, task_queue: &str) -> Check {
    let request = DescribeTaskQueueRequest {
        namespace: client.namespace(),
        task_queue: Some(TaskQueue {
            name: task_queue.to_owned(),
            ..TaskQueue::default()
        }),
        task_queue_type: TaskQueueType::Workflow.into(),
        ..DescribeTaskQueueRequest::default()
    };
    let mut service = client.connection().workflow_service();
    match within(service.describe_task_queue(request.into_request())).await {
        Ok(described) => match described.into_inner().pollers.len() {
            0 => Check::warn(
                WORKERS,
                format!("none polls the task queue `{task_queue}`"),
                "start one with `aep-flow worker`",
            ),
            count => Check::ok(WORKERS, format!("{count} poll `{task_queue}`")),
        },
        Err(status) => Check::warn(
            WORKERS,
            format!("they can't be counted: {}", status.message()),
            "see the page of the task queue in the Temporal UI",
        ),
    }
}

//! Checks whether a namespace of a server takes workflows, and creates namespaces.
//!
//! A server that responds may not be usable yet: its default namespace and our search attributes
//! come a moment later, and another namespace's attributes with its next refresh.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aep_flow_proto::names::{SearchAttribute, SearchAttributeType};
use temporalio_client::tonic::{Code, IntoRequest as _, Status};
use temporalio_client::{Connection, ConnectionOptions, GrpcCompression, Url};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    ListWorkflowExecutionsRequest, RegisterNamespaceRequest,
};

/// Between two looks at a server that is starting.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// How long one look may take; a response takes a few milliseconds.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// How long a new namespace may take: the server refreshes its list every second or so.
const NAMESPACE_WITHIN: Duration = Duration::from_secs(20);

/// How long a new namespace keeps its closed workflows; a development server does not live longer.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a server or a namespace is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It has no address that could be connected to.
    #[error("`{0}` is not an address")]
    NoAddress(String),
    /// No connection.
    #[error("no connection")]
    NotConnected(#[source] Box<temporalio_client::errors::ClientConnectError>),
    /// The server refused.
    #[error("the server answered {:?}: {}", .0.code(), .0.message())]
    Refused(Box<Status>),
    /// No response.
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
}

impl From<Status> for NotReady {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Looks once whether the namespace exists and has our search attributes.
pub(super) async fn look(address: &str, namespace: &str) -> Result<(), NotReady> {
    let looked = async {
        let connection = connect(address).await?;
        list(&connection, namespace).await
    };
    tokio::time::timeout(LOOK_WITHIN, looked)
        .await
        .unwrap_or(Err(NotReady::Silent(LOOK_WITHIN)))
}

/// Creates the namespace unless it exists, and waits until it is usable.
pub(super) async fn create_namespace(address: &str, name: &str) -> Result<(), NotReady> {
    let connection = connect(address).await?;
    let mut workflows = connection.workflow_service();
    let request = RegisterNamespaceRequest {
        namespace: name.to_owned(),
        workflow_execution_retention_period: RETENTION.try_into().ok(),
        ..Default::default()
    };
    match workflows.register_namespace(request.into_request()).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::AlreadyExists => {}
        Err(status) => return Err(status.into()),
    }

    let deadline = Instant::now() + NAMESPACE_WITHIN;
    while let Err(error) = add_search_attributes(&connection, name).await {
        if Instant::now() > deadline {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
    while let Err(error) = list(&connection, name).await {
        if Instant::now() > deadline {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn add_search_attributes(connection: &Connection, namespace: &str) -> Result<(), NotReady> {
    let number = |attribute: SearchAttribute| match attribute.value_type() {
        SearchAttributeType::Keyword => IndexedValueType::Keyword as i32,
        SearchAttributeType::Bool => IndexedValueType::Bool as i32,
    };
    let search_attributes: HashMap<String, i32> = SearchAttribute::ALL
        .into_iter()
        .map(|each| (each.to_string(), number(each)))
        .collect();
    let request = AddSearchAttributesRequest {
        search_attributes,
        namespace: namespace.to_owned(),
    };
    let mut operator = connection.operator_service();
    match operator.add_search_attributes(request.into_request()).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(status.into()),
    }
}

/// Lists workflows by the attribute that is added last: refused until the namespace is known to
/// the frontend and the attributes to the visibility store.
async fn list(connection: &Connection, namespace: &str) -> Result<(), NotReady> {
    let conditions: Vec<String> = SearchAttribute::ALL
        .into_iter()
        .map(|name| format!("{name} IS NULL"))
        .collect();
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        page_size: 1,
        query: conditions.join(" AND "),
        ..Default::default()
    };
    let mut workflows = connection.workflow_service();
    workflows
        .list_workflow_executions(request.into_request())
        .await?;
    Ok(())
}

async fn connect(address: &str) -> Result<Connection, NotReady> {
    let url: Url = format!("http://{address}")
        .parse()
        .map_err(|_| NotReady::NoAddress(address.to_owned()))?;
    let options = ConnectionOptions::new(url)
        .identity("aep-flow-devserver")
        .connect_timeout(LOOK_WITHIN)
        .dns_load_balancing(None)
        .grpc_compression(GrpcCompression::None)
        .build();
    Connection::connect(options)
        .await
        .map_err(|cause| NotReady::NotConnected(Box::new(cause)))
}

//! A typed client of Adobe Experience Platform that says what is known after a failure.
//!
//! Start at [`Client`]; [`Sandbox`] has the calls. Every call fails with a [`PlatformError`], which
//! says what is known of the effect ([`RequestEffect`]), what helps ([`Next`]) and what it is
//! ([`Class`]). Nothing here waits, repeats a create or knows its caller.

mod code;
mod ids;
mod kind;
mod meaning;
mod text;

mod build_error;
mod chain;
mod classify;
mod error;
mod next_step;
mod redact;
mod refusal;
mod request;
mod response;
mod retry_after;
mod settings;

mod client;
mod clock;
mod fields;
mod ims;
mod observe;
mod outgoing;
mod paging;
mod patience;
mod platform_clock;
mod tls;
mod token;
mod transport;

mod api;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
mod tests;

pub use api::catalog::{Dataset, NewDataset};
pub use api::connections::{BaseConnection, NewBaseConnection, ParamValue};
pub use api::data_prep::{FieldMapping, MappingFault, MappingSet, NewMappingSet};
pub use api::existing_fields::FieldFamily;
pub use api::explore::{ExploredTable, TableEntry};
pub use api::flow_service::{ConnectionSpecRef, Created, Deleted, FlowSpecRef, SchemaRef};
pub use api::flows::{DeltaColumn, Flow, Frequency, NewFlow, Schedule, Start};
pub use api::identities::{Identity, NewIdentity};
pub use api::row_filters::{RowFilter, RowFiltering};
pub use api::runs::{FlowRun, RunError, RunStatus};
pub use api::sandboxes::{SandboxInfo, SandboxState};
pub use api::schema_registry::{FieldGroup, NewFieldGroup, NewSchema, Schema, TenantInfo};
pub use api::source_connections::{NewSourceConnection, SourceConnection};
pub use api::specs::{AuthParams, AuthSpec, ConnectionSpec, FlowSpec};
pub use api::target_connections::{NewTargetConnection, TargetConnection};
pub use api::xdm::{
    Column, RenamedColumn, SchemaFields, field_type, schema_fields, source_path, xdm_type,
};
pub use build_error::BuildError;
pub use chain::Chain;
pub use client::{Client, Sandbox};
pub use code::{AdobeCode, RequestId};
pub use error::PlatformError;
pub use fields::Raw;
pub use ids::{
    BaseConnectionId, ClassId, ConnectionSpecId, DatasetId, DescriptorId, Etag, FieldGroupId,
    FlowId, FlowRunId, FlowSpecId, IdError, MappingSetId, SandboxName, SchemaId,
    SourceConnectionId, TargetConnectionId, TenantId,
};
pub use kind::{EntityKind, Operation};
pub use meaning::{Class, Conflict, Next, RequestEffect};
pub use outgoing::{Outgoing, Proxy, check_address};
pub use refusal::PlatformRefusal;
pub use response::UnreadableResponse;
pub use settings::{Credentials, Settings};
pub use transport::{TransportError, TransportKind};

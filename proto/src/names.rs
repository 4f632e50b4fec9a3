//! Every public name of the contract, once.
//!
//! Callers in other languages write these by hand; a change here breaks them.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

pub mod activity;

mod failure_type;
mod phase;
mod resource_kind;
mod search_attribute;

pub use failure_type::FailureType;
pub use phase::{Phase, TablePhase};
pub use resource_kind::ResourceKind;
pub use search_attribute::{SearchAttribute, SearchAttributeType};

/// Task queue that a worker polls when nothing else is configured.
pub const TASK_QUEUE: &str = "aep-flow";

/// Workflow types.
pub mod workflow {
    /// Takes tables of an Oracle Service Cloud into datasets.
    pub const INGEST_ORACLE_SERVICE_CLOUD: &str = "IngestOracleServiceCloud";
    /// Takes tables of any source of the catalogue into datasets.
    pub const INGEST_SOURCE: &str = "IngestSource";

    /// Waits until a create without a response has taken effect or never will, and deletes
    /// duplicates. Workers start it; it is not for callers.
    pub const SETTLE_CREATE: &str = "SettleCreate";

    /// The ingestions. They differ only in the connection of their input.
    pub const INGESTIONS: [&str; 2] = [INGEST_ORACLE_SERVICE_CLOUD, INGEST_SOURCE];

    /// Whether a workflow of that type is an ingestion.
    pub fn is_ingestion(workflow_type: &str) -> bool {
        INGESTIONS.contains(&workflow_type)
    }

    /// Whether a worker of aep-flow writes what a workflow of that type sends to activities.
    pub fn is_ours(workflow_type: &str) -> bool {
        is_ingestion(workflow_type) || workflow_type == SETTLE_CREATE
    }
}

/// Query types.
pub mod query {
    /// The progress of an ingestion.
    pub const STATUS: &str = "status";
}

/// Signal types.
pub mod signal {
    /// A worker reports a failed attempt that is retried. For workers alone, not for callers.
    pub const ATTEMPT_FAILED: &str = "attemptFailed";
    /// A worker reports how long a create may still take effect. For workers alone.
    pub const CREATE_OPEN: &str = "createOpen";
}

/// Update types.
pub mod update {
    /// A person's decision about a step whose outcome is unknown.
    pub const RESOLVE: &str = "resolve";
}

/// Oracle Service Cloud, by its name in the catalogue of sources.
pub const ORACLE_SERVICE_CLOUD: &str = "oracle-service-cloud";

/// Connection specification of Oracle Service Cloud.
///
/// Source: Adobe's tutorial on the Oracle Service Cloud base connection, read 2026-11.
pub const ORACLE_SERVICE_CLOUD_SPEC_ID: &str = "ba5126ec-c9ac-11eb-b8bc-0242ac130003";

/// Version of [`ORACLE_SERVICE_CLOUD_SPEC_ID`] and of every other specification in use.
pub const SPEC_VERSION: &str = "1.0";

/// What every result about an Oracle Service Cloud carries as a warning.
///
/// Source: deprecation notice of the same tutorial, 2025 edition.
pub const ORACLE_SERVICE_CLOUD_DEPRECATED: &str = "Oracle Service Cloud is deprecated: Adobe \
     announced its removal for the end of June 2025 and names the Data Landing Zone as the \
     replacement; the platform may refuse its connection specification";

// These characters would make the two parts of a Workflow Id ambiguous, or would not survive a
// shell or a link.
const RESERVED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// Workflow Id suggested to callers: one ingestion per sandbox and connection at a time.
///
/// A slash or percent sign inside a part is percent-encoded, so that
/// [`parse_ingest_workflow_id`] gives the parts back.
pub fn ingest_workflow_id(sandbox: &str, connection_name: &str) -> String {
    format!(
        "ingest/{}/{}",
        utf8_percent_encode(sandbox, RESERVED),
        utf8_percent_encode(connection_name, RESERVED)
    )
}

/// Workflow Id of the [`workflow::SETTLE_CREATE`] for the resource with that key of its marker.
pub fn settle_workflow_id(key: &str) -> String {
    format!("settle/{key}")
}

/// Sandbox and connection name of an id from [`ingest_workflow_id`].
pub fn parse_ingest_workflow_id(id: &str) -> Option<(String, String)> {
    let (sandbox, name) = id.strip_prefix("ingest/")?.split_once('/')?;
    let decode = |part: &str| {
        percent_decode_str(part)
            .decode_utf8()
            .ok()
            .map(std::borrow::Cow::into_owned)
    };
    Some((decode(sandbox)?, decode(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn workflow_id_gives_its_parts_back(sandbox in "[a-z0-9-]{1,20}", name in ".{1,60}") {
            let id = ingest_workflow_id(&sandbox, &name);
            prop_assert_eq!(parse_ingest_workflow_id(&id), Some((sandbox, name)));
        }
    }
}

//! Every public name of the contract, once.
//!
//! Callers in other languages write these by hand; a change here breaks them.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Task queue that a worker polls when nothing else is configured.
pub const TASK_QUEUE: &str = "aep-flow";

/// Activity types.
pub mod activity {
    /// Ensures a base connection to Oracle Service Cloud.
    pub const CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION: &str =
        "CreateOracleServiceCloudBaseConnection";
    /// Ensures a base connection to a source of the catalogue.
    pub const CREATE_BASE_CONNECTION: &str = "CreateBaseConnection";
    /// Asks the platform to try a base connection's credentials.
    pub const TEST_BASE_CONNECTION: &str = "TestBaseConnection";
    /// Lists the tables behind a base connection.
    pub const EXPLORE_TABLES: &str = "ExploreTables";
    /// Reads the columns of one table, with rows if asked.
    pub const EXPLORE_TABLE: &str = "ExploreTable";
    /// Ensures a source connection for one table.
    pub const CREATE_SOURCE_CONNECTION: &str = "CreateSourceConnection";
    /// Ensures a field group and a schema made from columns.
    pub const ENSURE_SCHEMA: &str = "EnsureSchema";
    /// Ensures a dataset.
    pub const ENSURE_DATASET: &str = "EnsureDataset";
    /// Ensures a target connection into a dataset.
    pub const CREATE_TARGET_CONNECTION: &str = "CreateTargetConnection";
    /// Ensures a mapping set.
    pub const CREATE_MAPPING_SET: &str = "CreateMappingSet";
    /// Ensures a dataflow.
    pub const CREATE_DATAFLOW: &str = "CreateDataflow";
    /// Looks for a dataflow that was made before.
    pub const FIND_DATAFLOW: &str = "FindDataflow";
    /// Reads the runs of a dataflow.
    pub const GET_FLOW_RUNS: &str = "GetFlowRuns";
    /// Reads which search attributes the namespace knows. The workflow's own: no part of
    /// what callers use.
    pub const FIND_SEARCH_ATTRIBUTES: &str = "FindSearchAttributes";
}

/// Workflow types.
pub mod workflow {
    /// Takes tables of an Oracle Service Cloud into datasets.
    pub const INGEST_ORACLE_SERVICE_CLOUD: &str = "IngestOracleServiceCloud";
    /// Takes tables of any source of the catalogue into datasets.
    pub const INGEST_SOURCE: &str = "IngestSource";

    /// Those that are ingestions: alike but for their input's connection.
    pub const INGESTIONS: [&str; 2] = [INGEST_ORACLE_SERVICE_CLOUD, INGEST_SOURCE];

    /// Whether a workflow of that type is an ingestion.
    pub fn is_ingestion(workflow_type: &str) -> bool {
        INGESTIONS.contains(&workflow_type)
    }
}

/// Query types.
pub mod query {
    /// Where an ingestion stands.
    pub const STATUS: &str = "status";
}

/// Signal types.
pub mod signal {
    /// A worker tells an ingestion that an attempt failed which is to be retried. The worker's
    /// own: no part of what callers use.
    pub const ATTEMPT_FAILED: &str = "attemptFailed";
}

/// Update types.
pub mod update {
    /// A person's decision about a step whose outcome stays unknown.
    pub const RESOLVE: &str = "resolve";
}

/// Search attributes that the worker sets where the server knows them.
pub mod search_attribute {
    /// Sandbox, the worker's where the input names none, Keyword.
    pub const SANDBOX: &str = "AepSandbox";
    /// Source, by its name in the catalogue, Keyword.
    pub const SOURCE: &str = "AepSource";
    /// Phase of the ingestion, Keyword.
    pub const PHASE: &str = "AepPhase";
    /// Id of the base connection, Keyword.
    pub const CONNECTION_ID: &str = "AepConnectionId";
    /// Type of the latest failure of the steps that are failing now, Keyword.
    pub const LAST_FAILURE: &str = "AepLastFailure";
    /// Whether a person must decide, Bool.
    pub const NEEDS_DECISION: &str = "AepNeedsDecision";
    /// Whether Adobe has dropped the source, or announced that it will, Bool. Set for these
    /// alone.
    pub const DEPRECATED: &str = "AepDeprecated";

    /// All of them with their types, as Temporal's command line names them.
    pub const ALL: [(&str, &str); 7] = [
        (SANDBOX, "Keyword"),
        (SOURCE, "Keyword"),
        (PHASE, "Keyword"),
        (CONNECTION_ID, "Keyword"),
        (LAST_FAILURE, "Keyword"),
        (NEEDS_DECISION, "Bool"),
        (DEPRECATED, "Bool"),
    ];
}

/// Phases of an ingestion, as its status and `AepPhase` have them.
pub mod phase {
    /// The base connection is being made.
    pub const CONNECTING: &str = "connecting";
    /// Its tables are worked on.
    pub const INGESTING: &str = "ingesting";
    /// It waits for a person, whatever else goes on.
    pub const NEEDS_DECISION: &str = "needs decision";
    /// Everything is there.
    pub const DONE: &str = "done";
    /// It ended without all that was asked for.
    pub const FAILED: &str = "failed";

    /// Those that a running ingestion can be in.
    pub const RUNNING: [&str; 3] = [CONNECTING, INGESTING, NEEDS_DECISION];
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
     announced that it drops this source at the end of June 2025 and names the Data Landing Zone \
     as the replacement; the platform may refuse its connection specification";

/// The `type` of an application failure: what a caller's retry policy or `except` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureType {
    /// The input is wrong, or what it names does not exist at the source. Nothing was made.
    InvalidInput,
    /// The worker has no credentials, or the platform refuses them even when renewed.
    Unauthenticated,
    /// The credentials lack a right.
    PermissionDenied,
    /// The sandbox does not exist, is not active, or is not visible to the credentials.
    SandboxNotFound,
    /// The source system refused the user or the password.
    SourceRejectedCredentials,
    /// A resource of that name exists and is not ours, or is in a state that stands in the way.
    Conflict,
    /// A resource of ours exists for the same key, made from another request.
    IdempotencyMismatch,
    /// A create's answer was lost, and whether it made something could not be found out in time.
    OutcomeUnknown,
    /// What the input names by id does not exist.
    NotFound,
    /// The platform asks for fewer requests. Retried.
    RateLimited,
    /// The platform or the way to it failed. Retried.
    Unavailable,
    /// The platform refused for a reason of its own: see Adobe's code in the details.
    PlatformRejected,
}

impl FailureType {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::SandboxNotFound,
        Self::SourceRejectedCredentials,
        Self::Conflict,
        Self::IdempotencyMismatch,
        Self::OutcomeUnknown,
        Self::NotFound,
        Self::RateLimited,
        Self::Unavailable,
        Self::PlatformRejected,
    ];

    /// The name as it stands in a failure.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "InvalidInput",
            Self::Unauthenticated => "Unauthenticated",
            Self::PermissionDenied => "PermissionDenied",
            Self::SandboxNotFound => "SandboxNotFound",
            Self::SourceRejectedCredentials => "SourceRejectedCredentials",
            Self::Conflict => "Conflict",
            Self::IdempotencyMismatch => "IdempotencyMismatch",
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::NotFound => "NotFound",
            Self::RateLimited => "RateLimited",
            Self::Unavailable => "Unavailable",
            Self::PlatformRejected => "PlatformRejected",
        }
    }

    /// The type of that name, if it is one of ours.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == name)
    }

    /// Whether the server should try again by itself.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable => true,
            Self::InvalidInput
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::SandboxNotFound
            | Self::SourceRejectedCredentials
            | Self::Conflict
            | Self::IdempotencyMismatch
            | Self::OutcomeUnknown
            | Self::NotFound
            | Self::PlatformRejected => false,
        }
    }
}

impl std::fmt::Display for FailureType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

// What would make the two parts of a Workflow Id ambiguous, and what does not
// survive a shell or a link.
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

/// Sandbox and connection name of an id made by [`ingest_workflow_id`].
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

    #[test]
    fn a_failure_type_is_found_by_its_name() {
        for each in FailureType::ALL {
            assert_eq!(FailureType::parse(each.as_str()), Some(each));
        }
        assert_eq!(FailureType::parse("invalidinput"), None);
    }
}

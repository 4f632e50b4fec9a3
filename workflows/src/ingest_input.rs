//! What an ingestion is asked for, whichever workflow takes it.

use aep_flow_proto::{
    names,
    v1::{Connection, Continued, OnExisting, OracleServiceCloudConnection, Table},
};

/// The input of any of the workflows.
#[derive(Debug, Clone)]
pub struct IngestInput {
    /// The source.
    pub connection: Option<ConnectionInput>,
    /// What to take from it.
    pub tables: Vec<Table>,
    pub(crate) wait_for_first_run: bool,
    pub(crate) tables_at_once: u32,
    pub(crate) step_deadline_seconds: u32,
    pub(crate) first_run_deadline_seconds: u32,
    pub(crate) decision_deadline_seconds: u32,
    pub(crate) continue_after_events: u32,
    pub(crate) continued: Option<Continued>,
}

/// What a base connection is made from.
#[derive(Debug, Clone)]
pub enum ConnectionInput {
    /// An Oracle Service Cloud, as its own workflow takes it.
    OracleServiceCloud(OracleServiceCloudConnection),
    /// A source of the catalogue.
    Any(Connection),
}

/// The settings of a connection that apply to everything created through it.
#[derive(Debug, Clone, Default)]
pub struct ConnectionSettings {
    /// Name of the sandbox, empty for the worker's.
    pub sandbox: String,
    /// Name of the base connection.
    pub name: String,
    /// The caller's free text.
    pub description: String,
    /// An `OnExisting`.
    pub on_existing: i32,
    /// The source, by its name in the catalogue.
    pub source: String,
}

impl ConnectionSettings {
    /// What to do when a resource of the requested name exists.
    #[must_use]
    pub fn on_existing(&self) -> OnExisting {
        OnExisting::try_from(self.on_existing).unwrap_or_default()
    }
}

impl ConnectionInput {
    /// Its settings that apply to everything created through it.
    #[must_use]
    pub fn settings(&self) -> ConnectionSettings {
        match self {
            Self::OracleServiceCloud(of) => ConnectionSettings {
                sandbox: of.sandbox.clone(),
                name: of.name.clone(),
                description: of.description.clone(),
                on_existing: of.on_existing,
                source: names::ORACLE_SERVICE_CLOUD.to_owned(),
            },
            Self::Any(of) => ConnectionSettings {
                sandbox: of.sandbox.clone(),
                name: of.name.clone(),
                description: of.description.clone(),
                on_existing: of.on_existing,
                source: of.source.clone(),
            },
        }
    }
}

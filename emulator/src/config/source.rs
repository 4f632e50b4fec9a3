//! The source systems behind the base connections: accounts, tables, what is still offered.

use std::fmt;

use serde_json::Value;

use super::{DEFAULT_SOURCE_PASSWORD, DEFAULT_SOURCE_USERNAME};

/// The source systems behind the base connections.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Who may log in. Default one account for every source, [`DEFAULT_SOURCE_USERNAME`].
    pub accounts: Vec<SourceAccount>,
    /// How many tables `Table001`, `Table002`, … there are beside the three real ones. Default 0.
    pub extra_tables: usize,
    /// The rows of each of these. Default 20.
    pub extra_table_rows: usize,
    /// Whether there are tables with commas, quotes, `&`, `%`, `==`, emoji in their names. Default no.
    pub awkward_tables: bool,
    /// Whether the source has no tables at all. Default no.
    pub no_tables: bool,
    /// Whether creating a base connection logs in and refuses wrong credentials with
    /// `FLOW-1100-400`. Default no: Adobe has `/test` for that.
    pub checks_credentials_on_create: bool,
    /// How the announced end of the Oracle Service Cloud source shows. Default not at all.
    pub oracle_service_cloud: SourceOffer,
    /// More connection specs, in Adobe's JSON. Default none. They have the same tables.
    pub extra_connection_specs: Vec<Value>,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            accounts: vec![SourceAccount::new(
                DEFAULT_SOURCE_USERNAME,
                DEFAULT_SOURCE_PASSWORD,
            )],
            extra_tables: 0,
            extra_table_rows: 20,
            awkward_tables: false,
            no_tables: false,
            checks_credentials_on_create: false,
            oracle_service_cloud: SourceOffer::Offered,
            extra_connection_specs: Vec::new(),
        }
    }
}

/// An account of the source system, good at any host.
#[derive(Clone)]
pub struct SourceAccount {
    /// The `username` parameter.
    pub username: String,
    /// The `password` parameter.
    pub password: String,
}

impl SourceAccount {
    /// An account by its two parameters.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }
}

impl fmt::Debug for SourceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SourceAccount")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// How far a deprecated source is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceOffer {
    /// Listed, and flows accept it.
    Offered,
    /// Listed, but no flow spec names it.
    MissingFromFlowSpec,
    /// Listed, but creating a connection is refused with `FLOW-1305-400`.
    Refused,
    /// Not listed: creating a connection is refused with `FLOW-1413-400`.
    Gone,
}

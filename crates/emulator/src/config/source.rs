//! The source systems that base connections lead to: accounts, tables, and whether they are still
//! offered.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// The user name that sources accept in [`Config::default`](crate::Config).
pub const DEFAULT_SOURCE_USERNAME: &str = "svc_aep";

/// The value that sources accept for every secret in [`Config::default`](crate::Config): see
/// [`SourceSettings::accounts`].
pub const DEFAULT_SOURCE_PASSWORD: &str = "osc-password";

/// The source systems that base connections lead to.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Who may log in. Default: one account for every source, [`DEFAULT_SOURCE_USERNAME`]. Every
    /// secret parameter of a connection must be the password of one account, and `username`, if the
    /// connection has one, must be the name of the same account. A connection string, the content
    /// of a key file, a private key or a JWT only has to contain the password, as it is or in
    /// Base64. A source without secrets accepts everybody.
    pub accounts: Vec<SourceAccount>,
    /// How many tables `Table001`, `Table002`, … a source has besides its own. Default: 0.
    pub extra_tables: usize,
    /// How many rows each of these extra tables has. Default: 20.
    pub extra_table_rows: usize,
    /// Whether there are tables with commas, quotes, `&`, `%`, `==` or emoji in their names.
    /// Default: no.
    pub awkward_tables: bool,
    /// Whether the source has no tables at all. Default: no.
    pub no_tables: bool,
    /// Whether creating a base connection logs in, and refuses wrong credentials with
    /// `FLOW-1100-400`. Default: no, because Adobe has `/test` for that.
    pub checks_credentials_on_create: bool,
    /// What happens to a parameter that the auth spec doesn't have. Default: it is kept.
    pub unknown_params: UnknownParams,
    /// How sources are offered, by source name (`oracle-service-cloud`) or by the id of the
    /// connection spec. Default: all are offered. Wins over `newest_flow_spec`.
    pub offers: BTreeMap<String, SourceOffer>,
    /// Whether `CRMToAEP` lacks the six sources that its newest printed version lacks, Oracle
    /// Service Cloud among them. Default: no, it lists every source that any printed version lists.
    pub newest_flow_spec: bool,
    /// More connection specs, in Adobe's JSON. Default: none. Their sources have the tables of
    /// Oracle Service Cloud.
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
            unknown_params: UnknownParams::Kept,
            offers: BTreeMap::new(),
            newest_flow_spec: false,
            extra_connection_specs: Vec::new(),
        }
    }
}

/// An account of the source system. It is valid at any host.
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

/// What happens to a parameter that an auth spec doesn't have. Adobe's documents don't say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownParams {
    /// It is kept and shown.
    Kept,
    /// `FLOW-1312-400`.
    Refused,
}

/// How far a deprecated source is still available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceOffer {
    /// Listed, and flows accept it.
    Offered,
    /// Listed, but no flow spec names it.
    MissingFromFlowSpec,
    /// Listed, but creating a connection is refused with `FLOW-1305-400`.
    Refused,
    /// Not listed. Creating a connection is refused with `FLOW-1413-400`.
    Gone,
}

impl FromStr for SourceOffer {
    type Err = &'static str;

    /// Parses `offered`, `missing-from-flow-spec`, `refused` or `gone`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "offered" => Ok(Self::Offered),
            "missing-from-flow-spec" => Ok(Self::MissingFromFlowSpec),
            "refused" => Ok(Self::Refused),
            "gone" => Ok(Self::Gone),
            _ => Err("an offer is one of offered, missing-from-flow-spec, refused or gone"),
        }
    }
}

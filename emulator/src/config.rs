//! What the emulated AEP looks like: who may call it, what stands behind it, how slow and odd it is.
//!
//! Plain data with defaults for development. Every default is the documented behaviour of Adobe,
//! or, where the documents disagree, the one that finds more mistakes in a client.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::dial::Rule;

/// The organisation of [`Config::default`].
pub const DEFAULT_ORG: &str = "0123456789ABCDEF01234567@AdobeOrg";
/// The client id of [`Config::default`].
pub const DEFAULT_CLIENT_ID: &str = "emulator-client";
/// The client secret of [`Config::default`].
pub const DEFAULT_CLIENT_SECRET: &str = "emulator-secret";
/// The tenant id of [`Config::default`], without the underscore of its namespace.
pub const DEFAULT_TENANT: &str = "acme";
/// The user name that the source accepts in [`Config::default`].
pub const DEFAULT_SOURCE_USERNAME: &str = "svc_aep";
/// The password that the source accepts in [`Config::default`].
pub const DEFAULT_SOURCE_PASSWORD: &str = "osc-password";

/// Everything an emulator is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The IMS organisation that every call must name. Default [`DEFAULT_ORG`].
    pub org: String,
    /// The tenant id, without underscore. Default [`DEFAULT_TENANT`].
    pub tenant: String,
    /// The credentials that get a token. Default one, with all rights.
    pub clients: Vec<Client>,
    /// The life of an access token. Default 24 h; a short one makes clients renew often.
    pub token_lifetime: Duration,
    /// The status for a wrong client id or secret: 400 (default, seen in the wild) or 401 (written).
    pub wrong_secret_status: u16,
    /// Who notices an expired token. Default the gateway.
    pub expired_token: ExpiredToken,
    /// The sandboxes of the organisation. Default `prod`, `dev` and `resetting`.
    pub sandboxes: Vec<Sandbox>,
    /// What a call without `x-sandbox-name` gets. Default a refusal.
    pub missing_sandbox: MissingSandbox,
    /// The source systems behind the connections.
    pub source: SourceSettings,
    /// How lists behave.
    pub lists: ListBehaviour,
    /// How secrets in `auth.params` are read back. Default masked.
    pub shown_secrets: ShownSecrets,
    /// When runs appear and end, and how.
    pub runs: RunSettings,
    /// The first rules of the fault dial. Default none.
    pub faults: Vec<Rule>,
    /// Whether `/_emulator/…` answers. Default no: whoever reaches the port could change the state.
    pub control: bool,
    /// Where the state is kept between starts. Default nowhere. The file holds source passwords
    /// and tokens, so it is made readable by its owner only.
    pub state_file: Option<PathBuf>,
    /// How many requests the journal remembers. Default 100 000; more costs memory only.
    pub journal_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            org: DEFAULT_ORG.to_owned(),
            tenant: DEFAULT_TENANT.to_owned(),
            clients: vec![Client::default()],
            token_lifetime: Duration::from_secs(24 * 60 * 60),
            wrong_secret_status: 400,
            expired_token: ExpiredToken::AtGateway,
            sandboxes: vec![
                Sandbox::production("prod"),
                Sandbox::development("dev"),
                Sandbox {
                    state: "resetting".to_owned(),
                    ..Sandbox::development("resetting")
                },
            ],
            missing_sandbox: MissingSandbox::Refused,
            source: SourceSettings::default(),
            lists: ListBehaviour::default(),
            shown_secrets: ShownSecrets::Masked,
            runs: RunSettings::default(),
            faults: Vec::new(),
            control: false,
            state_file: None,
            journal_limit: 100_000,
        }
    }
}

impl Config {
    /// The default sandbox: the first marked so, else the first of all.
    pub(crate) fn default_sandbox(&self) -> Option<&Sandbox> {
        self.sandboxes
            .iter()
            .find(|sandbox| sandbox.is_default)
            .or(self.sandboxes.first())
    }
}

/// A server-to-server credential of the organisation.
#[derive(Clone)]
pub struct Client {
    /// The client id, also the `x-api-key` of each call.
    pub id: String,
    /// The client secret.
    pub secret: String,
    /// What its product profile allows. Default everything.
    pub rights: Rights,
    /// The sandboxes it may use; `None` (default) is all of them.
    pub sandboxes: Option<Vec<String>>,
}

impl Client {
    /// A credential with all rights.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
            rights: Rights::default(),
            sandboxes: None,
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("id", &self.id)
            .field("rights", &self.rights)
            .field("sandboxes", &self.sandboxes)
            .finish_non_exhaustive()
    }
}

/// What a credential's product profile allows. The default allows everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Read connections, flows, runs; explore.
    pub flow_read: bool,
    /// Create, change and delete connections and flows.
    pub flow_write: bool,
    /// Read schemas and field groups.
    pub schema_read: bool,
    /// Create and delete schemas and field groups.
    pub schema_write: bool,
    /// Read datasets.
    pub dataset_read: bool,
    /// Create and delete datasets.
    pub dataset_write: bool,
    /// Read mapping sets.
    pub mapping_read: bool,
    /// Create and change mapping sets.
    pub mapping_write: bool,
    /// List all sandboxes of the organisation; everybody may list their own.
    pub sandbox_admin: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            flow_read: true,
            flow_write: true,
            schema_read: true,
            schema_write: true,
            dataset_read: true,
            dataset_write: true,
            mapping_read: true,
            mapping_write: true,
            sandbox_admin: true,
        }
    }
}

/// Who notices an expired or revoked token, and so with which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredToken {
    /// 401 with `401013`, for every service.
    AtGateway,
    /// 400 with `FLOW-2115-400` for Flow Service, and the gateway's answer elsewhere.
    InFlowService,
}

/// What a call without `x-sandbox-name` gets; Adobe's documents say both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSandbox {
    /// `FLOW-2105-400`, or a plain 400 from the other services.
    Refused,
    /// The default sandbox, silently.
    IsDefault,
}

/// A sandbox of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Its name, as in `x-sandbox-name`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// `production` or `development`.
    pub kind: String,
    /// `active`, or another state, in which no call is served.
    pub state: String,
    /// Whether it is the organisation's default.
    pub is_default: bool,
}

impl Sandbox {
    /// An active production sandbox, the default one.
    pub fn production(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title_case(name),
            kind: "production".to_owned(),
            state: "active".to_owned(),
            is_default: true,
        }
    }

    /// An active development sandbox.
    pub fn development(name: &str) -> Self {
        Self {
            kind: "development".to_owned(),
            is_default: false,
            ..Self::production(name)
        }
    }
}

fn title_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

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

/// How lists behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListBehaviour {
    /// The most entries of one page of Flow Service and Schema Registry, whatever `limit` asks for.
    /// Default 20; smaller makes clients turn more pages.
    pub page_size: usize,
    /// How long a new entity stays out of lists, and a deleted one in them. Default 0. A look by id
    /// is always current.
    pub lag: Duration,
    /// Whether pages of Flow Service are shorter than they could be, the first one empty, while
    /// more follow. Default no.
    pub short_pages: bool,
    /// How the next page is named. Default by link.
    pub next: NextPage,
    /// What a filter on `name` of source and target connections does. Default it filters.
    pub child_name_filter: NameFilter,
}

impl Default for ListBehaviour {
    fn default() -> Self {
        Self {
            page_size: 20,
            lag: Duration::ZERO,
            short_pages: false,
            next: NextPage::Link,
            child_name_filter: NameFilter::Accepted,
        }
    }
}

/// How a list of Flow Service names its next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// `_links.next.href`, relative to the service's base path.
    Link,
    /// A `continuationToken` at the top of the answer.
    Token,
}

/// What a filter by `name` on source and target connections does; the documents leave it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// It filters.
    Accepted,
    /// `FLOW-1448-400`.
    Refused,
    /// Everything is listed, as if the filter weren't there.
    Ignored,
}

/// How a secret of `auth.params` looks when the connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownSecrets {
    /// A row of asterisks.
    Masked,
    /// The parameter is left out.
    Absent,
}

/// When runs appear and end, and how. All times count from the run's planned start.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// When a run shows up in lists, `scheduled`. Default 1 s.
    pub appears: Duration,
    /// When it is `inProgress`. Default 2 s.
    pub starts: Duration,
    /// When it ends. Default 3 s.
    pub ends: Duration,
    /// The distance of a recurring flow's runs, instead of that of its schedule. Default none.
    pub every: Option<Duration>,
    /// How runs of a table end, by the table's path. Default all rows are ingested.
    pub outcomes: BTreeMap<String, RunOutcome>,
}

impl RunSettings {
    /// Times as seen at Adobe: a run shows up after two and a half minutes and takes five more.
    pub fn realistic() -> Self {
        Self {
            appears: Duration::from_secs(150),
            starts: Duration::from_secs(180),
            ends: Duration::from_secs(450),
            ..Self::default()
        }
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            appears: Duration::from_secs(1),
            starts: Duration::from_secs(2),
            ends: Duration::from_secs(3),
            every: None,
            outcomes: BTreeMap::new(),
        }
    }
}

/// How the runs of a table end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// `success`, with this many rows that failed.
    FailedRows(u64),
    /// `failed`, with `CONNECTOR-1001-500`.
    Failed,
    /// For ever `inProgress`.
    Stuck,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_config_shows_no_secret() {
        let shown = format!("{:?}", Config::default());
        assert!(!shown.contains(DEFAULT_CLIENT_SECRET), "{shown}");
        assert!(!shown.contains(DEFAULT_SOURCE_PASSWORD), "{shown}");
    }
}

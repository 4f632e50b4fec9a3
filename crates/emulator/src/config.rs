//! What the emulated AEP looks like: who may call it, which sources it reaches, and how it behaves.
//!
//! Plain data with defaults for development. Every default is Adobe's documented behaviour. Where
//! the documents disagree, the default is the behaviour that finds more mistakes in a client.

mod behaviour;
mod source;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use behaviour::{ListBehaviour, NameFilter, NextPage, RunOutcome, RunSettings, ShownSecrets};
pub use source::{
    DEFAULT_SOURCE_PASSWORD, DEFAULT_SOURCE_USERNAME, SourceAccount, SourceOffer, SourceSettings,
    UnknownParams,
};

use crate::dial::Rule;

/// The organisation of [`Config::default`].
pub const DEFAULT_ORG: &str = "0123456789ABCDEF01234567@AdobeOrg";
/// The client id of [`Config::default`].
pub const DEFAULT_CLIENT_ID: &str = "emulator-client";
/// The client secret of [`Config::default`].
pub const DEFAULT_CLIENT_SECRET: &str = "emulator-secret";
/// The tenant id of [`Config::default`], without the underscore of its namespace.
pub const DEFAULT_TENANT: &str = "acme";
/// Everything an emulator is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The IMS organisation that every call must name. Default [`DEFAULT_ORG`].
    pub org: String,
    /// The tenant id, without underscore. Default [`DEFAULT_TENANT`].
    pub tenant: String,
    /// The credentials that get a token. Default: one, with all rights.
    pub clients: Vec<Client>,
    /// How long an access token is valid. Default: 24 h. A short lifetime makes clients renew
    /// often.
    pub token_lifetime: Duration,
    /// The status for a wrong client id or secret: 400 (default, observed) or 401 (documented).
    pub wrong_secret_status: u16,
    /// Who detects an expired token. Default: the gateway.
    pub expired_token: ExpiredToken,
    /// The sandboxes of the organisation. Default: `prod`, `dev` and `resetting`.
    pub sandboxes: Vec<Sandbox>,
    /// The response to a call without `x-sandbox-name`. Default: a refusal.
    pub missing_sandbox: MissingSandbox,
    /// The source systems behind the connections.
    pub source: SourceSettings,
    /// How lists behave.
    pub lists: ListBehaviour,
    /// How secrets in `auth.params` are shown. Default: masked.
    pub shown_secrets: ShownSecrets,
    /// When runs appear and end, and how.
    pub runs: RunSettings,
    /// The initial rules of the fault dial. Default: none.
    pub faults: Vec<Rule>,
    /// Whether `/_emulator/…` is served. Default: no, because anyone who reaches the port could
    /// change the state.
    pub control: bool,
    /// The file that keeps the state between starts. Default: none. It holds source passwords and
    /// tokens, so only its owner may read it.
    pub state_file: Option<PathBuf>,
    /// How many requests the journal keeps. Default: 100 000. More only costs memory.
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
    /// The default sandbox: the first one marked as default, else the first of all.
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
    /// What its product profile allows. Default: everything.
    pub rights: Rights,
    /// The sandboxes it may use. `None` (default) means all of them.
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
    /// List all sandboxes of the organisation. Everybody may list their own.
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

/// Who detects an expired or revoked token. The response depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredToken {
    /// 401 with `401013`, for every service.
    AtGateway,
    /// 400 with `FLOW-2115-400` from Flow Service; elsewhere the gateway's response.
    InFlowService,
}

/// The response to a call without `x-sandbox-name`. Adobe's documents describe both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSandbox {
    /// `FLOW-2105-400`, or a plain 400 from the other services.
    Refused,
    /// The call silently uses the default sandbox.
    IsDefault,
}

/// A sandbox of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Its name, as in `x-sandbox-name`.
    pub name: String,
    /// Its display name.
    pub title: String,
    /// `production` or `development`.
    pub kind: String,
    /// `active`, or another state. In any other state every call is refused.
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

/// The word with a capital first letter.
pub(crate) fn title_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
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

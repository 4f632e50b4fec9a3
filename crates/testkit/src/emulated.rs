//! How a worker is led to an emulated platform.

use aep_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG};
use aep_flow::config::{Config, Sources};

/// Names and values of a process's variables. Of one that comes twice the last value counts.
pub type Variables = Vec<(String, String)>;

/// The variables that lead a worker to the emulator at `url`, with the credentials that the
/// emulator takes by default. Its lists are up to date.
pub fn variables(url: &str) -> Variables {
    [
        ("AEP_FLOW_PLATFORM_URL", url),
        ("AEP_FLOW_IMS_URL", url),
        ("AEP_FLOW_ALLOW_INSECURE", "true"),
        ("AEP_FLOW_ORG_ID", DEFAULT_ORG),
        ("AEP_FLOW_CLIENT_ID", DEFAULT_CLIENT_ID),
        ("AEP_FLOW_CLIENT_SECRET", DEFAULT_CLIENT_SECRET),
        ("AEP_FLOW_ENSURE_LIST_LAG", "0s"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The configuration of a process with these variables and no others.
pub fn configuration(variables: Variables) -> Config {
    let sources = Sources {
        environment: variables.into_iter().collect(),
        ..Sources::default()
    };
    Config::load(&sources).unwrap().config
}

//! Where a configuration is read from.

use std::path::PathBuf;

use super::environment::Environment;

/// What a configuration is read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that a flag names. Without it: `AEP_FLOW_CONFIG`, `aep-flow.toml` in
    /// `folder`, then `aep-flow/config.toml` under `XDG_CONFIG_HOME`.
    pub config_file: Option<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// Settings from flags, by their name in the file. Later ones win.
    pub flags: Vec<(String, String)>,
}

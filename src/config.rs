//! The configuration: the settings of a worker or a command, and the source of each value.
//!
//! Later sources win: defaults, the file, the environment, flags. Every setting is declared once,
//! in `vars`, from which `docs/configuration.md` is generated. Only this module and `secrets` read
//! the environment.

mod declare;
mod environment;
mod error;
mod file;
mod keys;
mod load;
mod raw_value;
mod reference;
mod sources;
mod value;
mod vars;

pub use environment::Environment;
pub use error::ConfigError;
pub use load::{Loaded, Origin};
pub use sources::Sources;
pub use value::{Compression, LogFormat, ProxyAddress};
pub use vars::{
    Aep, Codec, Config, Ensure, Log, Proxy, Secrets, Source, SourceCatalog, Temporal,
    TemporalOverrides, Vault, Worker,
};

#[cfg(test)]
mod page;

#[cfg(test)]
mod tests;

/// One line of `aep-flow config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Name in the file. Example: `aep.sandbox`.
    pub key: &'static str,
    /// The value as the environment would have it; `***` for a secret that is set.
    pub value: String,
    /// Name in the environment.
    pub env: &'static str,
}

impl Config {
    /// Every setting with its value, secrets as `***`, in the order of the reference page.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        vars::SETTINGS
            .iter()
            .map(|setting| Shown {
                key: setting.key,
                value: (setting.show)(self),
                env: setting.env,
            })
            .collect()
    }
}

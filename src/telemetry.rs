//! Logs, on stderr: text on a terminal, JSON elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Why no logs can be written.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("the log filter `{filter}` can't be read")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        cause: tracing_subscriber::filter::ParseError,
    },
    /// Something in this process logs already.
    #[error("logs are set up already")]
    AlreadySet(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends what the process logs to stderr from now on.
///
/// # Errors
/// [`TelemetryError::Filter`] when the filter can't be read, and
/// [`TelemetryError::AlreadySet`] on a second call in one process.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|cause| TelemetryError::Filter {
        filter: log.filter.clone(),
        cause,
    })?;
    let is_terminal = std::io::stderr().is_terminal();
    let is_text = match log.format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let done = if is_text {
        subscriber
            .with_ansi(is_terminal && crate::config::Environment::wants_color())
            .try_init()
    } else {
        subscriber
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    };
    done.map_err(TelemetryError::AlreadySet)
}

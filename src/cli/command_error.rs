//! An error as a person at a terminal reads it.

use super::exit::ExitStatus;
use super::out;
use crate::catalog::CatalogError;
use crate::config::ConfigError;
use crate::platform_client::ClientError;
use crate::secrets::vault::VaultConfigError;
use crate::temporal::ConnectError;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct CommandError {
    error: anyhow::Error,
    details: Vec<String>,
    hint: Option<String>,
    exit: ExitStatus,
}

impl CommandError {
    pub(super) fn new(exit: ExitStatus, error: impl Into<anyhow::Error>) -> Self {
        Self {
            error: error.into(),
            details: Vec::new(),
            hint: None,
            exit,
        }
    }

    pub(super) fn text(exit: ExitStatus, text: impl Into<String>) -> Self {
        Self::new(exit, anyhow::Error::msg(text.into()))
    }

    /// One thing to do, ready to paste where that is possible.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hint = (!hint.is_empty()).then_some(hint);
        self
    }

    /// Findings of equal rank, one per line.
    pub(super) fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    pub(super) fn exit(&self) -> ExitStatus {
        self.exit
    }

    pub(super) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The error and its causes in one line.
    pub(super) fn one_line(&self) -> String {
        out::plain(&self.chain().join(": "))
    }

    /// The error and its causes, without repetitions: wrappers of libraries often repeat their
    /// cause.
    fn chain(&self) -> Vec<String> {
        let mut chain: Vec<String> = self.error.chain().map(ToString::to_string).collect();
        chain.dedup();
        chain
    }

    pub(super) fn print(&self) {
        out::note(&self.rendered(&out::paint("error:", "1;31"), &out::paint("hint:", "1;36")));
    }

    fn rendered(&self, error: &str, hint: &str) -> String {
        let mut chain = self.chain().into_iter();
        let first = chain.next().unwrap_or_default();
        let mut text = format!("{error} {}", out::plain(&first));
        for cause in chain {
            text.push_str(&format!("\n  caused by: {}", out::plain(&cause)));
        }
        for detail in &self.details {
            text.push_str(&format!("\n  {}", out::plain(detail)));
        }
        if let Some(step) = &self.hint {
            text.push_str(&format!("\n\n{hint} {}", out::plain(step)));
        }
        text
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        let hint = error.next_step().into_owned();
        Self::new(ExitStatus::Usage, error).hint(hint)
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        let exit = ExitStatus::from(&error);
        let hint = error.next_step();
        Self::new(exit, error).hint(hint)
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        let hint = error.next_step();
        Self::new(ExitStatus::Usage, error).hint(hint)
    }
}

impl From<CatalogError> for CommandError {
    fn from(error: CatalogError) -> Self {
        let hint = error.next_step();
        Self::new(ExitStatus::Usage, error).hint(hint)
    }
}

impl From<VaultConfigError> for CommandError {
    fn from(error: VaultConfigError) -> Self {
        let hint = error.next_step();
        Self::new(ExitStatus::Usage, error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_causes_details_and_a_hint() {
        let error = anyhow::anyhow!("connection refused").context("no server at \u{1b}[2Jhost");
        let failure = CommandError::new(ExitStatus::Unreachable, error)
            .details(["tables[0]: found nothing".to_owned()])
            .hint("start one");
        assert_eq!(
            failure.rendered("error:", "hint:"),
            "error: no server at  [2Jhost\n  caused by: connection refused\n  \
             tables[0]: found nothing\n\nhint: start one"
        );
    }
}

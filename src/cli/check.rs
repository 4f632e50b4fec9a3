//! `aep-flow check`: whether everything that an ingestion needs is in place, with a fix for each gap.

mod platform;
mod secrets;
mod temporal;

use clap::Args;
use serde::Serialize;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::global::Global;
use super::out::{self, Output};
use crate::catalog::Catalog;
use crate::config::Loaded;

/// Check that everything an ingestion needs is in place and reachable
#[derive(Debug, Args)]
#[command(after_help = "\
Only reads, unless `--fix` is given. A warning does not stop an ingestion. Exits with 0 if nothing
failed, with 1 if something has to be fixed, and with 4 if something did not respond.

Examples:
  aep-flow check
  aep-flow check --fix
  aep-flow check --output json | jq '.checks[] | select(.result != \"ok\")'")]
pub(super) struct Arguments {
    /// Register the search attributes that the namespace lacks
    #[arg(long)]
    fix: bool,
}

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckResult {
    Ok,
    /// Works, but somebody should look at it.
    Warn,
    /// Has to be fixed.
    Fail,
    /// Off, or not checked because an earlier check failed.
    Skip,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) result: CheckResult,
    pub(super) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
    #[serde(skip)]
    exit: ExitStatus,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            result: CheckResult::Ok,
            message: message.into(),
            fix: None,
            exit: ExitStatus::Done,
        }
    }

    fn warn(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            result: CheckResult::Warn,
            fix: Some(fix.into()),
            ..Self::ok(name, message)
        }
    }

    fn fail(
        name: &'static str,
        exit: ExitStatus,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            result: CheckResult::Fail,
            fix: Some(fix.into()),
            exit,
            ..Self::ok(name, message)
        }
    }

    fn failed(name: &'static str, failure: &CommandError) -> Self {
        // Here a wrong setting is a finding, not a wrong use of the command.
        let exit = match failure.exit() {
            ExitStatus::Usage => ExitStatus::Refused,
            exit => exit,
        };
        let fix = failure.next_step().unwrap_or("see the message");
        Self::fail(name, exit, failure.one_line(), fix)
    }

    fn skip(name: &'static str, because: &str) -> Self {
        Self {
            result: CheckResult::Skip,
            ..Self::ok(name, because)
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    ok: bool,
    checks: &'a [Check],
}

pub(super) async fn run(global: &Global, arguments: Arguments) -> Result<ExitStatus, CommandError> {
    let checks = match global.load(&[]) {
        Ok(loaded) => report(&loaded, arguments.fix).await,
        Err(failure) => vec![Check::failed("configuration", &failure)],
    };
    let exit = exit(&checks);
    match global.output {
        Output::Json => out::json(&Answer {
            ok: exit == ExitStatus::Done,
            checks: &checks,
        }),
        Output::Text => {
            for check in &checks {
                show(check);
            }
        }
    }
    Ok(exit)
}

/// Every check, in the order in which to fix things.
async fn report(loaded: &Loaded, fix: bool) -> Vec<Check> {
    let mut checks = vec![configuration(loaded)];
    checks.extend(sources(loaded));
    // They are independent, and an unreachable server takes a while to time out.
    let (secrets, temporal, platform) = tokio::join!(
        secrets::report(loaded),
        temporal::report(&loaded.config, fix),
        platform::report(&loaded.config)
    );
    checks.extend(secrets);
    checks.extend(temporal);
    checks.extend(platform);
    checks
}

fn configuration(loaded: &Loaded) -> Check {
    let from = loaded.file.as_ref().map_or_else(
        || "defaults and environment, no file".to_owned(),
        |file| file.display().to_string(),
    );
    match loaded.warnings.first() {
        None => Check::ok("configuration", from),
        Some(warning) => Check::warn(
            "configuration",
            format!("{from}; {warning}"),
            "correct the name, or unset the variable",
        ),
    }
}

/// Whether the folder of sources can be loaded, if there is one.
fn sources(loaded: &Loaded) -> Option<Check> {
    const NAME: &str = "sources";
    let folder = loaded.config.catalog.dir.as_deref()?;
    Some(match Catalog::load(Some(folder)) {
        Ok(_) => Check::ok(NAME, folder.display().to_string()),
        Err(error) => Check::failed(NAME, &error.into()),
    })
}

fn exit(checks: &[Check]) -> ExitStatus {
    checks
        .iter()
        .fold(ExitStatus::Done, |exit, check| exit.worse(check.exit))
}

fn show(check: &Check) {
    let (word, color) = match check.result {
        CheckResult::Ok => ("ok", "32"),
        CheckResult::Warn => ("warn", "33"),
        CheckResult::Fail => ("fail", "31"),
        CheckResult::Skip => ("skip", "2"),
    };
    let word = out::paint_answer(&format!("{word:<4}"), color);
    out::answer(&format!(
        "{word}  {:<18}  {}",
        check.name,
        out::plain(&check.message)
    ));
    if let Some(fix) = &check.fix {
        out::answer(&format!("{:26}fix: {}", "", out::plain(fix)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_counts_more_than_a_service_that_is_away() {
        let away = Check::fail("a", ExitStatus::Unreachable, "", "");
        let wrong = Check::fail("b", ExitStatus::Refused, "", "");
        let fine = Check::ok("c", "");
        let doubtful = Check::warn("d", "", "");
        assert_eq!(exit(&[fine.clone(), doubtful.clone()]), ExitStatus::Done);
        assert_eq!(exit(&[away.clone(), fine]), ExitStatus::Unreachable);
        assert_eq!(exit(&[away, wrong, doubtful]), ExitStatus::Refused);
    }
}

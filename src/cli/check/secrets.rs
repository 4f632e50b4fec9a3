//! The checks about secrets: where inputs may get them from, and who else may read them.

use std::path::{Component, Path};

use super::{Check, CommandError, ExitStatus};
use crate::config::{Config, Loaded};
use crate::secrets::vault::Vault;
use crate::secrets::{self, exposure};

const VARIABLES: &str = "secrets: variables";
const FOLDER: &str = "secrets: folder";
const FILES: &str = "secrets: files";
const RULES: &str = "secrets: rules";
const VAULT: &str = "secrets: Vault";

pub(super) async fn report(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let mut checks = vec![variables(&config.secrets.env_allow)];
    checks.extend(config.secrets.folder.as_deref().map(folder));
    checks.extend(rules(config));
    checks.extend(files(loaded));
    checks.extend(vault(config).await);
    checks
}

fn variables(allow: &[String]) -> Check {
    if allow.is_empty() {
        let off = r#"inputs may use no variable: {"env": "NAME"} is refused"#;
        let fix = "set `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to names or prefixes \
                   such as `OSC_*`, if inputs need variables";
        return Check {
            fix: Some(fix.to_owned()),
            ..Check::skip(VARIABLES, off)
        };
    }
    let shown = format!("inputs may use {}", allow.join(", "));
    match allow.iter().find(|pattern| pattern.starts_with('*')) {
        None => Check::ok(VARIABLES, shown),
        Some(pattern) => Check::warn(
            VARIABLES,
            format!(
                "`{pattern}` lets anyone who may start a workflow read variables that are not for \
                 inputs"
            ),
            "set `secrets.env_allow` to the names or prefixes for inputs, such as `OSC_*`",
        ),
    }
}

fn folder(folder: &Path) -> Check {
    let shown = folder.display().to_string();
    if !folder.is_dir() {
        return Check::fail(
            FOLDER,
            ExitStatus::Refused,
            format!("{shown} is not a folder on this machine"),
            "create it, or change the setting `secrets.folder`",
        );
    }
    if let Err(error) = secrets::check_system(folder) {
        return Check::fail(
            FOLDER,
            ExitStatus::Refused,
            error.to_string(),
            error.next_step(),
        );
    }
    if folder.components().any(|part| part == Component::ParentDir) {
        return Check::warn(
            FOLDER,
            format!("{shown} contains `..`, so links decide which folder it is"),
            "set `secrets.folder` to the folder's full path",
        );
    }
    match exposure::below(folder) {
        None => Check::ok(FOLDER, shown),
        Some((file, more)) => Check::warn(
            FOLDER,
            format!("{}{}", exposure::describe(&file), exposure::and_more(more)),
            exposure::NEXT_STEP,
        ),
    }
}

/// The rules that bind secrets to sources and hosts, if inputs may use any secret.
fn rules(config: &Config) -> Option<Check> {
    let secrets = &config.secrets;
    let has_secrets =
        !secrets.env_allow.is_empty() || secrets.folder.is_some() || config.vault.address.is_some();
    has_secrets.then(|| match secrets.rule.len() {
        0 => Check::warn(
            RULES,
            "no rule binds a secret to a host: whoever may start a workflow can send each secret \
             that inputs may use to a host of their choice",
            "add a `[[secrets.rule]]` with `secret`, `sources` and `hosts` for each secret: \
             docs/secrets.md",
        ),
        1 => Check::ok(RULES, "1 rule"),
        count => Check::ok(RULES, format!("{count} rules")),
    })
}

/// The files that hold the configuration's own secrets.
fn files(loaded: &Loaded) -> Option<Check> {
    let files = &loaded.secret_files;
    let (_, first) = files.first()?;
    let exposed = files.iter().find(|(_, file)| exposure::is_exposed(file));
    Some(match exposed {
        None => {
            let more = exposure::and_more(files.len() - 1);
            Check::ok(FILES, format!("{}{more}", first.display()))
        }
        Some((setting, file)) => Check::warn(
            FILES,
            format!("{}, and it holds `{setting}`", exposure::describe(file)),
            exposure::NEXT_STEP,
        ),
    })
}

async fn vault(config: &Config) -> Option<Check> {
    let address = config.vault.address.as_ref()?;
    let vault = match Vault::from_config(config) {
        Ok(vault) => vault?,
        Err(error) => return Some(Check::failed(VAULT, &CommandError::from(error))),
    };
    Some(match vault.log_in().await {
        Ok(()) => {
            let allow = config.vault.allow.join(", ");
            if config.vault.allow.iter().any(|each| each.starts_with('*')) {
                Check::warn(
                    VAULT,
                    format!(
                        "`{allow}` lets anyone who may start a workflow read all that the worker's \
                         role may"
                    ),
                    "set `vault.allow` to the paths for inputs, such as `osc/*`",
                )
            } else {
                Check::ok(
                    VAULT,
                    format!("logged in at {address}; inputs may read {allow}"),
                )
            }
        }
        Err(error) => {
            let exit = if error.is_transient() {
                ExitStatus::Unreachable
            } else {
                ExitStatus::Refused
            };
            let fix = error.next_step("", "");
            Check::fail(VAULT, exit, error.to_string(), fix)
        }
    })
}

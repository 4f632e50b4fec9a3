//! Reads a secret from a variable of the worker's environment, if the owner allows inputs to use it.

use std::ffi::OsString;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::SecretError;
use super::pattern::matches;
use super::text::secret_text;

/// The secret in the variable `name`, if `allow` matches it.
pub(super) fn read(
    allow: &[String],
    name: &str,
    lookup: fn(&str) -> Option<OsString>,
) -> Result<SecretString, SecretError> {
    if allow.is_empty() {
        return Err(SecretError::NoVariables {
            name: name.to_owned(),
        });
    }
    if !is_allowed(allow, name) {
        return Err(SecretError::NotAllowed {
            name: name.to_owned(),
        });
    }
    let value = lookup(name).ok_or_else(|| SecretError::NotSet {
        name: name.to_owned(),
    })?;
    let value = Zeroizing::new(value.into_encoded_bytes());
    secret_text(&value, || format!("env:{name}"))
}

fn is_allowed(allow: &[String], name: &str) -> bool {
    // Otherwise a workflow could send the worker's own credentials to a host of the caller's
    // choice.
    let is_own = is_own(name);
    allow.iter().any(|pattern| {
        if is_own {
            pattern == name
        } else {
            matches(pattern, name)
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "each use of a reference reads the worker's environment again"
)]
pub(super) fn of_process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Whether this variable configures the worker itself, such as an API key, a header of an exporter
/// or a proxy's password.
fn is_own(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["AEP_FLOW_", "TEMPORAL_", "OTEL_", "VAULT_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || name.ends_with("_PROXY")
}

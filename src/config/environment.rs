//! The environment as a value, so that tests have one of their own.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// A snapshot of the environment variables. It is zeroed when dropped, because some are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Zeroizing<String>>);

impl Environment {
    /// The variables of this process, except those that are not UTF-8: no setting is.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment is read here and in `secrets`"
    )]
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((
                        name.into_string().ok()?,
                        Zeroizing::new(value.into_string().ok()?),
                    ))
                })
                .collect(),
        )
    }

    /// The value of a variable; an empty one counts as not set, as in compose files.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether a terminal may be coloured: yes, unless `NO_COLOR` is set.
    ///
    /// Source: no-color.org, read 2026-11.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment is read here and in `secrets`"
    )]
    pub fn wants_color() -> bool {
        std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<Name: Into<String>, Text: Into<String>> FromIterator<(Name, Text)> for Environment {
    fn from_iter<I: IntoIterator<Item = (Name, Text)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), Zeroizing::new(value.into())))
                .collect(),
        )
    }
}

/// Names only: a value may be a secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

//! Finding a source and one of its ways of authentication, or saying why there is none.

use aep_flow_proto::read::{nearest, shown};

use super::Catalog;
use super::entry::{Auth, Kind, Source, Tabular};

/// A name that the catalogue has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no source is called `{asked}`{}", meant(nearest))]
pub struct Unknown {
    /// What was asked for, shortened.
    pub asked: String,
    /// Up to three names that may have been meant, best first.
    pub nearest: Vec<String>,
}

/// A source that is known, and whose tables can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{title} (`{name}`) is not served yet: {}", kind.why_not_served())]
pub struct NotServed {
    /// Its name.
    pub name: String,
    /// The name that Adobe shows.
    pub title: String,
    /// What it gives instead of tables.
    pub kind: Kind,
}

/// Why no way of authentication was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// None was named, and the source has several.
    #[error("no way of authentication is named; this source has {}", quoted(ways))]
    NotNamed {
        /// All of the source's.
        ways: Vec<String>,
    },
    /// The source has no such way. The names are compared exactly, as the platform does.
    #[error(
        "no way of authentication is called `{asked}`; this source has {}",
        quoted(ways)
    )]
    NoSuchWay {
        /// What was asked for, shortened.
        asked: String,
        /// All of the source's.
        ways: Vec<String>,
    },
}

impl Kind {
    /// What a source of this kind gives, in a word or two.
    #[must_use]
    pub fn in_a_word(self) -> &'static str {
        match self {
            Self::Tabular => "tables",
            Self::File => "files",
            Self::Streaming => "a stream",
            Self::Other => "a REST interface",
        }
    }

    /// What a source of this kind gives, and why its data can't be taken.
    #[must_use]
    pub fn why_not_served(self) -> &'static str {
        match self {
            Self::Tabular => "no tables are described for it",
            Self::File => {
                "it gives files from a storage, which need a file format, a path and another \
                 dataflow; only sources of tables are served"
            }
            Self::Streaming => {
                "it streams events as they happen, which need no schedule and another dataflow; \
                 only sources of tables are served"
            }
            Self::Other => {
                "it gives nested JSON of a REST interface, which is explored in another way and \
                 needs another dataflow; only sources of tables are served"
            }
        }
    }
}

impl Catalog {
    /// The source of that name.
    ///
    /// # Errors
    /// [`Unknown`] with the names that may have been meant.
    pub fn source(&self, name: &str) -> Result<&Source, Unknown> {
        self.sources.get(name).ok_or_else(|| Unknown {
            asked: shown(name),
            nearest: nearest(name, self.sources.keys().map(String::as_str))
                .into_iter()
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Every source, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }
}

impl Source {
    /// How its tables are reached.
    ///
    /// # Errors
    /// [`NotServed`] for a source that gives something else.
    pub fn served(&self) -> Result<&Tabular, NotServed> {
        self.tabular.as_ref().ok_or_else(|| NotServed {
            name: self.name.clone(),
            title: self.title.clone(),
            kind: self.kind,
        })
    }
}

impl Tabular {
    /// The way of authentication of that name; with an empty name the only one.
    ///
    /// # Errors
    /// [`AuthError`], which lists the source's ways.
    pub fn auth(&self, spec_name: &str) -> Result<&Auth, AuthError> {
        let ways = || {
            self.auth
                .iter()
                .map(|auth| auth.spec_name.clone())
                .collect()
        };
        match self.auth.as_slice() {
            [only] if spec_name.is_empty() => Ok(only),
            _ if spec_name.is_empty() => Err(AuthError::NotNamed { ways: ways() }),
            all => all
                .iter()
                .find(|auth| auth.spec_name == spec_name)
                .ok_or_else(|| AuthError::NoSuchWay {
                    asked: shown(spec_name),
                    ways: ways(),
                }),
        }
    }
}

fn meant(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; did you mean {}?", quoted(names)),
    }
}

/// "`a`, `b` or `c`".
fn quoted(names: &[String]) -> String {
    let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.pop() {
        None => "none".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} or {last}", names.join(", ")),
    }
}

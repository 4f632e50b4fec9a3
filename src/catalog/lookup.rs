//! Finds a source and one of its ways of authentication, or says why there is none.

use aep_flow_proto::read::{nearest, shown};

use super::Catalog;
use super::entry::{Auth, Source, SourceKind, Tabular};

impl Catalog {
    /// The XDM type that `word`, a type's word without size and style, stands for where the
    /// connection specification is `spec_id`; none where vendors agree on the word, or nobody said.
    #[must_use]
    pub fn column_type(&self, spec_id: &str, word: &str) -> Option<&str> {
        self.iter()
            .filter(|source| source.connection_spec.id == spec_id)
            .filter_map(|source| source.tabular.as_ref()?.column_types.get(word))
            .map(String::as_str)
            .next()
    }
}

impl Source {
    /// Whether it has words of its own for the types of columns.
    #[must_use]
    pub fn has_own_types(&self) -> bool {
        let tabular = self.tabular.as_ref();
        tabular.is_some_and(|tabular| !tabular.column_types.is_empty())
    }
}

/// A name that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no source is called `{asked}`{}", suggestion(nearest))]
pub struct UnknownSource {
    /// The requested name, shortened.
    pub asked: String,
    /// Up to three similar names, best first.
    pub nearest: Vec<String>,
}

/// A known source whose data can't be ingested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{title} (`{name}`) is not served yet: {}", kind.why_not_served())]
pub struct NotServed {
    /// Its name.
    pub name: String,
    /// The name that Adobe shows.
    pub title: String,
    /// What it has instead of tables.
    pub kind: SourceKind,
}

/// Why there is no such way of authentication.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No way is named, and the source has several.
    #[error("no way of authentication is named; this source has {}", quoted(ways))]
    NotNamed {
        /// The ways of the source.
        ways: Vec<String>,
    },
    /// The source has no such way. Names are compared exactly, as the platform does.
    #[error(
        "no way of authentication is called `{asked}`; this source has {}",
        quoted(ways)
    )]
    NoSuchWay {
        /// The requested name, shortened.
        asked: String,
        /// The ways of the source.
        ways: Vec<String>,
    },
}

impl SourceKind {
    /// What a source of this kind has, in a word or two.
    #[must_use]
    pub fn in_a_word(self) -> &'static str {
        match self {
            Self::Tabular => "tables",
            Self::File => "files",
            Self::Streaming => "a stream",
            Self::Other => "a REST interface",
        }
    }

    /// What a source of this kind has, and why its data can't be ingested.
    #[must_use]
    pub fn why_not_served(self) -> &'static str {
        match self {
            Self::Tabular => "no tables are described for it",
            Self::File => {
                "it has files in a storage, which need a file format, a path and another kind of \
                 dataflow; only sources with tables are served"
            }
            Self::Streaming => {
                "it streams events, which need no schedule and another kind of dataflow; only \
                 sources with tables are served"
            }
            Self::Other => {
                "it has nested JSON of a REST interface, which is explored in another way and \
                 needs another kind of dataflow; only sources with tables are served"
            }
        }
    }
}

impl Catalog {
    /// The source of that name.
    ///
    /// # Errors
    /// [`UnknownSource`] with similar names.
    pub fn source(&self, name: &str) -> Result<&Source, UnknownSource> {
        self.sources.get(name).ok_or_else(|| UnknownSource {
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
    /// [`NotServed`] for a source without tables.
    pub fn served(&self) -> Result<&Tabular, NotServed> {
        self.tabular.as_ref().ok_or_else(|| NotServed {
            name: self.name.clone(),
            title: self.title.clone(),
            kind: self.kind,
        })
    }
}

impl Tabular {
    /// The way of authentication with that name; for an empty name the only one.
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

fn suggestion(nearest: &[String]) -> String {
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

//! How lists, secrets and runs behave where Adobe's documents leave it open or a test wants it odd.

use std::collections::BTreeMap;
use std::time::Duration;

/// How lists behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListBehaviour {
    /// The most entries of one page of Flow Service and Schema Registry, whatever `limit` asks for.
    /// Default 20; smaller makes clients turn more pages.
    pub page_size: usize,
    /// How long a new entity stays out of lists, and a deleted one in them. Default 0. A look by id
    /// is always current.
    pub lag: Duration,
    /// Whether pages of Flow Service are shorter than they could be, the first one empty, while
    /// more follow. Default no.
    pub short_pages: bool,
    /// How the next page is named. Default by link.
    pub next: NextPage,
    /// What a filter on `name` of source and target connections does. Default it filters.
    pub child_name_filter: NameFilter,
}

impl Default for ListBehaviour {
    fn default() -> Self {
        Self {
            page_size: 20,
            lag: Duration::ZERO,
            short_pages: false,
            next: NextPage::Link,
            child_name_filter: NameFilter::Accepted,
        }
    }
}

/// How a list of Flow Service names its next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// `_links.next.href`, relative to the service's base path.
    Link,
    /// A `continuationToken` at the top of the answer.
    Token,
}

/// What a filter by `name` on source and target connections does; the documents leave it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// It filters.
    Accepted,
    /// `FLOW-1448-400`.
    Refused,
    /// Everything is listed, as if the filter weren't there.
    Ignored,
}

/// How a secret of `auth.params` looks when the connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownSecrets {
    /// A row of asterisks.
    Masked,
    /// The parameter is left out.
    Absent,
}

/// When runs appear and end, and how. All times count from the run's planned start.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// When a run shows up in lists, `scheduled`. Default 1 s.
    pub appears: Duration,
    /// When it is `inProgress`. Default 2 s.
    pub starts: Duration,
    /// When it ends. Default 3 s.
    pub ends: Duration,
    /// The distance of a recurring flow's runs, instead of that of its schedule. Default none.
    pub every: Option<Duration>,
    /// How runs of a table end, by the table's path. Default all rows are ingested.
    pub outcomes: BTreeMap<String, RunOutcome>,
}

impl RunSettings {
    /// Times for a test that waits for a run: it has ended after 0.3 s.
    pub fn quick() -> Self {
        Self {
            appears: Duration::from_millis(100),
            starts: Duration::from_millis(200),
            ends: Duration::from_millis(300),
            ..Self::default()
        }
    }

    /// Times as seen at Adobe: a run shows up after two and a half minutes and takes five more.
    pub fn realistic() -> Self {
        Self {
            appears: Duration::from_secs(150),
            starts: Duration::from_secs(180),
            ends: Duration::from_secs(450),
            ..Self::default()
        }
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            appears: Duration::from_secs(1),
            starts: Duration::from_secs(2),
            ends: Duration::from_secs(3),
            every: None,
            outcomes: BTreeMap::new(),
        }
    }
}

/// How the runs of a table end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// `success`, with this many rows that failed.
    FailedRows(u64),
    /// `failed`, with `CONNECTOR-1001-500`.
    Failed,
    /// For ever `inProgress`.
    Stuck,
}

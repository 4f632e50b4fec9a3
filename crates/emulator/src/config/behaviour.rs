//! How lists, secrets and runs behave where Adobe's documents leave it open, or where a test wants
//! unusual behaviour.

use std::collections::BTreeMap;
use std::time::Duration;

/// How lists behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListBehaviour {
    /// The most entries in a page of Flow Service and Schema Registry, whatever `limit` asks for.
    /// Default: 20. A smaller value makes clients follow more pages.
    pub page_size: usize,
    /// The list lag: how long lists miss a new resource, and still show a deleted one. Default: 0.
    /// A read by id is always current.
    pub lag: Duration,
    /// Whether pages of Flow Service are shorter than they could be. The first page is then empty
    /// although more follow. Default: no.
    pub short_pages: bool,
    /// How a list names the next page. Default: by a link.
    pub next: NextPage,
    /// What a filter on `name` does for source and target connections. Default: it filters.
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
    /// A `continuationToken` at the top level of the response.
    Token,
}

/// What a filter on `name` does for source and target connections. The documents leave it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// It filters.
    Accepted,
    /// `FLOW-1448-400`.
    Refused,
    /// The filter is ignored and everything is listed.
    Ignored,
}

/// How a secret of `auth.params` is shown when a connection is read.
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
    /// When lists show a run, as `scheduled`. Default: 1 s.
    pub appears: Duration,
    /// When it becomes `inProgress`. Default: 2 s.
    pub starts: Duration,
    /// When it ends. Default: 3 s.
    pub ends: Duration,
    /// The interval between the runs of a recurring flow, in place of its schedule's. Default:
    /// none.
    pub every: Option<Duration>,
    /// How the runs of a table end, by the table's path. Default: all rows are ingested.
    pub outcomes: BTreeMap<String, RunOutcome>,
}

impl RunSettings {
    /// Times for a test that waits for a run: the run ends after 0.3 s.
    pub fn quick() -> Self {
        Self {
            appears: Duration::from_millis(100),
            starts: Duration::from_millis(200),
            ends: Duration::from_millis(300),
            ..Self::default()
        }
    }

    /// Times as observed at Adobe: a run appears after two and a half minutes and takes five more.
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
    /// `success`, with this number of failed rows.
    FailedRows(u64),
    /// `failed`, with `CONNECTOR-1001-500`.
    Failed,
    /// `inProgress` forever.
    Stuck,
}

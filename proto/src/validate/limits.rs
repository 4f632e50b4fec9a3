//! How long and how many the parts of an input may be, and what the configuration allows.

/// Longest name of a resource, in characters.
///
/// Adobe documents no limit for names; 255 is what its own file names are held to.
pub const MAX_NAME_CHARS: usize = 255;

/// Longest description that a caller may give, in characters. Our marker needs the rest
/// of the 1,000 that can be relied on.
pub const MAX_DESCRIPTION_CHARS: usize = 500;

/// Most tables in one ingestion.
pub const MAX_TABLES: usize = 1_000;

/// Longest path of a table and name of a column, in characters.
pub const MAX_PATH_CHARS: usize = 1_000;

/// Most columns that a table's input may name.
pub const MAX_COLUMNS: usize = 5_000;

/// Most mappings of one table.
pub const MAX_MAPPINGS: usize = 5_000;

/// Longest input of an ingestion, in bytes of its JSON. Temporal takes 2 MiB in one payload,
/// and a run that continues as new adds to the input what was created for each table.
pub const MAX_INPUT_BYTES: usize = 1_000_000;

/// What the worker's configuration allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether a source's host may be a loopback or link-local address. For tests alone:
    /// the platform, not the worker, connects to that host.
    pub allow_local_hosts: bool,
}

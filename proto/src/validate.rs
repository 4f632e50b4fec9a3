//! What a good input is, beyond what its types say.
//!
//! Everything that can be told from the input alone is told here, all of it at
//! once, before anything is sent. What needs the worker's configuration comes in
//! as [`Rules`]; what needs the source (does that column exist?) is
//! [`against_columns`], asked after exploring.

mod columns;
mod connection;
mod findings;
mod host;
mod ingest;
mod mapping;
mod patterns;
mod row_filter;
mod schedule;
mod schema_settings;
mod tables;

pub use columns::against_columns;
pub use connection::{
    SECRET_REFERENCE, any_connection, connection, is_vault_path, param, secret_reference,
};
pub use findings::Findings;
pub(crate) use findings::shown;
pub use host::{source_host, source_url};
pub use ingest::{ingest, ingest_source};
pub use mapping::{EVENT_FIELDS, Fields, mapping};
pub use patterns::{Meant, has_pattern, meant, named};
pub use row_filter::row_filter;
pub use schedule::{StartTime, passed_start, schedule, start_time};
pub use schema_settings::{existing, fields_under, schema_settings};

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
/// and the same input comes back with what was made of each table.
pub const MAX_INPUT_BYTES: usize = 1_000_000;

/// What the worker's configuration allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether a source's host may be a loopback or link-local address. For tests alone:
    /// the platform, not the worker, connects to that host.
    pub allow_local_hosts: bool,
}

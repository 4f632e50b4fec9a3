//! The rules for a valid input that go beyond its types.
//!
//! They check what the input alone shows, and report all violations at once, before anything is
//! sent. The worker's configuration comes in as [`Rules`]. [`against_columns`] checks what only
//! the source knows, such as whether a column exists, after exploring.

mod columns;
mod connection;
mod findings;
mod host;
mod ingest;
mod limits;
mod mapping;
mod patterns;
mod row_filter;
mod schedule;
mod schema_settings;
mod tables;

pub use crate::wording::SECRET_REFERENCE;
pub use columns::{Checked, against_columns};
pub use connection::{any_connection, connection, is_vault_path, param, secret_reference};
pub use findings::Findings;
pub use host::{source_host, source_url};
pub use ingest::{ingest, ingest_source};
pub use limits::{
    MAX_COLUMNS, MAX_DESCRIPTION_CHARS, MAX_INPUT_BYTES, MAX_MAPPINGS, MAX_NAME_CHARS,
    MAX_PATH_CHARS, MAX_TABLES, Rules,
};
pub use mapping::{EVENT_FIELDS, Fields, mapping};
pub use patterns::{SelectedTable, has_pattern, named, select_tables};
pub use row_filter::row_filter;
pub use schedule::{StartTime, passed_start, schedule, start_time};
pub use schema_settings::{existing, fields_under, schema_settings};

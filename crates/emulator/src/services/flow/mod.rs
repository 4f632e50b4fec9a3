//! Flow Service: connections, flows, runs and their specs.
//!
//! Source: Flow Service API reference, its sort and filter guide, the sources tutorials and the
//! error catalogues of Flow Service and of sources, read 2026-11.

pub(crate) mod connections;
pub(crate) mod explore;
pub(crate) mod flows;
pub(crate) mod runs;
pub(crate) mod source_connections;
pub(crate) mod specs;
pub(crate) mod target_connections;

mod auth;
mod children;
mod common;
mod ends;
mod filter;
mod list;
mod row_filters;
mod run_life;
mod run_report;
mod schedule;
mod transformations;

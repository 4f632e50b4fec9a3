//! The calls, one module per resource: pure `build` and `parse` functions, and the methods of
//! [`Sandbox`](crate::Sandbox) and [`Client`](crate::Client) that use them.

pub(crate) mod connections;
pub(crate) mod explore;
pub(crate) mod filter;
pub(crate) mod flow_service;
pub(crate) mod flows;
pub(crate) mod row_filters;
pub(crate) mod runs;
pub(crate) mod source_connections;
pub(crate) mod specs;
pub(crate) mod target_connections;

pub(crate) mod catalog;
pub(crate) mod data_prep;
pub(crate) mod existing_fields;
pub(crate) mod identities;
pub(crate) mod sandboxes;
pub(crate) mod schema_registry;
mod server_time;
pub(crate) mod xdm;

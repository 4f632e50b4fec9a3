//! Schema Registry: tenant field groups, schemas and descriptors.
//!
//! Source: Schema Registry API reference, its guide and its troubleshooting guide, read 2026-11.

pub(crate) mod descriptors;
pub(crate) mod fields;
pub(crate) mod resources;

mod accept;
mod find;
mod list;
mod rules;

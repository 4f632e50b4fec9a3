//! The catalogue: which sources there are, how each is logged in to, and what Adobe drops.
//!
//! It is data: `catalog/*.toml`, checked by `build.rs` and compiled in; a folder at run time
//! replaces entries and adds new ones (`catalog.dir`). Rests on Adobe's public documents alone,
//! so where the platform says otherwise, the platform is right.

pub mod compare;
pub mod entry;

mod ask;
mod deprecation;
mod file;
mod load;
mod schema;

#[cfg(test)]
mod page;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use ask::{AuthError, NotServed, Unknown};
pub use file::WrongField;
pub use load::CatalogError;

use entry::Source;

/// Every known source by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    sources: Arc<BTreeMap<String, Source>>,
}

//! The catalogue: the sources, their ways of authentication, and which of them Adobe removes.
//!
//! It is data: `catalog/*.toml`, which `build.rs` checks and compiles in. At run time a folder may
//! replace entries and add new ones (`catalog.dir`). It follows only Adobe's public documents, so
//! where the platform says otherwise, the platform is right.

pub mod compare;
pub mod entry;

mod deprecation;
mod file;
mod load;
mod lookup;
mod schema;

#[cfg(test)]
mod page;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use file::WrongField;
pub use load::CatalogError;
pub use lookup::{AuthError, NotServed, UnknownSource};

use entry::Source;

/// Every known source by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    sources: Arc<BTreeMap<String, Source>>,
}

//! One live resource per intent: the protocol behind every create.
//!
//! The platform takes no idempotency key and, outside the Schema Registry, promises no
//! unique names, so a create whose response is lost may have created a resource, or may yet.
//! This crate decides what to do from what is known; it knows neither HTTP nor Temporal.
//!
//! 1. [`intent`]: what a caller wants, as a key and a fingerprint that travel in a marker.
//! 2. [`rules`]: what is assumed of the platform, and what each kind of resource promises.
//! 3. [`state`]: what is known in, what to do next out. Pure.
//! 4. [`memory`]: what one attempt leaves for the next.
//! 5. [`drive`]: the thin layer that makes the calls.
//! 6. [`mod@dry_run`]: the same by reads alone, for a plan.

pub mod crash;
pub mod drive;
pub mod dry_run;
pub mod intent;
pub mod memory;
pub mod rules;
pub mod state;

pub use aep_flow_proto::names::ResourceKind;
pub use drive::{
    CallFailure, Created, Deletion, Effect, EnsureError, Ensured, Reads, Resource, ensure, settle,
};
pub use dry_run::{Planned, dry_run};
pub use intent::{Intent, Marker};
pub use memory::{Memory, Pasts};
pub use rules::{Rules, Uniqueness};
pub use state::{Call, Existing, Now, Past};

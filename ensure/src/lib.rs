//! One live resource per intent: the protocol behind every create.
//!
//! The platform takes no idempotency key and, outside the Schema Registry, promises no
//! unique names, so a create whose answer is lost may have made a resource, or may yet.
//! This crate decides what to do from what is known; it knows neither HTTP nor Temporal.
//!
//! 1. [`intent`]: what is wanted, as a key and a fingerprint that travel in a marker.
//! 2. [`rules`]: what is assumed of the platform, and what each kind of resource promises.
//! 3. [`state`]: what is known in, what to do next out. Pure.
//! 4. [`memory`]: what one attempt leaves for the next.
//! 5. [`drive`]: the thin layer that makes the calls.
//! 6. [`mod@foresee`]: the same by reading alone, for a plan.

pub mod crash;
pub mod drive;
pub mod foresee;
pub mod intent;
pub mod memory;
pub mod rules;
pub mod state;

pub use drive::{
    CallFailure, Created, Effect, EnsureError, Ensured, Resource, Sight, Swept, ensure,
};
pub use foresee::{Foreseen, foresee};
pub use intent::{Intent, Marker};
pub use memory::Memory;
pub use rules::{ResourceKind, Rules, Uniqueness};
pub use state::{Call, Now, Past, Standing};

//! One live resource per intent: the protocol behind every create.
//!
//! The platform takes no idempotency key and, outside the Schema Registry, promises no
//! unique names, so a create whose answer is lost may have made a resource, or may yet.
//! This module decides what to do from what is known; it knows neither HTTP nor Temporal.
//!
//! 1. [`intent`]: what is wanted, as a key and a fingerprint that travel in a marker.
//! 2. [`state`]: what is known in, what to do next out. Pure.
//! 3. [`drive`]: the thin layer that makes the calls.

pub mod drive;
pub mod intent;
pub mod state;

pub use drive::{Created, EnsureError, Ensured, ensure};
pub use intent::{Intent, Marker};
pub use state::{Past, Rules, Standing};

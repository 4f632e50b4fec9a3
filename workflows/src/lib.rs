//! Workflow code of aep-flow, and the declarations of the activities it calls.
//!
//! Nothing in this crate's dependency tree can open a socket or read a file, so a
//! workflow that does I/O does not compile. Bodies of the activities stand in the
//! worker's crate.

pub mod activities;
pub mod decision;
pub mod failure;
pub mod ingest;
pub mod ingest_input;
pub mod inputs;
pub mod limits;
pub mod payload;
pub mod urgency;

mod attempts;
mod details;
mod naming;
mod progress;
mod step_error;

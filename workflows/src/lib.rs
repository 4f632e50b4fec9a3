//! Workflow code of aep-flow, and the declarations of the activities it calls.
//!
//! `cargo xtask tidy` refuses crates that open a socket in this crate's dependency tree, and
//! `clippy.toml` bans clocks, threads, files and everything else that a replay would not repeat.
//! The worker's crate has the bodies of the activities.

pub mod activities;
pub mod decision;
pub mod failure;
pub mod ingest;
pub mod ingest_input;
pub mod inputs;
pub mod limits;
pub mod payload;
pub mod settle;
pub mod urgency;

mod attempts;
mod clock;
mod details;
mod naming;
mod patience;
mod progress;
mod step_error;

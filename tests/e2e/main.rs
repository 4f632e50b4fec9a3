//! End to end: a real Temporal server, the platform over real HTTP, workers as they are run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

#[path = "../support/mod.rs"]
mod support;

mod attempts;
mod bad_input;
mod chain;
mod collector;
mod decisions;
mod demo;
mod every_source;
mod existing;
mod many;
mod plan;
mod processes;
mod refused;
mod retried;
mod rights;
mod rivals;
mod schemas;
mod secrecy;
mod sources;
mod temporal_tls;
mod throttled;
mod token;
mod too_large;
mod vault;
mod waiting;
mod watched;

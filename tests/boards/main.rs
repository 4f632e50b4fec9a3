//! The boards and alerts of `deploy/`: whether they show what a worker tells, and whether the
//! runbook says what to do about it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod deploy;
mod prometheus;
mod promql;
mod runbook;
mod scenario;
mod shape;

//! Payloads and failures under the codec, on a real Temporal server: what stands in the history,
//! what still works, keys that change, the remote codec, and Python at the other end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod history;
mod keyed;
mod python;
mod remote;
mod rotation;

//! What needs no Temporal server: the commands as processes, what the documents and manifests
//! say, recorded histories, and the spans of a process of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails and talks as the test itself does"
)]

mod cli;
mod kubernetes;
mod mistakes;
mod openat2;
mod promises;
mod readme;
mod replay;
mod signals;
mod spans;
mod specifications;

//! End to end: a real Temporal server, the platform over real HTTP, workers as they are run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

mod attempts;
mod bad_input;
mod boards;
mod canary;
mod chain;
mod collector;
mod compose;
mod concurrent_callers;
mod continue_as_new;
mod crashes;
mod decisions;
mod demo;
mod encryption;
mod every_source;
mod existing;
mod languages;
mod observability;
mod odd_responses;
mod open_creates;
mod plan;
mod refused;
mod relay;
mod retried;
mod rights;
mod schemas;
mod secrecy;
mod server_side_waits;
mod sources;
mod temporal_tls;
mod throttled;
mod token;
mod too_large;
mod traces;
mod vault;
mod versions;

//! The world that end-to-end tests, the fault campaign and the benchmarks set up: a real Temporal
//! server, the emulated platform over HTTP, workers as threads or as processes of their own, and
//! a caller that writes plain JSON.
//!
//! A test has a namespace and an emulator to itself; the server is shared, unless a test restarts
//! it. Nothing waits for a time: [`eventually`] waits for a condition, with a deadline.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails and talks as the test itself does"
)]

pub mod callers;
pub mod collector;
pub mod emulated;
pub mod logs;
pub mod openbao;
pub mod places;
pub mod platform;
pub mod server;
pub mod watch;
pub mod worker;
pub mod world;

use std::future::Future;
use std::time::{Duration, Instant};

pub use world::{World, input, table};

/// How long anything may take that normally takes a second: the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The future's output, unless it takes too long.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took longer than {DEADLINE:?}"))
}

/// Waits until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "{what} did not come in {DEADLINE:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

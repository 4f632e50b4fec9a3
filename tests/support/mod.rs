//! What the end-to-end tests stand on: a real Temporal server, the emulated platform over HTTP,
//! and workers as threads or as processes of their own.
//!
//! Every test has a namespace and an emulator to itself; the server is shared, unless a test
//! restarts it. Nothing waits for a time: [`eventually`] waits for a condition, with a deadline.

#![allow(
    dead_code,
    unused_imports,
    reason = "not every test program uses all of what they share"
)]

pub(crate) mod callers;
pub(crate) mod collector;
pub(crate) mod openbao;
pub(crate) mod platform;
pub(crate) mod server;
pub(crate) mod watch;
pub(crate) mod worker;
pub(crate) mod world;

use std::future::Future;
use std::time::{Duration, Instant};

pub(crate) use world::{World, input, table};

/// How long anything may take that normally takes a second: the machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// The future's output, unless it takes too long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took longer than {DEADLINE:?}"))
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
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

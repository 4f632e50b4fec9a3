//! A scenario in virtual time: the real protocol between a simulated platform and a simulated
//! Temporal server.
//!
//! The server's part is what the protocol relies on: attempts count up; what an attempt leaves
//! is recorded with its failure and with nothing else; a worker that dies leaves what its
//! heartbeats left; it is noticed after the heartbeat timeout.

mod attempt;
mod failures;
mod platform;
mod server;

pub use attempt::{Ask, Attempt, Progress, Reply};
pub use failures::{Access, Failure, failure, name_taken};
pub use platform::{EPOCH, Maker, NameTaken, Platform, Thing};
pub use server::{End, Ended, Rare, Run, intent, run};

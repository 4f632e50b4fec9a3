//! The boards and alerts of `deploy/`: whether they show what a worker exports, and whether the
//! runbook says what to do about it.

mod alerts;
mod deploy;
mod prometheus;
mod promql;
mod runbook;
mod scenario;
mod shape;

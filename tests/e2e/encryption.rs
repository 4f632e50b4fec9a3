//! Payloads and failures under the codec, on a real Temporal server: what the history holds,
//! what still works, keys that change, the remote codec, and Python at the other end.

mod commands;
mod history;
mod keyed;
mod python;
mod remote;
mod rotation;

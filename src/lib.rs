//! A Temporal worker that takes tables of a source system into datasets of Adobe
//! Experience Platform, exactly once.
//!
//! Data flows one way: command or caller, workflow, activity, client, platform.

pub mod activities;
pub mod adoption;
pub mod catalog;
pub mod cli;
pub mod codec;
pub mod codec_server;
pub mod config;
pub mod connection;
mod core_dumps;
#[cfg(feature = "demo")]
pub mod demo;
pub mod endpoints;
pub mod ingestions;
pub mod panics;
pub mod plan;
pub mod platform_client;
mod search_attributes;
mod secret_file;
pub mod secrets;
pub mod telemetry;
pub mod temporal;
pub mod throttle;
pub mod worker;

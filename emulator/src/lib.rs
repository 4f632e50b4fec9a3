//! A stateful emulator of Adobe Experience Platform's ingestion APIs.
//!
//! It answers the calls that take a table of a source system into a dataset: IMS, Flow Service,
//! Schema Registry, Catalog, Data Prep and Sandbox management, all on one port, with Adobe's
//! envelopes, ids, etags, statuses and error bodies. Written from Adobe's public API references,
//! read 2026-11, and from nothing else in this workspace.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use aep_emulator::{Action, Config, CutAt, Emulator, Rule};
//!
//! let emulator = Emulator::start(Config::default()).await?;
//! // The first connection is made, but nobody is told.
//! emulator.add_fault(Rule::new("POST", "/connections", Action::ApplyThenDrop { at: CutAt::Start }).nth([1]));
//! assert!(emulator.url().starts_with("http://127.0.0.1:"));
//! emulator.shutdown().await;
//! # Ok::<(), aep_emulator::EmulatorError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod dial;

mod control;
mod router;
mod server;

mod canned;
mod gateway;
mod journal;
mod persist;
mod rival;
mod shared;
mod shell;
mod wire;

mod services;

mod backdrop;
mod list_faults;
mod mask;
mod scene;
mod source;
mod store;

mod answer;
mod call;
mod ids;
mod json;
mod json_patch;
mod problem;
mod route;

pub use backdrop::knows_source;
pub use config::{
    Client, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
    DEFAULT_SOURCE_USERNAME, DEFAULT_TENANT, ExpiredToken, ListBehaviour, MissingSandbox,
    NameFilter, NextPage, Rights, RunOutcome, RunSettings, Sandbox, ShownSecrets, SourceAccount,
    SourceOffer, SourceSettings, UnknownParams,
};
pub use dial::{
    Action, ActiveRule, CannedAnswer, CutAt, LateReply, NamedAnswer, ResetAt, RetryAfter, Rule,
    RuleError, RulesError, When, read_rules,
};
pub use journal::{JournalEntry, JournalStatus};
pub use persist::StateFileError;
pub use server::{Emulator, EmulatorError, serve};

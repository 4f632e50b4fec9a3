//! A stateful emulator of Adobe Experience Platform's ingestion APIs.
//!
//! It serves the calls that ingest a table of a source system into a dataset: IMS, Flow Service,
//! Schema Registry, Catalog, Data Prep and Sandbox management, all on one port, with Adobe's
//! envelopes, ids, etags, statuses and error bodies. It was written from Adobe's public API
//! references, read 2026-11, and shares nothing with the rest of this workspace.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use aep_emulator::{Action, Config, CutAt, Emulator, Rule};
//!
//! let emulator = Emulator::start(Config::default()).await?;
//! // The first connection is created, but its response is lost.
//! emulator.add_fault(Rule::new("POST", "/connections", Action::ApplyThenDrop { at: CutAt::Start }).nth([1]));
//! assert!(emulator.url().starts_with("http://127.0.0.1:"));
//! emulator.shutdown().await;
//! # Ok::<(), aep_emulator::EmulatorError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Layers, from the bottom to the top. A module imports only from its own group and from those above.
mod answer;
mod ids;
mod json;
mod json_patch;
mod route;

mod call;
mod problem;

mod config;
mod dial;

mod backdrop;
mod list_faults;
mod mask;
mod source;
mod store;

mod scene;
mod services;

mod canned;
mod gateway;
mod journal;
mod persist;
mod rival;
mod shared;
mod shell;
mod wire;

mod control;
mod router;
mod server;

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

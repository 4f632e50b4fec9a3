//! A stateful emulator of Adobe Experience Platform's ingestion APIs.
//!
//! It serves the calls that ingest a table of a source system into a dataset: IMS, Flow Service,
//! Schema Registry, Catalog, Data Prep and Sandbox management, all on one port, with Adobe's
//! envelopes, ids, etags, statuses and error bodies. It was written from Adobe's public API
//! references, read 2026-11, and from nothing else in this workspace.
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
mod odd;
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
    Action, ActiveRule, CannedAnswer, CreatedForm, CutAt, LateReply, NamedAnswer, ResetAt,
    RetryAfter, Rule, RuleError, RulesError, When, read_rules,
};
pub use journal::{JournalEntry, JournalStatus};
pub use persist::StateFileError;
pub use server::{Emulator, EmulatorError, serve};

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    /// The layer of each module: its group of `mod` lines in this file.
    fn layers() -> BTreeMap<&'static str, usize> {
        let mut layers = BTreeMap::new();
        for (layer, group) in include_str!("lib.rs").split("\n\n").enumerate() {
            let names = group
                .lines()
                .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
            layers.extend(names.map(|name| (name, layer)));
        }
        layers
    }

    /// The text of a module: its file and those in its folder.
    fn text_of(path: &Path) -> String {
        match fs::read_dir(path) {
            Ok(entries) => entries
                .map(|entry| text_of(&entry.unwrap().path()))
                .collect(),
            Err(_) => fs::read_to_string(path).unwrap_or_default(),
        }
    }

    #[test]
    fn a_module_imports_only_from_its_own_layer_and_from_those_below() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let layers = layers();
        for (name, layer) in &layers {
            let text = text_of(&source.join(format!("{name}.rs"))) + &text_of(&source.join(name));
            assert!(!text.is_empty(), "{name} has no file");
            for import in text.split("crate::").skip(1) {
                let end = import.find(|letter: char| letter != '_' && !letter.is_alphanumeric());
                let used = &import[..end.unwrap_or(import.len())];
                let is_below = layers.get(used).is_none_or(|used| used <= layer);
                assert!(is_below, "{name} imports {used}, which is above it");
            }
        }
    }
}

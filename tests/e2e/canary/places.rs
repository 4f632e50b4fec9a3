//! All that a run leaves behind, and what is found there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use aep_emulator::Emulator;
use aep_flow_testkit::World;
use aep_flow_testkit::world::Run;
use prost::Message as _;

use super::forms::{self, Hit, Search, Secret};

/// What a run left, by the name of the place.
pub(crate) struct Places {
    found: BTreeMap<&'static str, Vec<u8>>,
    tokens: BTreeSet<String>,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl Places {
    pub(crate) fn new(world: &World, more: &[(&str, String)]) -> Self {
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        Self {
            found: BTreeMap::new(),
            tokens: BTreeSet::new(),
            folder: world.folder(),
            variables: world.variables().into_iter().chain(more).collect(),
        }
    }

    pub(crate) fn add(&mut self, place: &'static str, what: impl AsRef<[u8]>) {
        let found = self.found.entry(place).or_default();
        found.extend_from_slice(what.as_ref());
        found.push(b'\n');
    }

    /// Every event, as the server keeps it and as people export it.
    pub(crate) async fn add_history(&mut self, run: &Run) {
        for event in run.history().await {
            self.add("histories", event.encode_to_vec());
            self.add("histories", serde_json::to_string(&event).unwrap());
        }
    }

    /// What the commands say of the ingestion, on both streams, talking as much as they can.
    pub(crate) async fn add_commands(&mut self, workflow_id: &str) {
        let specification = self.folder.join("ingestion.yaml");
        let text = "connection: {name: by hand, host: acme.custhelp.com, username: svc_aep, \
                    password: {env: OSC_PASSWORD}}\ntables: [{table: Contacts}]\n";
        std::fs::write(&specification, text).unwrap();
        let file = specification.display().to_string();
        for arguments in [
            &["status", workflow_id][..],
            &["status", workflow_id, "--output", "json"],
            &["list"],
            &["check"],
            &["config", "show"],
            &["config", "show", "--output", "json"],
            &["ingest", "-f", &file],
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
            command
                .args(arguments)
                .env_clear()
                .envs(self.variables.iter().cloned())
                .env("AEP_FLOW_LOG_FILTER", "trace")
                .stdin(Stdio::null());
            let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
            let output = aep_flow_testkit::within("a command", ran).await.unwrap();
            self.add("commands", output.stdout);
            self.add("commands", output.stderr);
        }
    }

    /// The log, and whatever else the worker left in its folder, such as a core.
    pub(crate) fn add_files_of_worker(&mut self) {
        let log = self.folder.join(super::stage::LOG);
        self.add("the worker's log", std::fs::read(&log).unwrap());
        std::fs::remove_file(log).unwrap();
        let folder = self.folder.clone();
        self.add_folder("the worker's folder", &folder);
    }

    /// All files below a folder, but for those that are to hold the secrets.
    pub(crate) fn add_folder(&mut self, place: &'static str, folder: &Path) {
        self.found.entry(place).or_default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                self.add(place, std::fs::read(path).unwrap());
            } else if path.file_name() != Some("secrets".as_ref()) {
                self.add_folder(place, &path);
            }
        }
    }

    /// Remembers the tokens that were given out so far.
    pub(crate) fn know_tokens(&mut self, emulator: &Emulator) {
        self.tokens.extend(emulator.tokens());
    }

    pub(crate) fn tokens(&self) -> Vec<Secret> {
        assert!(self.tokens.len() > 3, "{:?} tokens", self.tokens.len());
        let secret = |value: &String| Secret {
            name: "access token",
            value: value.clone(),
        };
        self.tokens.iter().map(secret).collect()
    }

    pub(crate) fn text_of(&self, place: &str) -> String {
        String::from_utf8_lossy(&self.found[place]).into_owned()
    }

    /// Prints the table, and fails if there is anything in it.
    pub(crate) fn judge(&self, search: &Search, secrets: &[Secret]) {
        let forms = forms::names();
        let names: BTreeSet<&str> = secrets.iter().map(|secret| secret.name).collect();
        eprintln!(
            "{} secrets ({}) in {} places\n",
            secrets.len(),
            names.into_iter().collect::<Vec<_>>().join(", "),
            self.found.len()
        );
        eprintln!("| place | bytes | {} |", forms.join(" | "));
        eprintln!("|---|---|{}", "---|".repeat(forms.len()));
        let mut hits = Vec::new();
        for (place, bytes) in &self.found {
            assert!(!bytes.is_empty(), "nothing in {place}");
            let found = search.hits(bytes);
            let of = |form: &str| -> usize {
                let of_form = found.iter().filter(|(hit, _)| hit.form == form);
                of_form.map(|(_, starts)| starts.len()).sum()
            };
            let counts: Vec<String> = forms.iter().map(|form| of(form).to_string()).collect();
            eprintln!("| {place} | {} | {} |", bytes.len(), counts.join(" | "));
            for (hit, starts) in found {
                hits.push(shown(place, bytes, &hit, &starts));
            }
        }
        assert!(hits.is_empty(), "{}", hits.join("\n"));
    }
}

/// A find with the text before its first place, so that a reader sees who wrote it.
fn shown(place: &str, bytes: &[u8], hit: &Hit, starts: &[usize]) -> String {
    let before = &bytes[starts[0].saturating_sub(300)..starts[0]];
    format!(
        "{place}: {} as {}, {} times, first behind: {}",
        hit.secret,
        hit.form,
        starts.len(),
        before.escape_ascii()
    )
}

/// What was asked of the platform, as its journal has it, which masks what is secret.
pub(crate) fn journal(emulator: &Emulator) -> String {
    serde_json::to_string(&emulator.journal()).unwrap()
}

/// Takes what is exported, and keeps every byte of it.
pub(crate) struct Sink {
    pub(crate) address: String,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Sink {
    pub(crate) fn bytes(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

pub(crate) async fn sink() -> Sink {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&taken);
    let routes = axum::Router::new()
        .fallback(move |body: axum::body::Bytes| {
            kept.lock().unwrap().extend_from_slice(&body);
            std::future::ready(())
        })
        .layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Sink { address, taken }
}

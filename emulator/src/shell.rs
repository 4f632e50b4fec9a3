//! From an HTTP request to an operation and back, with the dial in between.
//!
//! An operation is a plain function on the state, played under one lock: it happens whole or not at
//! all. Everything that waits or breaks is here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::backdrop::Backdrop;
use crate::call::Call;
use crate::canned;
use crate::config::Config;
use crate::dial::{Action, CutAt, Dial, LateReply, ResetAt};
use crate::flow::runs;
use crate::gateway;
use crate::ids::Ids;
use crate::journal::{Journal, JournalEntry, JournalStatus};
use crate::list_play::ListPlay;
use crate::mask;
use crate::persist;
use crate::rival;
use crate::routes::{Route, Service};
use crate::scene::{Caller, Scene};
use crate::store::Store;
use crate::wire::{self, Cut, Delivery, Ending, Reply};

/// The largest body taken. Adobe names no limit; schemas of thousands of columns fit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// How long lists can be made to show what was deleted, if no setting asks for longer.
const KEEP_DELETED_MS: i64 = 60_000;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) backdrop: Backdrop,
    // Plain mutexes: none is held over an await, and an operation takes microseconds.
    pub(crate) store: Mutex<Store>,
    pub(crate) dial: Mutex<Dial>,
    pub(crate) journal: Mutex<Journal>,
    /// Late commits that have not happened yet.
    pub(crate) pending_commits: AtomicUsize,
}

impl Shared {
    /// Everything at its start.
    pub(crate) fn new(config: Config, store: Store) -> Self {
        Self {
            backdrop: Backdrop::new(&config.source),
            store: Mutex::new(store),
            dial: Mutex::new(Dial::new(config.faults.clone())),
            journal: Mutex::new(Journal::new(config.journal_limit)),
            pending_commits: AtomicUsize::new(0),
            config,
        }
    }

    /// All resources as callers see them, runs moved on to now, and how many late commits there
    /// are yet to come.
    pub(crate) fn snapshot(&self) -> Value {
        let mut store = lock(&self.store);
        runs::advance(&self.config, &self.backdrop, &mut store, now_ms());
        let names = self.config.sandboxes.iter();
        let sandboxes = store.snapshot(names.map(|sandbox| sandbox.name.as_str()));
        // Read under the lock that a commit needs: what is no longer pending is in the resources.
        let pending = self.pending_commits.load(Ordering::SeqCst);
        json!({"sandboxes": sandboxes, "pendingCommits": pending})
    }

    /// Changes the state from outside of any call, and keeps it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Store)) {
        let mut store = lock(&self.store);
        change(&mut store);
        self.keep(&store);
    }

    /// Plays a call on the real state.
    fn apply(&self, call: &Call, staging: &Staging) -> Applied {
        let mut store = lock(&self.store);
        let before = store.revision();
        runs::advance(
            &self.config,
            &self.backdrop,
            &mut store,
            staging.now_ms.max(now_ms()),
        );
        let applied = self.perform(&mut store, call, staging);
        let kept = store.revision() == before || self.keep(&store);
        Applied {
            answer: if kept {
                applied.answer
            } else {
                Answer::empty(500)
            },
            changed: applied.changed,
        }
    }

    /// Plays a call on a copy of the state.
    fn preview(&self, call: &Call, staging: &Staging) -> Answer {
        let mut copy = lock(&self.store).clone();
        self.perform(&mut copy, call, staging).answer
    }

    fn perform(&self, store: &mut Store, call: &Call, staging: &Staging) -> Applied {
        let mut ids = staging.ids();
        let admitted = match call.route.service {
            Service::Ims => Ok(stranger()),
            _ => gateway::admit(&self.config, store, call, staging.arrived_ms),
        };
        let is_look = call.route.method == Method::GET;
        if let (Some(_), false, Ok(caller)) = (staging.rival, is_look, &admitted) {
            rival::write(store, &caller.sandbox, call, staging.now_ms);
        }
        let before = store.revision();
        let sandbox = admitted.as_ref().ok().map(|caller| caller.sandbox.clone());
        let outcome = admitted.and_then(|caller| {
            let mut scene = Scene {
                config: &self.config,
                backdrop: &self.backdrop,
                store,
                call,
                caller,
                ids: ids.clone(),
                arrived_ms: staging.arrived_ms,
                now_ms: staging.now_ms,
                lists: staging.lists,
                keep_deleted_ms: staging.keep_deleted_ms,
            };
            (call.route.operation)(&mut scene)
        });
        let changed = store.revision() != before && call.route.service != Service::Ims;
        if let (Some(_), true, Some(sandbox)) = (staging.rival, is_look, &sandbox) {
            rival::write(store, sandbox, call, staging.now_ms);
        }
        let mut answer = outcome.unwrap_or_else(|problem| {
            tracing::debug!(%problem, path = %mask::masked_query(&call.path_and_query), "refused");
            problem.answer(&mut ids, staging.now_ms)
        });
        if staging.rival == Some(rival::Shape::Bare) && answer.status == 412 {
            answer = rival::bare(answer);
        }
        // The request id comes of another stream, or it would repeat an id of the answer.
        let answer = answer.with_header("x-request-id", Ids::seeded(!staging.seed).hex(32));
        Applied { answer, changed }
    }

    /// How a call is played that arrived at this time and takes effect now.
    fn staging(&self, action: &Action, seed: u64, arrived_ms: i64) -> Staging {
        let longest_ms = lock(&self.dial).longest_lag_ms();
        let configured_ms = self.config.lists.lag.as_millis();
        Staging {
            seed,
            arrived_ms,
            now_ms: now_ms(),
            promised_ms: None,
            lists: ListPlay::of(&self.config.lists, action),
            rival: match action {
                Action::MoveEtag { bare: true } => Some(rival::Shape::Bare),
                Action::MoveEtag { bare: false } => Some(rival::Shape::Whole),
                _ => None,
            },
            keep_deleted_ms: KEEP_DELETED_MS
                .max(i64::try_from(longest_ms).unwrap_or(i64::MAX / 4))
                .max(i64::try_from(configured_ms).unwrap_or(i64::MAX / 4)),
        }
    }

    /// Writes the state file, if there is one. False if that failed.
    fn keep(&self, store: &Store) -> bool {
        let Some(path) = &self.config.state_file else {
            return true;
        };
        match persist::save(path, store) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "state is not kept");
                false
            }
        }
    }
}

struct Applied {
    answer: Answer,
    changed: bool,
}

/// How a call is played.
struct Staging {
    /// Where its ids come from.
    seed: u64,
    /// When it arrived: what it asks for is judged by this time.
    arrived_ms: i64,
    /// When it takes effect: this time is written down.
    now_ms: i64,
    /// The time in its etags, if they were told before it takes effect.
    promised_ms: Option<i64>,
    lists: ListPlay,
    rival: Option<rival::Shape>,
    keep_deleted_ms: i64,
}

impl Staging {
    fn ids(&self) -> Ids {
        match self.promised_ms {
            Some(promised_ms) => Ids::promised(self.seed, promised_ms),
            None => Ids::seeded(self.seed),
        }
    }
}

/// Nobody: who asks for a token has none yet.
fn stranger() -> Caller {
    Caller {
        client_id: String::new(),
        sandbox: String::new(),
        sandboxes: None,
    }
}

/// Answers a request of this route.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    route: &'static Route,
    params: Vec<(String, String)>,
    request: Request,
) -> Response {
    let cut = request
        .extensions()
        .get::<Cut>()
        .cloned()
        .unwrap_or_default();
    let (parts, body) = request.into_parts();
    let path_and_query = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let arrival = Arrival {
        sequence: lock(&shared.journal).arrival(),
        time_ms: now_ms(),
        // Before the body is read: some faults don't read it.
        action: lock(&shared.dial).judge(route.method.as_str(), route.template),
    };
    if arrival.action.is_before_body() {
        let call = Call::new(route, params, path_and_query, parts.headers, Bytes::new());
        let ending = play_unread(&shared, &call, arrival, body).await;
        return cut.end(ending).await;
    }
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(_) => return wire::response(&Answer::empty(413), Delivery::Whole),
    };
    let call = Call::new(route, params, path_and_query, parts.headers, body);
    // A task of its own: like a real service, it goes on when the caller has hung up.
    let played = tokio::spawn(play(shared, call, arrival)).await;
    match played {
        Ok(Reply::Answer(answer, delivery)) => wire::response(&answer, delivery),
        Ok(Reply::Nothing(ending)) => cut.end(ending).await,
        Err(error) => {
            tracing::error!(%error, "an operation panicked");
            wire::response(&Answer::empty(500), Delivery::Whole)
        }
    }
}

/// A request whose head is read, and what the dial has in mind for it.
struct Arrival {
    sequence: u64,
    time_ms: i64,
    action: Action,
}

impl Arrival {
    /// The kind of the fault, if any.
    fn fault(&self) -> Option<String> {
        (self.action != Action::Pass).then(|| self.action.kind().to_owned())
    }

    /// Waits as long as the action says, and gives what is left of it.
    async fn waited(&self) -> Action {
        let mut action = self.action.clone();
        while let Action::Delay { ms, then } = action {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            action = then.map_or(Action::Pass, |then| *then);
        }
        action
    }
}

/// Plays a fault that comes before the body is read, or while it is.
async fn play_unread(shared: &Shared, call: &Call, arrival: Arrival, body: Body) -> Ending {
    let action = arrival.waited().await;
    if matches!(
        action,
        Action::Reset {
            at: ResetAt::DuringBody,
            ..
        }
    ) {
        read_half(&call.headers, body).await;
    }
    let mut entry = journal_entry(call, arrival.sequence, arrival.time_ms);
    entry.fault = arrival.fault();
    lock(&shared.journal).note(entry);
    match action {
        Action::Reset { .. } => Ending::Reset,
        _ => Ending::Close,
    }
}

/// Reads half of a body whose length is known, or its first piece.
async fn read_half(headers: &HeaderMap, body: Body) {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    let half = length.map_or(1, |length| length / 2);
    let mut read = 0;
    let mut pieces = body.into_data_stream();
    while read < half {
        match pieces.next().await {
            Some(Ok(piece)) => read += piece.len(),
            Some(Err(_)) | None => return,
        }
    }
}

async fn play(shared: Arc<Shared>, call: Call, arrival: Arrival) -> Reply {
    let seed = Ids::fresh_seed();
    let action = arrival.waited().await;
    let apply = || {
        let staging = shared.staging(&action, seed, now_ms());
        shared.apply(&call, &staging)
    };
    let (reply, changed) = match &action {
        Action::Refuse(canned) => (Reply::whole(canned::answer(canned, &call, now_ms())), false),
        Action::DropBeforeApply | Action::DropBeforeRead => (Reply::Nothing(Ending::Close), false),
        Action::Reset { applied, .. } => {
            let changed = *applied && apply().changed;
            (Reply::Nothing(Ending::Reset), changed)
        }
        Action::ApplyThenDrop { at } => {
            let applied = apply();
            let reply = match at {
                CutAt::Start => Reply::Nothing(Ending::Close),
                CutAt::Body => Reply::Answer(applied.answer, Delivery::Truncated(None)),
            };
            (reply, applied.changed)
        }
        Action::ApplyThenAnswer(canned) => {
            let applied = apply();
            (
                Reply::whole(canned::answer(canned, &call, now_ms())),
                applied.changed,
            )
        }
        Action::ApplyThenDelay { ms } => {
            let applied = apply();
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            (Reply::whole(applied.answer), applied.changed)
        }
        Action::LateCommit { after_ms, reply } => {
            let mut staging = shared.staging(&action, seed, now_ms());
            let reply = match reply {
                LateReply::Own => {
                    staging.promised_ms = Some(staging.now_ms);
                    Reply::whole(shared.preview(&call, &staging))
                }
                LateReply::Drop => Reply::Nothing(Ending::Close),
                LateReply::Answer(canned) => Reply::whole(canned::answer(canned, &call, now_ms())),
            };
            commit_later(&shared, call.clone(), arrival.sequence, staging, *after_ms);
            (reply, false)
        }
        Action::Truncate { .. } | Action::Trickle { .. } | Action::Pad { .. } => {
            let applied = apply();
            (
                Reply::Answer(applied.answer, delivery(&action)),
                applied.changed,
            )
        }
        Action::Pass
        | Action::Delay { .. }
        | Action::ListLag { .. }
        | Action::ListIgnoresFilter
        | Action::ListRefusesFilter { .. }
        | Action::ListNextIsSelf
        | Action::ListRepeatsEntry
        | Action::ListSkipsEntry
        | Action::MoveEtag { .. } => {
            let applied = apply();
            (Reply::whole(applied.answer), applied.changed)
        }
    };
    let mut entry = journal_entry(&call, arrival.sequence, arrival.time_ms);
    entry.status = match &reply {
        Reply::Answer(_, Delivery::Truncated(_)) | Reply::Nothing(_) => JournalStatus::Dropped,
        Reply::Answer(answer, _) => JournalStatus::Answered(answer.status),
    };
    entry.changed = changed;
    entry.fault = arrival.fault();
    lock(&shared.journal).note(entry);
    reply
}

fn delivery(action: &Action) -> Delivery {
    match action {
        Action::Truncate { bytes } => Delivery::Truncated(*bytes),
        Action::Trickle { bytes, every_ms } => Delivery::Trickled {
            bytes: *bytes,
            pause: Duration::from_millis(*every_ms),
        },
        Action::Pad { bytes } => Delivery::Padded(*bytes),
        _ => Delivery::Whole,
    }
}

/// Plays the call with the seed of its preview, so that it makes what was promised.
fn commit_later(
    shared: &Arc<Shared>,
    call: Call,
    sequence: u64,
    mut staging: Staging,
    after_ms: u64,
) {
    let pending = Pending::new(Arc::clone(shared));
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        let shared = &pending.0;
        staging.now_ms = now_ms();
        let applied = shared.apply(&call, &staging);
        let mut entry = journal_entry(&call, sequence, staging.now_ms);
        entry.status = JournalStatus::Answered(applied.answer.status);
        entry.changed = applied.changed;
        entry.fault = Some("committed".to_owned());
        lock(&shared.journal).note(entry);
    });
}

/// A late commit that has not happened yet; counted until it is dropped, also by a panic.
struct Pending(Arc<Shared>);

impl Pending {
    fn new(shared: Arc<Shared>) -> Self {
        shared.pending_commits.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending_commits.fetch_sub(1, Ordering::SeqCst);
    }
}

fn journal_entry(call: &Call, sequence: u64, time_ms: i64) -> JournalEntry {
    JournalEntry {
        sequence,
        time_ms,
        method: call.route.method.to_string(),
        route: call.route.template.to_owned(),
        path: mask::masked_query(&call.path_and_query),
        sandbox: call.header("x-sandbox-name").map(str::to_owned),
        traceparent: call.header("traceparent").map(str::to_owned),
        status: JournalStatus::Dropped,
        changed: false,
        fault: None,
        body: mask::masked_body(&call.body),
    }
}

/// The wall clock, in ms.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Locks; a panic elsewhere leaves data that is still good to look at.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

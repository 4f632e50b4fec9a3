//! From an HTTP request to an operation and back, with the dial in between.
//!
//! An operation is a plain function on the state, played under one lock: it happens whole or not at
//! all. Everything that waits or breaks is here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;

use crate::answer::Answer;
use crate::backdrop::Backdrop;
use crate::call::{Call, Caller, Scene};
use crate::config::Config;
use crate::dial::{Action, CannedAnswer, CutAt, Dial, LateReply};
use crate::flow::runs;
use crate::gateway;
use crate::ids::Ids;
use crate::journal::{Journal, JournalEntry, JournalStatus};
use crate::mask;
use crate::persist;
use crate::routes::{Route, Service};
use crate::store::Store;

/// The largest body taken. Adobe names no limit; schemas of thousands of columns fit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Cuts the TCP connection that a request came by. The accept loop puts one into each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(pub(crate) Arc<Notify>);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) backdrop: Backdrop,
    // Plain mutexes: none is held over an await, and an operation takes microseconds.
    pub(crate) store: Mutex<Store>,
    pub(crate) dial: Mutex<Dial>,
    pub(crate) journal: Mutex<Journal>,
}

impl Shared {
    /// Everything at its start.
    pub(crate) fn new(config: Config, store: Store) -> Self {
        Self {
            backdrop: Backdrop::new(&config.source),
            store: Mutex::new(store),
            dial: Mutex::new(Dial::new(config.faults.clone())),
            journal: Mutex::new(Journal::new(config.journal_limit)),
            config,
        }
    }

    /// All resources as callers see them, runs moved on to now.
    pub(crate) fn snapshot(&self) -> Value {
        let mut store = lock(&self.store);
        runs::advance(&self.config, &self.backdrop, &mut store, now_ms());
        store.snapshot(
            self.config
                .sandboxes
                .iter()
                .map(|sandbox| sandbox.name.as_str()),
        )
    }

    /// Changes the state from outside of any call, and keeps it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Store)) {
        let mut store = lock(&self.store);
        change(&mut store);
        self.keep(&store);
    }

    /// Plays a call on the real state.
    fn apply(&self, call: &Call, seed: u64, now_ms: i64) -> Applied {
        let mut store = lock(&self.store);
        let before = store.revision();
        runs::advance(
            &self.config,
            &self.backdrop,
            &mut store,
            now_ms.max(self::now_ms()),
        );
        let advanced = store.revision();
        let answer = self.perform(&mut store, call, seed, now_ms);
        let after = store.revision();
        let kept = after == before || self.keep(&store);
        let answer = if kept { answer } else { Answer::empty(500) };
        Applied {
            answer,
            changed: after != advanced && call.route.service != Service::Ims,
        }
    }

    /// Plays a call on a copy of the state.
    fn preview(&self, call: &Call, seed: u64, now_ms: i64) -> Answer {
        let mut copy = lock(&self.store).clone();
        self.perform(&mut copy, call, seed, now_ms)
    }

    fn perform(&self, store: &mut Store, call: &Call, seed: u64, now_ms: i64) -> Answer {
        let mut ids = Ids::seeded(seed);
        let admitted = match call.route.service {
            Service::Ims => Ok(stranger()),
            _ => gateway::admit(&self.config, store, call, now_ms),
        };
        let outcome = admitted.and_then(|caller| {
            let mut scene = Scene {
                config: &self.config,
                backdrop: &self.backdrop,
                store,
                call,
                caller,
                ids: ids.clone(),
                now_ms,
            };
            (call.route.operation)(&mut scene)
        });
        let answer = outcome.unwrap_or_else(|problem| {
            tracing::debug!(%problem, path = %mask::masked_query(&call.path_and_query), "refused");
            problem.answer(&mut ids, now_ms)
        });
        // The request id comes of another stream, or it would repeat an id of the answer.
        answer.with_header("x-request-id", Ids::seeded(!seed).hex(32))
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
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(_) => return response(Answer::empty(413)),
    };
    let call = Call::new(route, params, path_and_query, parts.headers, body);
    // A task of its own: like a real service, it goes on when the caller has hung up.
    let played = tokio::spawn(play(shared, call)).await;
    match played {
        Ok(Reply::Answer(answer)) => response(answer),
        Ok(Reply::HalfOf(answer)) => broken_response(answer),
        Ok(Reply::Nothing) => {
            cut.0.notify_one();
            // The accept loop drops the connection and this future with it.
            std::future::pending().await
        }
        Err(error) => {
            tracing::error!(%error, "an operation panicked");
            response(Answer::empty(500))
        }
    }
}

/// What goes back by the wire.
enum Reply {
    Answer(Answer),
    HalfOf(Answer),
    Nothing,
}

async fn play(shared: Arc<Shared>, call: Call) -> Reply {
    let sequence = lock(&shared.journal).arrival();
    let now_ms = now_ms();
    let seed = Ids::fresh_seed();
    let mut action = lock(&shared.dial).judge(call.route.method.as_str(), call.route.template);
    let fault = (action != Action::Pass).then(|| action.kind());
    while let Action::Delay { ms, then } = action {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        action = then.map_or(Action::Pass, |then| *then);
    }
    let (reply, changed) = match action {
        Action::Pass | Action::Delay { .. } => {
            let applied = shared.apply(&call, seed, self::now_ms());
            (Reply::Answer(applied.answer), applied.changed)
        }
        Action::Refuse(canned) => (Reply::Answer(canned_answer(canned)), false),
        Action::DropBeforeApply => (Reply::Nothing, false),
        Action::ApplyThenDrop { at } => {
            let applied = shared.apply(&call, seed, self::now_ms());
            let reply = match at {
                CutAt::Start => Reply::Nothing,
                CutAt::Body => Reply::HalfOf(applied.answer),
            };
            (reply, applied.changed)
        }
        Action::ApplyThenAnswer(canned) => {
            let applied = shared.apply(&call, seed, self::now_ms());
            (Reply::Answer(canned_answer(canned)), applied.changed)
        }
        Action::ApplyThenDelay { ms } => {
            let applied = shared.apply(&call, seed, self::now_ms());
            tokio::time::sleep(Duration::from_millis(ms)).await;
            (Reply::Answer(applied.answer), applied.changed)
        }
        Action::LateCommit { after_ms, reply } => {
            let at_ms = self::now_ms();
            let own = shared.preview(&call, seed, at_ms);
            commit_later(
                Arc::clone(&shared),
                call.clone(),
                sequence,
                seed,
                at_ms,
                after_ms,
            );
            let reply = match reply {
                LateReply::Own => Reply::Answer(own),
                LateReply::Drop => Reply::Nothing,
                LateReply::Answer(canned) => Reply::Answer(canned_answer(canned)),
            };
            (reply, false)
        }
    };
    let status = match &reply {
        Reply::Answer(answer) => JournalStatus::Answered(answer.status),
        Reply::HalfOf(_) | Reply::Nothing => JournalStatus::Dropped,
    };
    let mut entry = journal_entry(&call, sequence, now_ms);
    entry.status = status;
    entry.changed = changed;
    entry.fault = fault.map(str::to_owned);
    lock(&shared.journal).note(entry);
    reply
}

/// Plays the call with the seed and the time of its preview, so that it makes what was promised.
fn commit_later(
    shared: Arc<Shared>,
    call: Call,
    sequence: u64,
    seed: u64,
    at_ms: i64,
    after_ms: u64,
) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        let applied = shared.apply(&call, seed, at_ms);
        let mut entry = journal_entry(&call, sequence, now_ms());
        entry.status = JournalStatus::Answered(applied.answer.status);
        entry.changed = applied.changed;
        entry.fault = Some("committed".to_owned());
        lock(&shared.journal).note(entry);
    });
}

fn journal_entry(call: &Call, sequence: u64, time_ms: i64) -> JournalEntry {
    JournalEntry {
        sequence,
        time_ms,
        method: call.route.method.to_string(),
        route: call.route.template.to_owned(),
        path: mask::masked_query(&call.path_and_query),
        sandbox: call.header("x-sandbox-name").map(str::to_owned),
        status: JournalStatus::Dropped,
        changed: false,
        fault: None,
        body: mask::masked_body(&call.body),
    }
}

fn canned_answer(canned: CannedAnswer) -> Answer {
    let mut answer = match (canned.body, canned.text) {
        (Some(body), _) => Answer::json(canned.status, body),
        (None, Some(text)) => {
            Answer::text(canned.status, text).with_header("content-type", "text/html")
        }
        (None, None) => Answer::empty(canned.status),
    };
    for (name, value) in canned.headers {
        answer = answer.with_header(&name, value);
    }
    answer
}

fn response(answer: Answer) -> Response {
    let body = answer.body.clone().map_or_else(Body::empty, Body::from);
    head(&answer, body)
}

/// The headers of the whole answer, half its body, then an error, at which hyper closes the
/// connection. In between a pause: what hyper has not yet written when the error comes is lost.
fn broken_response(answer: Answer) -> Response {
    let whole = answer.body.clone().unwrap_or_default().into_bytes();
    let half = Bytes::copy_from_slice(&whole[..whole.len() / 2]);
    let break_off = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut by the fault dial"))
    };
    let parts = stream::once(async { Ok(half) }).chain(stream::once(break_off));
    let mut response = head(&answer, Body::from_stream(parts));
    let length = HeaderValue::from(whole.len().max(1));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length);
    response
}

fn head(answer: &Answer, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if answer.body.is_some() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    for (name, value) in &answer.headers {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
            }
            _ => tracing::warn!(%name, "not a header, left out"),
        }
    }
    response
}

/// The wall clock, in ms.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Locks; a panic elsewhere leaves data that is still good to look at.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

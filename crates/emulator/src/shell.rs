//! The way of an HTTP request to an operation and back. The dial acts here: everything that waits
//! or breaks is in this module.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures::StreamExt as _;

use crate::answer::Answer;
use crate::call::Call;
use crate::canned;
use crate::dial::{Action, CutAt, LateReply, ResetAt};
use crate::ids::Ids;
use crate::journal::{JournalEntry, JournalStatus};
use crate::mask;
use crate::odd;
use crate::route::Route;
use crate::scene::Operation;
use crate::shared::{Shared, Staging, lock, now_ms};
use crate::wire::{self, Cut, Delivery, Ending, Reply};

/// The largest body that is accepted. Adobe names no limit; schemas of thousands of columns fit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Responds to a request of this route.
pub(crate) async fn respond(
    shared: Arc<Shared>,
    route: &'static Route,
    operation: Operation,
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
        sequence: lock(&shared.journal).next_number(),
        time_ms: now_ms(),
        // The dial decides before the body is read, because some faults don't read it.
        action: lock(&shared.dial).judge(route.method.as_str(), route.template),
    };
    if arrival.action.is_before_body() {
        let call = Call::new(route, params, path_and_query, parts.headers, Bytes::new());
        let ending = end_unread(&shared, &call, arrival, body).await;
        return cut.end(ending).await;
    }
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(_) => return wire::response(&Answer::empty(413), Delivery::Whole),
    };
    let call = Call::new(route, params, path_and_query, parts.headers, body);
    // The call runs in a task of its own: like a real service, it continues when the caller has
    // disconnected.
    let served = tokio::spawn(serve(shared, call, operation, arrival)).await;
    match served {
        Ok(Reply::Answer(answer, delivery)) => wire::response(&answer, delivery),
        Ok(Reply::Nothing(ending)) => cut.end(ending).await,
        Err(error) => {
            tracing::error!(%error, "an operation panicked");
            wire::response(&Answer::empty(500), Delivery::Whole)
        }
    }
}

/// A request whose head has been read, and the action that the dial chose for it.
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

    /// Waits as long as the action says, and returns the action that follows.
    async fn wait(&self) -> Action {
        let mut action = self.action.clone();
        while let Action::Delay { ms, then } = action {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            action = then.map_or(Action::Pass, |then| *then);
        }
        action
    }
}

/// Applies a fault that happens before or while the body is read.
async fn end_unread(shared: &Shared, call: &Call, arrival: Arrival, body: Body) -> Ending {
    let action = arrival.wait().await;
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
    lock(&shared.journal).record(entry);
    match action {
        Action::Reset { .. } => Ending::Reset,
        _ => Ending::Close,
    }
}

/// Reads half of a body whose length is known, otherwise its first piece.
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

/// Serves a call that has arrived completely, as its action says.
async fn serve(shared: Arc<Shared>, call: Call, operation: Operation, arrival: Arrival) -> Reply {
    let seed = Ids::fresh_seed();
    let action = arrival.wait().await;
    let apply = || {
        let staging = shared.staging(operation, &action, seed, now_ms());
        shared.apply(&call, &staging)
    };
    let apply_and_send = |delivery| {
        let applied = apply();
        let answer = odd::changed(applied.answer, &action, &call);
        (Reply::Answer(answer, delivery), applied.changed)
    };
    let (reply, changed) = match &action {
        Action::Refuse(canned) => {
            let answer = canned::answer(canned, &call, now_ms());
            (Reply::whole(answer), false)
        }
        Action::DropBeforeApply | Action::DropBeforeRead => (Reply::Nothing(Ending::Close), false),
        Action::Reset { applied, .. } => {
            let changed = *applied && apply().changed;
            (Reply::Nothing(Ending::Reset), changed)
        }
        Action::ApplyThenDrop { at: CutAt::Start } => {
            (Reply::Nothing(Ending::Close), apply().changed)
        }
        Action::ApplyThenDrop { at: CutAt::Body } => apply_and_send(Delivery::Truncated(None)),
        Action::ApplyThenAnswer(canned) => {
            let changed = apply().changed;
            let answer = canned::answer(canned, &call, now_ms());
            (Reply::whole(answer), changed)
        }
        Action::ApplyThenDelay { ms } => {
            let sent = apply_and_send(Delivery::Whole);
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            sent
        }
        Action::LateCommit { after_ms, reply } => {
            let mut staging = shared.staging(operation, &action, seed, now_ms());
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
        Action::Truncate { bytes } => apply_and_send(Delivery::Truncated(*bytes)),
        Action::Trickle { bytes, every_ms } => apply_and_send(Delivery::Trickled {
            bytes: *bytes,
            pause: Duration::from_millis(*every_ms),
        }),
        Action::Pad { bytes } => apply_and_send(Delivery::Padded(*bytes)),
        Action::Pass
        | Action::Delay { .. }
        | Action::ListLag { .. }
        | Action::ListIgnoresFilter
        | Action::ListRefusesFilter { .. }
        | Action::ListNextIsSelf
        | Action::ListRepeatsEntry
        | Action::ListSkipsEntry
        | Action::ListOddEntries
        | Action::CreatedAs { .. }
        | Action::MoveEtag { .. } => apply_and_send(Delivery::Whole),
    };
    let mut entry = journal_entry(&call, arrival.sequence, arrival.time_ms);
    entry.status = match &reply {
        Reply::Answer(_, Delivery::Truncated(_)) | Reply::Nothing(_) => JournalStatus::Dropped,
        Reply::Answer(answer, _) => JournalStatus::Answered(answer.status),
    };
    entry.changed = changed;
    entry.fault = arrival.fault();
    lock(&shared.journal).record(entry);
    reply
}

/// Runs the call later with the seed of its preview, so that it creates what the caller was
/// promised.
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
        lock(&shared.journal).record(entry);
    });
}

/// A pending late commit. It counts until it is dropped, even by a panic.
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

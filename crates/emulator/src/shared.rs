//! What all requests share: the state, the dial and the journal. It also runs operations on the
//! state.
//!
//! An operation is a plain function of the state. It runs under one lock, completely or not at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::backdrop::Backdrop;
use crate::call::Call;
use crate::config::Config;
use crate::dial::{Action, Dial};
use crate::gateway;
use crate::ids::Ids;
use crate::journal::Journal;
use crate::list_faults::ListFaults;
use crate::mask;
use crate::persist;
use crate::rival;
use crate::route::Service;
use crate::scene::{Caller, Operation, Scene};
use crate::services::flow::runs;
use crate::store::Store;

/// How long a rule that is added later can make lists show a deleted resource.
const KEEP_DELETED_MS: i64 = 60_000;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) backdrop: Backdrop,
    // Plain mutexes are enough: none is held across an await, and an operation takes microseconds.
    pub(crate) store: Mutex<Store>,
    pub(crate) dial: Mutex<Dial>,
    pub(crate) journal: Mutex<Journal>,
    /// Late commits that are still pending.
    pub(crate) pending_commits: AtomicUsize,
}

impl Shared {
    /// The initial state of everything.
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

    /// All resources as callers see them, with runs advanced to now, and the number of pending late
    /// commits.
    pub(crate) fn snapshot(&self) -> Value {
        let mut store = lock(&self.store);
        runs::advance(&self.config, &self.backdrop, &mut store, now_ms());
        let names = self.config.sandboxes.iter();
        let sandboxes = store.snapshot(names.map(|sandbox| sandbox.name.as_str()));
        // Read under the lock that a commit needs: a commit that is no longer pending is in the
        // resources.
        let pending = self.pending_commits.load(Ordering::SeqCst);
        json!({"sandboxes": sandboxes, "pendingCommits": pending})
    }

    /// Changes the state without a call, and saves it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Store)) {
        let mut store = lock(&self.store);
        change(&mut store);
        self.save(&store);
    }

    /// Runs a call on the real state.
    pub(crate) fn apply(&self, call: &Call, staging: &Staging) -> Applied {
        let mut store = lock(&self.store);
        let before = store.revision();
        runs::advance(
            &self.config,
            &self.backdrop,
            &mut store,
            staging.now_ms.max(now_ms()),
        );
        let applied = self.perform(&mut store, call, staging);
        let is_saved = store.revision() == before || self.save(&store);
        Applied {
            answer: if is_saved {
                applied.answer
            } else {
                Answer::empty(500)
            },
            changed: applied.changed,
        }
    }

    /// Runs a call on a copy of the state.
    pub(crate) fn preview(&self, call: &Call, staging: &Staging) -> Answer {
        let mut copy = lock(&self.store).clone();
        self.perform(&mut copy, call, staging).answer
    }

    fn perform(&self, store: &mut Store, call: &Call, staging: &Staging) -> Applied {
        let mut ids = staging.ids();
        let admitted = match call.route.service {
            Service::Ims => Ok(anonymous()),
            _ => gateway::admit(&self.config, store, call, staging.arrived_ms),
        };
        let is_read = call.route.method == Method::GET;
        if let (Some(_), false, Ok(caller)) = (staging.rival, is_read, &admitted) {
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
            (staging.operation)(&mut scene)
        });
        let changed = store.revision() != before && call.route.service != Service::Ims;
        if let (Some(_), true, Some(sandbox)) = (staging.rival, is_read, &sandbox) {
            rival::write(store, sandbox, call, staging.now_ms);
        }
        let mut answer = outcome.unwrap_or_else(|problem| {
            tracing::debug!(%problem, path = %mask::masked_query(&call.path_and_query), "refused");
            problem.answer(&mut ids, staging.now_ms)
        });
        if staging.rival == Some(rival::Shape::Bare) && answer.status == 412 {
            answer = rival::bare(answer);
        }
        // The request id comes from another stream. Otherwise it would repeat an id in the body.
        let answer = answer.with_header("x-request-id", Ids::seeded(!staging.seed).next_hex(32));
        Applied { answer, changed }
    }

    /// How a call runs that arrived at this time and takes effect now.
    pub(crate) fn staging(
        &self,
        operation: Operation,
        action: &Action,
        seed: u64,
        arrived_ms: i64,
    ) -> Staging {
        let longest_ms = lock(&self.dial).longest_lag_ms();
        let configured_ms = self.config.lists.lag.as_millis();
        Staging {
            operation,
            seed,
            arrived_ms,
            now_ms: now_ms(),
            promised_ms: None,
            lists: ListFaults::of(&self.config.lists, action),
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

    /// Writes the state file, if there is one. Returns false if that failed.
    fn save(&self, store: &Store) -> bool {
        let Some(path) = &self.config.state_file else {
            return true;
        };
        match persist::save(path, store) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "the state can't be saved");
                false
            }
        }
    }
}

/// The result of a call.
pub(crate) struct Applied {
    /// Its response.
    pub(crate) answer: Answer,
    /// Whether it changed a resource.
    pub(crate) changed: bool,
}

/// How a call runs.
pub(crate) struct Staging {
    /// The operation that serves it.
    operation: Operation,
    /// The seed of its ids.
    seed: u64,
    /// When it arrived. Its content is checked against this time.
    arrived_ms: i64,
    /// When it takes effect. This time is stored.
    pub(crate) now_ms: i64,
    /// The time in its etags, if the caller gets them before the call takes effect.
    pub(crate) promised_ms: Option<i64>,
    lists: ListFaults,
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

/// No caller: a request for a token has no identity yet.
fn anonymous() -> Caller {
    Caller {
        client_id: String::new(),
        sandbox: String::new(),
        sandboxes: None,
    }
}

/// The wall clock, in ms.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Locks a mutex. After a panic elsewhere, the data is still good to read.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

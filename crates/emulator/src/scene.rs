//! The scene of an operation: everything that it works with.

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::backdrop::Backdrop;
use crate::call::Call;
use crate::config::Config;
use crate::ids::{self, Ids};
use crate::list_faults::ListFaults;
use crate::problem::Problem;
use crate::store::{Entity, Kind, NewEntity, Store};

/// Serves a call. It runs completely or not at all, under the lock of the state.
pub(crate) type Operation = fn(&mut Scene<'_>) -> Result<Answer, Problem>;

/// The caller, as the gateway identified it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    /// The sandbox of the call; empty for calls that have none.
    pub(crate) sandbox: String,
    /// The sandboxes it may use, `None` for all.
    pub(crate) sandboxes: Option<Vec<String>>,
}

impl Caller {
    /// The technical account that resources name as their creator.
    pub(crate) fn account(&self) -> String {
        format!("{}@techacct.adobe.com", self.client_id)
    }

    /// Whether it may use this sandbox.
    pub(crate) fn may_use(&self, sandbox: &str) -> bool {
        self.sandboxes
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == sandbox))
    }
}

/// Everything that an operation works with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) config: &'a Config,
    pub(crate) backdrop: &'a Backdrop,
    pub(crate) store: &'a mut Store,
    pub(crate) call: &'a Call,
    pub(crate) caller: Caller,
    pub(crate) ids: Ids,
    /// When the call arrived. Its content is checked against this time.
    pub(crate) arrived_ms: i64,
    /// When it takes effect. This time is stored. For a late commit it is later than the arrival.
    pub(crate) now_ms: i64,
    /// What the dial does to lists.
    pub(crate) lists: ListFaults,
    /// How long a deleted resource is kept for lists that lag.
    pub(crate) keep_deleted_ms: i64,
}

impl Scene<'_> {
    /// The resource of this id.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Entity> {
        self.store.get(&self.caller.sandbox, kind, id)
    }

    /// The resource of this id, to change it.
    pub(crate) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Entity> {
        self.store.get_mut(&self.caller.sandbox, kind, id)
    }

    /// The resources of a kind that exist, in the order of creation.
    pub(crate) fn existing(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        self.store.existing(&self.caller.sandbox, kind)
    }

    /// Adds a resource.
    pub(crate) fn insert(
        &mut self,
        kind: Kind,
        id: String,
        body: Value,
        hidden: Map<String, Value>,
    ) {
        let new = NewEntity {
            id,
            body,
            hidden,
            now_ms: self.now_ms,
        };
        self.store.insert(&self.caller.sandbox, kind, new);
    }

    /// Deletes a resource. Lists that lag behind may still show it.
    pub(crate) fn remove(&mut self, kind: Kind, id: &str) {
        let (sandbox, keep_ms) = (&self.caller.sandbox, self.keep_deleted_ms);
        self.store.remove(sandbox, kind, id, self.now_ms, keep_ms);
    }

    /// The resources of a kind that a list shows, in the order of creation.
    pub(crate) fn listed(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        let kept = self.store.kept(&self.caller.sandbox, kind);
        let (lag, now_ms) = (self.lists.lag, self.now_ms);
        kept.iter().filter(move |entity| lag.shows(entity, now_ms))
    }

    /// A stable id of the caller's sandbox.
    pub(crate) fn sandbox_id(&self) -> String {
        sandbox_id(&self.caller.sandbox)
    }
}

/// A stable id for a sandbox, derived from its name.
pub(crate) fn sandbox_id(name: &str) -> String {
    let seed = name
        .bytes()
        .fold(0_u64, |seed, byte| ids::mix(seed ^ u64::from(byte)));
    Ids::seeded(seed).next_uuid()
}

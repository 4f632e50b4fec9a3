//! How often refusals may come in a row before they count.
//!
//! A token may die twice within one call while the token service is in trouble, and a proxy's
//! login page may stand in for Adobe for a minute. The first such refusals are reported as
//! unavailable, and the caller tries again later; then they are reported as what they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::kind::EntityKind;

/// So many refusals in a row may pass. Raised: wrong credentials are noticed later. Lowered: a
/// short trouble of the token service ends ingestions.
const MAY_PASS: u32 = 3;

/// Refusals of many tasks within this time count once: together they say no more than one.
const ROUND: Duration = Duration::from_secs(1);

/// After so long without a refusal the count begins again.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The refusals in a row, for each kind of entity: a service that refuses must not look better
/// because another one does not.
pub(crate) struct Patience {
    clock: Arc<dyn Clock>,
    streaks: Mutex<HashMap<EntityKind, Streak>>,
}

struct Streak {
    count: u32,
    counted_at: Instant,
}

impl Patience {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            streaks: Mutex::default(),
        }
    }

    /// Counts a refusal; whether it may pass.
    pub(crate) fn refused(&self, kind: EntityKind) -> bool {
        let now = self.clock.now();
        let mut streaks = self.streaks.lock().unwrap_or_else(PoisonError::into_inner);
        let streak = streaks.entry(kind).or_insert(Streak {
            count: 0,
            counted_at: now,
        });
        let since = now.duration_since(streak.counted_at);
        if since >= FORGOTTEN {
            streak.count = 0;
        }
        if streak.count == 0 || since >= ROUND {
            streak.count += 1;
            streak.counted_at = now;
        }
        streak.count <= MAY_PASS
    }

    /// A success ends the row.
    pub(crate) fn succeeded(&self, kind: EntityKind) {
        let mut streaks = self.streaks.lock().unwrap_or_else(PoisonError::into_inner);
        streaks.remove(&kind);
    }
}

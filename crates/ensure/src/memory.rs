//! What one attempt leaves for the next.
//!
//! It is in the heartbeat's details, which travel with the report of a failure: it is
//! there if and only if the failure is recorded. A worker that was killed left none for
//! its attempt, and the number in it tells an old one from its predecessor's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ResourceKind, state::Past};

/// The state of the protocol between two attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The attempt that left it; 0 while one is under way.
    attempt: u32,
    /// Kind of the resource that it speaks of; empty: of any.
    kind: String,
    /// Milliseconds of the Unix epoch since when a create may have taken effect, or when its
    /// response came; absent if none was sent.
    since_ms: Option<i64>,
    /// Looks since then that did not find it.
    looks: u32,
    /// Id in the response to the create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    /// Whether it was refused then, for a name that something has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    taken: bool,
}

impl Memory {
    /// That of an attempt which is still under way: it may create something at any moment,
    /// so its successor must not take it for an attempt that came to its end.
    pub fn in_flight() -> Self {
        Self::of(0, None, &Past::Clean)
    }

    /// That of attempt number `attempt` at a resource of `kind`.
    pub fn of(attempt: u32, kind: Option<ResourceKind>, past: &Past) -> Self {
        let (since, looks, made) = match past {
            Past::Clean => (None, 0, None),
            Past::Open { since, looks } => (Some(since), *looks, None),
            Past::Taken { since } => (Some(since), 0, None),
            Past::Made { id, at } => (Some(at), 0, Some(id.clone())),
        };
        Self {
            attempt,
            kind: kind.map_or("", ResourceKind::as_str).to_owned(),
            since_ms: since.map(|since| since.as_millisecond()),
            looks,
            made,
            taken: matches!(past, Past::Taken { .. }),
        }
    }

    /// That of attempt number `attempt`, which created nothing and so changed nothing about
    /// what was known before it.
    pub fn carried(earlier: Option<Self>, attempt: u32, now: Timestamp) -> Self {
        match earlier {
            None if attempt <= 1 => Self::of(attempt, None, &Past::Clean),
            Some(memory) if memory.is_of_predecessor(attempt) => Self { attempt, ..memory },
            Some(_) | None => Self::of(attempt, None, &open(now)),
        }
    }

    /// What attempt number `attempt` knows of its predecessors' creates of `kind`.
    pub fn past(earlier: Option<&Self>, attempt: u32, kind: ResourceKind, now: Timestamp) -> Past {
        let memory = match earlier {
            None if attempt <= 1 => return Past::Clean,
            Some(memory) if memory.is_of_predecessor(attempt) => memory,
            Some(_) | None => return open(now),
        };
        let Some(since) = memory.since_ms else {
            return Past::Clean;
        };
        if memory.kind != kind.as_str() && !memory.kind.is_empty() {
            // The attempt got stuck at another kind: of this one it sent nothing that is
            // still open, for an activity creates one after the other.
            return Past::Clean;
        }
        let since = Timestamp::from_millisecond(since).unwrap_or(now);
        match &memory.made {
            Some(id) => Past::Made {
                id: id.clone(),
                at: since,
            },
            None if memory.taken => Past::Taken { since },
            None => Past::Open {
                since,
                looks: memory.looks,
            },
        }
    }

    /// Whether the attempt right before number `attempt` left it, at its end. Where number 1
    /// finds one, somebody has reset the activity: the count began anew, the creates did not.
    fn is_of_predecessor(&self, attempt: u32) -> bool {
        self.attempt > 0 && self.attempt.checked_add(1) == Some(attempt)
    }
}

fn open(now: Timestamp) -> Past {
    Past::Open {
        since: now,
        looks: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: ResourceKind = ResourceKind::Flow;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn open_since(second: i64, looks: u32) -> Past {
        Past::Open {
            since: at(second),
            looks,
        }
    }

    #[test]
    fn the_first_attempt_has_no_past() {
        assert_eq!(Memory::past(None, 1, FLOW, at(9)), Past::Clean);
    }

    #[test]
    fn a_first_attempt_that_finds_a_memory_is_not_the_first() {
        let anything = open_since(9, 0);
        let clean = Memory::of(3, Some(FLOW), &Past::Clean);
        for left in [clean, Memory::in_flight()] {
            assert_eq!(Memory::past(Some(&left), 1, FLOW, at(9)), anything);
            let carried = Memory::carried(Some(left), 1, at(9));
            assert_eq!(Memory::past(Some(&carried), 2, FLOW, at(20)), anything);
        }
    }

    #[test]
    fn the_predecessor_is_believed() {
        let made = Past::Made {
            id: "7".to_owned(),
            at: at(5),
        };
        let taken = Past::Taken { since: at(5) };
        for past in [Past::Clean, open_since(5, 2), taken, made] {
            let memory = Memory::of(1, Some(FLOW), &past);
            let written = serde_json::to_string(&memory).unwrap();
            let memory: Memory = serde_json::from_str(&written).unwrap();
            assert_eq!(Memory::past(Some(&memory), 2, FLOW, at(9)), past);
        }
    }

    #[test]
    fn one_that_left_nothing_may_have_created() {
        let anything = open_since(9, 0);
        assert_eq!(Memory::past(None, 2, FLOW, at(9)), anything);
        // Attempt 2 was killed: what attempt 1 left says nothing about it.
        let clean = Memory::of(1, Some(FLOW), &Past::Clean);
        assert_eq!(Memory::past(Some(&clean), 3, FLOW, at(9)), anything);
        for attempt in 2..4 {
            let past = Memory::past(Some(&Memory::in_flight()), attempt, FLOW, at(9));
            assert_eq!(past, anything, "attempt {attempt}");
        }
    }

    #[test]
    fn an_attempt_that_created_nothing_changes_nothing() {
        let memory = Memory::of(1, Some(FLOW), &open_since(5, 2));
        let carried = Memory::carried(Some(memory), 2, at(9));
        assert_eq!(
            Memory::past(Some(&carried), 3, FLOW, at(20)),
            open_since(5, 2)
        );

        let first = Memory::carried(None, 1, at(9));
        assert_eq!(Memory::past(Some(&first), 2, FLOW, at(20)), Past::Clean);

        // Attempt 2 follows one that was killed: open since then, for any kind.
        let after_kill = Memory::carried(None, 2, at(9));
        assert_eq!(
            Memory::past(Some(&after_kill), 3, ResourceKind::Schema, at(20)),
            open_since(9, 0)
        );
    }

    #[test]
    fn a_schema_is_not_held_up_by_its_field_group() {
        let open = Memory::of(1, Some(ResourceKind::FieldGroup), &open_since(5, 1));
        assert_eq!(
            Memory::past(Some(&open), 2, ResourceKind::Schema, at(9)),
            Past::Clean
        );
    }
}

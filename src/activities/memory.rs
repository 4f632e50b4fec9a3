//! What one attempt leaves for the next.
//!
//! It stands in the heartbeat's details, which travel with the report of a failure: it is
//! there if and only if the failure is recorded. A worker that was killed left none for
//! its attempt, and the number in it tells an old one from its predecessor's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ensure::Past;

/// The state of the ensure protocol between two attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The attempt that left it.
    attempt: u32,
    /// Kind of the resource that it speaks of; empty: of any.
    kind: String,
    /// Milliseconds of the Unix epoch since when a create may have taken effect; absent if
    /// none was sent.
    since_ms: Option<i64>,
    /// Looks since then that found nothing.
    looks: u32,
}

impl Memory {
    /// That of an attempt which is still under way: it may create something at any moment,
    /// so its successor must not take it for an attempt that came to its end.
    pub(super) fn in_flight() -> Self {
        Self {
            attempt: 0,
            kind: String::new(),
            since_ms: None,
            looks: 0,
        }
    }

    /// That of attempt number `attempt`, which created nothing and so changed nothing about
    /// what was known before it.
    pub(super) fn carried(earlier: Option<Self>, attempt: u32, now: Timestamp) -> Self {
        match earlier.filter(|memory| memory.attempt + 1 == attempt) {
            Some(memory) => Self { attempt, ..memory },
            None if attempt <= 1 => Self::of(attempt, "", Past::Clean),
            None => Self::of(
                attempt,
                "",
                Past::Ambiguous {
                    since: now,
                    looks: 0,
                },
            ),
        }
    }

    pub(super) fn of(attempt: u32, kind: &str, past: Past) -> Self {
        let (since_ms, looks) = match past {
            Past::Clean => (None, 0),
            Past::Ambiguous { since, looks } => (Some(since.as_millisecond()), looks),
        };
        Self {
            attempt,
            kind: kind.to_owned(),
            since_ms,
            looks,
        }
    }

    /// What attempt number `attempt` knows of its predecessors' creates of `kind`.
    pub(super) fn past(earlier: Option<&Self>, attempt: u32, kind: &str, now: Timestamp) -> Past {
        if attempt <= 1 {
            return Past::Clean;
        }
        let Some(memory) = earlier.filter(|memory| memory.attempt + 1 == attempt) else {
            return Past::Ambiguous {
                since: now,
                looks: 0,
            };
        };
        match memory.since_ms {
            None => Past::Clean,
            Some(since) if memory.kind == kind || memory.kind.is_empty() => Past::Ambiguous {
                since: Timestamp::from_millisecond(since).unwrap_or(now),
                looks: memory.looks,
            },
            // The attempt got stuck at another kind: of this one it sent nothing that is
            // still open, for an activity creates one after the other.
            Some(_) => Past::Clean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_attempt_has_no_past() {
        let stale = Memory::of(
            7,
            "flow",
            Past::Ambiguous {
                since: at(1),
                looks: 2,
            },
        );
        assert_eq!(Memory::past(None, 1, "flow", at(9)), Past::Clean);
        assert_eq!(Memory::past(Some(&stale), 1, "flow", at(9)), Past::Clean);
    }

    #[test]
    fn the_predecessor_is_believed() {
        let clean = Memory::of(1, "flow", Past::Clean);
        assert_eq!(Memory::past(Some(&clean), 2, "flow", at(9)), Past::Clean);
        let open = Past::Ambiguous {
            since: at(5),
            looks: 2,
        };
        assert_eq!(
            Memory::past(Some(&Memory::of(1, "flow", open)), 2, "flow", at(9)),
            open
        );
    }

    #[test]
    fn one_that_left_nothing_may_have_created() {
        let anything = Past::Ambiguous {
            since: at(9),
            looks: 0,
        };
        assert_eq!(Memory::past(None, 2, "flow", at(9)), anything);
        // Attempt 2 was killed: what attempt 1 left says nothing about it.
        let clean = Memory::of(1, "flow", Past::Clean);
        assert_eq!(Memory::past(Some(&clean), 3, "flow", at(9)), anything);
        for attempt in 2..4 {
            let past = Memory::past(Some(&Memory::in_flight()), attempt, "flow", at(9));
            assert_eq!(past, anything, "attempt {attempt}");
        }
    }

    #[test]
    fn an_attempt_that_created_nothing_changes_nothing() {
        let open = Past::Ambiguous {
            since: at(5),
            looks: 2,
        };
        let carried = Memory::carried(Some(Memory::of(1, "flow", open)), 2, at(9));
        assert_eq!(Memory::past(Some(&carried), 3, "flow", at(20)), open);

        let first = Memory::carried(None, 1, at(9));
        assert_eq!(Memory::past(Some(&first), 2, "flow", at(20)), Past::Clean);

        // Attempt 2 follows one that was killed: open since then, for any kind.
        let after_kill = Memory::carried(None, 2, at(9));
        let since_kill = Past::Ambiguous {
            since: at(9),
            looks: 0,
        };
        assert_eq!(
            Memory::past(Some(&after_kill), 3, "schema", at(20)),
            since_kill
        );
    }

    #[test]
    fn a_schema_is_not_held_up_by_its_field_group() {
        let open = Memory::of(
            1,
            "field group",
            Past::Ambiguous {
                since: at(5),
                looks: 1,
            },
        );
        assert_eq!(Memory::past(Some(&open), 2, "schema", at(9)), Past::Clean);
    }
}

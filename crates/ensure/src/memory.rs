//! What one attempt leaves for the next.
//!
//! It is in the heartbeat's details, which travel with the report of a failure: it is
//! there if and only if the failure is recorded. A worker that was killed left none for
//! its attempt, and the number in it tells an old one from its predecessor's.

use aep_flow_proto::v1::Outcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EnsureError, Ensured, ResourceKind, state::Past};

/// What an attempt knows of the creates that its call has sent so far, by kind of resource: an
/// activity may create several, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasts {
    /// The past of each kind that `kinds` lacks.
    others: Past,
    /// The kind that was set last comes last.
    kinds: Vec<(ResourceKind, Past)>,
}

impl Pasts {
    /// Nothing was sent.
    pub fn clean() -> Self {
        Self {
            others: Past::Clean,
            kinds: Vec::new(),
        }
    }

    /// A create of any kind may have been sent, at the latest at `since`.
    pub fn open_since(since: Timestamp) -> Self {
        Self {
            others: open(since),
            kinds: Vec::new(),
        }
    }

    /// What attempt number `attempt` begins with at `now`, given what it found of an `earlier`
    /// one. `is_first` says that the server has begun no attempt of the activity before: the
    /// number alone does not, since a person may reset it to 1.
    pub fn of(earlier: Option<&Memory>, attempt: u32, is_first: bool, now: Timestamp) -> Self {
        match earlier {
            None if is_first && attempt <= 1 => Self::clean(),
            Some(memory) if memory.is_of_predecessor(attempt) => memory.pasts(now),
            Some(_) | None => Self::open_since(now),
        }
    }

    /// What is known of the creates of `kind`.
    pub fn of_kind(&self, kind: ResourceKind) -> Past {
        let known = self.kinds.iter().find(|(each, _)| *each == kind);
        known.map_or_else(|| self.others.clone(), |(_, past)| past.clone())
    }

    /// Records what is known of the creates of `kind` from now on.
    pub fn set(&mut self, kind: ResourceKind, past: Past) {
        self.kinds.retain(|(each, _)| *each != kind);
        self.kinds.push((kind, past));
    }

    /// Records how the protocol for a resource of `kind` ended at `now`.
    pub fn record<F>(
        &mut self,
        kind: ResourceKind,
        ended: &Result<Ensured, EnsureError<F>>,
        now: Timestamp,
    ) {
        let past = match ended {
            Ok(ensured) if ensured.outcome == Outcome::Created => Past::Made {
                id: ensured.id.clone(),
                at: now,
            },
            Err(EnsureError::Failed { past, .. } | EnsureError::NotYet { past, .. }) => {
                past.clone()
            }
            // These are results: whatever had been open is settled.
            Ok(_)
            | Err(
                EnsureError::Conflict { .. }
                | EnsureError::Mismatch { .. }
                | EnsureError::Absent { .. }
                | EnsureError::Undecided { .. },
            ) => Past::Clean,
        };
        self.set(kind, past);
    }

    /// Whether a create of any kind may have taken effect, or may yet, without a response.
    pub fn is_open(&self) -> bool {
        let mut all = self
            .kinds
            .iter()
            .map(|(_, past)| past)
            .chain([&self.others]);
        all.any(Past::is_open)
    }
}

/// What an attempt leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The attempt that left it; 0 while one is under way.
    attempt: u32,
    /// The kind that the attempt ended at. Workers before 0.2 know no other.
    #[serde(flatten)]
    last: Left,
    /// What is known of other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Left>,
}

/// What is known of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    /// Kind of the resource that it speaks of; empty: of any that has no entry of its own.
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
        Self::left_by(0, &Pasts::clean())
    }

    /// That of attempt number `attempt`, which ends.
    pub fn left_by(attempt: u32, pasts: &Pasts) -> Self {
        let any = Left::of("", &pasts.others);
        let mut kinds: Vec<Left> = pasts
            .kinds
            .iter()
            .map(|(kind, past)| Left::of(kind.as_str(), past))
            .collect();
        match kinds.pop() {
            None => Self {
                attempt,
                last: any,
                others: kinds,
            },
            Some(last) => {
                kinds.extend((pasts.others != Past::Clean).then_some(any));
                Self {
                    attempt,
                    last,
                    others: kinds,
                }
            }
        }
    }

    fn pasts(&self, now: Timestamp) -> Pasts {
        let mut pasts = Pasts::clean();
        for left in self.others.iter().chain([&self.last]) {
            let past = left.past(now);
            match ResourceKind::of_word(&left.kind) {
                Some(kind) => pasts.set(kind, past),
                // Of any kind, or of one that a newer worker knows: it counts for all.
                None if past != Past::Clean => pasts.others = past,
                None => {}
            }
        }
        pasts
    }

    /// Whether the attempt right before number `attempt` left it, at its end. Where number 1
    /// finds one, somebody has reset the activity: the count began anew, the creates did not.
    fn is_of_predecessor(&self, attempt: u32) -> bool {
        self.attempt > 0 && self.attempt.checked_add(1) == Some(attempt)
    }
}

impl Left {
    fn of(kind: &str, past: &Past) -> Self {
        let (since, looks, made) = match past {
            Past::Clean => (None, 0, None),
            Past::Open { since, looks } => (Some(since), *looks, None),
            Past::Taken { since } => (Some(since), 0, None),
            Past::Made { id, at } => (Some(at), 0, Some(id.clone())),
        };
        Self {
            kind: kind.to_owned(),
            since_ms: since.map(|since| since.as_millisecond()),
            looks,
            made,
            taken: matches!(past, Past::Taken { .. }),
        }
    }

    fn past(&self, now: Timestamp) -> Past {
        let Some(since) = self.since_ms else {
            return Past::Clean;
        };
        let since = Timestamp::from_millisecond(since).unwrap_or(now);
        match &self.made {
            Some(id) => Past::Made {
                id: id.clone(),
                at: since,
            },
            None if self.taken => Past::Taken { since },
            None => Past::Open {
                since,
                looks: self.looks,
            },
        }
    }
}

fn open(since: Timestamp) -> Past {
    Past::Open { since, looks: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: ResourceKind = ResourceKind::Flow;
    const GROUP: ResourceKind = ResourceKind::FieldGroup;
    const SCHEMA: ResourceKind = ResourceKind::Schema;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn open_since(second: i64, looks: u32) -> Past {
        Past::Open {
            since: at(second),
            looks,
        }
    }

    fn with(kind: ResourceKind, past: Past) -> Pasts {
        let mut pasts = Pasts::clean();
        pasts.set(kind, past);
        pasts
    }

    /// What attempt number `attempt` knows of `kind` at second 9.
    fn past(earlier: Option<&Memory>, attempt: u32, kind: ResourceKind) -> Past {
        Pasts::of(earlier, attempt, attempt <= 1, at(9)).of_kind(kind)
    }

    #[test]
    fn the_first_attempt_has_no_past() {
        assert_eq!(past(None, 1, FLOW), Past::Clean);
    }

    #[test]
    fn a_first_attempt_that_finds_a_memory_is_not_the_first() {
        let anything = open_since(9, 0);
        let clean = Memory::left_by(3, &with(FLOW, Past::Clean));
        for left in [clean, Memory::in_flight()] {
            let pasts = Pasts::of(Some(&left), 1, true, at(9));
            assert_eq!(pasts.of_kind(FLOW), anything);
            let carried = Memory::left_by(1, &pasts);
            assert_eq!(past(Some(&carried), 2, FLOW), anything);
        }
    }

    #[test]
    fn a_first_attempt_after_a_reset_is_not_the_first() {
        // The one before it was killed, and left nothing.
        let pasts = Pasts::of(None, 1, false, at(9));
        assert_eq!(pasts.of_kind(FLOW), open_since(9, 0));
    }

    #[test]
    fn the_predecessor_is_believed() {
        let made = Past::Made {
            id: "7".to_owned(),
            at: at(5),
        };
        let taken = Past::Taken { since: at(5) };
        for known in [Past::Clean, open_since(5, 2), taken, made] {
            let memory = Memory::left_by(1, &with(FLOW, known.clone()));
            let written = serde_json::to_string(&memory).unwrap();
            let memory: Memory = serde_json::from_str(&written).unwrap();
            assert_eq!(past(Some(&memory), 2, FLOW), known);
        }
    }

    #[test]
    fn one_that_left_nothing_may_have_created() {
        let anything = open_since(9, 0);
        assert_eq!(past(None, 2, FLOW), anything);
        // Attempt 2 was killed: what attempt 1 left says nothing about it.
        let clean = Memory::left_by(1, &with(FLOW, Past::Clean));
        assert_eq!(past(Some(&clean), 3, FLOW), anything);
        for attempt in 2..4 {
            let past = past(Some(&Memory::in_flight()), attempt, FLOW);
            assert_eq!(past, anything, "attempt {attempt}");
        }
    }

    #[test]
    fn an_attempt_that_created_nothing_changes_nothing() {
        let memory = Memory::left_by(1, &with(FLOW, open_since(5, 2)));
        let carried = Memory::left_by(2, &Pasts::of(Some(&memory), 2, false, at(9)));
        assert_eq!(past(Some(&carried), 3, FLOW), open_since(5, 2));

        let first = Memory::left_by(1, &Pasts::of(None, 1, true, at(9)));
        assert_eq!(past(Some(&first), 2, FLOW), Past::Clean);

        // Attempt 2 follows one that was killed: open since then, for any kind.
        let after_kill = Memory::left_by(2, &Pasts::of(None, 2, false, at(9)));
        assert_eq!(past(Some(&after_kill), 3, SCHEMA), open_since(9, 0));
    }

    #[test]
    fn each_kind_has_its_own_past() {
        let mut pasts = with(SCHEMA, open_since(5, 1));
        // A later attempt gets no further than the field group.
        pasts.set(GROUP, Past::Clean);
        let memory = Memory::left_by(2, &pasts);
        assert_eq!(past(Some(&memory), 3, SCHEMA), open_since(5, 1));
        assert_eq!(past(Some(&memory), 3, GROUP), Past::Clean);

        // The field group of an attempt after one that was killed exists; the rest stays open.
        let mut pasts = Pasts::open_since(at(5));
        pasts.set(GROUP, Past::Clean);
        assert!(pasts.is_open());
        let memory = Memory::left_by(2, &pasts);
        assert_eq!(past(Some(&memory), 3, GROUP), Past::Clean);
        assert_eq!(past(Some(&memory), 3, SCHEMA), open_since(5, 0));
    }

    #[test]
    fn a_schema_is_not_held_up_by_its_field_group() {
        let open = Memory::left_by(1, &with(GROUP, open_since(5, 1)));
        assert_eq!(past(Some(&open), 2, SCHEMA), Past::Clean);
    }

    #[test]
    fn what_is_created_is_known_and_what_is_settled_is_not_open() {
        let mut pasts = Pasts::open_since(at(5));
        let ensured = |outcome| -> Result<Ensured, EnsureError<()>> {
            Ok(Ensured {
                id: "7".to_owned(),
                etag: String::new(),
                outcome,
                differs: Vec::new(),
            })
        };
        pasts.record(GROUP, &ensured(Outcome::Created), at(9));
        let made = Past::Made {
            id: "7".to_owned(),
            at: at(9),
        };
        assert_eq!(pasts.of_kind(GROUP), made);
        pasts.record(SCHEMA, &ensured(Outcome::Adopted), at(9));
        assert_eq!(pasts.of_kind(SCHEMA), Past::Clean);
        // An identity may still come.
        assert!(pasts.is_open());
        pasts.set(ResourceKind::Identity, Past::Clean);
        assert!(pasts.is_open());
        assert!(!Pasts::clean().is_open());
        assert!(!with(SCHEMA, Past::Clean).is_open());
        assert!(with(SCHEMA, open_since(5, 1)).is_open());
    }

    #[test]
    fn a_kind_of_a_newer_worker_hides_nothing() {
        let left = |kind: &str, since: &str| {
            format!(r#"{{"kind":"{kind}","since_ms":{since},"looks":0}}"#)
        };
        let memory = format!(
            r#"{{"attempt":1,"kind":"destination","since_ms":null,"looks":0,"others":[{}]}}"#,
            left("", "5000")
        );
        let memory: Memory = serde_json::from_str(&memory).unwrap();
        assert_eq!(past(Some(&memory), 2, FLOW), open_since(5, 0));
        let newer = format!(
            r#"{{"attempt":1,"kind":"flow","since_ms":null,"looks":0,"others":[{}]}}"#,
            left("destination", "5000")
        );
        let memory: Memory = serde_json::from_str(&newer).unwrap();
        assert!(Pasts::of(Some(&memory), 2, false, at(9)).is_open());
        assert_eq!(past(Some(&memory), 2, FLOW), Past::Clean);
    }

    #[test]
    fn the_heartbeat_of_one_kind_stays_as_it_is() {
        let written = |pasts: &Pasts| serde_json::to_string(&Memory::left_by(2, pasts)).unwrap();
        assert_eq!(
            written(&Pasts::clean()),
            r#"{"attempt":2,"kind":"","since_ms":null,"looks":0}"#
        );
        assert_eq!(
            written(&with(FLOW, open_since(5, 2))),
            r#"{"attempt":2,"kind":"flow","since_ms":5000,"looks":2}"#
        );
        let mut both = with(SCHEMA, Past::Taken { since: at(5) });
        both.set(GROUP, Past::Clean);
        assert_eq!(
            written(&both),
            r#"{"attempt":2,"kind":"field group","since_ms":null,"looks":0,"others":[{"kind":"schema","since_ms":5000,"looks":0,"taken":true}]}"#
        );
    }
}

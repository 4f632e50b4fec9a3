//! The protocol as a pure function: what is known in, what to do next out.
//!
//! Knows no network and no clock; both come in as arguments, so that it can be tried
//! against every order of events without either.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use aep_flow_proto::v1::OnExisting;
use jiff::Timestamp;

use super::intent::{Intent, Marker};

/// How long to wait for a create whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A create that was not answered is taken to have made nothing only when looks over
    /// this time found nothing. Higher: safer against a late commit. Lower: sooner done.
    pub quiet_period: Duration,
    /// Fewest looks within it.
    pub looks: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            quiet_period: Duration::from_secs(120),
            looks: 3,
        }
    }
}

impl Rules {
    /// Pause before the next look, so that the last one falls behind the quiet period.
    fn pause(self) -> Duration {
        // A second more than its share, or rounding would make it one look more.
        self.quiet_period / self.looks.max(1) + Duration::from_secs(1)
    }
}

/// What is known of the attempts before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// There were none, or the last ended with nothing sent or with a refusal.
    Clean,
    /// A create may have been sent, at the latest at `since`; `looks` found nothing so far.
    Ambiguous {
        /// When the last create can have been sent.
        since: Timestamp,
        /// Looks since then that found nothing.
        looks: u32,
    },
}

/// A resource of the wanted name that stands on the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
    /// When it was made, milliseconds of the Unix epoch by Adobe's clock; 0 if unknown.
    pub created_at: i64,
    /// The marker in it, if it has one.
    pub marker: Option<Marker>,
}

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// About to look, or looking.
    Looking(Past),
    /// The create was sent, or is about to be.
    Creating(Past),
}

/// What an attempt has just seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// The look's answer: everything of the wanted name.
    Found(&'a [Standing]),
    /// The look failed: nothing was sent that could change anything.
    LookFailed,
    /// The create was answered with an id.
    Created,
    /// The create was refused, or nothing of it was sent.
    NotCreated,
    /// The create was refused since something has that name already.
    NameTaken,
    /// The create was sent, and no answer decides whether it took place.
    Unanswered,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Send the create, once.
    Create,
    /// Done: the resource just created is the answer.
    AnswerCreated,
    /// Done: `found[at]` is the answer.
    Adopt {
        /// Place in what was found.
        at: usize,
    },
    /// End the attempt with the failure at hand; the next one begins with this past.
    Fail(Past),
    /// End the attempt and have the server begin the next one after a pause.
    LookAgain {
        /// What the next attempt knows.
        past: Past,
        /// The pause; none to leave it to the caller's retry policy.
        after: Option<Duration>,
    },
    /// Something of that name stands there that is not ours, or is not wanted.
    Conflict {
        /// Place in what was found, where that is known.
        at: Option<usize>,
    },
    /// Ours stands there, made from another request.
    Mismatch {
        /// Place in what was found.
        at: usize,
        /// Fields that differ.
        fields: Vec<String>,
    },
}

/// The next move of an attempt for `intent` that is in `state` and has `seen` something.
pub fn step(
    intent: &Intent,
    on_existing: OnExisting,
    rules: Rules,
    now: Timestamp,
    state: State,
    seen: Seen<'_>,
) -> Do {
    match (state, seen) {
        (State::Looking(past), Seen::Found(found)) => {
            judge(intent, on_existing, rules, now, past, found)
        }
        (State::Looking(past), Seen::LookFailed) => Do::Fail(past),
        (State::Creating(_), Seen::Created) => Do::AnswerCreated,
        (State::Creating(_), Seen::NotCreated) => Do::Fail(Past::Clean),
        // Somebody was faster, or the list lags behind what we made ourselves. After a
        // whole quiet period of looking it is neither: the title belongs to something
        // that these credentials cannot see.
        (State::Creating(Past::Clean), Seen::NameTaken) => Do::LookAgain {
            past: Past::Ambiguous {
                since: now,
                looks: 0,
            },
            after: None,
        },
        (State::Creating(Past::Ambiguous { .. }), Seen::NameTaken) => Do::Conflict { at: None },
        (State::Creating(_), Seen::Unanswered) => Do::LookAgain {
            past: Past::Ambiguous {
                since: now,
                looks: 0,
            },
            after: None,
        },
        // The driver asks for one thing at a time, so these cannot come; were one to,
        // looking first is always safe.
        (State::Looking(past) | State::Creating(past), _) => Do::LookAgain { past, after: None },
    }
}

fn judge(
    intent: &Intent,
    on_existing: OnExisting,
    rules: Rules,
    now: Timestamp,
    past: Past,
    found: &[Standing],
) -> Do {
    let ours = first(found, |each| {
        each.marker
            .as_ref()
            .is_some_and(|marker| marker.has_key_of(intent.marker()))
    });
    if let Some(at) = ours {
        return judge_ours(intent, on_existing, past, found, at);
    }
    match (first(found, |_| true), on_existing) {
        (Some(at), OnExisting::AdoptAny) => Do::Adopt { at },
        (Some(at), OnExisting::Unspecified | OnExisting::AdoptOurs | OnExisting::Fail) => {
            Do::Conflict { at: Some(at) }
        }
        (None, _) => nothing_found(rules, now, past),
    }
}

fn judge_ours(
    intent: &Intent,
    on_existing: OnExisting,
    past: Past,
    found: &[Standing],
    at: usize,
) -> Do {
    // Among several of ours, one of the wanted fingerprint is what a retry looks for.
    let same = first(found, |each| {
        each.marker.as_ref().is_some_and(|marker| {
            marker.has_key_of(intent.marker()) && intent.marker().differences(marker).is_empty()
        })
    });
    match (same, on_existing) {
        // Without an ambiguous past it was there before this call.
        (_, OnExisting::Fail) if past == Past::Clean => Do::Conflict { at: Some(at) },
        (Some(at), _) => Do::Adopt { at },
        (None, OnExisting::AdoptAny) => Do::Adopt { at },
        (None, OnExisting::Unspecified | OnExisting::AdoptOurs | OnExisting::Fail) => {
            let marker = found[at].marker.as_ref();
            let fields = marker.map_or_else(Vec::new, |marker| intent.marker().differences(marker));
            Do::Mismatch { at, fields }
        }
    }
}

fn nothing_found(rules: Rules, now: Timestamp, past: Past) -> Do {
    let Past::Ambiguous { since, looks } = past else {
        return Do::Create;
    };
    let looks = looks + 1;
    let quiet = Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO);
    if quiet >= rules.quiet_period && looks >= rules.looks {
        return Do::Create;
    }
    Do::LookAgain {
        past: Past::Ambiguous { since, looks },
        after: Some(rules.pause()),
    }
}

/// The one that wins when several fit: the oldest, and of equal age the smallest id, so
/// that every caller comes to the same.
fn first(found: &[Standing], fits: impl Fn(&Standing) -> bool) -> Option<usize> {
    (0..found.len())
        .filter(|at| fits(&found[*at]))
        .min_by_key(|at| (found[*at].created_at, &found[*at].id))
}

#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test that sees anything else fails"
)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        quiet_period: Duration::from_secs(120),
        looks: 3,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn intent(host: &str) -> Intent {
        Intent::new("base connection", &["org", "prod"], "OSC").field("host", host)
    }

    fn standing(id: &str, created_at: i64, marker: Option<Marker>) -> Standing {
        Standing {
            id: id.to_owned(),
            etag: String::new(),
            created_at,
            marker,
        }
    }

    fn look(on_existing: OnExisting, past: Past, second: i64, found: &[Standing]) -> Do {
        let state = State::Looking(past);
        step(
            &intent("a"),
            on_existing,
            RULES,
            at(second),
            state,
            Seen::Found(found),
        )
    }

    fn ours(id: &str, created_at: i64) -> Standing {
        standing(id, created_at, Some(intent("a").marker().clone()))
    }

    fn ambiguous(since: i64, looks: u32) -> Past {
        Past::Ambiguous {
            since: at(since),
            looks,
        }
    }

    #[test]
    fn nothing_there_is_created() {
        assert_eq!(look(OnExisting::AdoptOurs, Past::Clean, 0, &[]), Do::Create);
        assert_eq!(look(OnExisting::Fail, Past::Clean, 0, &[]), Do::Create);
    }

    #[test]
    fn ours_is_adopted_and_the_oldest_wins() {
        let found = [
            ours("c", 5),
            standing("a", 1, None),
            ours("b", 5),
            ours("d", 9),
        ];
        assert_eq!(
            look(OnExisting::AdoptOurs, Past::Clean, 0, &found),
            Do::Adopt { at: 2 }
        );
        assert_eq!(
            look(OnExisting::AdoptAny, Past::Clean, 0, &found),
            Do::Adopt { at: 2 }
        );
        assert_eq!(
            look(OnExisting::AdoptOurs, ambiguous(0, 0), 1, &found),
            Do::Adopt { at: 2 }
        );
    }

    #[test]
    fn what_is_not_ours_is_left_alone_unless_asked() {
        let found = [standing("x", 1, None)];
        for refusing in [
            OnExisting::Unspecified,
            OnExisting::AdoptOurs,
            OnExisting::Fail,
        ] {
            assert_eq!(
                look(refusing, Past::Clean, 0, &found),
                Do::Conflict { at: Some(0) }
            );
        }
        assert_eq!(
            look(OnExisting::AdoptAny, Past::Clean, 0, &found),
            Do::Adopt { at: 0 }
        );
    }

    #[test]
    fn another_request_under_the_same_key_is_a_mismatch() {
        let found = [standing("x", 1, Some(intent("b").marker().clone()))];
        assert_eq!(
            look(OnExisting::AdoptOurs, Past::Clean, 0, &found),
            Do::Mismatch {
                at: 0,
                fields: vec!["host".to_owned()]
            }
        );
        assert_eq!(
            look(OnExisting::AdoptAny, Past::Clean, 0, &found),
            Do::Adopt { at: 0 }
        );
        let other_key = Intent::new("base connection", &["org", "dev"], "OSC");
        let found = [standing("x", 1, Some(other_key.marker().clone()))];
        assert_eq!(
            look(OnExisting::AdoptOurs, Past::Clean, 0, &found),
            Do::Conflict { at: Some(0) }
        );
    }

    #[test]
    fn fail_refuses_what_was_there_but_not_what_a_lost_answer_left() {
        assert_eq!(
            look(OnExisting::Fail, Past::Clean, 0, &[ours("a", 1)]),
            Do::Conflict { at: Some(0) }
        );
        assert_eq!(
            look(OnExisting::Fail, ambiguous(0, 0), 1, &[ours("a", 1)]),
            Do::Adopt { at: 0 }
        );
    }

    #[test]
    fn after_a_lost_answer_nothing_is_sent_within_the_quiet_period() {
        let mut past = ambiguous(0, 0);
        let mut now = 1;
        for expected in 1..=3 {
            match look(OnExisting::AdoptOurs, past, now, &[]) {
                Do::LookAgain {
                    past: Past::Ambiguous { since, looks },
                    after: Some(after),
                } => {
                    assert_eq!((since, looks), (at(0), expected));
                    past = Past::Ambiguous { since, looks };
                    now += i64::try_from(after.as_secs()).unwrap();
                }
                other => panic!("{other:?} at second {now}"),
            }
        }
        assert!(now >= 120, "{now}");
        assert_eq!(look(OnExisting::AdoptOurs, past, now, &[]), Do::Create);
    }

    #[test]
    fn time_alone_is_not_enough_without_looks() {
        assert!(matches!(
            look(OnExisting::AdoptOurs, ambiguous(0, 0), 500, &[]),
            Do::LookAgain { .. }
        ));
        // Nor looks without time, should this machine's clock have been set back.
        assert!(matches!(
            look(OnExisting::AdoptOurs, ambiguous(500, 9), 0, &[]),
            Do::LookAgain { .. }
        ));
    }

    #[test]
    fn each_end_of_a_create_says_what_the_next_attempt_knows() {
        let creating = |past, seen| {
            step(
                &intent("a"),
                OnExisting::AdoptOurs,
                RULES,
                at(7),
                State::Creating(past),
                seen,
            )
        };
        assert_eq!(creating(Past::Clean, Seen::Created), Do::AnswerCreated);
        assert_eq!(
            creating(ambiguous(0, 3), Seen::NotCreated),
            Do::Fail(Past::Clean)
        );
        let lost = Do::LookAgain {
            past: ambiguous(7, 0),
            after: None,
        };
        assert_eq!(creating(Past::Clean, Seen::Unanswered), lost);
        assert_eq!(creating(ambiguous(0, 3), Seen::Unanswered), lost);
        assert_eq!(creating(Past::Clean, Seen::NameTaken), lost);
        assert_eq!(
            creating(ambiguous(0, 3), Seen::NameTaken),
            Do::Conflict { at: None }
        );
    }

    #[test]
    fn a_failed_look_forgets_nothing() {
        let state = State::Looking(ambiguous(0, 2));
        let next = step(
            &intent("a"),
            OnExisting::AdoptOurs,
            RULES,
            at(9),
            state,
            Seen::LookFailed,
        );
        assert_eq!(next, Do::Fail(ambiguous(0, 2)));
    }
}

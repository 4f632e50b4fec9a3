#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test that sees anything else fails"
)]

use super::*;
use crate::ResourceKind::{self, BaseConnection, FieldGroup, Flow, Identity, MappingSet, Schema};

const RULES: Rules = Rules {
    quiet_period: Duration::from_secs(120),
    list_lag: Duration::from_secs(30),
    looks: 3,
    sole_caller: false,
};

const SOLE: Rules = Rules {
    sole_caller: true,
    ..RULES
};

const NO_LAG: Rules = Rules {
    list_lag: Duration::ZERO,
    ..RULES
};

/// A second after which no list lags behind anything that these tests make.
const LATER: i64 = 1000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn now(second: i64) -> Now {
    Now::new(at(second), at(second))
}

/// What this call wants of that kind.
fn want(kind: ResourceKind) -> Intent {
    let intent = Intent::new(kind, &["org", "prod"], "OSC").field("host", "a.example");
    // All callers must agree on one mapping set, so it does not say whose it is.
    match kind {
        MappingSet => intent,
        _ => intent.by(&["workflow", "1"]),
    }
}

fn call(intent: &Intent) -> Call<'_> {
    Call {
        intent,
        on_existing: OnExisting::AdoptOurs,
        rules: RULES,
        begun: None,
    }
}

fn existing(id: &str, second: i64, marker: Option<&Marker>) -> Existing {
    Existing {
        id: id.to_owned(),
        etag: format!("etag of {id}"),
        created_at: at(second).as_millisecond(),
        marker: marker.cloned(),
    }
}

/// Made by this very call.
fn own(call: &Call<'_>, id: &str, second: i64) -> Existing {
    existing(id, second, Some(call.intent.marker()))
}

/// Made for the same wish by another call.
fn ours(call: &Call<'_>, id: &str, second: i64) -> Existing {
    let theirs = match call.intent.kind() {
        MappingSet => want(MappingSet),
        kind => want(kind).by(&["workflow", "2"]),
    };
    existing(id, second, Some(theirs.marker()))
}

/// The same, of which nobody knows since when it exists.
fn ageless(existing: Existing) -> Existing {
    Existing {
        created_at: 0,
        ..existing
    }
}

/// Made by hand.
fn foreign(id: &str, second: i64) -> Existing {
    existing(id, second, None)
}

/// Made by another call under the same key, from another request.
fn differing(id: &str, second: i64) -> Existing {
    let theirs = Intent::new(BaseConnection, &["org", "prod"], "OSC").field("host", "b.example");
    existing(id, second, Some(theirs.by(&["workflow", "2"]).marker()))
}

fn open_since(second: i64, looks: u32) -> Past {
    Past::Open {
        since: at(second),
        looks,
    }
}

fn made_as(id: &str) -> Past {
    Past::Made {
        id: id.to_owned(),
        at: at(0),
    }
}

/// One look, and what is next.
fn look(call: &Call<'_>, past: Past, second: i64, found: &[Existing]) -> (State, Do) {
    let (state, next) = begin(past);
    assert_eq!(next, Do::Look);
    step(call, now(second), state, Seen::Found(found.to_vec()))
}

/// An attempt from its look to its end or its create, on a platform where what is found
/// exists until it is deleted; gives the ids that were deleted as well.
fn attempt(
    call: &Call<'_>,
    past: Past,
    second: i64,
    found: &[Existing],
    in_use: &[&str],
) -> (Vec<String>, Do) {
    let mut deleted = Vec::new();
    let (mut state, mut next) = look(call, past, second, found);
    loop {
        let seen = match next {
            Do::Read { ref id } => Seen::Exists(by_id(found, id)),
            Do::Delete { ref id } if in_use.contains(&id.as_str()) => Seen::InUse,
            Do::Delete { id } => {
                deleted.push(id);
                Seen::Gone
            }
            end => return (deleted, end),
        };
        (state, next) = step(call, now(second), state, seen);
    }
}

fn by_id(found: &[Existing], id: &str) -> Existing {
    found.iter().find(|each| each.id == id).unwrap().clone()
}

/// How such an attempt ends where nothing is in use.
fn end_of(call: &Call<'_>, past: Past, second: i64, found: &[Existing]) -> Do {
    attempt(call, past, second, found, &[]).1
}

fn answered(id: &str, outcome: Outcome) -> Do {
    Do::End(End::Answer {
        id: id.to_owned(),
        etag: format!("etag of {id}"),
        outcome,
        differs: Vec::new(),
    })
}

fn adopted(id: &str) -> Do {
    answered(id, Outcome::Adopted)
}

fn conflict_with(id: &str) -> Do {
    Do::End(End::Conflict {
        id: Some(id.to_owned()),
    })
}

fn looks_again(past: Past, why: Why, after: Option<Duration>) -> Do {
    Do::End(End::LookAgain { past, why, after })
}

fn quiet(second: i64, looks: u32) -> Do {
    let pause = Some(Duration::from_secs(51));
    looks_again(open_since(second, looks), Why::Quiet { looks }, pause)
}

fn young(past: Past, milliseconds: u64) -> Do {
    looks_again(past, Why::Young, Some(Duration::from_millis(milliseconds)))
}

mod what_exists {
    use super::*;

    #[test]
    fn nothing_there_is_created() {
        let wanted = want(BaseConnection);
        for on_existing in [
            OnExisting::Unspecified,
            OnExisting::AdoptOurs,
            OnExisting::AdoptAny,
            OnExisting::Fail,
        ] {
            let call = Call {
                on_existing,
                ..call(&wanted)
            };
            let creating = State::Creating { past: Past::Clean };
            assert_eq!(look(&call, Past::Clean, 0, &[]), (creating, Do::Create));
        }
    }

    #[test]
    fn ours_is_adopted_as_a_read_by_its_id_shows_it() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let listed = ours(&call, "a", 0);
        let (state, next) = look(&call, Past::Clean, LATER, std::slice::from_ref(&listed));
        assert_eq!(next, Do::Read { id: "a".to_owned() });
        let fresher = Existing {
            etag: "fresher".to_owned(),
            ..listed
        };
        let (state, next) = step(&call, now(LATER), state, Seen::Exists(fresher));
        let answer = End::Answer {
            id: "a".to_owned(),
            etag: "fresher".to_owned(),
            outcome: Outcome::Adopted,
            differs: Vec::new(),
        };
        assert_eq!((state, next), (State::Over, Do::End(answer)));
    }

    #[test]
    fn the_oldest_of_ours_wins_and_of_equal_age_the_smallest_id() {
        let wanted = want(BaseConnection);
        for on_existing in [OnExisting::AdoptOurs, OnExisting::AdoptAny] {
            let call = Call {
                on_existing,
                ..call(&wanted)
            };
            let ours = |id, second| ours(&call, id, second);
            for (winner, found) in [
                ("b", vec![ours("c", 5), ours("b", 3), ours("a", 9)]),
                ("b", vec![ours("c", 5), ours("b", 5), ours("d", 5)]),
                ("c", vec![foreign("a", 1), foreign("b", 1), ours("c", 5)]),
            ] {
                let end = end_of(&call, Past::Clean, LATER, &found);
                assert_eq!(end, adopted(winner), "{found:?}");
            }
        }
    }

    #[test]
    fn a_ghost_in_the_list_is_passed_over() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [ours(&call, "ghost", 0), ours(&call, "b", 1)];
        let (state, next) = look(&call, Past::Clean, LATER, &found);
        let ghost = "ghost".to_owned();
        assert_eq!(next, Do::Read { id: ghost });
        let (state, next) = step(&call, now(LATER), state, Seen::Gone);
        assert_eq!(next, Do::Read { id: "b".to_owned() });
        let (_, end) = step(&call, now(LATER), state, Seen::Exists(found[1].clone()));
        assert_eq!(end, adopted("b"));
    }

    #[test]
    fn where_only_a_ghost_is_listed_there_is_nothing() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        for (past, expected) in [
            (Past::Clean, Do::Create),
            (open_since(0, 0), quiet(0, 1)),
            (open_since(0, 2), Do::Create),
        ] {
            let second = if expected == Do::Create { LATER } else { 1 };
            // It stood before this call began, so it does not wait for a create's end.
            let call = Call {
                begun: Some(at(0)),
                ..call.clone()
            };
            let found = [ours(&call, "ghost", -500)];
            let (state, next) = look(&call, past, second, &found);
            assert!(matches!(next, Do::Read { .. }), "{next:?}");
            assert_eq!(step(&call, now(second), state, Seen::Gone).1, expected);
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone_unless_asked() {
        let wanted = want(BaseConnection);
        let of_another_key = Intent::new(BaseConnection, &["org", "dev"], "OSC");
        for found in [
            [foreign("x", 0)],
            [existing("x", 0, Some(of_another_key.marker()))],
        ] {
            for (on_existing, expected) in [
                (OnExisting::Unspecified, conflict_with("x")),
                (OnExisting::AdoptOurs, conflict_with("x")),
                (OnExisting::Fail, conflict_with("x")),
                (OnExisting::AdoptAny, adopted("x")),
            ] {
                let call = Call {
                    on_existing,
                    ..call(&wanted)
                };
                assert_eq!(end_of(&call, Past::Clean, LATER, &found), expected);
            }
        }
    }

    #[test]
    fn another_request_under_the_same_key_is_a_mismatch() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let mismatch = Do::End(End::Mismatch {
            id: "x".to_owned(),
            fields: vec!["host".to_owned()],
        });
        // Also where a younger one would fit: all callers agree on the oldest.
        for found in [
            vec![differing("x", 0)],
            vec![ours(&call, "y", 1), differing("x", 0)],
        ] {
            assert_eq!(end_of(&call, Past::Clean, LATER, &found), mismatch);
            let takes_any = Call {
                on_existing: OnExisting::AdoptAny,
                ..call.clone()
            };
            assert_eq!(end_of(&takes_any, Past::Clean, LATER, &found), adopted("x"));
        }
    }

    #[test]
    fn another_secret_or_another_key_is_no_reason_to_refuse_it() {
        let of = |secret: &str, key: &str| {
            want(BaseConnection).secret_field("password", secret.as_bytes(), Some(key.as_bytes()))
        };
        let wanted = of("new", "key");
        let call = call(&wanted);
        for theirs in [of("old", "key"), of("new", "another key")] {
            let found = existing("a", 0, Some(theirs.marker()));
            let Do::End(End::Answer { id, differs, .. }) =
                end_of(&call, Past::Clean, LATER, &[found])
            else {
                panic!("it is refused");
            };
            assert_eq!((&*id, differs), ("a", vec!["password".to_owned()]));
        }
        // Beside another field it is one of the differences.
        let theirs = Intent::new(BaseConnection, &["org", "prod"], "OSC")
            .field("host", "b.example")
            .secret_field("password", b"old", Some(b"key"));
        let found = existing("a", 0, Some(theirs.marker()));
        let refused = end_of(&call, Past::Clean, LATER, &[found]);
        let fields = vec!["host".to_owned(), "password".to_owned()];
        let id = "a".to_owned();
        assert_eq!(refused, Do::End(End::Mismatch { id, fields }));
    }

    #[test]
    fn fail_refuses_what_another_call_made_and_not_what_this_one_did() {
        let wanted = want(BaseConnection);
        let call = Call {
            on_existing: OnExisting::Fail,
            ..call(&wanted)
        };
        let theirs = [ours(&call, "a", 0)];
        let its_own = [own(&call, "a", 0)];
        for past in [Past::Clean, open_since(0, 9)] {
            let end = end_of(&call, past.clone(), LATER, &theirs);
            assert_eq!(end, conflict_with("a"));
            let end = end_of(&call, past, LATER, &its_own);
            assert_eq!(end, adopted("a"));
        }
        let end = end_of(&call, made_as("a"), LATER, &its_own);
        assert_eq!(end, answered("a", Outcome::Created));
        let others_too = [ours(&call, "z", 0), own(&call, "a", 1)];
        let end = end_of(&call, made_as("a"), LATER, &others_too);
        assert_eq!(end, conflict_with("z"));
        // That it exists is said before how it differs.
        let end = end_of(&call, Past::Clean, LATER, &[differing("x", 0)]);
        assert_eq!(end, conflict_with("x"));
    }
}

mod an_unanswered_create {
    use super::*;

    #[test]
    fn each_end_of_a_create_says_what_the_next_attempt_knows() {
        let wanted = want(BaseConnection);
        for past in [Past::Clean, open_since(0, 3)] {
            let creating = |seen| {
                let state = State::Creating { past: past.clone() };
                step(&call(&wanted), now(7), state, seen).1
            };
            assert_eq!(
                creating(Seen::Unanswered),
                looks_again(open_since(7, 0), Why::Unanswered, None)
            );
            assert_eq!(creating(Seen::NotCreated), Do::End(End::Fail(Past::Clean)));
        }
    }

    #[test]
    fn nothing_is_sent_within_the_silence() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let (mut past, mut second) = (open_since(0, 0), 0);
        // What the caller's own policy waits before the first look.
        second += 2;
        for looks in 1..=3 {
            match look(&call, past, second, &[]).1 {
                Do::End(End::LookAgain {
                    past: next,
                    why,
                    after: Some(after),
                }) => {
                    assert_eq!(why, Why::Quiet { looks });
                    assert_eq!(next, open_since(0, looks));
                    past = next;
                    second += i64::try_from(after.as_secs()).unwrap();
                }
                other => panic!("{other:?} at second {second}"),
            }
        }
        assert!(second > 150, "{second}");
        assert_eq!(look(&call, past, second, &[]).1, Do::Create);
    }

    #[test]
    fn neither_time_nor_looks_alone_are_enough() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        for (second, looks, is_silent) in [
            // Quiet period and list lag, and the look at hand is the third.
            (150, 2, true),
            (149, 2, false),
            (120, 9, false),
            (150, 1, false),
            (9000, 0, false),
            // This machine's clock was set back.
            (-9000, 9, false),
        ] {
            let next = look(&call, open_since(0, looks), second, &[]).1;
            let expected = if is_silent {
                Do::Create
            } else {
                quiet(0, looks + 1)
            };
            assert_eq!(next, expected, "second {second}, {looks} looks");
        }
    }

    #[test]
    fn the_looks_are_spread_over_the_silence() {
        for (looks, seconds) in [(0, 151), (1, 151), (2, 76), (3, 51), (10, 16)] {
            let rules = Rules { looks, ..RULES };
            assert_eq!(rules.pause(), Duration::from_secs(seconds), "{looks} looks");
        }
    }

    #[test]
    fn its_own_ends_the_silence_at_once() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let its_own = own(&call, "a", 0);
        // Also where another call's is older: it cannot turn up twice.
        for (found, winner) in [
            (vec![its_own.clone()], "a"),
            (vec![its_own, ours(&call, "z", -1)], "z"),
        ] {
            let end = end_of(&call, open_since(0, 0), 30, &found);
            assert_eq!(end, adopted(winner));
        }
    }

    #[test]
    fn another_callers_is_adopted_only_after_the_silence() {
        let wanted = want(BaseConnection);
        let call = Call {
            begun: Some(at(0)),
            ..call(&wanted)
        };
        let theirs = [ours(&call, "a", 1)];
        assert_eq!(end_of(&call, open_since(0, 0), 100, &theirs), quiet(0, 1));
        assert_eq!(end_of(&call, open_since(0, 2), 149, &theirs), quiet(0, 3));
        assert_eq!(end_of(&call, open_since(0, 2), 150, &theirs), adopted("a"));
        // What turned up in time is known, and goes.
        let both = [ours(&call, "a", 1), own(&call, "b", 100)];
        let (deleted, end) = attempt(&call, open_since(0, 0), 140, &both, &[]);
        assert_eq!((deleted, end), (vec!["b".to_owned()], adopted("a")));
    }

    #[test]
    fn one_that_existed_before_the_call_began_ends_the_silence() {
        let wanted = want(BaseConnection);
        let stood = |begun, created_at| {
            let call = Call {
                begun,
                ..call(&wanted)
            };
            let theirs = Existing {
                created_at,
                ..ours(&call, "a", 0)
            };
            end_of(&call, open_since(95, 0), 96, &[theirs]) == adopted("a")
        };
        let created_at = at(0).as_millisecond();
        // Every list has it after the lag of 30 s, and clocks may be 60 s apart.
        assert!(stood(Some(at(91)), created_at));
        assert!(!stood(Some(at(90)), created_at));
        assert!(!stood(Some(at(0)), created_at));
        assert!(!stood(None, created_at));
        // Nobody knows since when.
        assert!(!stood(Some(at(91)), 0));
        assert!(stood(Some(at(91)), 1));
    }

    #[test]
    fn what_a_sole_caller_finds_is_its_own() {
        let wanted = want(BaseConnection);
        let call = Call {
            rules: SOLE,
            ..call(&wanted)
        };
        let theirs = [ours(&call, "a", 0)];
        assert_eq!(end_of(&call, open_since(0, 0), 1, &theirs), adopted("a"));
        assert_eq!(end_of(&call, open_since(0, 0), 1, &[]), quiet(0, 1));
    }
}

mod age {
    use super::*;

    #[test]
    fn a_young_one_waits_until_older_ones_would_be_listed() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        for (created_at, expected) in [
            // Read from its age in milliseconds, the lag being 30 s. The platform's time is
            // known to the second, so a shorter wait would end where it began.
            (0, Some(30_000)),
            (1, Some(30_000)),
            (1_000, Some(29_000)),
            (29_999, Some(1_000)),
            (30_000, None),
            (30_001, None),
            // The platform's clock is a little behind what it wrote itself.
            (-1, Some(30_000)),
            (-60_000, Some(30_000)),
            // No clock is that wrong: the time itself must be.
            (-60_001, None),
        ]
        .map(|(age, expected)| (at(0).as_millisecond() - age, expected))
        {
            let found = [Existing {
                created_at,
                ..ours(&call, "a", 0)
            }];
            let end = end_of(&call, Past::Clean, 0, &found);
            let expected = expected.map_or(adopted("a"), |after| young(Past::Clean, after));
            assert_eq!(end, expected, "created at {created_at}");
        }
    }

    #[test]
    fn the_platforms_clock_says_how_old_something_is() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let now = Now::new(at(9000), at(10));
        let state = State::Looking { past: Past::Clean };
        let found = Seen::Found(vec![ours(&call, "a", 0)]);
        assert_eq!(step(&call, now, state, found).1, young(Past::Clean, 20_000));
    }

    #[test]
    fn one_made_while_the_look_was_under_way_is_new() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        // Asked at 0, answered at 70, and created at 65: further ahead than clocks are apart.
        let asked = now(70).back_at(at(0));
        let state = State::Looking { past: Past::Clean };
        let found = Seen::Found(vec![ours(&call, "a", 65)]);
        assert_eq!(
            step(&call, asked, state, found).1,
            young(Past::Clean, 30_000)
        );
    }

    #[test]
    fn one_of_unknown_age_is_taken_for_as_young_as_can_be() {
        let wanted = want(MappingSet);
        let call = call(&wanted);
        let found = [ageless(ours(&call, "a", 0))];
        let seen = Past::Taken { since: at(0) };
        let wait = end_of(&call, Past::Clean, 0, &found);
        assert_eq!(wait, young(seen.clone(), 32_000));
        assert_eq!(
            end_of(&call, seen.clone(), 31, &found),
            young(seen.clone(), 1_000)
        );
        assert_eq!(end_of(&call, seen, 32, &found), adopted("a"));
        // Created at 0, and listed by 30: until then somebody may create another one, which is
        // listed by 60.
        let own = made_as("a");
        assert_eq!(
            end_of(&call, own.clone(), 32, &found),
            young(own.clone(), 30_000)
        );
        assert_eq!(
            end_of(&call, own, 62, &found),
            answered("a", Outcome::Created)
        );
        // It may take effect at 120.
        let open = open_since(0, 2);
        assert_eq!(
            end_of(&call, open.clone(), 151, &found),
            young(open.clone(), 31_000)
        );
        assert_eq!(end_of(&call, open, 182, &found), adopted("a"));
        // Without a lag there is nothing to wait for.
        let rules = NO_LAG;
        let call = Call { rules, ..call };
        assert_eq!(end_of(&call, Past::Clean, 0, &found), adopted("a"));
    }

    #[test]
    fn one_of_unknown_age_comes_behind_all_others() {
        let wanted = want(MappingSet);
        let call = call(&wanted);
        let found = [
            ageless(ours(&call, "a", 0)),
            ours(&call, "c", 1),
            ours(&call, "b", 2),
        ];
        assert_eq!(end_of(&call, Past::Clean, LATER, &found), adopted("c"));
    }

    #[test]
    fn nothing_is_deleted_of_which_the_age_is_unknown() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let known = [ours(&call, "a", 0), ours(&call, "b", 1)];
        let unknown = ageless(ours(&call, "c", 2));
        let found = [known.as_slice(), std::slice::from_ref(&unknown)].concat();
        let ids = |ids: &[&str]| End::Undecided {
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
        };
        let (deleted, end) = attempt(&call, Past::Clean, LATER, &found, &[]);
        assert_eq!(deleted, ["b"]);
        assert_eq!(end, Do::End(ids(&["a", "c"])));
        // Nor for one of unknown age.
        let found = [unknown, ageless(ours(&call, "d", 3))];
        let seen = Past::Taken { since: at(0) };
        let (deleted, end) = attempt(&call, seen, LATER, &found, &[]);
        assert!(deleted.is_empty());
        assert_eq!(end, Do::End(ids(&["c", "d"])));
    }

    #[test]
    fn one_of_unknown_age_is_not_ours_for_having_waited() {
        let wanted = want(MappingSet);
        let call = Call {
            on_existing: OnExisting::Fail,
            ..call(&wanted)
        };
        let found = [ageless(ours(&call, "a", 0))];
        let seen = Past::Taken { since: at(0) };
        assert_eq!(end_of(&call, seen, LATER, &found), conflict_with("a"));
    }

    #[test]
    fn waiting_for_age_forgets_nothing() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        for past in [Past::Clean, open_since(0, 2), made_as("a")] {
            let end = end_of(&call, past.clone(), 5, &[own(&call, "a", 0)]);
            assert_eq!(end, young(past, 25_000));
        }
    }

    #[test]
    fn nobody_waits_where_nothing_older_can_be_missing() {
        for (kind, rules) in [
            (BaseConnection, SOLE),
            (Schema, RULES),
            (FieldGroup, RULES),
            (Identity, RULES),
            (BaseConnection, NO_LAG),
        ] {
            let wanted = want(kind);
            let call = Call {
                rules,
                ..call(&wanted)
            };
            // A second ahead: the platform's clock is read to the second.
            for second in [0, 1] {
                let found = [ours(&call, "a", second)];
                let end = end_of(&call, Past::Clean, 0, &found);
                assert_eq!(end, adopted("a"), "{kind}, {rules:?}");
            }
        }
    }
}

mod an_answered_create {
    use super::*;

    fn created(call: &Call<'_>, past: Past) -> (State, Do) {
        let state = State::Creating { past };
        let seen = Seen::Created {
            id: "a".to_owned(),
            etag: "etag of a".to_owned(),
        };
        step(call, now(0), state, seen)
    }

    #[test]
    fn it_is_the_answer_where_no_other_can_be() {
        for (kind, rules, past) in [
            (BaseConnection, SOLE, Past::Clean),
            (MappingSet, SOLE, Past::Clean),
            (Schema, RULES, Past::Clean),
            (FieldGroup, RULES, Past::Clean),
            (Identity, RULES, Past::Clean),
            (Schema, RULES, open_since(-999, 9)),
        ] {
            let wanted = want(kind);
            let call = Call {
                rules,
                ..call(&wanted)
            };
            let answer = answered("a", Outcome::Created);
            assert_eq!(created(&call, past), (State::Over, answer), "{kind}");
        }
    }

    #[test]
    fn it_is_looked_at_again_where_another_may_be() {
        for (kind, rules, past) in [
            (BaseConnection, RULES, Past::Clean),
            (Flow, RULES, open_since(-999, 9)),
            (MappingSet, RULES, Past::Clean),
            // What was not answered may be there after all.
            (BaseConnection, SOLE, open_since(-999, 9)),
        ] {
            let wanted = want(kind);
            let call = Call {
                rules,
                ..call(&wanted)
            };
            // The platform's time is known to the second: right at the lag's end the look might
            // come a moment too soon, and there would be one more.
            let expected = young(made_as("a"), 32_000);
            assert_eq!(created(&call, past), (State::Over, expected), "{kind}");
        }
    }

    #[test]
    fn without_a_lag_the_second_look_is_at_once() {
        let wanted = want(BaseConnection);
        let call = Call {
            rules: NO_LAG,
            ..call(&wanted)
        };
        let looking = State::Looking { past: made_as("a") };
        assert_eq!(created(&call, Past::Clean), (looking, Do::Look));
    }

    #[test]
    fn what_was_answered_needs_no_read() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let (_, end) = look(&call, made_as("a"), LATER, &[own(&call, "a", 0)]);
        assert_eq!(end, answered("a", Outcome::Created));
    }

    /// The platform may drop the description with the marker, or cut it.
    #[test]
    fn what_was_answered_is_its_own_without_a_marker() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let unmarked = [foreign("a", 1)];
        let (deleted, end) = attempt(&call, made_as("a"), LATER, &unmarked, &[]);
        assert_eq!((deleted, end), (vec![], answered("a", Outcome::Created)));
        // Somebody else's of that name is in nobody's way.
        let beside = [foreign("x", 0), foreign("a", 1)];
        let (deleted, end) = attempt(&call, made_as("a"), LATER, &beside, &[]);
        assert_eq!((deleted, end), (vec![], answered("a", Outcome::Created)));
        // An older one of ours is, and this one goes.
        let older = [ours(&call, "z", 0), foreign("a", 1)];
        let (deleted, end) = attempt(&call, made_as("a"), LATER, &older, &[]);
        assert_eq!((deleted, end), (vec!["a".into()], adopted("z")));
    }

    #[test]
    fn nothing_goes_for_one_that_was_deleted_meanwhile() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [own(&call, "a", 0), ours(&call, "z", 1)];
        let (state, next) = look(&call, made_as("a"), LATER, &found);
        assert_eq!(next, Do::Read { id: "a".to_owned() });
        let (state, next) = step(&call, now(LATER), state, Seen::Gone);
        assert_eq!(next, Do::Read { id: "z".to_owned() });
        let (_, end) = step(&call, now(LATER), state, Seen::Exists(found[1].clone()));
        assert_eq!(end, adopted("z"));
    }

    #[test]
    fn an_older_one_of_another_call_wins_and_it_goes() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [own(&call, "a", 1), ours(&call, "z", 0)];
        let (state, next) = look(&call, made_as("a"), LATER, &found);
        assert_eq!(next, Do::Read { id: "z".to_owned() });
        let (state, next) = step(&call, now(LATER), state, Seen::Exists(found[1].clone()));
        assert_eq!(next, Do::Delete { id: "a".to_owned() });
        let (_, end) = step(&call, now(LATER), state, Seen::Gone);
        assert_eq!(end, adopted("z"));
    }

    #[test]
    fn an_older_one_that_is_a_ghost_changes_nothing() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [own(&call, "a", 1), ours(&call, "z", 0)];
        let (state, _) = look(&call, made_as("a"), LATER, &found);
        let (state, next) = step(&call, now(LATER), state, Seen::Gone);
        // It may have been deleted while that one existed.
        assert_eq!(next, Do::Read { id: "a".to_owned() });
        let (_, end) = step(&call, now(LATER), state.clone(), Seen::Gone);
        let nothing = looks_again(open_since(LATER, 0), Why::Vanished, None);
        assert_eq!(end, nothing);
        let (_, end) = step(&call, now(LATER), state, Seen::Exists(found[0].clone()));
        assert_eq!(end, answered("a", Outcome::Created));
    }

    #[test]
    fn what_the_list_does_not_show_is_read_by_its_id() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        for (second, listed, expected) in [
            (0, vec![], answered("a", Outcome::Created)),
            (
                0,
                vec![ours(&call, "z", 1)],
                answered("a", Outcome::Created),
            ),
            (1, vec![ours(&call, "z", 0)], adopted("z")),
        ] {
            let (mut state, mut next) = look(&call, made_as("a"), LATER, &listed);
            assert_eq!(next, Do::Read { id: "a".to_owned() });
            let all = [vec![own(&call, "a", second)], listed].concat();
            while let Do::Read { ref id } | Do::Delete { ref id } = next {
                let seen = match next {
                    Do::Read { .. } => Seen::Exists(by_id(&all, id)),
                    _ => Seen::Gone,
                };
                (state, next) = step(&call, now(LATER), state, seen);
            }
            assert_eq!(next, expected);
        }
        // Then its age is known, and it waits like any other.
        let (state, _) = look(&call, made_as("a"), 10, &[]);
        let (_, end) = step(&call, now(10), state, Seen::Exists(own(&call, "a", 0)));
        assert_eq!(end, young(made_as("a"), 20_000));
    }

    #[test]
    fn what_is_gone_again_gives_way_to_what_exists() {
        let wanted = want(BaseConnection);
        let gone = |call: &Call<'_>, found: &[Existing]| {
            let (state, next) = look(call, made_as("a"), LATER, found);
            assert_eq!(next, Do::Read { id: "a".to_owned() });
            let (state, next) = step(call, now(LATER), state, Seen::Gone);
            match next {
                Do::Read { ref id } => {
                    let exists = Seen::Exists(by_id(found, id));
                    step(call, now(LATER), state, exists).1
                }
                other => other,
            }
        };
        let call = call(&wanted);
        // Deletion for one that no list shows yet, or deleted by hand.
        let nothing = looks_again(open_since(LATER, 0), Why::Vanished, None);
        assert_eq!(gone(&call, &[]), nothing);
        let theirs = [ours(&call, "z", 0)];
        assert_eq!(gone(&call, &theirs), adopted("z"));
        let call = Call {
            on_existing: OnExisting::Fail,
            ..call
        };
        assert_eq!(gone(&call, &theirs), conflict_with("z"));
    }
}

mod deleting {
    use super::*;

    #[test]
    fn all_of_ours_but_the_winner_go_and_nothing_else() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [
            ours(&call, "b", 1),
            foreign("x", 0),
            ours(&call, "a", 0),
            own(&call, "c", 2),
        ];
        let (mut deleted, end) = attempt(&call, Past::Clean, LATER, &found, &[]);
        deleted.sort();
        assert_eq!((deleted, end), (vec!["b".into(), "c".into()], adopted("a")));
    }

    #[test]
    fn beside_one_that_was_made_by_hand_nothing_goes() {
        let wanted = want(BaseConnection);
        let call = Call {
            on_existing: OnExisting::AdoptAny,
            ..call(&wanted)
        };
        let found = [foreign("x", 0), foreign("y", 1)];
        let (deleted, end) = attempt(&call, Past::Clean, LATER, &found, &[]);
        assert_eq!((deleted, end), (vec![], adopted("x")));
    }

    #[test]
    fn those_in_use_stay_and_a_person_decides() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = ["a", "b", "c"].map(|id| ours(&call, id, 0));
        let (deleted, end) = attempt(&call, Past::Clean, LATER, &found, &["b"]);
        let ids = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(deleted, ["c"]);
        assert_eq!(end, Do::End(End::Undecided { ids }));
    }

    #[test]
    fn what_was_wrong_before_is_said_first() {
        let wanted = want(BaseConnection);
        let call = call(&wanted);
        let found = [differing("x", 0), own(&call, "b", 1)];
        let (_, end) = attempt(&call, Past::Clean, LATER, &found, &["b"]);
        assert!(matches!(end, Do::End(End::Mismatch { .. })), "{end:?}");
    }

    #[test]
    fn a_call_that_is_refused_deletes_only_what_it_created() {
        let wanted = want(BaseConnection);
        let fails = Call {
            on_existing: OnExisting::Fail,
            ..call(&wanted)
        };
        let takes = call(&wanted);
        for (call, oldest) in [(&fails, ours(&fails, "a", 0)), (&takes, differing("a", 0))] {
            let found = [oldest, ours(call, "b", 1), own(call, "c", 2)];
            let (deleted, end) = attempt(call, Past::Clean, LATER, &found[..2], &[]);
            assert!(deleted.is_empty(), "{deleted:?}");
            assert!(!matches!(end, Do::End(End::Answer { .. })), "{end:?}");
            let (deleted, _) = attempt(call, Past::Clean, LATER, &found, &[]);
            assert_eq!(deleted, ["c"]);
            let (deleted, _) = attempt(call, made_as("b"), LATER, &found[..2], &[]);
            assert_eq!(deleted, ["b"]);
        }
    }

    #[test]
    fn neither_the_registry_nor_mapping_sets_are_deleted() {
        for kind in [Schema, FieldGroup, Identity, MappingSet] {
            let wanted = want(kind);
            let call = call(&wanted);
            let found = [ours(&call, "a", 0), own(&call, "b", 1)];
            let (deleted, end) = attempt(&call, Past::Clean, LATER, &found, &[]);
            assert_eq!((deleted, end), (vec![], adopted("a")), "{kind}");
        }
    }
}

mod kinds {
    use super::*;

    #[test]
    fn a_title_that_is_taken_is_waited_for_once() {
        let wanted = want(Schema);
        let call = call(&wanted);
        let taken = |past| step(&call, now(7), State::Creating { past }, Seen::NameTaken).1;
        let since = |second| Past::Taken { since: at(second) };
        // Also of another caller's, where an own create was waited for first.
        for past in [Past::Clean, open_since(0, 3)] {
            let again = looks_again(since(7), Why::NameTaken, None);
            assert_eq!(taken(past), again);
        }
        let lag = Some(call.rules.list_lag);
        let again = looks_again(since(7), Why::NameTaken, lag);
        assert_eq!(end_of(&call, since(7), 36, &[]), again);
        assert_eq!(end_of(&call, since(7), 37, &[]), Do::Create);
        assert_eq!(
            end_of(&call, since(7), 8, &[ours(&call, "z", 5)]),
            adopted("z")
        );
        let nobody = Do::End(End::Conflict { id: None });
        assert_eq!(taken(since(7)), nobody);
    }

    #[test]
    fn one_in_the_registry_is_taken_as_soon_as_it_is_seen() {
        let wanted = want(Schema);
        let call = call(&wanted);
        for past in [Past::Clean, open_since(0, 0)] {
            let theirs = [ours(&call, "a", 0)];
            assert_eq!(end_of(&call, past.clone(), 0, &theirs), adopted("a"));
            let by_hand = [foreign("x", 0)];
            assert_eq!(end_of(&call, past, 0, &by_hand), conflict_with("x"));
        }
    }

    #[test]
    fn a_mapping_set_waits_for_age_but_not_for_the_silence() {
        let wanted = want(MappingSet);
        let call = call(&wanted);
        let found = [ours(&call, "a", 0)];
        let past = open_since(0, 0);
        assert_eq!(
            end_of(&call, past.clone(), 10, &found),
            young(past.clone(), 20_000)
        );
        assert_eq!(end_of(&call, past, 30, &found), adopted("a"));
    }

    #[test]
    fn one_that_does_not_say_whose_it_is_may_be_this_calls() {
        for (kind, marker_by, past, is_own) in [
            (MappingSet, None, open_since(0, 0), true),
            (MappingSet, None, made_as("b"), true),
            (MappingSet, None, Past::Clean, false),
            (MappingSet, Some("2"), open_since(0, 0), false),
            (Flow, None, open_since(0, 9), false),
        ] {
            let mut wanted = Intent::new(kind, &["org", "prod"], "OSC");
            let mut found = vec![foreign("b", 1)];
            let marker = match marker_by {
                Some(by) => wanted.clone().by(&["workflow", by]),
                None => wanted.clone(),
            };
            found.push(existing("a", 0, Some(marker.marker())));
            if kind == Flow {
                wanted = wanted.by(&["workflow", "1"]);
            }
            let call = Call {
                on_existing: OnExisting::Fail,
                ..call(&wanted)
            };
            let expected = if is_own {
                adopted("a")
            } else {
                conflict_with("a")
            };
            assert_eq!(
                end_of(&call, past.clone(), LATER, &found),
                expected,
                "{kind}, {past:?}"
            );
        }
    }
}

mod what_fails {
    use super::*;

    #[test]
    fn a_call_without_an_answer_forgets_nothing() {
        let wanted = want(BaseConnection);
        for past in [Past::Clean, open_since(0, 2), made_as("a")] {
            for state in [
                State::Looking { past: past.clone() },
                State::Confirming {
                    past: past.clone(),
                    found: Vec::new(),
                    id: "a".to_owned(),
                },
                State::Deleting {
                    past: past.clone(),
                    end: End::Conflict { id: None },
                    duplicates: vec!["b".to_owned()],
                    in_use: Vec::new(),
                },
            ] {
                let failed = step(&call(&wanted), now(9), state, Seen::NotAnswered);
                let expected = Do::End(End::Fail(past.clone()));
                assert_eq!(failed, (State::Over, expected));
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_in_a_state_leads_to_a_look() {
        let wanted = want(BaseConnection);
        let looking = State::Looking { past: Past::Clean };
        let creating = State::Creating { past: Past::Clean };
        let created = Seen::Created {
            id: String::new(),
            etag: String::new(),
        };
        for (state, seen) in [
            (State::Over, Seen::Found(Vec::new())),
            (State::Over, Seen::NotAnswered),
            (State::Over, created.clone()),
            (looking.clone(), Seen::Gone),
            (looking.clone(), Seen::Unanswered),
            (looking, created),
            (creating.clone(), Seen::Found(Vec::new())),
            (creating.clone(), Seen::NotAnswered),
            (creating, Seen::Gone),
        ] {
            let what = format!("{state:?}, {seen:?}");
            let (_, next) = step(&call(&wanted), now(7), state, seen);
            let expected = looks_again(open_since(7, 0), Why::Unanswered, None);
            assert_eq!(next, expected, "{what}");
        }
    }
}

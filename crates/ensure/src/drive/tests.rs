use std::{collections::VecDeque, sync::Mutex};

use aep_flow_proto::v1::OnExisting;
use jiff::Timestamp;

use super::*;
use crate::{
    ResourceKind::{BaseConnection, FieldGroup, Schema},
    intent::Intent,
    rules::Rules,
};

/// A platform that answers by the book, each line of which says which call it expects.
struct Scripted {
    second: i64,
    lines: Mutex<VecDeque<Line>>,
    calls: Mutex<Vec<String>>,
}

/// A call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Broke(Effect);

impl CallFailure for Broke {
    fn effect(&self) -> Effect {
        self.0
    }
}

impl Display for Broke {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("it broke")
    }
}

enum Line {
    Finds(Vec<Existing>),
    Creates(&'static str),
    Reads(Option<Existing>),
    Deletes(Deletion),
    Fails(Effect),
}

impl Scripted {
    fn at(second: i64, lines: impl IntoIterator<Item = Line>) -> Self {
        Self {
            second,
            lines: Mutex::new(lines.into_iter().collect()),
            calls: Mutex::new(Vec::new()),
        }
    }

    fn next(&self, call: &str) -> Line {
        self.calls.lock().unwrap().push(call.to_owned());
        let line = self.lines.lock().unwrap().pop_front();
        line.unwrap_or_else(|| panic!("nothing is said about `{call}`"))
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Reads for Scripted {
    type Failure = Broke;

    async fn look(&self) -> Result<Vec<Existing>, Broke> {
        match self.next("look") {
            Line::Finds(found) => Ok(found),
            Line::Fails(effect) => Err(Broke(effect)),
            _ => panic!("not a look's answer"),
        }
    }

    async fn read(&self, id: &str) -> Result<Option<Existing>, Broke> {
        match self.next(&format!("read {id}")) {
            Line::Reads(existing) => Ok(existing),
            Line::Fails(effect) => Err(Broke(effect)),
            _ => panic!("not a read's answer"),
        }
    }

    fn now(&self) -> Now {
        Now::new(at(self.second), at(self.second))
    }
}

impl Resource for Scripted {
    async fn create(&self) -> Result<Created, Broke> {
        match self.next("create") {
            Line::Creates(id) => Ok(Created {
                id: id.to_owned(),
                etag: format!("etag of {id}"),
            }),
            Line::Fails(effect) => Err(Broke(effect)),
            _ => panic!("not a create's answer"),
        }
    }

    async fn delete(&self, id: &str) -> Result<Deletion, Broke> {
        match self.next(&format!("delete {id}")) {
            Line::Deletes(deletion) => Ok(deletion),
            Line::Fails(effect) => Err(Broke(effect)),
            _ => panic!("not a deletion's answer"),
        }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn want(kind: ResourceKind) -> Intent {
    let intent = Intent::new(kind, &["org", "prod"], "OSC").field("host", "a.example");
    intent.by(&["workflow", "1"])
}

fn call(intent: &Intent) -> Call<'_> {
    Call {
        intent,
        on_existing: OnExisting::AdoptOurs,
        rules: Rules::default(),
        begun: None,
    }
}

fn own(intent: &Intent, id: &str) -> Existing {
    Existing {
        id: id.to_owned(),
        etag: format!("etag of {id}"),
        created_at: at(0).as_millisecond(),
        marker: Some(intent.marker().clone()),
    }
}

fn open_since(second: i64) -> Past {
    Past::Open {
        since: at(second),
        looks: 0,
    }
}

/// The calls of an attempt at second 1000, and how it ended.
async fn attempt(
    call: &Call<'_>,
    past: Past,
    lines: impl IntoIterator<Item = Line>,
) -> (Vec<String>, Result<Ensured, EnsureError<Broke>>) {
    let platform = Scripted::at(1000, lines);
    let ended = ensure(call, past, &platform).await;
    let unsaid = platform.lines.lock().unwrap().len();
    assert_eq!(
        unsaid,
        0,
        "calls that were not made after {:?}",
        platform.calls()
    );
    (platform.calls(), ended)
}

#[tokio::test]
async fn settling_leaves_the_oldest_of_ours_whatever_it_was_created_from() {
    let wanted = want(BaseConnection);
    let call = Call {
        on_existing: OnExisting::Fail,
        ..call(&wanted)
    };
    let aged = |id: &str, second: i64, intent: &Intent| Existing {
        created_at: at(second).as_millisecond(),
        ..own(intent, id)
    };
    let other = Intent::new(BaseConnection, &["org", "prod"], "OSC").field("host", "b.example");
    let found = vec![aged("b", 20, &wanted), aged("a", 10, &other)];
    let platform = Scripted::at(
        1000,
        [
            Line::Finds(found.clone()),
            Line::Reads(Some(found[1].clone())),
            Line::Deletes(Deletion::Gone),
        ],
    );
    let ensured = settle(&call, &platform).await.unwrap();
    assert_eq!(ensured.id, "a");
    assert_eq!(platform.calls(), ["look", "read a", "delete b"]);
}

#[tokio::test]
async fn settling_creates_nothing() {
    let wanted = want(BaseConnection);
    let platform = Scripted::at(1000, [Line::Finds(Vec::new())]);
    let ended = settle(&call(&wanted), &platform).await;
    assert!(
        matches!(&ended, Err(EnsureError::Absent { name, .. }) if name == "OSC"),
        "{ended:?}"
    );
    assert_eq!(platform.calls(), ["look"]);
}

/// A create without a fault is one look more than a bare POST where no second resource can
/// be, and two where one can: what the documentation promises.
#[tokio::test]
async fn a_create_without_a_fault_costs_one_call_more_or_two() {
    let lagging = Rules::default();
    let sole = Rules {
        sole_caller: true,
        ..lagging
    };
    let no_lag = Rules {
        list_lag: Duration::ZERO,
        ..lagging
    };
    for (kind, rules, attempts) in [
        (BaseConnection, sole, vec![vec!["look", "create"]]),
        (Schema, lagging, vec![vec!["look", "create"]]),
        (FieldGroup, lagging, vec![vec!["look", "create"]]),
        (BaseConnection, no_lag, vec![vec!["look", "create", "look"]]),
        (
            BaseConnection,
            lagging,
            vec![vec!["look", "create"], vec!["look"]],
        ),
    ] {
        let wanted = want(kind);
        let call = Call {
            rules,
            ..call(&wanted)
        };
        let mut platform = Scripted::at(
            0,
            [
                Line::Finds(Vec::new()),
                Line::Creates("a"),
                Line::Finds(vec![own(&wanted, "a")]),
            ],
        );
        let mut made = Vec::new();
        let mut past = Past::Clean;
        let ensured = loop {
            let ended = ensure(&call, past, &platform).await;
            made.push(std::mem::take(&mut *platform.calls.lock().unwrap()));
            match ended {
                Ok(ensured) => break ensured,
                Err(EnsureError::NotYet {
                    past: next,
                    after: Some(after),
                    ..
                }) => {
                    past = next;
                    platform.second += i64::try_from(after.as_secs()).unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(made, attempts, "{kind}, {rules:?}");
        assert_eq!(
            ensured,
            Ensured {
                id: "a".to_owned(),
                etag: "etag of a".to_owned(),
                outcome: Outcome::Created,
                differs: Vec::new(),
            }
        );
    }
}

#[tokio::test]
async fn what_a_failed_create_says_decides_what_is_known() {
    for (effect, known) in [
        (Effect::Unknown, open_since(1000)),
        (Effect::NameTaken, Past::Taken { since: at(1000) }),
        (Effect::NothingChanged, Past::Clean),
    ] {
        let wanted = want(Schema);
        let lines = [Line::Finds(Vec::new()), Line::Fails(effect)];
        let (calls, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
        assert_eq!(calls, ["look", "create"]);
        match ended {
            Err(EnsureError::Failed { failure, past }) => {
                assert_eq!((failure, past), (Broke(effect), known.clone()));
                assert_eq!(known, Past::Clean, "{effect:?}");
            }
            Err(EnsureError::NotYet {
                failure: Some(failure),
                past,
                after: None,
                ..
            }) => {
                assert_eq!(past.is_open(), effect == Effect::Unknown);
                assert_eq!((failure, past), (Broke(effect), known.clone()));
                assert_ne!(known, Past::Clean, "{effect:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_title_that_is_taken_is_told_from_a_lost_answer() {
    let wanted = want(Schema);
    let lines = [Line::Finds(Vec::new()), Line::Fails(Effect::NameTaken)];
    let (_, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
    assert_eq!(
        ended.unwrap_err().to_string(),
        "the name of the schema `OSC` is taken, by something that no list shows yet"
    );
    // When all lists have caught up it is nothing that can be seen.
    let lines = [Line::Finds(Vec::new()), Line::Fails(Effect::NameTaken)];
    let taken = Past::Taken { since: at(0) };
    let (_, ended) = attempt(&call(&wanted), taken, lines).await;
    assert!(
        matches!(ended, Err(EnsureError::Conflict { id: None, .. })),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_call_that_fails_ends_the_attempt_with_what_was_known() {
    let wanted = want(BaseConnection);
    let both = || vec![own(&wanted, "a"), own(&wanted, "b")];
    for (calls, lines) in [
        (vec!["look"], vec![Line::Fails(Effect::NothingChanged)]),
        (
            vec!["look", "read a"],
            vec![Line::Finds(both()), Line::Fails(Effect::NothingChanged)],
        ),
        (
            vec!["look", "read a", "delete b"],
            vec![
                Line::Finds(both()),
                Line::Reads(Some(own(&wanted, "a"))),
                Line::Fails(Effect::NothingChanged),
            ],
        ),
    ] {
        let (made, ended) = attempt(&call(&wanted), open_since(7), lines).await;
        assert_eq!(made, calls);
        match ended {
            Err(EnsureError::Failed { failure, past }) => {
                let broke = Broke(Effect::NothingChanged);
                assert_eq!((failure, past), (broke, open_since(7)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn duplicates_are_deleted_and_the_winner_is_the_result() {
    let wanted = want(BaseConnection);
    let found = ["a", "b", "c"].map(|id| own(&wanted, id)).to_vec();
    for (of_b, is_decided) in [(Deletion::Gone, true), (Deletion::InUse, false)] {
        let lines = [
            Line::Finds(found.clone()),
            Line::Reads(Some(own(&wanted, "a"))),
            Line::Deletes(Deletion::Gone),
            Line::Deletes(of_b),
        ];
        let (calls, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
        assert_eq!(calls, ["look", "read a", "delete c", "delete b"]);
        match ended {
            Ok(ensured) => {
                assert!(is_decided);
                assert_eq!(
                    (ensured.id.as_str(), ensured.outcome),
                    ("a", Outcome::Adopted)
                );
            }
            Err(EnsureError::Undecided { kind, name, ids }) => {
                assert!(!is_decided);
                assert_eq!((kind, name.as_str()), (BaseConnection, "OSC"));
                assert_eq!(ids, ["a", "b"]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_gone_when_it_is_read_is_created() {
    let wanted = want(Schema);
    let lines = [
        Line::Finds(vec![own(&wanted, "ghost")]),
        Line::Reads(None),
        Line::Creates("a"),
    ];
    let (calls, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
    assert_eq!(calls, ["look", "read ghost", "create"]);
    assert_eq!(ended.unwrap().outcome, Outcome::Created);
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let wanted = want(BaseConnection);
    let other = Intent::new(BaseConnection, &["org", "prod"], "OSC").field("host", "b.example");
    for (marker, expected) in [
        (
            None,
            "a base connection called `OSC` exists (x), and it is not one that this call may take",
        ),
        (
            Some(other.marker().clone()),
            "the base connection `OSC` (x) was created from another request; what differs: host",
        ),
    ] {
        let existing = Existing {
            marker,
            ..own(&wanted, "x")
        };
        let lines = [
            Line::Finds(vec![existing.clone()]),
            Line::Reads(Some(existing)),
        ];
        let (_, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
        assert_eq!(ended.unwrap_err().to_string(), expected);
    }
}

#[test]
fn each_wait_says_what_happened_and_when_it_goes_on() {
    let wanted = want(BaseConnection);
    let minute = Some(Duration::from_millis(59_100));
    let broke = || Some(Broke(Effect::NothingChanged));
    for (past, why, after, failure, expected) in [
        (
            open_since(0),
            Why::Unanswered,
            None,
            broke(),
            "whether the base connection `OSC` was created is not known yet: it broke",
        ),
        (
            open_since(0),
            Why::Unanswered,
            None,
            None,
            "whether the base connection `OSC` was created is not known yet",
        ),
        (
            open_since(0),
            Why::Quiet { looks: 2 },
            minute,
            None,
            "whether the base connection `OSC` was created is not known yet: an earlier create \
             got no response, and look 2 of at least 3 did not find it",
        ),
        (
            Past::Clean,
            Why::Young,
            minute,
            None,
            "the base connection `OSC` exists; another caller's may be missing from the lists \
             for a while",
        ),
        (
            open_since(0),
            Why::Vanished,
            None,
            None,
            "the base connection `OSC` was created and is gone",
        ),
    ] {
        let end = End::LookAgain {
            past: past.clone(),
            why,
            after,
        };
        let error = ended(&call(&wanted), end, failure).unwrap_err();
        assert_eq!(error.to_string(), expected);
        let EnsureError::NotYet {
            past: left,
            after: pause,
            ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((left.is_open(), pause), (past != Past::Clean, after));
        assert_eq!(left, past);
    }
}

#[test]
fn a_pause_says_what_it_is_for() {
    let wanted = want(BaseConnection);
    for (why, expected) in [
        (Why::Unanswered, "quiet period"),
        (Why::Quiet { looks: 2 }, "quiet period, look 2 of 3"),
        (Why::Quiet { looks: 4 }, "quiet period, look 4 of 4"),
        (Why::Young, "list lag"),
        (Why::NameTaken, "list lag"),
    ] {
        for after in [None, Some(Duration::from_secs(60))] {
            let past = open_since(0);
            let end = End::LookAgain { past, why, after };
            let Err(EnsureError::NotYet { waits_for, .. }) =
                ended::<Broke>(&call(&wanted), end, None)
            else {
                panic!("{why:?}");
            };
            assert_eq!(waits_for.as_deref(), after.map(|_| expected));
        }
    }
}

#[test]
fn a_failure_that_nobody_saw_leads_to_a_look() {
    let wanted = want(BaseConnection);
    for (past, is_open) in [(Past::Clean, false), (open_since(0), true)] {
        match ended::<Broke>(&call(&wanted), End::Fail(past.clone()), None) {
            Err(EnsureError::NotYet {
                past: left,
                after: None,
                ..
            }) => assert_eq!((left.is_open(), left), (is_open, past)),
            other => panic!("{other:?}"),
        }
    }
}

/// A platform whose look takes three seconds to be answered.
struct Slow(Mutex<i64>);

impl Reads for Slow {
    type Failure = Broke;

    async fn look(&self) -> Result<Vec<Existing>, Broke> {
        *self.0.lock().unwrap() += 3;
        Ok(Vec::new())
    }

    async fn read(&self, _: &str) -> Result<Option<Existing>, Broke> {
        panic!("there is nothing to read")
    }

    fn now(&self) -> Now {
        let second = *self.0.lock().unwrap();
        Now::new(at(second), at(second - 20))
    }
}

impl Resource for Slow {
    async fn create(&self) -> Result<Created, Broke> {
        panic!("one that took effect at the end may be missing from that list")
    }

    async fn delete(&self, _: &str) -> Result<Deletion, Broke> {
        panic!("there is nothing to delete")
    }
}

#[tokio::test]
async fn a_look_says_what_was_so_when_it_was_sent() {
    let wanted = want(BaseConnection);
    let open = Past::Open {
        since: at(0),
        looks: 9,
    };
    // The silence of 150 s ends while the look is under way.
    let ended = ensure(&call(&wanted), open, &Slow(Mutex::new(148))).await;
    assert!(
        matches!(ended, Err(EnsureError::NotYet { .. })),
        "{ended:?}"
    );
    let now = Slow(Mutex::new(151)).now().back_at(at(148));
    assert_eq!((now.ours, now.platforms), (at(148), at(128)));
}

#[tokio::test]
async fn a_deletion_without_an_answer_is_looked_after() {
    let wanted = want(BaseConnection);
    let lines = [
        Line::Finds(vec![own(&wanted, "a"), own(&wanted, "b")]),
        Line::Reads(Some(own(&wanted, "a"))),
        Line::Fails(Effect::Unknown),
    ];
    let (_, ended) = attempt(&call(&wanted), Past::Clean, lines).await;
    match ended {
        Err(EnsureError::NotYet {
            past, after: None, ..
        }) => assert_eq!(past, Past::Clean),
        other => panic!("{other:?}"),
    }
}

/// What a plan says of a call, and what was asked for it. A platform that is only looked at
/// has no way to say that it was written to.
async fn planned(
    call: &Call<'_>,
    lines: impl IntoIterator<Item = Line>,
) -> (Result<crate::Planned, EnsureError<Broke>>, Vec<String>) {
    // As young as can be, which a call that writes would wait for.
    let platform = Scripted::at(0, lines);
    let planned = crate::dry_run(call, &platform).await;
    (planned, platform.calls())
}

#[tokio::test]
async fn a_plan_looks_and_stops_before_it_writes() {
    let intent = want(BaseConnection);
    let call = call(&intent);
    let (nothing, calls) = planned(&call, [Line::Finds(vec![])]).await;
    assert_eq!(nothing.unwrap(), crate::Planned::Create);
    assert_eq!(calls, ["look"]);

    let ours = own(&intent, "one");
    let lines = [Line::Finds(vec![ours.clone()]), Line::Reads(Some(ours))];
    let (exists, calls) = planned(&call, lines).await;
    let Ok(crate::Planned::Adopt {
        ensured,
        is_ours,
        duplicates,
    }) = exists
    else {
        panic!("{exists:?}");
    };
    assert!(is_ours);
    assert_eq!(
        (ensured.id.as_str(), ensured.outcome),
        ("one", Outcome::Adopted)
    );
    assert_eq!(duplicates, [""; 0]);
    assert_eq!(calls, ["look", "read one"]);
}

#[tokio::test]
async fn a_plan_says_what_would_be_deleted_and_leaves_it() {
    let intent = want(BaseConnection);
    let (first, second) = (own(&intent, "one"), own(&intent, "two"));
    let lines = [
        Line::Finds(vec![second, first.clone()]),
        Line::Reads(Some(first)),
    ];
    let (planned, calls) = planned(&call(&intent), lines).await;
    let Ok(crate::Planned::Adopt {
        ensured,
        duplicates,
        ..
    }) = planned
    else {
        panic!("{planned:?}");
    };
    assert_eq!(
        (ensured.id.as_str(), duplicates),
        ("one", vec!["two".to_owned()])
    );
    assert_eq!(calls, ["look", "read one"]);
}

#[tokio::test]
async fn a_plan_tells_ours_from_what_somebody_else_created() {
    let intent = want(BaseConnection);
    let foreign = Existing {
        marker: None,
        ..own(&intent, "one")
    };
    let call = Call {
        on_existing: OnExisting::AdoptAny,
        ..call(&intent)
    };
    let lines = [
        Line::Finds(vec![foreign.clone()]),
        Line::Reads(Some(foreign)),
    ];
    let (planned, _) = planned(&call, lines).await;
    let Ok(crate::Planned::Adopt { is_ours, .. }) = planned else {
        panic!("{planned:?}");
    };
    assert!(!is_ours);
}

#[tokio::test]
async fn a_plan_says_how_a_call_would_fail() {
    let intent = want(BaseConnection);
    let call = call(&intent);
    let foreign = Existing {
        marker: None,
        ..own(&intent, "one")
    };
    let lines = [
        Line::Finds(vec![foreign.clone()]),
        Line::Reads(Some(foreign)),
    ];
    let (conflict, _) = planned(&call, lines).await;
    assert!(matches!(conflict, Err(EnsureError::Conflict { .. })));

    let other = Intent::new(BaseConnection, &["org", "prod"], "OSC").field("host", "b.example");
    let other = own(&other, "one");
    let lines = [Line::Finds(vec![other.clone()]), Line::Reads(Some(other))];
    let (mismatch, _) = planned(&call, lines).await;
    let Err(EnsureError::Mismatch { fields, .. }) = mismatch else {
        panic!("{mismatch:?}");
    };
    assert_eq!(fields, ["host"]);

    let (failed, _) = planned(&call, [Line::Fails(Effect::NothingChanged)]).await;
    assert!(failed.is_err(), "{failed:?}");
}

#[test]
fn the_trace_has_a_word_for_each_end() {
    let ensured = |outcome| {
        Ok(Ensured {
            id: "a".to_owned(),
            etag: String::new(),
            outcome,
            differs: Vec::new(),
        })
    };
    let not_yet = |past| {
        Err(EnsureError::NotYet {
            reason: String::new(),
            failure: None,
            past,
            after: None,
            waits_for: None,
        })
    };
    let open = Past::Open {
        since: Timestamp::UNIX_EPOCH,
        looks: 0,
    };
    let ends: [(Result<Ensured, EnsureError<Broke>>, &str); 4] = [
        (ensured(Outcome::Created), "created"),
        (ensured(Outcome::Adopted), "adopted"),
        (not_yet(open), "ambiguous"),
        (not_yet(Past::Clean), "waiting"),
    ];
    for (end, word) in ends {
        assert_eq!(decision(&end), word);
    }
}

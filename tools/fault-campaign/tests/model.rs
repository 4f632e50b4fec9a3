//! Every order of events that can be thought of, against the protocol: a state machine whose
//! moves are drawn, with what must hold checked after each.
//!
//! `PROPTEST_CASES=20000 cargo test -p fault-campaign --test model` tries harder. A failing
//! case is made smaller, printed, and kept in `model.proptest-regressions`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is off")]

use std::sync::Arc;

use aep_flow_ensure::{
    Created, Deletion, EnsureError, Ensured, Intent, Memory, Now, Pasts, ResourceKind, Rules,
    Uniqueness,
};
use aep_flow_proto::v1::OnExisting;
use fault_campaign::{
    scenario::{Lags, Millis, Refusal},
    sim::{
        Access, Ask, Attempt, EPOCH, Failure, Maker, Platform, Progress, Reply, failure, intent,
        name_taken,
    },
};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const QUIET: Millis = 120_000;
const LAG: Millis = 30_000;
/// How soon the server notices that a worker died.
const NOTICED: Millis = 15_000;
const CALLERS: usize = 2;

/// What the moves depend on: the platform's kind and its lags. What exists and who waits for
/// what follows from the moves, and is the test's own to know.
#[derive(Debug, Clone)]
struct World {
    kind: ResourceKind,
    made_lags: Vec<Millis>,
    deleted_lags: Vec<Millis>,
    flicker: bool,
    seed: u64,
}

/// What becomes of the call that a caller waits for.
#[derive(Debug, Clone)]
enum Fate {
    /// It takes place and is answered.
    Answered,
    /// It never arrives, and nobody says so.
    Lost,
    /// It takes place, a create so much later, and the answer is lost.
    Late(Millis),
    /// It is refused.
    Refused,
}

#[derive(Debug, Clone)]
enum Move {
    /// The server is asked for a call.
    Start(usize),
    /// One caller's call is decided.
    Step(usize, Fate),
    /// One caller's worker dies; what it waits for has this fate.
    Kill(usize, Fate),
    /// Time passes.
    Advance(Millis),
    /// Somebody makes one of that name by hand.
    Foreign,
    /// Somebody deletes the oldest of ours.
    Delete,
}

impl ReferenceStateMachine for World {
    type State = Self;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Self> {
        let lags = || prop::collection::vec(prop_oneof![Just(0), Just(LAG), 0..=LAG], 1..4);
        let kind = prop::sample::select(ResourceKind::ALL.to_vec());
        (kind, lags(), lags(), any::<bool>(), any::<u64>())
            .prop_map(|(kind, made_lags, deleted_lags, flicker, seed)| Self {
                kind,
                made_lags,
                deleted_lags,
                flicker,
                seed,
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Move> {
        let fate = || {
            prop_oneof![
                6 => Just(Fate::Answered),
                1 => Just(Fate::Lost),
                1 => Just(Fate::Late(0)),
                1 => Just(Fate::Late(QUIET)),
                2 => (0..=QUIET).prop_map(Fate::Late),
                1 => Just(Fate::Refused),
            ]
        };
        prop_oneof![
            3 => (0..CALLERS).prop_map(Move::Start),
            12 => (0..CALLERS, fate()).prop_map(|(caller, fate)| Move::Step(caller, fate)),
            2 => (0..CALLERS, fate()).prop_map(|(caller, fate)| Move::Kill(caller, fate)),
            3 => prop_oneof![0..2000_i64, 0..=LAG, 0..=QUIET, Just(LAG)].prop_map(Move::Advance),
            1 => Just(Move::Foreign),
            1 => Just(Move::Delete),
        ]
        .boxed()
    }

    fn apply(state: Self, _: &Move) -> Self {
        state
    }
}

#[derive(Debug)]
struct Post {
    at: Millis,
    attempt: u32,
    is_ambiguous: bool,
}

#[derive(Debug)]
struct Caller {
    intent: Arc<Intent>,
    begun: Millis,
    attempts: u32,
    details: Option<Memory>,
    /// When the next attempt begins.
    next: Option<Millis>,
    attempt: Option<Attempt>,
    asks: Option<Ask>,
    /// The one that it read last, which existed then: duplicates are deleted for it.
    read: Option<String>,
    posts: Vec<Post>,
    ended: Option<Result<Ensured, EnsureError<Failure>>>,
}

#[derive(Debug)]
struct Running {
    now: Millis,
    platform: Platform,
    callers: Vec<Caller>,
    /// Creates that will take effect: when, id, whose.
    late: Vec<(Millis, String, usize)>,
}

impl Running {
    fn new(world: &World) -> Self {
        let lags = Lags {
            made: world.made_lags.clone(),
            deleted: world.deleted_lags.clone(),
            flicker: world.flicker,
        };
        let caller = |number| Caller {
            intent: Arc::new(intent(world.kind, 0, number)),
            begun: 0,
            attempts: 0,
            details: None,
            next: None,
            attempt: None,
            asks: None,
            read: None,
            posts: Vec::new(),
            ended: None,
        };
        Self {
            now: 0,
            platform: Platform::new(world.kind, lags, LAG, 0, world.seed),
            callers: (0..CALLERS).map(caller).collect(),
            late: Vec::new(),
        }
    }

    fn clocks(&self) -> Now {
        let now = Timestamp::from_millisecond(EPOCH + self.now).unwrap();
        let platforms = (EPOCH + self.now) / 1000 * 1000;
        Now::new(now, Timestamp::from_millisecond(platforms).unwrap())
    }

    fn does(&mut self, next: Move) {
        match next {
            Move::Start(caller) => {
                let now = self.now;
                let caller = &mut self.callers[caller];
                if caller.attempts == 0 && caller.next.is_none() {
                    caller.begun = now;
                    caller.next = Some(now);
                    self.advance(0);
                }
            }
            Move::Step(caller, fate) => {
                if let Some(ask) = self.callers[caller].asks.take() {
                    let reply = self.served(caller, ask, &fate);
                    self.goes_on(caller, Some(reply));
                }
            }
            Move::Kill(caller, fate) => {
                if let Some(ask) = self.callers[caller].asks.take() {
                    let is_create = ask == Ask::Create;
                    self.served(caller, ask, &fate);
                    let now = self.now;
                    let caller = &mut self.callers[caller];
                    if is_create && let Some(post) = caller.posts.last_mut() {
                        post.is_ambiguous = true;
                    }
                    caller.attempt = None;
                    caller.next = Some(now + NOTICED);
                }
            }
            Move::Advance(time) => self.advance(time),
            Move::Foreign => {
                let id = self.platform.new_id();
                // Where it is refused, somebody reads why.
                let _ = self
                    .platform
                    .commit(self.now, &id, Maker::Hand, 0, "by hand");
            }
            Move::Delete => {
                let mut things = self.platform.things.iter_mut();
                if let Some(thing) = things.find(|each| each.exists() && each.is_ours()) {
                    thing.deleted_by_hand = true;
                    let id = thing.id.clone();
                    self.platform.delete(self.now, &id);
                }
            }
        }
    }

    /// Lets time pass, with what happens meanwhile in its order.
    fn advance(&mut self, time: Millis) {
        let until = self.now + time;
        loop {
            let late = self.late.iter().map(|(at, ..)| *at).min();
            let next = self.callers.iter().filter_map(|caller| caller.next).min();
            let Some(at) = late.into_iter().chain(next).min() else {
                break;
            };
            if at > until {
                break;
            }
            self.now = self.now.max(at);
            if let Some(index) = self.late.iter().position(|(each, ..)| *each == at) {
                let (_, id, caller) = self.late.remove(index);
                self.commits(&id, caller);
            } else if let Some(caller) = self.callers.iter().position(|c| c.next == Some(at)) {
                self.begins(caller);
            }
        }
        self.now = until;
    }

    fn begins(&mut self, number: usize) {
        let now = self.clocks().ours;
        let kind = self.platform.kind;
        let caller = &mut self.callers[number];
        caller.next = None;
        caller.attempts += 1;
        let is_first = caller.attempts <= 1;
        let past = Pasts::of(caller.details.as_ref(), caller.attempts, is_first, now).of_kind(kind);
        let begun = Timestamp::from_millisecond(EPOCH + caller.begun).unwrap();
        caller.attempt = Some(Attempt::new(
            Arc::clone(&caller.intent),
            OnExisting::AdoptOurs,
            Rules::default(),
            begun,
            Some(past),
        ));
        self.goes_on(number, None);
    }

    fn goes_on(&mut self, number: usize, reply: Option<Reply>) {
        let clocks = self.clocks();
        let kind = self.platform.kind;
        let caller = &mut self.callers[number];
        let Some(attempt) = caller.attempt.as_mut() else {
            return;
        };
        let result = match attempt.go_on(clocks, reply) {
            Progress::Asks(ask) => {
                caller.asks = Some(ask);
                return;
            }
            Progress::Ends(result) => result,
        };
        caller.attempt = None;
        let (past, pause) = match &result {
            Err(EnsureError::NotYet { past, after, .. }) => (past, *after),
            Err(EnsureError::Failed { past, .. }) => (past, None),
            Ok(_) | Err(_) => {
                caller.ended = Some(result);
                return;
            }
        };
        let mut pasts = Pasts::clean();
        pasts.set(kind, past.clone());
        caller.details = Some(Memory::left_by(caller.attempts, &pasts));
        let pause = pause.map_or(1000, |pause| Millis::try_from(pause.as_millis()).unwrap());
        caller.next = Some(self.now + pause);
    }

    fn commits(&mut self, id: &str, caller: usize) -> bool {
        let description = self.callers[caller].intent.described("");
        let maker = Maker::Caller(caller);
        self.platform
            .commit(self.now, id, maker, 0, &description)
            .is_ok()
    }

    fn served(&mut self, caller: usize, ask: Ask, fate: &Fate) -> Reply {
        let refusal = match fate {
            Fate::Answered => None,
            Fate::Lost | Fate::Late(_) => Some(Refusal::Lost),
            Fate::Refused => Some(Refusal::TooMany),
        };
        let takes_place = matches!(fate, Fate::Answered | Fate::Late(_));
        let reads = || refusal.map(|refusal| failure(refusal, Access::Reads));
        let writes = || refusal.map(|refusal| failure(refusal, Access::Writes));
        match ask {
            Ask::Look => Reply::Look(reads().map_or_else(|| Ok(self.platform.list(self.now)), Err)),
            Ask::Read(id) => {
                let reply = reads().map_or_else(|| Ok(self.platform.read(&id)), Err);
                self.callers[caller].read = Some(id);
                Reply::Read(reply)
            }
            Ask::Delete(id) => {
                let deletion = takes_place.then(|| self.deletes(caller, &id));
                Reply::Delete(match (writes(), deletion) {
                    (None, Some(deletion)) => Ok(deletion),
                    (Some(failure), _) => Err(failure),
                    (None, None) => unreachable!("what is answered takes place"),
                })
            }
            Ask::Create => {
                let is_ambiguous = matches!(fate, Fate::Lost | Fate::Late(_));
                let (at, attempt) = (self.now, self.callers[caller].attempts);
                self.callers[caller].posts.push(Post {
                    at,
                    attempt,
                    is_ambiguous,
                });
                let id = self.platform.new_id();
                let mut is_taken = false;
                match fate {
                    Fate::Answered => is_taken = !self.commits(&id, caller),
                    Fate::Late(after) => self.late.push((at + after, id.clone(), caller)),
                    Fate::Lost | Fate::Refused => {}
                }
                Reply::Create(match writes() {
                    Some(failure) => Err(failure),
                    None if is_taken => Err(name_taken()),
                    None => Ok(Created {
                        id,
                        etag: String::new(),
                    }),
                })
            }
        }
    }

    /// Deletes a duplicate. Where a hand took the winner away since it was read, that hand is why
    /// nothing is left.
    fn deletes(&mut self, caller: usize, id: &str) -> Deletion {
        let winner = self.callers[caller].read.as_deref();
        let is_by_hand = winner.is_some_and(|winner| was_deleted_by_hand(self, winner));
        let deletion = self.platform.delete(self.now, id);
        let mut things = self.platform.things.iter_mut();
        if let Some(thing) = things.find(|each| each.id == id && !each.exists()) {
            thing.deleted_by_hand |= is_by_hand;
        }
        deletion
    }

    /// Faults cease: each call is answered, time goes on, until nothing is left to happen.
    /// Whether it came to that.
    fn comes_to_rest(&mut self) -> bool {
        for _ in 0..200 {
            for caller in 0..CALLERS {
                while self.callers[caller].asks.is_some() {
                    self.does(Move::Step(caller, Fate::Answered));
                }
            }
            let late = self.late.iter().map(|(at, ..)| *at);
            let next = self.callers.iter().filter_map(|caller| caller.next);
            let Some(at) = late.chain(next).min() else {
                return true;
            };
            self.advance((at - self.now).max(0));
        }
        false
    }

    fn answers(&self) -> impl Iterator<Item = &str> {
        let ended = self.callers.iter().filter_map(|each| each.ended.as_ref());
        ended.filter_map(|ended| ended.as_ref().ok().map(|ensured| ensured.id.as_str()))
    }
}

fn was_deleted_by_hand(running: &Running, id: &str) -> bool {
    let mut things = running.platform.things.iter();
    things.any(|each| each.id == id && each.deleted_by_hand)
}

/// Never an answer whose resource does not exist, unless somebody deleted it.
fn invariant_what_is_answered_exists(running: &Running) {
    for id in running.answers() {
        let exists = running.platform.read(id).is_some();
        assert!(
            exists || was_deleted_by_hand(running, id),
            "{id} is answered and does not exist"
        );
    }
}

/// Never a create of a call within the quiet period of one of its own that is ambiguous.
fn invariant_no_create_within_the_quiet_period(running: &Running) {
    for caller in &running.callers {
        for pair in caller.posts.windows(2) {
            let pause = pair[1].at - pair[0].at;
            assert!(
                !pair[0].is_ambiguous || pause >= QUIET,
                "created again after {pause} ms"
            );
        }
    }
}

/// At most one create for each attempt.
fn invariant_one_create_per_attempt(running: &Running) {
    for caller in &running.callers {
        for pair in caller.posts.windows(2) {
            assert_ne!(
                pair[0].attempt, pair[1].attempt,
                "two creates in one attempt"
            );
        }
    }
}

/// Once faults cease, every call that began ends.
fn invariant_it_ends(running: &Running) {
    for (number, caller) in running.callers.iter().enumerate() {
        assert!(
            caller.attempts == 0 || caller.ended.is_some(),
            "caller {number} has no end after {} attempts",
            caller.attempts
        );
    }
}

/// When all is quiet, no two of one intent exist.
fn invariant_one_exists(running: &Running) {
    if Uniqueness::of(running.platform.kind) == Uniqueness::Kept {
        return;
    }
    let things = running.platform.things.iter();
    let existing: Vec<_> = things
        .filter(|each| each.is_ours() && each.exists())
        .map(|each| (&each.id, each.maker, each.made))
        .collect();
    assert!(existing.len() <= 1, "several exist: {existing:?}");
}

/// All calls are given the same one.
fn invariant_all_are_given_the_same(running: &Running) {
    let mut answers: Vec<_> = running
        .answers()
        .filter(|id| !was_deleted_by_hand(running, id))
        .collect();
    answers.dedup();
    assert!(
        answers.len() <= 1,
        "different ones are answered: {answers:?}"
    );
}

struct Protocol;

impl StateMachineTest for Protocol {
    type SystemUnderTest = Running;
    type Reference = World;

    fn init_test(world: &World) -> Running {
        Running::new(world)
    }

    fn apply(mut running: Running, _: &World, next: Move) -> Running {
        running.does(next);
        running
    }

    fn check_invariants(running: &Running, _: &World) {
        invariant_what_is_answered_exists(running);
        invariant_no_create_within_the_quiet_period(running);
        invariant_one_create_per_attempt(running);
    }

    fn teardown(mut running: Running, world: World) {
        let rests = running.comes_to_rest();
        Self::check_invariants(&running, &world);
        invariant_it_ends(&running);
        assert!(rests, "it does not come to rest");
        invariant_one_exists(&running);
        invariant_all_are_given_the_same(&running);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        // Cases are cheap: a few microseconds for each move.
        cases: std::cmp::max(ProptestConfig::default().cases, 2000),
        ..ProptestConfig::default()
    })]

    #[test]
    fn one_wish_leaves_one_resource(sequential 1..60 => Protocol);
}

/// A look that took longer than clocks are apart, and shows what was made meanwhile.
#[test]
fn a_slow_look_takes_nothing_for_old() {
    let world = World {
        kind: ResourceKind::MappingSet,
        made_lags: vec![0],
        deleted_lags: vec![0],
        flicker: true,
        seed: 14_724_580_766_852_537_776,
    };
    let mut running = Running::new(&world);
    for next in [
        Move::Start(0),
        Move::Start(1),
        Move::Step(1, Fate::Answered),
        Move::Step(1, Fate::Late(66_772)),
        Move::Advance(66_773),
    ] {
        running.does(next);
    }
    Protocol::teardown(running, world);
}

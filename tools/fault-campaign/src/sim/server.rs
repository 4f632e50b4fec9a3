//! The server's side, the workers, and the order of events.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use aep_flow_ensure::{
    CallFailure as _, Created, Deletion, Effect, EnsureError, Ensured, Intent, Memory, Now, Past,
    Pasts, ResourceKind, Uniqueness, crash::Point,
};
use aep_flow_proto::v1::{OnExisting, Outcome};
use jiff::Timestamp;

use super::{
    attempt::{Ask, Attempt, Progress, Reply},
    failures::{Access, Failure, failure, name_taken},
    platform::{EPOCH, Maker, Platform},
};
use crate::{
    dice::Dice,
    scenario::{Crash, CreateFate, CreateReply, Hand, Heartbeat, Millis, Refusal, Scenario, Upset},
};

/// Past this a caller that has not come to an end is stuck.
const LONGEST: Millis = 24 * 60 * 60 * 1000;
const MOST_ATTEMPTS: u32 = 200;

/// How long a worker may take to learn that nobody waits for its attempt: until its next heartbeat.
const CANCEL_NOTICED: Millis = 12_000;

/// First and longest pause between attempts, as the workflows' retry policy has them.
const RETRY_FIRST: Millis = 1000;
const RETRY_LONGEST: Millis = 60_000;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this resource.
    Answer {
        /// Its id.
        id: String,
        /// Whether it was told that it made it.
        outcome: Outcome,
    },
    /// Something of that name is in the way.
    Conflict {
        /// Its id, where it can be seen.
        id: Option<String>,
    },
    /// Ours exists, created from another request.
    Mismatch {
        /// Its id.
        id: String,
    },
    /// Several exist and are in use.
    Undecided {
        /// Their ids.
        ids: Vec<String>,
    },
    /// By the server, which forgot it.
    Vanished,
    /// A failure that no attempt follows.
    Failed {
        /// In its words.
        message: String,
    },
}

/// When and how a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Millis,
    /// After how many attempts.
    pub attempts: u32,
    /// How.
    pub end: End,
}

/// How often what is rare was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rare {
    /// Creates that were sent and not answered, or whose sender died.
    pub ambiguous: u64,
    /// Answers with what the call made in an attempt that was not answered.
    pub adopted_after_lost: u64,
    /// Deletions of one of ours while another existed.
    pub duplicates_deleted: u64,
    /// Creates that took effect after another caller had its answer.
    pub late_after_answer: u64,
    /// Looks that showed something which was gone.
    pub ghosts: u64,
    /// Calls told that another request made it.
    pub mismatches: u64,
    /// Creates sent by an attempt that the server had given up.
    pub zombie_creates: u64,
    /// Creates refused since the name was taken.
    pub names_taken: u64,
    /// Calls told that they must decide.
    pub undecided: u64,
    /// Attempts whose worker died.
    pub deaths: u64,
    /// Creates that were open when their caller vanished.
    pub left_open: u64,
    /// Callers that knew of a create which one that vanished had left open.
    pub warned: u64,
    /// Duplicates deleted for a caller that had vanished.
    pub settled: u64,
}

impl std::ops::AddAssign for Rare {
    fn add_assign(&mut self, other: Self) {
        self.ambiguous += other.ambiguous;
        self.adopted_after_lost += other.adopted_after_lost;
        self.duplicates_deleted += other.duplicates_deleted;
        self.late_after_answer += other.late_after_answer;
        self.ghosts += other.ghosts;
        self.mismatches += other.mismatches;
        self.zombie_creates += other.zombie_creates;
        self.names_taken += other.names_taken;
        self.undecided += other.undecided;
        self.deaths += other.deaths;
        self.left_open += other.left_open;
        self.warned += other.warned;
        self.settled += other.settled;
    }
}

/// What there is to judge when all is quiet.
#[derive(Debug)]
pub struct Run {
    /// The platform, after the last late create.
    pub platform: Platform,
    /// How each call ended; none for one that did not.
    pub ends: Vec<Option<Ended>>,
    /// What was rare.
    pub rare: Rare,
    /// What happened, if it was to be told.
    pub told: Vec<String>,
}

/// Runs it until nothing is left to happen.
pub fn run(scenario: &Scenario, tells: bool) -> Run {
    let mut world = World::new(scenario, tells);
    while let Some(Reverse((at, number))) = world.queue.pop() {
        if at > LONGEST {
            break;
        }
        world.now = at;
        if let Some(event) = world.events.remove(&number) {
            world.happens(event);
        }
    }
    world.rare.ghosts = world.platform.ghosts_shown;
    Run {
        platform: world.platform,
        ends: world.callers.into_iter().map(|each| each.ended).collect(),
        rare: world.rare,
        told: world.told,
    }
}

/// The intent of caller number `number`.
pub fn intent(kind: ResourceKind, body: u8, number: usize) -> Intent {
    let intent = Intent::new(kind, &["org", "prod"], "one")
        .field("host", &format!("host-{body}.example"))
        .field("username", "svc");
    if Uniqueness::of(kind) == Uniqueness::Kept {
        return intent;
    }
    intent.by(&["workflow", &number.to_string(), "1"])
}

#[derive(Debug)]
enum Event {
    Hand(Hand),
    /// The server starts the caller's next attempt.
    Attempt(usize),
    Arrives(usize, Ask),
    Commits(Pending),
    Replies(usize, Reply),
    /// The server gives an attempt up.
    GivenUp(usize, Heartbeat),
    Wakes(usize),
    Uses(String),
    /// A caller is cancelled, terminated or reset.
    Vanishes(usize),
    /// A worker learns that nobody waits for its attempt.
    Cancelled(usize),
    /// What was kept of open creates is settled, unless another one was kept since.
    Settles,
}

/// A create that is under way on the platform.
#[derive(Debug, Clone)]
struct Pending {
    id: String,
    caller: usize,
    /// Attempt that is told once it has taken effect.
    tells: Option<usize>,
}

struct Caller {
    intent: Arc<Intent>,
    attempts: u32,
    details: Option<Memory>,
    ended: Option<Ended>,
}

struct Worker {
    caller: usize,
    number: u32,
    attempt: Option<Attempt>,
    upset: Upset,
    clock: Millis,
    /// The server hears no more of it.
    cut_off: bool,
    stalled: Option<Stalled>,
    left: Option<Memory>,
    /// Whether it sent a create.
    sent: bool,
}

impl Caller {
    fn of(intent: Arc<Intent>) -> Self {
        Self {
            intent,
            attempts: 0,
            details: None,
            ended: None,
        }
    }
}

impl Worker {
    /// One at attempt `number` of `caller`, to which nothing happens.
    fn at(caller: usize, number: u32, attempt: Attempt, clock: Millis) -> Self {
        Self {
            caller,
            number,
            attempt: Some(attempt),
            upset: Upset::default(),
            clock,
            cut_off: false,
            stalled: None,
            left: None,
            sent: false,
        }
    }
}

#[derive(Debug)]
enum Stalled {
    Asking(Ask),
    Told(Reply),
}

struct World<'a> {
    scenario: &'a Scenario,
    platform: Platform,
    callers: Vec<Caller>,
    workers: Vec<Worker>,
    now: Millis,
    queue: BinaryHeap<Reverse<(Millis, u64)>>,
    events: BTreeMap<u64, Event>,
    numbers: u64,
    dice: Dice,
    /// Until when creates that were kept on the server may be seen; none if there are none.
    open_until: Option<Millis>,
    rare: Rare,
    tells: bool,
    told: Vec<String>,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, tells: bool) -> Self {
        let callers = scenario.callers.iter().enumerate();
        let mut world = Self {
            scenario,
            platform: Platform::new(
                scenario.kind,
                scenario.lags.clone(),
                scenario.waits.lag,
                scenario.platform_clock,
                scenario.seed,
            ),
            callers: callers
                .map(|(number, caller)| {
                    Caller::of(Arc::new(intent(scenario.kind, caller.body, number)))
                })
                .collect(),
            workers: Vec::new(),
            now: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            numbers: 0,
            dice: Dice::new(scenario.seed),
            open_until: None,
            rare: Rare::default(),
            tells,
            told: Vec::new(),
        };
        for hand in &scenario.hands {
            world.at(hand.at(), Event::Hand(*hand));
        }
        for (number, caller) in scenario.callers.iter().enumerate() {
            world.at(caller.starts, Event::Attempt(number));
            if let Some(at) = caller.vanishes {
                world.at(at, Event::Vanishes(number));
            }
        }
        world
    }

    fn at(&mut self, at: Millis, event: Event) {
        self.numbers += 1;
        self.queue.push(Reverse((at, self.numbers)));
        self.events.insert(self.numbers, event);
    }

    fn after(&mut self, pause: Millis, event: Event) {
        self.at(self.now + pause, event);
    }

    fn latency(&mut self) -> Millis {
        self.dice.between(0, self.scenario.latency)
    }

    fn tell(&mut self, text: impl FnOnce() -> String) {
        if self.tells {
            let seconds = self.now as f64 / 1000.0;
            self.told.push(format!("{seconds:9.3} s  {}", text()));
        }
    }

    fn clocks(&self, worker: usize) -> Now {
        // The platform's time is known from the `Date` of its answers: to the second, rounded
        // down.
        let platforms = (EPOCH + self.now + self.platform.clock) / 1000 * 1000;
        Now::new(
            timestamp(EPOCH + self.now + self.workers[worker].clock),
            timestamp(platforms),
        )
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Hand(hand) => self.hand(hand),
            Event::Attempt(caller) => self.begin(caller),
            Event::Arrives(worker, ask) => self.arrives(worker, ask),
            Event::Commits(pending) => self.commits(&pending),
            Event::Replies(worker, reply) => self.hears(worker, reply),
            Event::GivenUp(worker, heartbeat) => self.gives_up(worker, heartbeat),
            Event::Wakes(worker) => self.wakes(worker),
            Event::Vanishes(caller) => self.vanishes(caller),
            Event::Cancelled(worker) => self.is_cancelled(worker),
            Event::Settles => self.settles(),
            Event::Uses(id) => {
                let mut things = self.platform.things.iter_mut();
                if let Some(thing) = things.find(|each| each.id == id && each.exists()) {
                    thing.used = true;
                }
            }
        }
    }

    fn begin(&mut self, number: usize) {
        let Some(scenario) = self.scenario.callers.get(number) else {
            return self.begins_to_settle(number);
        };
        let caller = &mut self.callers[number];
        if caller.attempts >= MOST_ATTEMPTS || caller.ended.is_some() {
            return;
        }
        let index = caller.attempts as usize;
        caller.attempts += 1;
        let clock = match scenario.clocks.len() {
            0 => 0,
            length => scenario.clocks[index % length],
        };
        let now = timestamp(EPOCH + self.now + clock);
        let is_first = caller.attempts <= 1;
        let pasts = Pasts::of(caller.details.as_ref(), caller.attempts, is_first, now);
        let follows_silence = pasts == Pasts::open_since(now);
        let mut past = pasts.of_kind(self.scenario.kind);
        if is_first && past == Past::Clean && self.open_until.is_some() {
            self.rare.warned += 1;
            past = Past::Open {
                since: now,
                looks: 0,
            };
        }
        let attempt = Attempt::new(
            Arc::clone(&caller.intent),
            scenario.on_existing,
            self.scenario.waits.rules(),
            timestamp(EPOCH + scenario.starts + self.scenario.server_clock),
            Some(past.clone()),
        );
        let attempts = caller.attempts;
        self.workers.push(Worker {
            upset: scenario.upsets.get(index).copied().unwrap_or_default(),
            ..Worker::at(number, attempts, attempt, clock)
        });
        self.tell(|| format!("caller {number}: attempt {attempts} begins, knowing {past:?}"));
        if follows_silence {
            self.keeps(number);
        }
        self.goes_on(self.workers.len() - 1, None);
    }

    fn goes_on(&mut self, worker: usize, reply: Option<Reply>) {
        let now = self.clocks(worker);
        let Some(attempt) = self.workers[worker].attempt.as_mut() else {
            return;
        };
        match attempt.go_on(now, reply) {
            Progress::Asks(ask) => {
                let point = match ask {
                    Ask::Look => Some(Point::BeforeLook),
                    Ask::Create => Some(Point::BeforePost),
                    Ask::Read(_) | Ask::Delete(_) => None,
                };
                match point.and_then(|point| self.crash_at(worker, point)) {
                    Some(crash) => self.falls(worker, crash, Some(Stalled::Asking(ask))),
                    None => self.sends(worker, ask),
                }
            }
            Progress::Ends(result) => {
                self.workers[worker].attempt = None;
                match self.crash_at(worker, Point::BeforeReport) {
                    Some(crash) => {
                        self.workers[worker].left = self.memory(worker, &result);
                        if crash.heartbeat == Heartbeat::Left {
                            // That goes before.
                            self.keeps_open(worker, &result);
                        }
                        self.falls(worker, crash, None);
                    }
                    None => self.reports(worker, result),
                }
            }
        }
    }

    fn crash_at(&mut self, worker: usize, point: Point) -> Option<Crash> {
        if self.callers[self.workers[worker].caller].ended.is_some() {
            // Nobody is left to tell of it: docs/operating.md names the limit.
            return None;
        }
        self.workers[worker]
            .upset
            .crash
            .take_if(|crash| crash.at == point)
    }

    fn sends(&mut self, worker: usize, ask: Ask) {
        let caller = self.workers[worker].caller;
        let number = self.workers[worker].number;
        self.tell(|| format!("caller {caller}: attempt {number} sends {ask:?}"));
        let is_create = ask == Ask::Create;
        self.workers[worker].sent |= is_create;
        if is_create && self.callers[caller].attempts > number {
            self.rare.zombie_creates += 1;
        }
        let latency = self.latency();
        self.after(latency, Event::Arrives(worker, ask));
        if is_create && let Some(crash) = self.crash_at(worker, Point::AfterBody) {
            self.rare.ambiguous += 1;
            self.falls(worker, crash, None);
        }
    }

    /// The worker dies, or the server can no longer hear it.
    fn falls(&mut self, worker: usize, crash: Crash, stalled: Option<Stalled>) {
        self.rare.deaths += 1;
        let at = &mut self.workers[worker];
        at.cut_off = true;
        let (caller, number) = (at.caller, at.number);
        match crash.wakes {
            Some(pause) if stalled.is_some() => {
                at.stalled = stalled;
                self.after(crash.noticed + pause, Event::Wakes(worker));
            }
            // It goes on, and nobody hears of it.
            Some(_) => {}
            None => at.attempt = None,
        }
        let point = crash.at.as_str();
        self.tell(|| format!("caller {caller}: attempt {number} is lost {point}"));
        self.after(crash.noticed, Event::GivenUp(worker, crash.heartbeat));
    }

    fn gives_up(&mut self, worker: usize, heartbeat: Heartbeat) {
        let at = &mut self.workers[worker];
        let (caller, number) = (at.caller, at.number);
        let left = at.left.take();
        match heartbeat {
            Heartbeat::None => {}
            Heartbeat::InFlight => self.callers[caller].details = Some(Memory::in_flight()),
            Heartbeat::Left => {
                if let Some(left) = left {
                    self.callers[caller].details = Some(left);
                }
            }
        }
        self.tell(|| format!("caller {caller}: attempt {number} is given up"));
        if self.callers[caller].ended.is_some() {
            return;
        }
        self.after(backoff(number), Event::Attempt(caller));
    }

    fn wakes(&mut self, worker: usize) {
        let at = &mut self.workers[worker];
        let (caller, number) = (at.caller, at.number);
        let stalled = at.stalled.take();
        self.tell(|| format!("caller {caller}: attempt {number} wakes, and nobody waits for it"));
        match stalled {
            Some(Stalled::Asking(ask)) => self.sends(worker, ask),
            Some(Stalled::Told(reply)) => self.goes_on(worker, Some(reply)),
            None => {}
        }
    }

    fn arrives(&mut self, worker: usize, ask: Ask) {
        let upset = &mut self.workers[worker].upset;
        let reply = match ask {
            Ask::Create => return self.create_arrives(worker),
            Ask::Look => Reply::Look(match upset.look.take() {
                Some(refusal) => Err(failure(refusal, Access::Reads)),
                None => Ok(self.platform.list(self.now)),
            }),
            Ask::Read(id) => Reply::Read(match upset.read.take() {
                Some(refusal) => Err(failure(refusal, Access::Reads)),
                None => Ok(self.platform.read(&id)),
            }),
            Ask::Delete(id) => {
                let fate = upset.sweep.take();
                let deletion = match fate {
                    Some(fate) if !fate.commits => None,
                    Some(_) | None => Some(self.deletes(worker, &id)),
                };
                Reply::Delete(match (fate, deletion) {
                    (None, Some(deletion)) => Ok(deletion),
                    (Some(fate), _) => Err(failure(fate.reply, Access::Writes)),
                    (None, None) => Err(failure(Refusal::Lost, Access::Writes)),
                })
            }
        };
        let latency = self.latency();
        self.after(latency, Event::Replies(worker, reply));
    }

    fn deletes(&mut self, worker: usize, id: &str) -> Deletion {
        let existing = self.platform.things.iter().filter(|each| each.exists());
        let others = existing.filter(|each| each.is_ours() && each.id != id);
        let has_others = others.count() > 0;
        let existed = self.platform.read(id).is_some();
        let deletion = self.platform.delete(self.now, id);
        if existed && has_others && deletion == Deletion::Gone {
            self.rare.duplicates_deleted += 1;
            let is_settling = self.workers[worker].caller >= self.scenario.callers.len();
            self.rare.settled += u64::from(is_settling);
        }
        self.tell(|| format!("platform: deletion of {id}: {deletion:?}"));
        deletion
    }

    fn create_arrives(&mut self, worker: usize) {
        let at = &mut self.workers[worker];
        let caller = at.caller;
        let fate = at.upset.create.take().unwrap_or(CreateFate {
            commits: Some(0),
            reply: CreateReply::Answered,
        });
        let id = self.platform.new_id();
        let commit = fate.commits.map(|after| {
            let pending = Pending {
                id: id.clone(),
                caller,
                tells: None,
            };
            (after, pending)
        });
        if let CreateReply::Refused(refusal) = fate.reply {
            let failure = failure(refusal, Access::Writes);
            if failure.effect() == Effect::Unknown && !self.workers[worker].cut_off {
                self.rare.ambiguous += 1;
            }
            let latency = self.latency();
            self.after(latency, Event::Replies(worker, Reply::Create(Err(failure))));
        }
        let Some((after, mut pending)) = commit else {
            return;
        };
        match fate.reply {
            CreateReply::Answered if after > 0 => {
                let created = Created {
                    id,
                    etag: String::new(),
                };
                let latency = self.latency();
                self.after(latency, Event::Replies(worker, Reply::Create(Ok(created))));
            }
            CreateReply::Answered | CreateReply::AnsweredLate => pending.tells = Some(worker),
            CreateReply::Refused(_) => {}
        }
        if after == 0 {
            self.commits(&pending);
        } else {
            self.after(after, Event::Commits(pending));
        }
    }

    fn commits(&mut self, pending: &Pending) {
        let caller = pending.caller;
        let body = self.scenario.callers[caller].body;
        let description = self.callers[caller].intent.described("made here");
        let maker = Maker::Caller(caller);
        let committed = self
            .platform
            .commit(self.now, &pending.id, maker, body, &description)
            .is_ok();
        self.tell(|| {
            let verb = if committed {
                "takes"
            } else {
                "is refused and takes no"
            };
            format!(
                "platform: caller {caller}'s create {verb} effect as {}",
                pending.id
            )
        });
        let is_late = self.callers.iter().enumerate().any(|(number, each)| {
            let is_answered = each
                .ended
                .as_ref()
                .is_some_and(|ended| matches!(ended.end, End::Answer { .. }));
            number != caller && is_answered
        });
        if committed && is_late {
            self.rare.late_after_answer += 1;
        }
        if !committed {
            self.rare.names_taken += 1;
        }
        if let Some(worker) = pending.tells {
            let reply = if committed {
                Ok(Created {
                    id: pending.id.clone(),
                    etag: String::new(),
                })
            } else {
                Err(name_taken())
            };
            let latency = self.latency();
            self.after(latency, Event::Replies(worker, Reply::Create(reply)));
        }
    }

    fn hears(&mut self, worker: usize, reply: Reply) {
        if self.workers[worker].attempt.is_none() {
            return;
        }
        let point = match reply {
            Reply::Look(_) => Some(Point::AfterLook),
            Reply::Create(_) => Some(Point::AfterReply),
            Reply::Read(_) | Reply::Delete(_) => None,
        };
        match point.and_then(|point| self.crash_at(worker, point)) {
            Some(crash) => {
                if point == Some(Point::AfterReply) {
                    self.rare.ambiguous += 1;
                }
                self.falls(worker, crash, Some(Stalled::Told(reply)));
            }
            None => self.goes_on(worker, Some(reply)),
        }
    }

    /// What an attempt that ended so leaves for the next.
    fn memory(
        &self,
        worker: usize,
        result: &Result<Ensured, EnsureError<Failure>>,
    ) -> Option<Memory> {
        let past = match result {
            Err(EnsureError::Failed { past, .. } | EnsureError::NotYet { past, .. }) => past,
            Ok(_) | Err(_) => return None,
        };
        let number = self.workers[worker].number;
        let mut pasts = Pasts::clean();
        pasts.set(self.scenario.kind, past.clone());
        Some(Memory::left_by(number, &pasts))
    }

    fn reports(&mut self, worker: usize, result: Result<Ensured, EnsureError<Failure>>) {
        let at = &self.workers[worker];
        let (caller, number, is_cut_off) = (at.caller, at.number, at.cut_off);
        self.tell(|| {
            let to = if is_cut_off { "tells nobody" } else { "ends" };
            match &result {
                Ok(ensured) => format!("caller {caller}: attempt {number} {to}: {ensured:?}"),
                Err(error) => format!("caller {caller}: attempt {number} {to}: {error}"),
            }
        });
        if is_cut_off {
            return;
        }
        self.keeps_open(worker, &result);
        let left = self.memory(worker, &result);
        if self.callers[caller].ended.is_some() {
            if self.is_unconfirmed(left.as_ref(), number) {
                // It vanishes a moment later instead.
                self.callers[caller].ended = None;
                self.after(1000, Event::Vanishes(caller));
            } else {
                return;
            }
        }
        let pause = match &result {
            Err(EnsureError::NotYet { after, .. }) => {
                Some(after.map_or_else(|| backoff(number), |after| as_millis(after.as_millis())))
            }
            // What a simulated call meets passes.
            Err(EnsureError::Failed { .. }) => Some(backoff(number)),
            Ok(_) | Err(_) => None,
        };
        if let Some(pause) = pause {
            self.callers[caller].details = left;
            self.after(pause, Event::Attempt(caller));
            return;
        }
        let end = match result {
            Ok(Ensured { id, outcome, .. }) => {
                self.answered(caller, &id, outcome);
                End::Answer { id, outcome }
            }
            Err(EnsureError::Conflict { id, .. }) => End::Conflict { id },
            Err(EnsureError::Mismatch { id, .. }) => {
                self.rare.mismatches += 1;
                End::Mismatch { id }
            }
            Err(EnsureError::Undecided { ids, .. }) => {
                self.rare.undecided += 1;
                End::Undecided { ids }
            }
            Err(error) => End::Failed {
                message: error.to_string(),
            },
        };
        self.callers[caller].ended = Some(Ended {
            at: self.now,
            attempts: number,
            end,
        });
        if caller >= self.scenario.callers.len() {
            // Another may have been kept meanwhile.
            self.open_until = self.open_until.filter(|until| *until > self.now);
        }
    }

    /// The same of an attempt that ends so, if it has sent one.
    fn keeps_open(&mut self, worker: usize, result: &Result<Ensured, EnsureError<Failure>>) {
        let is_open = match result {
            Err(EnsureError::Failed { past, .. } | EnsureError::NotYet { past, .. }) => {
                past.is_open()
            }
            Ok(_) | Err(_) => false,
        };
        if is_open && self.workers[worker].sent {
            self.keeps(self.workers[worker].caller);
        }
    }

    /// The server keeps an open create of that caller, so that it outlives it.
    fn keeps(&mut self, caller: usize) {
        if Uniqueness::of(self.scenario.kind) != Uniqueness::Deleted {
            return;
        }
        let stray = self.scenario.waits.rules().stray().as_millis();
        let until = self.now + as_millis(stray);
        self.tell(|| format!("caller {caller}: the server keeps its create"));
        if self.open_until.is_none() {
            // The first create that is kept says whose it is.
            let intent = Arc::clone(&self.callers[caller].intent);
            self.callers.push(Caller::of(intent));
        }
        self.open_until = self.open_until.max(Some(until));
        self.at(until, Event::Settles);
    }

    fn settles(&mut self) {
        if self.open_until == Some(self.now) {
            self.after(0, Event::Attempt(self.callers.len() - 1));
        }
    }

    fn begins_to_settle(&mut self, number: usize) {
        let caller = &mut self.callers[number];
        if caller.attempts >= MOST_ATTEMPTS {
            return;
        }
        caller.attempts += 1;
        caller.ended = None;
        let attempts = caller.attempts;
        let attempt = Attempt::new(
            Arc::clone(&caller.intent),
            OnExisting::AdoptOurs,
            self.scenario.waits.rules(),
            timestamp(EPOCH + self.now + self.scenario.server_clock),
            None,
        );
        let clock = self.scenario.server_clock;
        self.workers
            .push(Worker::at(number, attempts, attempt, clock));
        self.tell(|| format!("caller {number}: attempt {attempts} begins to settle"));
        self.goes_on(self.workers.len() - 1, None);
    }

    /// Whether its create got a response and is not confirmed yet. A caller that vanishes then may
    /// leave a duplicate, and so may one whose worker is lost: docs/operating.md names both limits.
    fn is_unconfirmed(&self, left: Option<&Memory>, attempts: u32) -> bool {
        let now = timestamp(EPOCH + self.now);
        let pasts = Pasts::of(left, attempts + 1, false, now);
        matches!(pasts.of_kind(self.scenario.kind), Past::Made { .. })
    }

    fn vanishes(&mut self, caller: usize) {
        if self.callers[caller].ended.is_some() {
            return;
        }
        let mut workers = self.workers.iter().enumerate().rev();
        let last = workers.find(|(_, worker)| worker.caller == caller);
        let (worker, is_lost) = match last {
            Some((at, worker)) => (Some(at), worker.cut_off),
            None => (None, false),
        };
        let at = &self.callers[caller];
        if is_lost || self.is_unconfirmed(at.details.as_ref(), at.attempts) {
            return self.after(1000, Event::Vanishes(caller));
        }
        self.tell(|| format!("caller {caller} vanishes"));
        self.callers[caller].ended = Some(Ended {
            at: self.now,
            attempts: self.callers[caller].attempts,
            end: End::Vanished,
        });
        match worker.filter(|at| self.workers[*at].attempt.is_some()) {
            Some(worker) => {
                let pause = self.dice.between(0, CANCEL_NOTICED);
                self.after(pause, Event::Cancelled(worker));
            }
            None => self.rare.left_open += u64::from(self.open_until.is_some()),
        }
    }

    fn is_cancelled(&mut self, worker: usize) {
        let at = &mut self.workers[worker];
        if at.attempt.take().is_none() {
            return;
        }
        at.stalled = None;
        let (caller, number, sent) = (at.caller, at.number, at.sent);
        self.tell(|| format!("caller {caller}: its attempt is cancelled"));
        let left = self.callers[caller].details.as_ref();
        if sent || self.is_unconfirmed(left, number - 1) {
            self.rare.left_open += 1;
            self.keeps(caller);
        }
    }

    fn answered(&mut self, caller: usize, id: &str, outcome: Outcome) {
        let mut things = self.platform.things.iter();
        let is_own = things.any(|each| each.id == id && each.maker == Maker::Caller(caller));
        if caller >= self.scenario.callers.len() {
            return;
        }
        if is_own && outcome == Outcome::Adopted {
            self.rare.adopted_after_lost += 1;
        }
        // Whoever is told an id builds on it at once.
        self.after(1, Event::Uses(id.to_owned()));
    }

    fn hand(&mut self, hand: Hand) {
        self.tell(|| format!("by hand: {hand:?}"));
        let id = self.platform.new_id();
        let now = self.now;
        match hand {
            Hand::Foreign { hidden, .. } => {
                let made = self.platform.commit(now, &id, Maker::Hand, 0, "by hand");
                if let Ok(thing) = made {
                    thing.hidden = hidden;
                }
            }
            Hand::Earlier { body, .. } => {
                let description = intent(self.scenario.kind, body, usize::MAX).described("");
                // Where it is refused, one exists already, which is as good.
                let _ = self
                    .platform
                    .commit(now, &id, Maker::Earlier, body, &description);
            }
            Hand::Ghost { body, .. } => {
                let description = intent(self.scenario.kind, body, usize::MAX).described("");
                let long_ago = now - 10 * 60_000;
                let made = self
                    .platform
                    .commit(long_ago, &id, Maker::Earlier, body, &description);
                if made.is_ok() {
                    self.platform.delete(now, &id);
                }
            }
            Hand::Use { .. } => {
                let mut things = self.platform.things.iter_mut().rev();
                if let Some(thing) = things.find(|each| each.exists() && each.is_ours()) {
                    thing.used = true;
                    thing.used_by_hand = true;
                }
            }
            Hand::Delete { .. } => {
                let mut things = self.platform.things.iter_mut();
                if let Some(thing) = things.find(|each| each.exists() && each.is_ours()) {
                    thing.used = false;
                    thing.deleted_by_hand = true;
                    let id = thing.id.clone();
                    self.platform.delete(now, &id);
                }
            }
        }
    }
}

fn backoff(attempt: u32) -> Millis {
    let doubled = RETRY_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    doubled.min(RETRY_LONGEST)
}

fn as_millis(millis: u128) -> Millis {
    Millis::try_from(millis).unwrap_or(LONGEST)
}

fn timestamp(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

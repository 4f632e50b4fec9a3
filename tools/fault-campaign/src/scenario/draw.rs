//! Draws scenarios, within what the protocol assumes of the world.
//!
//! Late creates come within the quiet period, lists lag by no more than the list lag, clocks
//! are apart by no more than [`CLOCK_SKEW`]. Beyond that nothing is promised.

use aep_flow_ensure::{ResourceKind, Uniqueness, crash::Point, rules::CLOCK_SKEW};
use aep_flow_proto::v1::OnExisting;

use super::{
    Caller, Crash, CreateFate, CreateReply, Fault, Hand, Heartbeat, Lags, Millis, Refusal,
    Scenario, SweepFate, Upset, Waits,
};
use crate::dice::Dice;

/// How much longer everything may take where nothing is promised.
pub const BEYOND: Millis = 3;

/// How soon the server notices a death: its heartbeat timeout, and the last heartbeat before.
const NOTICED: (Millis, Millis) = (10_000, 15_000);

/// Longest that a worker goes on after the server has given it up: it watches the same time
/// itself, and cancels what it runs five seconds later.
const LONGEST_WAKE: Millis = 5_000;

/// Before anything that a caller could confuse it with.
const LONG_AGO: Millis = -20 * 60_000;

const ALL: [Fault; 28] = [
    Fault::None,
    Fault::LostReply,
    Fault::LateCommit,
    Fault::NeverCommits,
    Fault::EarlyAnswer,
    Fault::SlowAnswer,
    Fault::Status500,
    Fault::Refused,
    Fault::LookFails,
    Fault::ReadFails,
    Fault::SweepFails,
    Fault::CrashBeforeLook,
    Fault::CrashAfterLook,
    Fault::CrashBeforePost,
    Fault::CrashAfterBody,
    Fault::CrashAfterReply,
    Fault::CrashBeforeReport,
    Fault::Zombie,
    Fault::TwoCallers,
    Fault::Differing,
    Fault::Foreign,
    Fault::InUse,
    Fault::Ghost,
    Fault::DeletedByHand,
    Fault::Earlier,
    Fault::Clocks,
    Fault::Flicker,
    Fault::Vanishes,
];

impl Fault {
    /// All of them.
    pub const ALL: [Self; 28] = ALL;

    /// Whether it can happen to that kind.
    pub fn is_of(self, kind: ResourceKind) -> bool {
        let uniqueness = Uniqueness::of(kind);
        match self {
            // A title that is taken is refused at the commit, so an answer comes after it.
            Self::EarlyAnswer => uniqueness != Uniqueness::Refused,
            Self::SweepFails | Self::InUse => uniqueness == Uniqueness::Deleted,
            // Another content has another name, and nothing deletes one.
            Self::Differing | Self::Foreign | Self::Ghost | Self::DeletedByHand => {
                uniqueness != Uniqueness::Kept
            }
            _ => true,
        }
    }
}

/// Case number `number` of the campaign of that seed; about `only`, if given.
pub fn draw(seed: u64, number: u64, only: Option<Fault>, beyond: bool) -> Scenario {
    let mut dice = Dice::of_case(seed, number);
    let (fault, kind) = loop {
        let kind = dice.of(&ResourceKind::ALL);
        let fault = only.unwrap_or_else(|| dice.of(&ALL));
        if fault.is_of(kind) {
            break (fault, kind);
        }
    };
    let mut scenario = base(&mut dice, kind);
    scenario.fault = fault;
    let mut drawing = Drawing {
        dice,
        reach: if beyond { BEYOND } else { 1 },
    };
    drawing.adds(&mut scenario, fault);
    while drawing.dice.one_in(2) {
        let other = drawing.dice.of(&ALL);
        if other.is_of(kind) {
            drawing.adds(&mut scenario, other);
        }
    }
    if !beyond {
        keeps_to_what_is_promised(&mut scenario);
    }
    scenario
}

/// What is not promised, taken out of a scenario.
///
/// Where two make the same at once, or a list shows one that is gone: that an answered create which does not stand yet is waited
/// for, and that both who take anything take the same if somebody makes one by hand in that
/// moment. And a worker that sends its create after the server has given it up has the quiet
/// period from the giving up, not from the sending.
///
/// The protocol's clock is the server's, whatever those of the workers show.
pub(super) fn keeps_to_what_is_promised(scenario: &mut Scenario) {
    let quiet = scenario.waits.quiet;
    let clocks = scenario.callers.iter_mut();
    let clocks = clocks.flat_map(|caller| &mut caller.clocks);
    for clock in clocks {
        *clock = scenario.server_clock;
    }
    for upset in scenario
        .callers
        .iter_mut()
        .flat_map(|caller| &mut caller.upsets)
    {
        let wakes = upset.crash.and_then(|crash| crash.wakes).unwrap_or(0);
        if let Some(commits) = upset.create.as_mut().and_then(|fate| fate.commits.as_mut())
            && wakes > 0
        {
            *commits = (*commits).min(quiet - wakes - scenario.latency).max(0);
        }
    }
    let is_foreign = |hand: &Hand| matches!(hand, Hand::Foreign { .. });
    if scenario.hands.iter().any(is_foreign) {
        // It would not have been made beside that one.
        scenario
            .hands
            .retain(|hand| !matches!(hand, Hand::Earlier { .. }));
    }
    let makes = |hand: &Hand| matches!(hand, Hand::Earlier { .. } | Hand::Ghost { .. });
    if scenario.callers.len() < 2 && !scenario.hands.iter().any(makes) {
        return;
    }
    let is_young = |hand: &Hand| matches!(hand, Hand::Foreign { at, .. } if *at > LONG_AGO);
    let is_young = scenario.hands.iter().any(is_young);
    for caller in &mut scenario.callers {
        if is_young && caller.on_existing == OnExisting::AdoptAny {
            caller.on_existing = OnExisting::AdoptOurs;
        }
        let fates = caller
            .upsets
            .iter_mut()
            .filter_map(|each| each.create.as_mut());
        for fate in fates.filter(|fate| fate.reply == CreateReply::Answered) {
            fate.reply = CreateReply::AnsweredLate;
        }
    }
}

fn base(dice: &mut Dice, kind: ResourceKind) -> Scenario {
    let mut waits = Waits::default();
    match dice.next() % 8 {
        0 => waits.looks = 1,
        1 => waits.looks = 7,
        2 => waits.lag = 0,
        3 => (waits.quiet, waits.lag) = (20_000, 60_000),
        _ => {}
    }
    let mut lags = Lags::default();
    if !dice.one_in(4) {
        for list in [&mut lags.made, &mut lags.deleted] {
            for _ in 0..4 {
                list.push(up_to(dice, waits.lag));
            }
        }
    }
    let mut scenario = Scenario {
        callers: vec![Caller::at(0)],
        waits,
        lags,
        latency: dice.of(&[0, 20, 300, 2000]),
        seed: dice.next() >> 32,
        ..Scenario::quiet(kind)
    };
    scenario.callers[0].on_existing = on_existing(dice);
    if dice.one_in(3) {
        second_caller(dice, &mut scenario);
    }
    scenario
}

/// The ends matter most, so they come often.
fn up_to(dice: &mut Dice, most: Millis) -> Millis {
    match dice.next() % 4 {
        0 => 0,
        1 => most,
        2 => dice.between(0, most.min(2000)),
        _ => dice.between(0, most),
    }
}

fn on_existing(dice: &mut Dice) -> OnExisting {
    dice.of(&[
        OnExisting::AdoptOurs,
        OnExisting::AdoptOurs,
        OnExisting::AdoptAny,
        OnExisting::Fail,
    ])
}

fn second_caller(dice: &mut Dice, scenario: &mut Scenario) {
    if scenario.callers.len() > 1 {
        return;
    }
    let waits = scenario.waits;
    let starts = match dice.next() % 5 {
        0 => 0,
        1 => dice.between(0, 3000),
        2 => dice.between(0, waits.lag),
        3 => dice.between(0, waits.quiet + 2 * waits.lag),
        _ => 3 * (waits.quiet + waits.lag),
    };
    let mut caller = Caller::at(starts);
    caller.on_existing = on_existing(dice);
    scenario.callers.push(caller);
}

struct Drawing {
    dice: Dice,
    reach: Millis,
}

impl Drawing {
    fn adds(&mut self, scenario: &mut Scenario, fault: Fault) {
        let waits = scenario.waits;
        let quiet = waits.quiet * self.reach;
        let lost = |commits| CreateFate {
            commits,
            reply: CreateReply::Refused(Refusal::Lost),
        };
        match fault {
            Fault::None => {}
            Fault::Earlier | Fault::Ghost | Fault::Foreign if has(scenario, fault) => {}
            Fault::LostReply => self.create(scenario, lost(Some(0))),
            Fault::LateCommit => {
                let commits = Some(up_to(&mut self.dice, quiet));
                self.create(scenario, lost(commits));
            }
            Fault::NeverCommits => self.create(scenario, lost(None)),
            Fault::EarlyAnswer | Fault::SlowAnswer => {
                let is_early = fault == Fault::EarlyAnswer;
                let most = if is_early { quiet } else { 25_000 };
                let fate = CreateFate {
                    commits: Some(up_to(&mut self.dice, most)),
                    reply: if is_early {
                        CreateReply::Answered
                    } else {
                        CreateReply::AnsweredLate
                    },
                };
                self.create(scenario, fate);
            }
            Fault::Status500 => {
                let commits = self.dice.of(&[None, Some(0), Some(quiet / 2), Some(quiet)]);
                let reply = CreateReply::Refused(Refusal::Internal);
                self.create(scenario, CreateFate { commits, reply });
            }
            Fault::Refused => {
                let refusal = self.dice.of(&[Refusal::TooMany, Refusal::Unavailable]);
                let fate = CreateFate {
                    commits: None,
                    reply: CreateReply::Refused(refusal),
                };
                self.create(scenario, fate);
            }
            Fault::LookFails => {
                let refusal = self.refusal();
                self.upset(scenario).look = Some(refusal);
            }
            Fault::ReadFails => {
                second_caller(&mut self.dice, scenario);
                let refusal = self.refusal();
                self.upset(scenario).read = Some(refusal);
            }
            Fault::SweepFails => self.sweep(scenario),
            Fault::CrashBeforeLook => self.crash(scenario, Point::BeforeLook),
            Fault::CrashAfterLook => self.crash(scenario, Point::AfterLook),
            Fault::CrashBeforePost => self.crash(scenario, Point::BeforePost),
            Fault::CrashAfterBody => {
                let commits = match self.dice.next() % 4 {
                    0 => None,
                    1 => Some(0),
                    _ => Some(up_to(&mut self.dice, quiet)),
                };
                self.crash(scenario, Point::AfterBody);
                let mut upsets = scenario.callers.iter_mut().flat_map(|c| &mut c.upsets);
                let at = upsets.find(|each| {
                    each.crash.is_some_and(|crash| crash.at == Point::AfterBody)
                        && each.create.is_none()
                });
                if let Some(upset) = at {
                    upset.create = Some(lost(commits));
                }
            }
            Fault::CrashAfterReply => self.crash(scenario, Point::AfterReply),
            Fault::CrashBeforeReport => self.crash(scenario, Point::BeforeReport),
            Fault::Zombie => {
                let at = self.dice.of(&[
                    Point::BeforePost,
                    Point::BeforePost,
                    Point::AfterLook,
                    Point::BeforeLook,
                    Point::AfterReply,
                ]);
                let wakes = up_to(&mut self.dice, LONGEST_WAKE * self.reach);
                self.crash(scenario, at);
                let upsets = scenario.callers.iter_mut().flat_map(|c| &mut c.upsets);
                for crash in upsets.filter_map(|each| each.crash.as_mut()) {
                    if crash.at == at {
                        crash.wakes = Some(wakes);
                    }
                }
            }
            Fault::TwoCallers => second_caller(&mut self.dice, scenario),
            Fault::Differing => {
                second_caller(&mut self.dice, scenario);
                let at = self.dice.of(&[0, 1]);
                scenario.callers[at].body = 1;
            }
            Fault::Foreign => {
                let at = self.moment(waits);
                let hidden = self.dice.one_in(4);
                scenario.hands.push(Hand::Foreign { at, hidden });
            }
            Fault::InUse => {
                second_caller(&mut self.dice, scenario);
                let at = up_to(&mut self.dice, waits.quiet + waits.lag);
                scenario.hands.push(Hand::Use { at });
            }
            Fault::Ghost => {
                let at = -up_to(&mut self.dice, waits.lag);
                let body = self.dice.of(&[0, 1]);
                scenario.hands.push(Hand::Ghost { at, body });
            }
            Fault::DeletedByHand => {
                let at = self.moment(waits);
                scenario.hands.push(Hand::Delete { at });
            }
            Fault::Earlier => {
                let at = -up_to(&mut self.dice, 4 * (waits.quiet + waits.lag));
                let body = self.dice.of(&[0, 0, 1]);
                scenario.hands.push(Hand::Earlier { at, body });
            }
            Fault::Clocks => self.clocks(scenario),
            Fault::Flicker => scenario.lags.flicker = true,
            Fault::Vanishes => {
                second_caller(&mut self.dice, scenario);
                let first = &mut scenario.callers[0];
                if first.upsets.is_empty() {
                    first.upsets.push(Upset::default());
                }
                if !self.dice.one_in(4) {
                    first.upsets[0].create = Some(lost(Some(up_to(&mut self.dice, quiet))));
                }
                let at = first.starts + up_to(&mut self.dice, waits.quiet);
                first.vanishes = Some(at);
                scenario.callers[1].starts = at + up_to(&mut self.dice, waits.quiet + waits.lag);
            }
        }
    }

    fn refusal(&mut self) -> Refusal {
        self.dice.of(&[
            Refusal::TooMany,
            Refusal::Unavailable,
            Refusal::Internal,
            Refusal::Lost,
        ])
    }

    fn moment(&mut self, waits: Waits) -> Millis {
        match self.dice.next() % 4 {
            0 => LONG_AGO,
            1 => -up_to(&mut self.dice, waits.lag),
            2 => up_to(&mut self.dice, waits.lag),
            _ => up_to(&mut self.dice, waits.quiet + waits.lag),
        }
    }

    /// What goes wrong in one of the first attempts of one of the callers.
    fn upset<'a>(&mut self, scenario: &'a mut Scenario) -> &'a mut Upset {
        let callers = scenario.callers.len() as u64;
        let caller = usize::try_from(self.dice.next() % callers).unwrap_or_default();
        let upsets = &mut scenario.callers[caller].upsets;
        let at = self.dice.of(&[0, 0, 0, 1, 1, 2]);
        while upsets.len() <= at {
            upsets.push(Upset::default());
        }
        &mut upsets[at]
    }

    fn create(&mut self, scenario: &mut Scenario, fate: CreateFate) {
        self.upset(scenario).create = Some(fate);
    }

    fn sweep(&mut self, scenario: &mut Scenario) {
        if scenario.callers.len() < 2 {
            second_caller(&mut self.dice, scenario);
            scenario.callers[1].starts = self.dice.between(0, 2000);
        }
        let (commits, reply) = self.dice.of(&[
            (false, Refusal::TooMany),
            (false, Refusal::Unavailable),
            (true, Refusal::Internal),
            (false, Refusal::Lost),
            (true, Refusal::Lost),
        ]);
        for caller in &mut scenario.callers {
            for at in 0..4 {
                if caller.upsets.len() <= at {
                    caller.upsets.push(Upset::default());
                }
                caller.upsets[at].sweep = Some(SweepFate { commits, reply });
            }
        }
    }

    fn crash(&mut self, scenario: &mut Scenario, at: Point) {
        let noticed = self.dice.between(NOTICED.0, NOTICED.1);
        let heartbeat = self
            .dice
            .of(&[Heartbeat::None, Heartbeat::InFlight, Heartbeat::Left]);
        self.upset(scenario).crash = Some(Crash {
            at,
            noticed,
            heartbeat,
            wakes: None,
        });
    }

    fn clocks(&mut self, scenario: &mut Scenario) {
        // Any two are apart by the whole at most.
        let half = Millis::try_from(CLOCK_SKEW.as_millis() / 2).unwrap_or_default() * self.reach;
        let mut clock = || {
            let dice = &mut self.dice;
            dice.of(&[-half, half, 0, half / 3])
        };
        scenario.platform_clock = clock();
        scenario.server_clock = clock();
        for caller in &mut scenario.callers {
            caller.clocks = (0..3).map(|_| clock()).collect();
        }
    }
}

/// Whether it was drawn before: two of them would be two wishes.
fn has(scenario: &Scenario, fault: Fault) -> bool {
    scenario.hands.iter().any(|hand| {
        matches!(
            (fault, hand),
            (Fault::Earlier, Hand::Earlier { .. })
                | (Fault::Ghost, Hand::Ghost { .. })
                | (Fault::Foreign, Hand::Foreign { .. })
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_every_fault_comes() {
        let mut seen = std::collections::HashSet::new();
        for number in 0..1000 {
            let scenario = draw(1, number, None, false);
            assert_eq!(scenario, draw(1, number, None, false));
            seen.insert(scenario.fault);
            let written = serde_json::to_string(&scenario).unwrap();
            let read: Scenario = serde_json::from_str(&written).unwrap();
            assert_eq!(read, scenario, "{written}");
        }
        assert_eq!(seen.len(), ALL.len());
    }

    #[test]
    fn nothing_is_drawn_beyond_what_is_promised() {
        for number in 0..2000 {
            let scenario = draw(2, number, None, false);
            let lags = scenario.lags.made.iter().chain(&scenario.lags.deleted);
            assert!(lags.clone().all(|lag| *lag <= scenario.waits.lag));
            for upset in scenario.callers.iter().flat_map(|caller| &caller.upsets) {
                let commits = upset.create.and_then(|fate| fate.commits);
                assert!(commits.unwrap_or(0) <= scenario.waits.quiet.max(25_000));
            }
        }
    }
}

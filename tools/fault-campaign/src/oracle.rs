//! What is true afterwards: what exists, counted by intent, and what the callers were told.

use aep_flow_ensure::Uniqueness;
use aep_flow_proto::v1::{OnExisting, Outcome};

use crate::{
    scenario::{Caller, Scenario},
    sim::{self, End, Maker, Rare, Run, Thing},
};

/// What is counted of a run, or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Duplicates: resources of one intent beside the first.
    pub duplicates: u64,
    /// Callers that were told of a resource while none of the intent exists.
    pub lost: u64,
    /// Callers that were told what is not so.
    pub wrong: u64,
    /// Callers that came to no end.
    pub stuck: u64,
    /// Callers that were told to decide, and rightly: a hand's use is in the way.
    pub undecided: u64,
    /// Extra ones of a kind that nothing deletes, which no answer names.
    pub kept: u64,
}

impl Counts {
    /// Whether anything is as it must not be.
    pub fn is_bad(&self) -> bool {
        self.duplicates + self.lost + self.wrong + self.stuck > 0
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.stuck += other.stuck;
        self.undecided += other.undecided;
        self.kept += other.kept;
    }
}

/// What is wrong with a run, if anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// What is counted.
    pub counts: Counts,
    /// What was rare.
    pub rare: Rare,
    /// Each thing that is wrong, in words.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Whether anything is as it must not be.
    pub fn is_bad(&self) -> bool {
        self.counts.is_bad()
    }
}

/// Runs a scenario and judges it.
pub fn judged(scenario: &Scenario) -> Verdict {
    judge(scenario, &sim::run(scenario, false))
}

/// Judges what a run left behind.
pub fn judge(scenario: &Scenario, run: &Run) -> Verdict {
    let mut verdict = Verdict {
        rare: run.rare,
        ..Verdict::default()
    };
    let mut answers = Vec::new();
    for (number, caller) in scenario.callers.iter().enumerate() {
        let Some(ended) = &run.ends[number] else {
            verdict.counts.stuck += 1;
            verdict
                .reasons
                .push(format!("caller {number} came to no end"));
            continue;
        };
        let told = Told {
            scenario,
            run,
            number,
            caller,
        };
        match &ended.end {
            End::Answer { id, outcome } => {
                match told.answer(id, *outcome) {
                    Ok(()) => {}
                    Err(Why::Lost(reason)) => {
                        verdict.counts.lost += 1;
                        verdict.reasons.push(reason);
                    }
                    Err(Why::Wrong(reason)) => {
                        verdict.counts.wrong += 1;
                        verdict.reasons.push(reason);
                    }
                }
                answers.push(id.as_str());
            }
            other => match told.refusal(other) {
                Ok(()) => {
                    verdict.counts.undecided += u64::from(matches!(other, End::Undecided { .. }))
                }
                Err(reason) => {
                    verdict.counts.wrong += 1;
                    verdict.reasons.push(reason);
                }
            },
        }
    }
    let was_deleted = |id: &&str| {
        let mut things = run.platform.things.iter();
        things
            .find(|each| each.id == *id)
            .is_some_and(|each| went_by_hand(scenario, run, each))
    };
    answers.retain(|id| !was_deleted(id));
    answers.dedup();
    if answers.len() > 1 {
        verdict.counts.wrong += 1;
        let reason = format!("callers were told of different ones: {answers:?}");
        verdict.reasons.push(reason);
    }
    count(scenario, run, &answers, &mut verdict);
    verdict
}

fn count(scenario: &Scenario, run: &Run, answers: &[&str], verdict: &mut Verdict) {
    let existing = || run.platform.things.iter().filter(|each| each.exists());
    let ours: Vec<&Thing> = existing().filter(|each| each.is_ours()).collect();
    if Uniqueness::of(scenario.kind) == Uniqueness::Kept {
        let extra = ours.len().saturating_sub(1);
        verdict.counts.kept += extra as u64;
        return;
    }
    // A conflict or a mismatch is said first where there is one.
    let is_told = run
        .ends
        .iter()
        .flatten()
        .any(|ended| !matches!(ended.end, End::Answer { .. }));
    // Those that somebody else began to use stay, and a caller was told so.
    let left: Vec<&str> = ours
        .iter()
        .filter(|each| !(each.used_by_hand && is_told))
        .map(|each| each.id.as_str())
        .collect();
    let extra = left.len().saturating_sub(1);
    if extra > 0 {
        verdict.counts.duplicates += extra as u64;
        verdict
            .reasons
            .push(format!("several of one intent exist: {left:?}"));
    }
    if ours.is_empty() && verdict.counts.lost == 0 && !answers.is_empty() {
        let is_foreign = |id: &&str| existing().any(|each| each.id == *id && !each.is_ours());
        if !answers.iter().all(is_foreign) {
            verdict.counts.lost += 1;
            verdict
                .reasons
                .push("a caller has an answer, and nothing exists".to_owned());
        }
    }
}

/// Whether a hand is why it is gone: by deleting it, or by deleting the one that it had gone
/// for when that still existed.
fn went_by_hand(scenario: &Scenario, run: &Run, thing: &Thing) -> bool {
    let Some(gone) = thing.deleted else {
        return false;
    };
    // From the read of the winner to the deletion of the others: two ways, each there and back.
    let on_its_way = 4 * scenario.latency;
    let mut things = run.platform.things.iter();
    thing.deleted_by_hand
        || things.any(|each| {
            let by_hand = each.deleted.filter(|_| each.deleted_by_hand);
            by_hand.is_some_and(|at| at + on_its_way >= gone)
        })
}

enum Why {
    Lost(String),
    Wrong(String),
}

struct Told<'a> {
    scenario: &'a Scenario,
    run: &'a Run,
    number: usize,
    caller: &'a Caller,
}

impl Told<'_> {
    fn thing(&self, id: &str) -> Option<&Thing> {
        let mut things = self.run.platform.things.iter();
        things.find(|each| each.id == id)
    }

    fn answer(&self, id: &str, outcome: Outcome) -> Result<(), Why> {
        let number = self.number;
        let wrong = |what: &str| Err(Why::Wrong(format!("caller {number} was told {id}, {what}")));
        let Some(thing) = self.thing(id) else {
            return wrong("which never existed");
        };
        if !thing.exists() && !went_by_hand(self.scenario, self.run, thing) {
            let mut things = self.run.platform.things.iter();
            let reason = format!("caller {number} was told {id}, which is gone");
            return Err(if things.any(Thing::exists) {
                Why::Wrong(reason)
            } else {
                Why::Lost(reason)
            });
        }
        let takes_any = self.caller.on_existing == OnExisting::AdoptAny;
        let is_own = thing.maker == Maker::Caller(number);
        if !thing.is_ours() && !takes_any {
            return wrong("which somebody created by hand");
        }
        let is_other = thing.is_ours() && thing.body != self.caller.body;
        if is_other && !takes_any && Uniqueness::of(self.scenario.kind) != Uniqueness::Kept {
            return wrong("which was created from another request");
        }
        if outcome == Outcome::Created && !is_own {
            return wrong("as made by it, and it was not");
        }
        // Nothing says which call made a mapping set.
        let has_maker = Uniqueness::of(self.scenario.kind) != Uniqueness::Kept;
        if self.caller.on_existing == OnExisting::Fail && !is_own && has_maker {
            return wrong("which another made, and it wanted none such");
        }
        Ok(())
    }

    fn refusal(&self, end: &End) -> Result<(), String> {
        let number = self.number;
        let things = || self.run.platform.things.iter();
        let others =
            |thing: &&Thing| thing.maker != Maker::Caller(number) && thing.maker != Maker::Hand;
        match end {
            End::Conflict { id } => {
                let by_hand = things().any(|each| each.maker == Maker::Hand)
                    && self.caller.on_existing != OnExisting::AdoptAny;
                let hidden = things().any(|each| each.hidden);
                // Where a hand takes one away, the next of that title comes unseen again.
                let hidden = hidden || id.is_none() && things().any(|each| each.deleted_by_hand);
                let by_others = self.caller.on_existing == OnExisting::Fail
                    && things().any(|each| others(&each));
                (by_hand || by_others || hidden)
                    .then_some(())
                    .ok_or_else(|| format!("caller {number} met a conflict with {id:?}"))
            }
            End::Mismatch { id } => {
                let differs = self
                    .thing(id)
                    .is_some_and(|each| each.is_ours() && each.body != self.caller.body);
                differs
                    .then_some(())
                    .ok_or_else(|| format!("caller {number} was told that {id} differs"))
            }
            End::Undecided { ids } => {
                let is_used = |id: &&String| self.thing(id).is_some_and(|each| each.used_by_hand);
                (ids.len() > 1 && ids.iter().skip(1).all(|id| is_used(&id)))
                    .then_some(())
                    .ok_or_else(|| format!("caller {number} was told to decide between {ids:?}"))
            }
            End::Failed { message } => Err(format!("caller {number} failed: {message}")),
            End::Answer { .. } | End::Vanished => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aep_flow_ensure::ResourceKind;

    use super::*;
    use crate::scenario::{CreateFate, CreateReply, Lags, Refusal, Upset, Waits, draw};

    /// Two callers at once, lists that lag, a create that is not answered and comes late.
    fn late_and_twice() -> Scenario {
        let lost = CreateFate {
            commits: Some(60_000),
            reply: CreateReply::Refused(Refusal::Lost),
        };
        let mut first = Caller::at(0);
        first.upsets = vec![Upset {
            create: Some(lost),
            ..Upset::default()
        }];
        Scenario {
            callers: vec![first, Caller::at(500)],
            lags: Lags {
                made: vec![20_000],
                ..Lags::default()
            },
            latency: 50,
            ..Scenario::quiet(ResourceKind::Flow)
        }
    }

    #[test]
    fn with_its_rules_one_stands() {
        assert_eq!(judged(&late_and_twice()).reasons, [""; 0]);
    }

    #[test]
    fn the_oracle_sees_duplicates_when_the_rules_are_taken_away() {
        let mut alone = late_and_twice();
        alone.callers.truncate(1);
        alone.waits = Waits {
            quiet: 0,
            lag: 0,
            looks: 1,
            ..alone.waits
        };
        assert!(judged(&alone).counts.duplicates > 0);

        let mut two = late_and_twice();
        two.callers[0].upsets.clear();
        two.waits.sole_caller = true;
        let verdict = judged(&two);
        assert!(
            verdict.counts.duplicates > 0 && verdict.counts.wrong > 0,
            "{verdict:?}"
        );
    }

    #[test]
    fn every_kind_of_failure_can_be_seen_in_drawn_cases() {
        let mut bad = 0;
        for number in 0..300 {
            let mut scenario = draw(1, number, None, false);
            scenario.waits.sole_caller = true;
            scenario.waits.quiet = 0;
            bad += u64::from(judged(&scenario).is_bad());
        }
        assert!(bad > 10, "{bad}");
    }
}

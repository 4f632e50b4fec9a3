//! The smallest scenario that still goes wrong.

use super::{Heartbeat, Lags, Millis, Scenario, Upset, draw::keeps_to_what_is_promised};

/// Makes `scenario` smaller as long as it `fails`.
pub fn shrink(scenario: &Scenario, fails: impl Fn(&Scenario) -> bool) -> Scenario {
    let is_promised = |each: &Scenario| {
        let mut kept = each.clone();
        keeps_to_what_is_promised(&mut kept);
        kept == *each
    };
    let began_promised = is_promised(scenario);
    let mut smallest = scenario.clone();
    while let Some(smaller) = candidates(&smallest)
        .into_iter()
        .find(|each| (!began_promised || is_promised(each)) && fails(each))
    {
        smallest = smaller;
    }
    smallest
}

/// Each a step smaller, those that take most away first.
fn candidates(whole: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut offer = |change: &dyn Fn(&mut Scenario)| {
        let mut smaller = whole.clone();
        change(&mut smaller);
        if smaller != *whole {
            all.push(smaller);
        }
    };
    for at in 0..whole.callers.len() {
        if whole.callers.len() > 1 {
            offer(&|each| {
                each.callers.remove(at);
            });
        }
    }
    for at in 0..whole.hands.len() {
        offer(&|each| {
            each.hands.remove(at);
        });
    }
    offer(&|each| each.lags = Lags::default());
    offer(&|each| each.lags.flicker = false);
    offer(&|each| each.latency = 0);
    offer(&|each| each.platform_clock = 0);
    offer(&|each| each.server_clock = 0);
    for at in 0..whole.callers.len() {
        offer(&|each| each.callers[at].clocks.clear());
        offer(&|each| each.callers[at].upsets.clear());
        offer(&|each| each.callers[at].vanishes = None);
        for upset in 0..whole.callers[at].upsets.len() {
            offer(&|each| each.callers[at].upsets[upset] = Upset::default());
            offer(&|each| each.callers[at].upsets[upset].look = None);
            offer(&|each| each.callers[at].upsets[upset].create = None);
            offer(&|each| each.callers[at].upsets[upset].read = None);
            offer(&|each| each.callers[at].upsets[upset].sweep = None);
            offer(&|each| each.callers[at].upsets[upset].crash = None);
            offer(&|each| {
                if let Some(crash) = &mut each.callers[at].upsets[upset].crash {
                    crash.wakes = None;
                    crash.heartbeat = Heartbeat::None;
                }
            });
        }
        let is_last_empty = whole.callers[at].upsets.last() == Some(&Upset::default());
        if is_last_empty {
            offer(&|each| {
                each.callers[at].upsets.pop();
            });
        }
    }
    offer(&|each| {
        each.lags.made.pop();
    });
    offer(&|each| {
        each.lags.deleted.pop();
    });
    // Smaller times, round ones last.
    for step in [|time: Millis| time / 2, |time: Millis| time - time % 1000] {
        let times = times(&mut whole.clone()).len();
        for at in 0..times {
            offer(&|each| {
                if let Some(time) = self::times(each).into_iter().nth(at) {
                    *time = step(*time);
                }
            });
        }
    }
    all
}

fn times(scenario: &mut Scenario) -> Vec<&mut Millis> {
    let mut all = vec![
        &mut scenario.platform_clock,
        &mut scenario.server_clock,
        &mut scenario.latency,
    ];
    all.extend(&mut scenario.lags.made);
    all.extend(&mut scenario.lags.deleted);
    for caller in &mut scenario.callers {
        all.push(&mut caller.starts);
        all.extend(caller.vanishes.as_mut());
        all.extend(&mut caller.clocks);
        for upset in &mut caller.upsets {
            all.extend(upset.create.as_mut().and_then(|fate| fate.commits.as_mut()));
            if let Some(crash) = &mut upset.crash {
                all.push(&mut crash.noticed);
                all.extend(crash.wakes.as_mut());
            }
        }
    }
    for hand in &mut scenario.hands {
        all.push(hand.at_mut());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::draw;
    use super::*;

    #[test]
    fn what_does_not_matter_is_dropped() {
        let fails = |each: &Scenario| each.callers[0].starts + each.latency >= 0;
        for number in 0..50 {
            let small = shrink(&draw(3, number, None, false), fails);
            assert_eq!(small.callers.len(), 1);
            assert_eq!((small.latency, small.hands.len()), (0, 0));
            assert_eq!(small.callers[0].upsets, []);
        }
    }
}

//! What goes wrong in one real run.

use aep_emulator::{Action, CannedAnswer, CutAt, LateReply, Rule};
use aep_flow_ensure::{ResourceKind, crash::Point};
use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// How long a response is held back from a worker that is to die while it waits.
const NEVER_MS: u64 = 600_000;

/// The end of each kind's route, in the order of [`ResourceKind::ALL`].
const ROUTES: [&str; ResourceKind::ALL.len()] = [
    "/connections",
    "/sourceConnections",
    "/tenant/fieldgroups",
    "/tenant/schemas",
    "/dataSets",
    "/targetConnections",
    "/mappingSets",
    "/flows",
];

/// What goes wrong at the first request of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nothing.
    None,
    /// The create's response is lost, before its first byte or in its middle.
    LostReply {
        /// Whether it breaks in the body.
        in_body: bool,
    },
    /// The create takes effect later than its sender knows.
    LateCommit {
        /// How much later, in milliseconds.
        after: u64,
        /// Whether a proxy responds; otherwise nobody does.
        by_proxy: bool,
    },
    /// The create never arrives.
    NeverCommits,
    /// The create takes effect, and the response is a 500.
    Status500,
    /// The create is refused with 503.
    Refused,
    /// The look gets no usable response.
    LookFails,
    /// The worker dies.
    Crash {
        /// Where, as `AEP_FLOW_CRASH_AT` has it.
        point: usize,
    },
}

/// One real run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub number: u64,
    /// Kind that it happens to, as a number.
    pub kind: usize,
    /// What happens.
    pub trouble: Trouble,
    /// How much later a second workflow asks for the same, if one does, in milliseconds.
    pub second: Option<u64>,
}

/// Real run number `number` of the campaign of that seed.
pub fn draw(seed: u64, number: u64) -> Case {
    let mut dice = Dice::of_case(seed ^ 0xAEAE_AEAE, number);
    let mut below = |most: u64| dice.next() % most;
    let trouble = match below(14) {
        0 => Trouble::None,
        1 => Trouble::LostReply {
            in_body: below(2) == 0,
        },
        2 | 3 => Trouble::LateCommit {
            after: below(2800),
            by_proxy: below(2) == 0,
        },
        4 => Trouble::NeverCommits,
        5 => Trouble::Status500,
        6 => Trouble::Refused,
        7 => Trouble::LookFails,
        _ => Trouble::Crash {
            point: usize::try_from(below(6)).unwrap_or_default(),
        },
    };
    Case {
        number,
        kind: usize::try_from(below(8)).unwrap_or_default(),
        trouble,
        second: (below(3) == 0).then(|| below(3000)),
    }
}

/// A run whose worker dies at `point`.
pub fn of_point(point: Point, number: u64) -> Case {
    let at = Point::ALL.iter().position(|each| *each == point);
    Case {
        number,
        kind: usize::try_from(number % 8).unwrap_or_default(),
        trouble: Trouble::Crash {
            point: at.unwrap_or_default(),
        },
        second: None,
    }
}

impl Case {
    /// What it is counted under.
    pub fn label(&self) -> String {
        match self.trouble {
            Trouble::None if self.second.is_some() => "two-callers".to_owned(),
            Trouble::None => "none".to_owned(),
            Trouble::LostReply { .. } => "lost-reply".to_owned(),
            Trouble::LateCommit { .. } => "late-commit".to_owned(),
            Trouble::NeverCommits => "never-commits".to_owned(),
            Trouble::Status500 => "status-500".to_owned(),
            Trouble::Refused => "refused".to_owned(),
            Trouble::LookFails => "look-fails".to_owned(),
            Trouble::Crash { point } => format!("crash-{}", Point::ALL[point].as_str()),
        }
    }

    /// The kind that it happens to.
    pub fn kind(&self) -> ResourceKind {
        ResourceKind::ALL[self.kind]
    }

    /// Where the first worker is to die, if it is.
    pub(super) fn crash_at(&self) -> Option<String> {
        let Trouble::Crash { point } = self.trouble else {
            return None;
        };
        let point = Point::ALL[point];
        // The end of an attempt is of no kind: the first one that comes to it.
        Some(if point == Point::BeforeReport {
            point.as_str().to_owned()
        } else {
            format!("{}:{}", point.as_str(), self.kind())
        })
    }

    /// What the platform does.
    pub(super) fn rule(&self) -> Option<Rule> {
        let action = match self.trouble {
            Trouble::None => return None,
            Trouble::LostReply { in_body } => Action::ApplyThenDrop {
                at: if in_body { CutAt::Body } else { CutAt::Start },
            },
            Trouble::LateCommit { after, by_proxy } => Action::LateCommit {
                after_ms: after,
                reply: if by_proxy {
                    LateReply::Answer(CannedAnswer::html(504))
                } else {
                    LateReply::Drop
                },
            },
            Trouble::NeverCommits => Action::DropBeforeApply,
            Trouble::Status500 => Action::ApplyThenAnswer(CannedAnswer::html(500)),
            Trouble::Refused => Action::Refuse(CannedAnswer::gateway(
                503,
                "503000",
                "Could not validate the Api Key",
            )),
            Trouble::LookFails => {
                let action = Action::Refuse(CannedAnswer::html(502));
                return Some(Rule::new("GET", self.route(), action).nth([1]));
            }
            Trouble::Crash { point } if Point::ALL[point] == Point::AfterBody => {
                Action::ApplyThenDelay { ms: NEVER_MS }
            }
            Trouble::Crash { .. } => return None,
        };
        Some(Rule::new("POST", self.route(), action).nth([1]))
    }

    fn route(&self) -> &'static str {
        ROUTES[self.kind]
    }
}

//! One case: who wants what, and what goes wrong.
//!
//! A scenario is plain data, so that it can be printed, made smaller and run again. Times are
//! milliseconds of virtual time; 0 is when the first caller asks.

mod draw;
mod shrink;

use std::time::Duration;

use aep_flow_ensure::{ResourceKind, Rules, crash::Point};
use aep_flow_proto::v1::OnExisting;
use serde::{Deserialize, Serialize};

pub use draw::{BEYOND, draw};
pub use shrink::shrink;

/// Milliseconds of virtual time.
pub type Millis = i64;

/// What a scenario is about, and is counted under. Others may be mixed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nothing goes wrong.
    None,
    /// A create takes effect at once, and its answer is lost.
    LostReply,
    /// A create that is not answered takes effect within the quiet period.
    LateCommit,
    /// A create is cut off and never takes effect.
    NeverCommits,
    /// A create is answered with an id that exists only later.
    EarlyAnswer,
    /// A create takes long, and is answered when it has taken effect.
    SlowAnswer,
    /// A create is answered with 500, and takes effect at once, later or never.
    #[serde(rename = "status-500")]
    #[value(name = "status-500")]
    Status500,
    /// A create is refused with 429 or 503 before it has an effect.
    Refused,
    /// A look is not answered.
    LookFails,
    /// A read by id is not answered.
    ReadFails,
    /// A deletion is refused, or its answer is lost.
    SweepFails,
    /// The worker dies before it asked anything.
    CrashBeforeLook,
    /// The worker dies when it knows what exists.
    CrashAfterLook,
    /// The worker dies before it sends the create.
    CrashBeforePost,
    /// The worker dies while it waits for the answer of its create.
    CrashAfterBody,
    /// The worker dies when its create was answered.
    CrashAfterReply,
    /// The worker dies before the server knows how the attempt ended.
    CrashBeforeReport,
    /// The server gives up on an attempt whose worker goes on a moment later.
    Zombie,
    /// Two callers want the same.
    TwoCallers,
    /// Two callers want the same name, made from different requests.
    Differing,
    /// Somebody makes one of that name by hand.
    Foreign,
    /// Somebody uses one that was made.
    InUse,
    /// A list shows one that is gone.
    Ghost,
    /// Somebody deletes what was made.
    DeletedByHand,
    /// An earlier run made it.
    Earlier,
    /// The clocks differ.
    Clocks,
    /// Two looks within the lag see different lists.
    Flicker,
    /// A caller is cancelled, terminated or reset, and another comes.
    Vanishes,
}

/// What goes wrong with a request other than a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// 429: not now.
    TooMany,
    /// 503 of the gateway, which asked nobody.
    Unavailable,
    /// 500: whatever happened behind it.
    Internal,
    /// The connection breaks.
    Lost,
}

/// How a create is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreateReply {
    /// With its id, at once.
    #[default]
    Answered,
    /// With its id, when it has taken effect.
    AnsweredLate,
    /// With a refusal.
    Refused(Refusal),
}

/// What becomes of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateFate {
    /// How long after its arrival it takes effect; never if none.
    pub commits: Option<Millis>,
    /// What its sender hears.
    pub reply: CreateReply,
}

/// What becomes of a deletion that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepFate {
    /// Whether it takes place.
    pub commits: bool,
    /// What its sender hears.
    pub reply: Refusal,
}

/// What the server has of an attempt whose worker died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heartbeat {
    /// Nothing of this attempt.
    #[default]
    None,
    /// That it was under way.
    InFlight,
    /// What it was about to report with its failure, if it came so far.
    Left,
}

/// The end of an attempt's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Where.
    #[serde(with = "labels::point")]
    pub at: Point,
    /// How long until the server gives the attempt up.
    pub noticed: Millis,
    /// What the server has of it.
    #[serde(default)]
    pub heartbeat: Heartbeat,
    /// The worker did not die: it goes on so long after the server has given it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wakes: Option<Millis>,
}

/// What goes wrong in one attempt, each at its first such request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Upset {
    /// The look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look: Option<Refusal>,
    /// The create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateFate>,
    /// The read by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Refusal>,
    /// The deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepFate>,
    /// The worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

/// One call: all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// When the server is asked for it.
    pub starts: Millis,
    /// What to do about an existing one.
    #[serde(with = "labels::on_existing")]
    pub on_existing: OnExisting,
    /// Which request: equal ones are equal.
    #[serde(default)]
    pub body: u8,
    /// Clocks of the workers of its attempts, in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Millis>,
    /// What goes wrong, by attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upsets: Vec<Upset>,
    /// When the server forgets it, if it does before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vanishes: Option<Millis>,
}

/// What somebody does by hand, or another run did before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Hand {
    /// Makes one of that name without a marker.
    Foreign {
        /// When.
        at: Millis,
        /// Whether our credentials cannot see it.
        hidden: bool,
    },
    /// An earlier run makes ours.
    Earlier {
        /// When.
        at: Millis,
        /// From which request.
        body: u8,
    },
    /// Ours is made long before and deleted now.
    Ghost {
        /// When it is deleted.
        at: Millis,
        /// From which request.
        body: u8,
    },
    /// Uses the youngest of ours that exists.
    Use {
        /// When.
        at: Millis,
    },
    /// Deletes the oldest of ours that exists.
    Delete {
        /// When.
        at: Millis,
    },
}

impl Hand {
    fn at_mut(&mut self) -> &mut Millis {
        match self {
            Self::Foreign { at, .. }
            | Self::Earlier { at, .. }
            | Self::Ghost { at, .. }
            | Self::Use { at }
            | Self::Delete { at } => at,
        }
    }

    /// When it happens.
    pub fn at(&self) -> Millis {
        match self {
            Self::Foreign { at, .. }
            | Self::Earlier { at, .. }
            | Self::Ghost { at, .. }
            | Self::Use { at }
            | Self::Delete { at } => *at,
        }
    }
}

/// How lists lag behind, in turn for each resource that is made or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lags {
    /// Of those made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Millis>,
    /// Of those deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<Millis>,
    /// Every look within the longest lag decides anew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flicker: bool,
}

/// What the callers wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The quiet period.
    pub quiet: Millis,
    /// The longest lag of a list.
    pub lag: Millis,
    /// Fewest looks.
    pub looks: u32,
    /// The promise that nobody else calls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sole_caller: bool,
}

impl Waits {
    /// In the protocol's words.
    pub fn rules(&self) -> Rules {
        Rules {
            quiet_period: milliseconds(self.quiet),
            list_lag: milliseconds(self.lag),
            looks: self.looks,
            sole_caller: self.sole_caller,
        }
    }
}

impl Default for Waits {
    fn default() -> Self {
        let rules = Rules::default();
        let millis = |duration: Duration| Millis::try_from(duration.as_millis()).unwrap_or(0);
        Self {
            quiet: millis(rules.quiet_period),
            lag: millis(rules.list_lag),
            looks: rules.looks,
            sole_caller: rules.sole_caller,
        }
    }
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// What it is about.
    pub fault: Fault,
    /// Kind of the resource.
    #[serde(with = "labels::kind")]
    pub kind: ResourceKind,
    /// What callers wait for. The platform's own delays are in the other fields.
    #[serde(default)]
    pub waits: Waits,
    /// Who calls.
    pub callers: Vec<Caller>,
    /// What others do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<Hand>,
    /// How lists lag.
    #[serde(default)]
    pub lags: Lags,
    /// Longest time that a request or an answer is on its way.
    #[serde(default)]
    pub latency: Millis,
    /// The platform's clock.
    #[serde(default)]
    pub platform_clock: Millis,
    /// The clock of Temporal's server.
    #[serde(default)]
    pub server_clock: Millis,
    /// Ids, times on the way, flicker.
    #[serde(default)]
    pub seed: u64,
}

impl Scenario {
    /// The quietest one: one caller, and nothing goes wrong.
    pub fn quiet(kind: ResourceKind) -> Self {
        Self {
            fault: Fault::None,
            kind,
            waits: Waits::default(),
            callers: vec![Caller::at(0)],
            hands: Vec::new(),
            lags: Lags::default(),
            latency: 0,
            platform_clock: 0,
            server_clock: 0,
            seed: 0,
        }
    }
}

impl Caller {
    /// One that asks at `starts` and takes what is ours.
    pub fn at(starts: Millis) -> Self {
        Self {
            starts,
            on_existing: OnExisting::AdoptOurs,
            body: 0,
            clocks: Vec::new(),
            upsets: Vec::new(),
            vanishes: None,
        }
    }
}

fn milliseconds(millis: Millis) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Foreign words as their labels.
mod labels {
    macro_rules! labels {
        ($name:ident, $type:ty, $all:expr, $label:expr) => {
            pub(super) mod $name {
                use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

                pub(in super::super) fn serialize<S: Serializer>(
                    value: &$type,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    let label: fn($type) -> &'static str = $label;
                    serializer.serialize_str(label(*value))
                }

                pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<$type, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    let label: fn($type) -> &'static str = $label;
                    let mut all = $all.into_iter();
                    all.find(|each| label(*each) == text)
                        .ok_or_else(|| D::Error::custom(format!("no such word: {text}")))
                }
            }
        };
    }

    labels!(
        kind,
        aep_flow_ensure::ResourceKind,
        aep_flow_ensure::ResourceKind::ALL,
        |kind| kind.as_str()
    );
    labels!(
        point,
        aep_flow_ensure::crash::Point,
        aep_flow_ensure::crash::Point::ALL,
        |point| point.as_str()
    );
    labels!(
        on_existing,
        aep_flow_proto::v1::OnExisting,
        [
            aep_flow_proto::v1::OnExisting::AdoptOurs,
            aep_flow_proto::v1::OnExisting::AdoptAny,
            aep_flow_proto::v1::OnExisting::Fail,
        ],
        |on_existing| on_existing.as_str_name()
    );
}

//! What a rule of the dial does to a request.

use serde::{Deserialize, Serialize};

use super::answer::CannedAnswer;
use super::error::RuleError;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// Nothing special; keeps later rules from being asked.
    Pass,
    /// The request waits before it takes effect, then goes on, or meets another action.
    Delay {
        /// How long.
        ms: u64,
        /// What then; nothing special if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<Box<Action>>,
    },
    /// The given answer; the state stays as it is.
    Refuse(CannedAnswer),
    /// The connection is closed when the head of the request is read, before its body is.
    DropBeforeRead,
    /// The connection is cut; the state stays as it is.
    DropBeforeApply,
    /// The connection is reset, as TCP has it: the caller sees `ECONNRESET`.
    Reset {
        /// How much of the request is read first.
        #[serde(default)]
        at: ResetAt,
        /// Whether the request takes effect. Only one that was read whole can.
        #[serde(default)]
        applied: bool,
    },
    /// The request takes effect, the connection is cut.
    ApplyThenDrop {
        /// How far the answer gets.
        #[serde(default)]
        at: CutAt,
    },
    /// The request takes effect, the given answer is sent instead of its own.
    ApplyThenAnswer(CannedAnswer),
    /// The request takes effect at once, its answer comes late.
    ApplyThenDelay {
        /// How late.
        ms: u64,
    },
    /// The answer comes at once, the request takes effect later.
    LateCommit {
        /// How much later.
        after_ms: u64,
        /// What is answered meanwhile.
        #[serde(default)]
        reply: LateReply,
    },
    /// The request takes effect; of its answer less comes than `Content-Length` says.
    Truncate {
        /// How many bytes come; half if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    /// The request takes effect; its answer comes little by little.
    Trickle {
        /// How many bytes come at once.
        #[serde(default = "one_byte")]
        bytes: u64,
        /// How long the pause after them is.
        #[serde(default = "one_second")]
        every_ms: u64,
    },
    /// The request takes effect; its answer is filled up with spaces to this length.
    Pad {
        /// How many bytes come in all.
        #[serde(default = "hundred_megabytes")]
        bytes: u64,
    },
    /// A list misses what was made in the last time, and still shows what was deleted in it.
    ListLag {
        /// How long it lags behind.
        ms: u64,
        /// With a seed each resource has a lag of its own, from 0 to `ms`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// A list answers as if no filter were given.
    ListIgnoresFilter,
    /// A list with a filter is refused; one without is served.
    ListRefusesFilter {
        /// The number of Flow Service: 1448, not for this field, or 1449, no such field.
        #[serde(default = "no_such_field")]
        number: u16,
    },
    /// The page that comes next is the one that was just shown.
    ListNextIsSelf,
    /// A page begins with the entry that the page before it ended with.
    ListRepeatsEntry,
    /// A page leaves out the entry that it should begin with.
    ListSkipsEntry,
    /// The resource that the path names gets another version: before a change, so that it meets a
    /// 412, and after a look, so that what was seen is out of date.
    MoveEtag {
        /// Whether that 412 has the older shape, `errorMessage` alone.
        #[serde(default)]
        bare: bool,
    },
}

fn one_byte() -> u64 {
    1
}

fn one_second() -> u64 {
    1000
}

fn hundred_megabytes() -> u64 {
    100_000_000
}

fn no_such_field() -> u16 {
    1449
}

impl Action {
    /// Its kind as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Delay { .. } => "delay",
            Self::Refuse(_) => "refuse",
            Self::DropBeforeRead => "dropBeforeRead",
            Self::DropBeforeApply => "dropBeforeApply",
            Self::Reset { .. } => "reset",
            Self::ApplyThenDrop { .. } => "applyThenDrop",
            Self::ApplyThenAnswer(_) => "applyThenAnswer",
            Self::ApplyThenDelay { .. } => "applyThenDelay",
            Self::LateCommit { .. } => "lateCommit",
            Self::Truncate { .. } => "truncate",
            Self::Trickle { .. } => "trickle",
            Self::Pad { .. } => "pad",
            Self::ListLag { .. } => "listLag",
            Self::ListIgnoresFilter => "listIgnoresFilter",
            Self::ListRefusesFilter { .. } => "listRefusesFilter",
            Self::ListNextIsSelf => "listNextIsSelf",
            Self::ListRepeatsEntry => "listRepeatsEntry",
            Self::ListSkipsEntry => "listSkipsEntry",
            Self::MoveEtag { .. } => "moveEtag",
        }
    }

    /// What happens when all waiting is over.
    pub(crate) fn last(&self) -> &Self {
        match self {
            Self::Delay {
                then: Some(then), ..
            } => then.last(),
            action => action,
        }
    }

    /// Whether it is played before the request's body is read.
    pub(crate) fn is_before_body(&self) -> bool {
        matches!(
            self.last(),
            Self::DropBeforeRead
                | Self::Reset {
                    at: ResetAt::BeforeBody | ResetAt::DuringBody,
                    ..
                }
        )
    }

    /// Whether its numbers make sense.
    pub(crate) fn check(&self) -> Result<(), RuleError> {
        let canned = match self.last() {
            Self::Refuse(answer) | Self::ApplyThenAnswer(answer) => answer,
            Self::LateCommit {
                reply: LateReply::Answer(answer),
                ..
            } => answer,
            Self::Reset {
                at: ResetAt::BeforeBody | ResetAt::DuringBody,
                applied: true,
            } => return Err(RuleError::AppliedUnread),
            Self::Trickle { bytes: 0, .. } => return Err(RuleError::NothingTrickles),
            Self::ListRefusesFilter { number } if ![1448, 1449].contains(number) => {
                return Err(RuleError::NoFilterRefusal(*number));
            }
            _ => return Ok(()),
        };
        match canned.status {
            200..=599 => Ok(()),
            status => Err(RuleError::StatusOutOfRange(status)),
        }
    }
}

/// How much of a request is read before its connection is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResetAt {
    /// Its head.
    #[default]
    BeforeBody,
    /// Half its body.
    DuringBody,
    /// All of it.
    AfterBody,
}

/// Where an answer breaks off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CutAt {
    /// Before its first byte.
    #[default]
    Start,
    /// After its headers and half its body.
    Body,
}

/// What is answered before a late commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LateReply {
    /// What the operation will answer, ids included.
    #[default]
    Own,
    /// Nothing: the connection is cut.
    Drop,
    /// This.
    Answer(CannedAnswer),
}

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
    /// Nothing special. Later rules are not tried.
    Pass,
    /// The request waits before it takes effect. Then it goes on, or another action follows.
    Delay {
        /// How long it waits.
        ms: u64,
        /// What follows the wait. If left out, nothing special.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<Box<Action>>,
    },
    /// The given response is sent. The state does not change.
    Refuse(CannedAnswer),
    /// The connection is closed after the head of the request is read, before its body is read.
    DropBeforeRead,
    /// The connection is cut. The state does not change.
    DropBeforeApply,
    /// The connection is reset at the level of TCP: the caller sees `ECONNRESET`.
    Reset {
        /// How much of the request is read first.
        #[serde(default)]
        at: ResetAt,
        /// Whether the request takes effect. It can only if it was read completely.
        #[serde(default)]
        applied: bool,
    },
    /// The request takes effect, and the connection is cut.
    ApplyThenDrop {
        /// How much of the response is sent.
        #[serde(default)]
        at: CutAt,
    },
    /// The request takes effect, and the given response replaces its own.
    ApplyThenAnswer(CannedAnswer),
    /// The request takes effect at once. Its response is delayed.
    ApplyThenDelay {
        /// How long the response is delayed.
        ms: u64,
    },
    /// The response is sent at once. The request takes effect later.
    LateCommit {
        /// How much later.
        after_ms: u64,
        /// What is sent in the meantime.
        #[serde(default)]
        reply: LateReply,
    },
    /// The request takes effect. The response is shorter than its `Content-Length`.
    Truncate {
        /// How many bytes are sent. If left out, half of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
    },
    /// The request takes effect. The response is sent in small pieces.
    Trickle {
        /// How many bytes a piece has.
        #[serde(default = "one_byte")]
        bytes: u64,
        /// How long the pause after a piece is.
        #[serde(default = "one_second")]
        every_ms: u64,
    },
    /// The request takes effect. The response is padded with spaces to this length.
    Pad {
        /// How many bytes are sent in all.
        #[serde(default = "hundred_megabytes")]
        bytes: u64,
    },
    /// A list lags: it misses resources that were created recently and still shows resources that
    /// were deleted recently.
    ListLag {
        /// How long it lags.
        ms: u64,
        /// With a seed, each resource has a lag of its own, from 0 to `ms`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// A list ignores its filter.
    ListIgnoresFilter,
    /// A list with a filter is refused. One without a filter is served.
    ListRefusesFilter {
        /// The error number of Flow Service: 1448 (this field can't be filtered) or 1449 (there is
        /// no such field).
        #[serde(default = "no_such_field")]
        number: u16,
    },
    /// The next page is the page just shown.
    ListNextIsSelf,
    /// A page begins with the last entry of the page before it.
    ListRepeatsEntry,
    /// A page leaves out its first entry.
    ListSkipsEntry,
    /// A list has two more entries, which are no resources: a `null`, and one without an id.
    ListOddEntries,
    /// The time of a resource's creation is shown in another form than as a number.
    CreatedAs {
        /// In which form.
        form: CreatedForm,
    },
    /// The resource in the path gets a new version. For a change this happens before it, so the
    /// change gets a 412. For a read it happens after it, so the version that was read is out of
    /// date.
    MoveEtag {
        /// Whether that 412 has the older shape, with `errorMessage` only.
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
    /// Its kind, as in JSON.
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
            Self::ListOddEntries => "listOddEntries",
            Self::CreatedAs { .. } => "createdAs",
            Self::MoveEtag { .. } => "moveEtag",
        }
    }

    /// What happens after all delays.
    pub(crate) fn last(&self) -> &Self {
        match self {
            Self::Delay {
                then: Some(then), ..
            } => then.last(),
            action => action,
        }
    }

    /// Whether it happens before the request's body is read.
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

    /// Checks that its numbers make sense.
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

/// The form in which a time of creation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CreatedForm {
    /// As a date-time, such as `2026-11-24T12:00:00.5Z`.
    Text,
    /// In a form that nobody can read.
    Unknown,
}

/// Where a response is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CutAt {
    /// Before its first byte.
    #[default]
    Start,
    /// After its headers and half its body.
    Body,
}

/// What is sent before a late commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LateReply {
    /// The operation's own response, ids included.
    #[default]
    Own,
    /// Nothing. The connection is cut.
    Drop,
    /// This response.
    Answer(CannedAnswer),
}

//! Places at which a worker can be made to die, to show that it may die anywhere.
//!
//! `AEP_FLOW_CRASH_AT=after-reply` ends the process there as `kill -9` would, the first time
//! that it gets there; `AEP_FLOW_CRASH_AT=after-reply:flow` only at that kind of resource.
//! `AEP_FLOW_PANIC_AT=before-post:flow:text` panics there instead, once, and says the text.
//! The switches are in builds with debug assertions alone, so in no release.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ResourceKind;

/// Labelled points of a create, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// No request was sent yet.
    BeforeLook,
    /// The look has its response.
    AfterLook,
    /// The look found nothing, and the create is about to be sent.
    BeforePost,
    /// All of the create was sent, and its response is awaited.
    AfterBody,
    /// The create has its response, and nobody else knows.
    AfterReply,
    /// The attempt is over, and Temporal's server does not know.
    BeforeReport,
}

impl Point {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::BeforeLook,
        Self::AfterLook,
        Self::BeforePost,
        Self::AfterBody,
        Self::AfterReply,
        Self::BeforeReport,
    ];

    /// The label that the switch takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeLook => "before-look",
            Self::AfterLook => "after-look",
            Self::BeforePost => "before-post",
            Self::AfterBody => "after-body",
            Self::AfterReply => "after-reply",
            Self::BeforeReport => "before-report",
        }
    }
}

/// The variable that holds the switch.
pub const VARIABLE: &str = "AEP_FLOW_CRASH_AT";

/// The variable that holds the switch for a panic.
pub const PANIC_VARIABLE: &str = "AEP_FLOW_PANIC_AT";

/// Dies here, if that is what the switch says.
///
/// # Panics
/// If that is what the other switch says.
#[cfg(debug_assertions)]
pub fn here(point: Point, kind: Option<ResourceKind>) {
    static HAS_PANICKED: AtomicBool = AtomicBool::new(false);
    if let Some(text) = asked(PANIC_VARIABLE, point, kind)
        && !HAS_PANICKED.swap(true, Ordering::Relaxed)
    {
        panic!("asked to say {text}");
    }
    if asked(VARIABLE, point, kind).is_some() {
        tracing::error!(point = point.as_str(), "dying, as {VARIABLE} asks");
        // SIGKILL, so that nothing is tidied up. It cannot fail for one's own process.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Never ends, or dies after a moment if the switch is for a point at which a request is on
/// its way: the other side then holds its response back.
#[cfg(debug_assertions)]
pub(crate) async fn while_waiting(point: Point, kind: ResourceKind) {
    if asked(VARIABLE, point, Some(kind)).is_none() {
        return std::future::pending().await;
    }
    // Long enough to write a few kilobytes to a socket of this machine.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    here(point, Some(kind));
}

/// The text behind point and kind, if the variable asks for these.
#[cfg(debug_assertions)]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for tests, which no configuration should list"
)]
fn asked(variable: &str, point: Point, kind: Option<ResourceKind>) -> Option<String> {
    let asked = std::env::var(variable).ok()?;
    let mut parts = asked.splitn(3, ':');
    let label = parts.next()?;
    let wanted = parts.next().unwrap_or_default();
    let is_kind = wanted.is_empty() || kind.is_some_and(|kind| kind.as_str() == wanted);
    let text = parts.next().unwrap_or_default();
    (label == point.as_str() && is_kind).then(|| text.to_owned())
}

/// Nothing: a release has no such switch.
#[cfg(not(debug_assertions))]
#[inline]
pub fn here(_: Point, _: Option<ResourceKind>) {}

#[cfg(not(debug_assertions))]
pub(crate) async fn while_waiting(_: Point, _: ResourceKind) {
    std::future::pending().await
}

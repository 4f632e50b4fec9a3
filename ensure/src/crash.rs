//! Places at which a worker can be made to die, to show that it may die anywhere.
//!
//! `AEP_FLOW_CRASH_AT=after-reply` ends the process there as `kill -9` would, the first time
//! that it gets there; `AEP_FLOW_CRASH_AT=after-reply:flow` only at that kind of resource.
//! `AEP_FLOW_PANIC_AT=after-look:flow=text` has it panic there once instead, with that text.
//! The switches are in builds with debug assertions alone, so in no release.

use crate::rules::ResourceKind;

/// Labelled points of a create, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// Nothing was asked yet.
    BeforeLook,
    /// The look was answered.
    AfterLook,
    /// The look found nothing, and the create is about to be sent.
    BeforePost,
    /// All of the create was sent, and its answer is being waited for.
    AfterBody,
    /// The create was answered, and nobody else knows.
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

/// The variable that holds the other switch.
pub const PANIC_VARIABLE: &str = "AEP_FLOW_PANIC_AT";

/// Dies here, if that is what the switch says.
#[cfg(debug_assertions)]
pub fn here(point: Point, kind: Option<ResourceKind>) {
    panic_here(point, kind);
    if variable(VARIABLE).is_some_and(|asked| is_meant(&asked, point, kind)) {
        tracing::error!(point = point.as_str(), "dying, as {VARIABLE} asks");
        // SIGKILL, so that nothing is tidied up. It cannot fail for one's own process.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Never ends, or dies after a moment if the switch is for a point at which a request is on
/// its way: the other side then holds its answer back.
#[cfg(debug_assertions)]
pub(crate) async fn while_waiting(point: Point, kind: ResourceKind) {
    if !variable(VARIABLE).is_some_and(|asked| is_meant(&asked, point, Some(kind))) {
        return std::future::pending().await;
    }
    // Long enough to write a few kilobytes to a socket of this machine.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    here(point, Some(kind));
}

/// Panics with what the switch says, as a slip would that prints what it has in hand.
#[cfg(debug_assertions)]
fn panic_here(point: Point, kind: Option<ResourceKind>) {
    use std::sync::atomic::{AtomicBool, Ordering};

    static HAS_PANICKED: AtomicBool = AtomicBool::new(false);
    let Some(asked) = variable(PANIC_VARIABLE) else {
        return;
    };
    let (place, text) = asked.split_once('=').unwrap_or((&asked, ""));
    if is_meant(place, point, kind) && !HAS_PANICKED.swap(true, Ordering::SeqCst) {
        panic!("{text}");
    }
}

#[cfg(debug_assertions)]
fn is_meant(place: &str, point: Point, kind: Option<ResourceKind>) -> bool {
    let (label, wanted) = place.split_once(':').unwrap_or((place, ""));
    let is_kind = wanted.is_empty() || kind.is_some_and(|kind| kind.as_str() == wanted);
    label == point.as_str() && is_kind
}

#[cfg(debug_assertions)]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for tests, which no configuration should list"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Nothing: a release has no such switch.
#[cfg(not(debug_assertions))]
#[inline]
pub fn here(_: Point, _: Option<ResourceKind>) {}

#[cfg(not(debug_assertions))]
pub(crate) async fn while_waiting(_: Point, _: ResourceKind) {
    std::future::pending().await
}

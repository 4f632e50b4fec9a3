//! Makes the calls that [`state`](crate::state) asks for.

use std::{
    fmt::{Debug, Display},
    future::Future,
    time::Duration,
};

use aep_flow_proto::v1::{OnExisting, Outcome};
use tracing::{Instrument as _, debug_span, field};

use crate::{
    ResourceKind,
    crash::{self, Point},
    state::{Call, Do, End, Existing, Now, Past, Seen, Why, begin, step},
};

/// The response to a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
}

/// What is known of the effect of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changed nothing: it was refused, or never sent, or is a read.
    NothingChanged,
    /// It created nothing, since something has that name already.
    NameTaken,
    /// It may have taken effect, or may take effect later.
    Unknown,
}

/// Why a call to the platform failed, as far as the protocol must know it. `Display` says why to
/// people.
pub trait CallFailure: Debug + Display + Send {
    /// What is known of its effect.
    fn effect(&self) -> Effect;
}

/// What became of a resource that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Gone,
    /// Something uses it, so it was left.
    InUse,
}

/// The calls by which the protocol sees what exists. None changes anything.
pub trait Reads {
    /// Why a call fails.
    type Failure: CallFailure;

    /// Finds everything on the platform that has the wanted name, on every page.
    fn look(&self) -> impl Future<Output = Result<Vec<Existing>, Self::Failure>> + Send;

    /// Reads the resource of that id; none if there is none, or no longer.
    fn read(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Existing>, Self::Failure>> + Send;

    /// The time, by our clock and by the platform's.
    fn now(&self) -> Now;
}

/// The calls that the protocol makes for one resource. Each is sent once.
pub trait Resource: Reads {
    /// Sends the create, with the intent's marker in it.
    fn create(&self) -> impl Future<Output = Result<Created, Self::Failure>> + Send;

    /// Deletes the resource of that id, unless something uses it.
    fn delete(&self, id: &str) -> impl Future<Output = Result<Deletion, Self::Failure>> + Send;
}

/// The one live resource of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
    /// Whether this call created it.
    pub outcome: Outcome,
    /// Secrets in which the request that it was created from differs.
    pub differs: Vec<String>,
}

/// Why an attempt ended without the resource.
#[derive(Debug, thiserror::Error)]
pub enum EnsureError<F> {
    /// A call failed, and is known to have created nothing. `past` is what came before it.
    #[error("{failure}")]
    Failed {
        /// What the platform or the way to it said.
        failure: F,
        /// What the next attempt is to know.
        past: Past,
    },
    /// Which resource is the result is still open; a later attempt looks again.
    #[error("{reason}")]
    NotYet {
        /// What happened, and how far the looks got.
        reason: String,
        /// The failure that left it open, where this attempt saw it.
        failure: Option<F>,
        /// What the next attempt is to know.
        past: Past,
        /// When to look again; the caller's own retry policy decides if not given.
        after: Option<Duration>,
        /// What that time is for, in a few words.
        waits_for: Option<String>,
    },
    /// An existing resource of that name is in the way.
    #[error("a {kind} called `{name}` exists{}", id.as_ref().map_or_else(|| " that these credentials cannot see".to_owned(), |id| format!(" ({id}), and it is not one that this call may take")))]
    Conflict {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its name.
        name: String,
        /// Its id, where it can be seen.
        id: Option<String>,
    },
    /// Ours exists for the same key, created from another request.
    #[error("the {kind} `{name}` ({id}) was created from another request; what differs: {}", fields.join(", "))]
    Mismatch {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its name.
        name: String,
        /// Its id.
        id: String,
        /// Fields that differ.
        fields: Vec<String>,
    },
    /// None exists, and none is to be created.
    #[error("there is no {kind} called `{name}`")]
    Absent {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// Several of ours exist, and more than one is in use, or of unknown age.
    #[error("{} {kind}s called `{name}` exist for the same intent, and none of them may be deleted, as they are in use or it isn't known which is the oldest: {}", ids.len(), ids.join(", "))]
    Undecided {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its name.
        name: String,
        /// Their ids, the oldest first.
        ids: Vec<String>,
    },
}

/// Gives the one live resource of the call's intent.
///
/// # Expected flow
/// A look that finds nothing, then one create. Unless the platform keeps names unique or
/// the worker is the sole caller, one more look follows, when everything older than what was
/// created is in the lists: the oldest of ours is the result, whoever created it, and the
/// duplicates are deleted.
///
/// # Guarantees
/// At most one create is sent per call, and none while an earlier one of this call may still
/// take effect. Two calls with the same intent get the same resource. Nothing is deleted that
/// is in use, or that does not carry our marker for this very key.
///
/// # Assumptions
/// `past` is what is known of the attempts before: [`Past::Clean`] is a promise. A create
/// takes effect within the quiet period or never. A list shows a resource within the list
/// lag of its creation, and `createdAt` is when it took effect. Calls with one intent share
/// their rules.
///
/// # Caveats
/// A flow that is deleted may have begun to run. A mapping set is never deleted.
///
/// # Errors
/// [`EnsureError`]; where another attempt may follow, it carries what that one must know.
///
/// Dropped at an await it may have sent the create: whoever comes next must begin with
/// [`Past::Open`].
pub async fn ensure<R: Resource>(
    call: &Call<'_>,
    past: Past,
    resource: &R,
) -> Result<Ensured, EnsureError<R::Failure>> {
    traced(call, past, resource, IfNone::Create).await
}

/// Gives the one live resource of an intent whose creates have all taken effect, or never will:
/// [`ensure`] that creates nothing.
///
/// # Errors
/// [`EnsureError`]; [`EnsureError::Absent`] if there is none.
pub async fn settle<R: Resource>(
    call: &Call<'_>,
    resource: &R,
) -> Result<Ensured, EnsureError<R::Failure>> {
    let call = Call {
        // A younger one is a duplicate whatever request it was created from: the call that sent
        // that request was to be told of the older one, and to delete its own.
        on_existing: OnExisting::AdoptAny,
        ..call.clone()
    };
    traced(&call, Past::Clean, resource, IfNone::Leave).await
}

/// What to do where no resource exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfNone {
    Create,
    Leave,
}

async fn traced<R: Resource>(
    call: &Call<'_>,
    past: Past,
    resource: &R,
    if_none: IfNone,
) -> Result<Ensured, EnsureError<R::Failure>> {
    let span = debug_span!(
        "ensure",
        aep.resource.kind = call.intent.kind().as_str(),
        ensure.decision = field::Empty,
    );
    let ended = drive(call, past, resource, if_none);
    let ended = ended.instrument(span.clone()).await;
    span.record("ensure.decision", decision(&ended));
    ended
}

/// How the protocol ended, in one word for whoever reads the trace.
fn decision<F>(ended: &Result<Ensured, EnsureError<F>>) -> &'static str {
    match ended {
        Ok(Ensured { outcome, .. }) if *outcome == Outcome::Created => "created",
        Ok(_) => "adopted",
        Err(EnsureError::Failed { .. }) => "failed",
        Err(EnsureError::NotYet { past, .. }) if past.is_open() => "ambiguous",
        Err(EnsureError::NotYet { .. }) => "waiting",
        Err(EnsureError::Conflict { .. }) => "conflict",
        Err(EnsureError::Mismatch { .. }) => "mismatch",
        Err(EnsureError::Absent { .. }) => "absent",
        Err(EnsureError::Undecided { .. }) => "undecided",
    }
}

async fn drive<R: Resource>(
    call: &Call<'_>,
    past: Past,
    resource: &R,
    if_none: IfNone,
) -> Result<Ensured, EnsureError<R::Failure>> {
    let kind = call.intent.kind();
    let (mut state, mut next) = begin(past);
    let mut failure = None;
    // When the last look was sent: what it found was true then, however long it took.
    let mut looked = resource.now();
    loop {
        let is_create = next == Do::Create;
        let seen = match next {
            Do::Look => {
                crash::here(Point::BeforeLook, Some(kind));
                let sent = resource.now().ours;
                let span = debug_span!("ensure look", ensure.found = field::Empty);
                let found = resource.look().instrument(span.clone()).await;
                if let Ok(found) = &found {
                    // OpenTelemetry knows signed numbers alone.
                    span.record(
                        "ensure.found",
                        i64::try_from(found.len()).unwrap_or(i64::MAX),
                    );
                }
                looked = resource.now().back_at(sent);
                crash::here(Point::AfterLook, Some(kind));
                found.map_or_else(|error| not_answered(&mut failure, error), Seen::Found)
            }
            Do::Create if if_none == IfNone::Leave => {
                let name = call.intent.name().to_owned();
                return Err(EnsureError::Absent { kind, name });
            }
            Do::Create => {
                crash::here(Point::BeforePost, Some(kind));
                let answer = tokio::select! {
                    answer = resource.create().instrument(debug_span!("ensure create")) => answer,
                    () = crash::while_waiting(Point::AfterBody, kind) => continue_dead().await,
                };
                crash::here(Point::AfterReply, Some(kind));
                match answer {
                    Ok(Created { id, etag }) => Seen::Created { id, etag },
                    Err(error) => {
                        let seen = match error.effect() {
                            Effect::NothingChanged => Seen::NotCreated,
                            Effect::NameTaken => Seen::NameTaken,
                            Effect::Unknown => Seen::Unanswered,
                        };
                        failure = Some(error);
                        seen
                    }
                }
            }
            Do::Read { ref id } => match resource
                .read(id)
                .instrument(debug_span!("ensure read"))
                .await
            {
                Ok(Some(existing)) => Seen::Exists(existing),
                Ok(None) => Seen::Gone,
                Err(error) => not_answered(&mut failure, error),
            },
            Do::Delete { ref id } => match resource
                .delete(id)
                .instrument(debug_span!("ensure sweep"))
                .await
            {
                Ok(deletion) => {
                    let name = call.intent.name();
                    tracing::warn!(%kind, id, name, swept = ?deletion, "a duplicate of ours");
                    match deletion {
                        Deletion::Gone => Seen::Gone,
                        Deletion::InUse => Seen::InUse,
                    }
                }
                Err(error) => not_answered(&mut failure, error),
            },
            Do::End(end) => return ended(call, end, failure),
        };
        let now = if is_create { resource.now() } else { looked };
        (state, next) = step(call, now, state, seen);
    }
}

/// The process was asked to die; until it does, nothing happens.
async fn continue_dead<T>() -> T {
    std::future::pending().await
}

pub(crate) fn not_answered<F>(failure: &mut Option<F>, error: F) -> Seen {
    *failure = Some(error);
    Seen::NotAnswered
}

pub(crate) fn ended<F: CallFailure>(
    call: &Call<'_>,
    end: End,
    failure: Option<F>,
) -> Result<Ensured, EnsureError<F>> {
    let kind = call.intent.kind();
    let name = || call.intent.name().to_owned();
    let not_yet = |reason, failure, past| EnsureError::NotYet {
        reason,
        failure,
        past,
        after: None,
        waits_for: None,
    };
    Err(match (end, failure) {
        (
            End::Answer {
                id,
                etag,
                outcome,
                differs,
            },
            _,
        ) => {
            return Ok(Ensured {
                id,
                etag,
                outcome,
                differs,
            });
        }
        // The response to a deletion was lost: the next look shows whether it took place.
        (End::Fail(past), Some(failure)) if failure.effect() == Effect::Unknown => {
            let reason = format!(
                "whether a duplicate of the {kind} `{}` was deleted is not known yet: {failure}",
                call.intent.name()
            );
            not_yet(reason, Some(failure), past)
        }
        (End::Fail(past), Some(failure)) => EnsureError::Failed { failure, past },
        (End::LookAgain { past, why, after }, failure) => EnsureError::NotYet {
            reason: reason(call, why, failure.as_ref()),
            failure,
            past,
            after,
            waits_for: after.map(|_| waits_for(call, why)),
        },
        // A failed call always leaves its error; if it did not, another look would be safe.
        (End::Fail(past), None) => {
            let reason = format!(
                "the {kind} `{}` could not be looked for",
                call.intent.name()
            );
            not_yet(reason, None, past)
        }
        (End::Conflict { id }, _) => EnsureError::Conflict {
            kind,
            name: name(),
            id,
        },
        (End::Mismatch { id, fields }, _) => EnsureError::Mismatch {
            kind,
            name: name(),
            id,
            fields,
        },
        (End::Undecided { ids }, _) => EnsureError::Undecided {
            kind,
            name: name(),
            ids,
        },
    })
}

fn reason(call: &Call<'_>, why: Why, failure: Option<&impl Display>) -> String {
    let what = format!("{} `{}`", call.intent.kind(), call.intent.name());
    match (why, failure) {
        (Why::Unanswered, Some(failure)) => {
            format!("whether the {what} was created is not known yet: {failure}")
        }
        (Why::Unanswered, None) => format!("whether the {what} was created is not known yet"),
        (Why::Quiet { looks }, _) => {
            let most = call.rules.looks;
            format!(
                "whether the {what} was created is not known yet: an earlier create got no \
                 response, and look {looks} of at least {most} did not find it"
            )
        }
        (Why::Young, _) => {
            format!("the {what} exists; another caller's may be missing from the lists for a while")
        }
        (Why::NameTaken, _) => {
            format!("the name of the {what} is taken, by something that no list shows yet")
        }
        (Why::Vanished, _) => format!("the {what} was created and is gone"),
    }
}

fn waits_for(call: &Call<'_>, why: Why) -> String {
    match why {
        Why::Unanswered => "quiet period".to_owned(),
        Why::Quiet { looks } => {
            // There may be more than the fewest: the time must pass as well.
            let of = call.rules.looks.max(looks);
            format!("quiet period, look {looks} of {of}")
        }
        Why::Young | Why::NameTaken | Why::Vanished => "list lag".to_owned(),
    }
}

#[cfg(test)]
mod tests;

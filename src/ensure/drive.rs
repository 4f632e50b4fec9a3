//! Makes the calls that [`state`](super::state) asks for.

use std::{future::Future, time::Duration};

use aep_flow_proto::v1::OnExisting;
use aep_platform::{Class, Conflict, Failure, Outcome};
use jiff::Timestamp;

use super::{
    intent::Intent,
    state::{Do, Past, Rules, Seen, Standing, State, step},
};

/// What a create was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
}

/// The one live resource of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// Adobe's id.
    pub id: String,
    /// Adobe's etag, empty where the kind has none.
    pub etag: String,
    /// Whether this attempt made it.
    pub outcome: aep_flow_proto::v1::Outcome,
}

/// Why an attempt ended without the resource.
#[derive(Debug, thiserror::Error)]
pub enum EnsureError {
    /// A call failed, and is known to have changed nothing. `past` is what came before it.
    #[error("{failure}")]
    Failed {
        /// What the platform or the way to it said.
        failure: Box<Failure>,
        /// What the next attempt is to know.
        past: Past,
    },
    /// A create may have taken place; looking is to go on.
    #[error("whether the {kind} `{name}` was made is not known yet: {reason}")]
    Ambiguous {
        /// Kind of the resource.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What happened, and how the looking goes.
        reason: String,
        /// The failure that left it open, where this attempt saw it.
        failure: Option<Box<Failure>>,
        /// What the next attempt is to know.
        past: Past,
        /// When to look again; the caller's own retry policy decides if not given.
        after: Option<Duration>,
    },
    /// Something of that name stands in the way.
    #[error("a {kind} called `{name}` exists{}", id.as_ref().map_or_else(|| " that these credentials cannot see".to_owned(), |id| format!(" ({id}), and it is not one that this call may take")))]
    Conflict {
        /// Kind of the resource.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Its id, where it can be seen.
        id: Option<String>,
    },
    /// Ours stands there for the same key, made from another request.
    #[error("the {kind} `{name}` ({id}) was made from another request; what differs: {}", fields.join(", "))]
    Mismatch {
        /// Kind of the resource.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Its id.
        id: String,
        /// Fields that differ.
        fields: Vec<String>,
    },
}

/// Gives the one live resource of `intent`.
///
/// `look` finds everything on the platform that has the wanted name, on every page; `create`
/// sends the create, once, with the intent's marker in it, and is not begun unless the
/// protocol asks for it.
///
/// # Expected flow
/// A look that finds nothing, then one create.
///
/// # Guarantees
/// At most one create is sent per call, and none while an earlier one may still take
/// effect by `rules`. A resource of ours with the same fingerprint is the answer,
/// whoever made it.
///
/// # Assumptions
/// `past` is what is known of the attempts before: [`Past::Clean`] is a promise. The
/// platform shows a resource in its lists within the quiet period.
///
/// # Caveats
/// Two callers that both look before either creates make two resources; both get the
/// older one from then on, and the younger stays until it is swept.
///
/// # Errors
/// [`EnsureError`]; where another attempt may follow, it carries what that one must know.
///
/// Dropped at an await it may have sent the create: whoever comes next must begin with
/// [`Past::Ambiguous`].
pub async fn ensure(
    intent: &Intent,
    on_existing: OnExisting,
    rules: Rules,
    past: Past,
    now: impl Fn() -> Timestamp,
    look: impl Future<Output = Result<Vec<Standing>, Failure>>,
    create: impl Future<Output = Result<Created, Failure>>,
) -> Result<Ensured, EnsureError> {
    let looking = State::Looking(past);
    let found = match look.await {
        Ok(found) => found,
        Err(failure) => {
            let next = step(intent, on_existing, rules, now(), looking, Seen::LookFailed);
            return Err(failed(intent, next, Some(failure), &[]));
        }
    };
    match step(
        intent,
        on_existing,
        rules,
        now(),
        looking,
        Seen::Found(&found),
    ) {
        Do::Create => {}
        Do::Adopt { at } => return Ok(adopted(&found[at])),
        other => return Err(failed(intent, other, None, &found)),
    }

    let creating = State::Creating(past);
    let answer = create.await;
    let seen = match &answer {
        Ok(_) => Seen::Created,
        Err(failure) => what_is_known(failure),
    };
    match (
        step(intent, on_existing, rules, now(), creating, seen),
        answer,
    ) {
        (Do::AnswerCreated, Ok(created)) => Ok(Ensured {
            id: created.id,
            etag: created.etag,
            outcome: aep_flow_proto::v1::Outcome::Created,
        }),
        (next, answer) => Err(failed(intent, next, answer.err(), &found)),
    }
}

fn what_is_known(failure: &Failure) -> Seen<'static> {
    match (failure.outcome, failure.class) {
        (Outcome::Unknown, _) => Seen::Unanswered,
        (Outcome::Refused, Class::Conflict(Conflict::TitleNotUnique)) => Seen::NameTaken,
        (Outcome::NothingSent | Outcome::Refused, _) => Seen::NotCreated,
    }
}

fn adopted(standing: &Standing) -> Ensured {
    Ensured {
        id: standing.id.clone(),
        etag: standing.etag.clone(),
        outcome: aep_flow_proto::v1::Outcome::Adopted,
    }
}

fn failed(intent: &Intent, next: Do, failure: Option<Failure>, found: &[Standing]) -> EnsureError {
    let kind = intent.kind();
    let name = intent.name().to_owned();
    match (next, failure) {
        (Do::Fail(past), Some(failure)) => EnsureError::Failed {
            failure: Box::new(failure),
            past,
        },
        (Do::LookAgain { past, after }, failure) => EnsureError::Ambiguous {
            kind,
            name,
            reason: waiting(past, after, failure.as_ref()),
            failure: failure.map(Box::new),
            past,
            after,
        },
        (Do::Conflict { at }, _) => EnsureError::Conflict {
            kind,
            name,
            id: at
                .and_then(|at| found.get(at))
                .map(|standing| standing.id.clone()),
        },
        (Do::Mismatch { at, fields }, _) => EnsureError::Mismatch {
            kind,
            name,
            id: found
                .get(at)
                .map_or_else(String::new, |standing| standing.id.clone()),
            fields,
        },
        // A move that ends well is no error; should one come here, looking is safe.
        (Do::Create | Do::AnswerCreated | Do::Adopt { .. } | Do::Fail(_), failure) => {
            EnsureError::Ambiguous {
                kind,
                name,
                reason: "the protocol came to no end".to_owned(),
                failure: failure.map(Box::new),
                past: Past::Ambiguous {
                    since: Timestamp::now(),
                    looks: 0,
                },
                after: None,
            }
        }
    }
}

fn waiting(past: Past, after: Option<Duration>, failure: Option<&Failure>) -> String {
    let mut text = failure.map_or_else(
        || "an earlier create was not answered".to_owned(),
        |failure| failure.message.clone(),
    );
    if let (Past::Ambiguous { looks, .. }, Some(after)) = (past, after) {
        text.push_str(&format!(
            "; look {looks} found nothing, the next one is in {} s",
            after.as_secs()
        ));
    }
    text
}

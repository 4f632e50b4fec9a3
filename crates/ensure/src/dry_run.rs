//! What a call would do, found out by reads alone.

use std::time::Duration;

use crate::{
    drive::{EnsureError, Ensured, Reads, ended, not_answered},
    rules::Rules,
    state::{Call, Do, Past, Seen, begin, step},
};

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Create the resource: none exists.
    Create,
    /// Give this existing one.
    Adopt {
        /// It.
        ensured: Ensured,
        /// Whether it carries the intent's marker, so that it is one of ours.
        is_ours: bool,
        /// Ids of duplicates of ours: each would be deleted, unless something uses it.
        duplicates: Vec<String>,
    },
}

/// Finds out what [`ensure`](crate::ensure) would do in a call that nobody made before. It takes
/// the same steps, and stops before it would write.
///
/// It does not see what lists do not show yet.
///
/// # Errors
/// [`EnsureError`]: how the call would end instead.
pub async fn dry_run<S: Reads>(
    call: &Call<'_>,
    reads: &S,
) -> Result<Planned, EnsureError<S::Failure>> {
    let call = Call {
        rules: Rules {
            // Only a call that writes waits until the lists are complete. A plan is about now.
            list_lag: Duration::ZERO,
            ..call.rules
        },
        ..call.clone()
    };
    let (mut state, mut next) = begin(Past::Clean);
    let mut failure = None;
    let mut duplicates = Vec::new();
    let mut ours: Vec<String> = Vec::new();
    loop {
        let seen = match next {
            Do::Look => match reads.look().await {
                Ok(found) => {
                    let of_ours = found.iter().filter(|each| each.is_of(call.intent));
                    ours = of_ours.map(|each| each.id.clone()).collect();
                    Seen::Found(found)
                }
                Err(error) => not_answered(&mut failure, error),
            },
            Do::Read { ref id } => match reads.read(id).await {
                Ok(Some(existing)) => Seen::Exists(existing),
                Ok(None) => Seen::Gone,
                Err(error) => not_answered(&mut failure, error),
            },
            Do::Create => return Ok(Planned::Create),
            Do::Delete { id } => {
                duplicates.push(id);
                Seen::Gone
            }
            Do::End(end) => {
                let ensured = ended(&call, end, failure)?;
                return Ok(Planned::Adopt {
                    is_ours: ours.contains(&ensured.id),
                    ensured,
                    duplicates,
                });
            }
        };
        (state, next) = step(&call, reads.now(), state, seen);
    }
}

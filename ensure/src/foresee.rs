//! What a call would come to, found out by reading alone.

use std::time::Duration;

use crate::{
    drive::{EnsureError, Ensured, Sight, ended, not_answered},
    rules::Rules,
    state::{Call, Do, Past, Seen, begin, step},
};

/// What a call would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// Nothing stands in its place: it would be created.
    Create,
    /// This one would be the answer.
    Adopt {
        /// It.
        ensured: Ensured,
        /// Whether it carries the intent's marker, so that it is one of ours.
        is_ours: bool,
        /// Ids of ours that stand beside it without need: each would be taken away, unless
        /// something uses it.
        swept: Vec<String>,
    },
}

/// Finds out what [`ensure`](crate::ensure) would come to for a call that nobody made before.
/// It moves as that does, and stops before it would write.
///
/// What lists do not show yet is not foreseen.
///
/// # Errors
/// [`EnsureError`]: how the call would end instead.
pub async fn foresee<S: Sight>(
    call: &Call<'_>,
    sight: &S,
) -> Result<Foreseen, EnsureError<S::Failure>> {
    let call = Call {
        rules: Rules {
            // Whoever waits until a list is complete waits to write. A plan is about now.
            list_lag: Duration::ZERO,
            ..call.rules
        },
        ..call.clone()
    };
    let (mut state, mut next) = begin(Past::Clean);
    let mut failure = None;
    let mut swept = Vec::new();
    let mut ours: Vec<String> = Vec::new();
    loop {
        let seen = match next {
            Do::Look => match sight.look().await {
                Ok(found) => {
                    let of_ours = found.iter().filter(|each| each.is_of(call.intent));
                    ours = of_ours.map(|each| each.id.clone()).collect();
                    Seen::Found(found)
                }
                Err(error) => not_answered(&mut failure, error),
            },
            Do::Read { ref id } => match sight.read(id).await {
                Ok(Some(standing)) => Seen::Stands(standing),
                Ok(None) => Seen::Gone,
                Err(error) => not_answered(&mut failure, error),
            },
            Do::Create => return Ok(Foreseen::Create),
            Do::Sweep { id } => {
                swept.push(id);
                Seen::Gone
            }
            Do::End(end) => {
                let ensured = ended(&call, end, failure)?;
                return Ok(Foreseen::Adopt {
                    is_ours: ours.contains(&ensured.id),
                    ensured,
                    swept,
                });
            }
        };
        (state, next) = step(&call, sight.now(), state, seen);
    }
}

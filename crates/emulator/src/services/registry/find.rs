//! Finds a resource of the registry, and refuses a call if it doesn't exist.

use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::{Entity, Kind};

/// By `$id` or by `meta:altId`.
pub(super) fn find<'s>(scene: &'s Scene<'_>, kind: Kind, id: &str) -> Option<&'s Entity> {
    scene
        .existing(kind)
        .find(|entity| entity.id == id || entity.text("/meta:altId") == id)
}

/// The number for schemas is recorded (1012). The numbers for the other kinds are guesses close to
/// it.
pub(super) fn not_found(kind: Kind, id: &str) -> Problem {
    let number = match kind {
        Kind::Schemas => 1012,
        Kind::Descriptors => 1014,
        _ => 1013,
    };
    let detail = format!(
        "The requested resource {id} is not found. Verify the resource ID before trying again."
    );
    Problem::Registry {
        number,
        status: 404,
        title: "Resource not found",
        detail,
    }
}

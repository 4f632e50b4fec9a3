//! What exists by a name that an ingestion would give, found without the request that would be
//! sent: for a plan of what cannot be explored yet.

use super::{
    ensure::{Ensurable, Listed as _},
    failure::ActivityFailure,
    platform::Platform,
};

/// The oldest resource of that kind and name: its id, and whether it is ours; ours come first.
///
/// # Errors
/// Whatever a read can end with.
pub(crate) async fn find_by_name<K: Ensurable>(
    platform: &Platform,
    sandbox: &str,
    name: &str,
) -> Result<Option<(String, bool)>, ActivityFailure> {
    let sandbox = platform.sandbox(sandbox).await?;
    let intent = platform.intent(K::KIND, &sandbox, "", name);
    let found = K::find_named(&sandbox, name).await?.into_iter();
    let found: Vec<_> = found.map(|each| each.existing()).collect();
    let first = found
        .iter()
        .min_by_key(|each| (!each.is_of(&intent), each.rank()));
    Ok(first.map(|each| (each.id.clone(), each.is_of(&intent))))
}

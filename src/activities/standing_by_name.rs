//! What stands of a name that an ingestion would give, found without the request that would be
//! sent: for a plan of what cannot be explored yet.

use aep_flow_ensure::{Intent, ResourceKind};
use aep_platform::PlatformError;

use super::{ensured::Listed, failure::Failed, platform::Platform};

/// The oldest resource of that kind and name: its id, and whether it is ours; ours come first.
///
/// Of a kind whose names are unique within something that is to come, nothing stands.
///
/// # Errors
/// As a look's.
pub(crate) async fn standing_by_name(
    platform: &Platform,
    sandbox: &str,
    kind: ResourceKind,
    name: &str,
) -> Result<Option<(String, bool)>, Failed> {
    let sandbox = platform.sandbox(sandbox).await?;
    let intent = platform.intent(kind, &sandbox, "", name);
    match kind {
        // They stand on a base connection or on a schema, or carry a hash of it in their names.
        ResourceKind::BaseConnection
        | ResourceKind::SourceConnection
        | ResourceKind::Identity
        | ResourceKind::MappingSet => Ok(None),
        ResourceKind::FieldGroup => first(&intent, sandbox.find_field_groups_titled(name).await),
        ResourceKind::Schema => first(&intent, sandbox.find_schemas_titled(name).await),
        ResourceKind::Dataset => first(&intent, sandbox.find_datasets_named(name).await),
        ResourceKind::TargetConnection => {
            first(&intent, sandbox.find_target_connections_named(name).await)
        }
        ResourceKind::Flow => first(&intent, sandbox.find_flows_named(name).await),
    }
}

fn first<L: Listed>(
    intent: &Intent,
    found: Result<Vec<L>, PlatformError>,
) -> Result<Option<(String, bool)>, Failed> {
    let found = found.map_err(Failed::from)?;
    let standing = found
        .into_iter()
        .map(Listed::standing)
        .map(|each| (!each.is_of(intent), each.created_at, each.id));
    Ok(standing
        .min()
        .map(|(is_not_ours, _, id)| (id, !is_not_ours)))
}

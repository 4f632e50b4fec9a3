//! What source and target connections share.

use serde_json::Value;

use super::{common, list};
use crate::answer::Answer;
use crate::config::NameFilter;
use crate::json_patch::{self, PatchOperation};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

/// A list of source or target connections. The documents leave open whether they can be filtered by
/// name.
pub(super) fn list_children(
    scene: &Scene<'_>,
    kind: Kind,
    fields: &list::ListFields,
) -> Result<Answer, Problem> {
    let mut filters = list::filters(scene)?;
    match scene.config.lists.child_name_filter {
        NameFilter::Accepted => {}
        NameFilter::Refused if filters.iter().any(|filter| filter.root() == "name") => {
            return Err(Problem::flow(
                1448,
                400,
                "Filtering by field name is not supported.",
            ));
        }
        NameFilter::Refused => {}
        NameFilter::Ignored => filters.retain(|filter| filter.root() != "name"),
    }
    list::answer(
        scene,
        kind.as_str(),
        list::entries(scene, kind),
        filters,
        fields,
    )
}

/// Changes a source or target connection. New parameters must pass the check. Flows that use it
/// don't notice, as Adobe warns.
pub(super) fn patch_child(
    scene: &mut Scene<'_>,
    kind: Kind,
    check: impl Fn(&Scene<'_>, &Value) -> Result<(), Problem>,
) -> Result<Answer, Problem> {
    let may_patch =
        |path: &str| matches!(path, "/name" | "/description") || path.starts_with("/params");
    let operations = common::patch_operations(scene, kind, may_patch)?;
    let entity = common::find(scene, kind)?;
    let (id, mut body) = (entity.id.clone(), entity.body.clone());
    for operation in &operations {
        json_patch::apply(&mut body, operation)?;
    }
    let touches_params = |operation: &PatchOperation| operation.path.starts_with("/params");
    if operations.iter().any(touches_params) {
        check(scene, &body)?;
    }
    common::replace(scene, kind, &id, body)
}

/// Deletes a source or target connection, unless a flow names it at this pointer.
pub(super) fn delete_child(
    scene: &mut Scene<'_>,
    kind: Kind,
    pointer: &str,
) -> Result<Answer, Problem> {
    let id = common::find(scene, kind)?.id.clone();
    let flows = common::flows_using(scene, pointer, &id);
    if !flows.is_empty() {
        let message = format!("Active flows {} still contain id {id}.", flows.join(", "));
        return Err(Problem::flow(1447, 400, message));
    }
    common::delete(scene, kind)
}

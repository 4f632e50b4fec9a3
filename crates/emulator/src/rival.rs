//! A rival: somebody else who changes a resource between a caller's read and the caller's change.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::ids::Ids;
use crate::services::catalog;
use crate::store::{Kind, Store};

/// The shape of the refusal of a stale version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A problem document.
    Whole,
    /// `errorMessage` alone.
    Bare,
}

/// Gives a new version to the resource in the call's path. A resource without a version, or one
/// that doesn't exist, stays as it is.
pub(crate) fn write(store: &mut Store, sandbox: &str, call: &Call, now_ms: i64) {
    let names = |kind: &Kind| {
        let template = call.route.template;
        template.contains(&format!("/{}/{{id}}", kind.as_str()))
    };
    let Some(kind) = Kind::ALL.into_iter().find(names) else {
        return;
    };
    let Some(entity) = store.get_mut(sandbox, kind, call.param("id")) else {
        return;
    };
    if entity.body["etag"].is_string() {
        let etag = Ids::seeded(Ids::fresh_seed()).next_etag(now_ms);
        entity.body["etag"] = Value::from(etag.as_str());
        entity.body["version"] = Value::from(etag);
        entity.body["updatedAt"] = Value::from(now_ms);
    } else if kind == Kind::DataSets {
        let version = catalog::next_version(entity.text("/version"));
        entity.body["version"] = Value::from(version);
        entity.body["updated"] = Value::from(now_ms);
    }
}

/// The refusal in its older shape.
pub(crate) fn bare(answer: Answer) -> Answer {
    let body: Value =
        serde_json::from_str(answer.body.as_deref().unwrap_or("null")).unwrap_or_default();
    let message = ["errorMessage", "detail"]
        .into_iter()
        .find_map(|field| body[field].as_str())
        .unwrap_or_default();
    Answer::json(answer.status, json!({"errorMessage": message}))
}

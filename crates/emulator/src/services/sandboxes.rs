//! Sandbox management: which sandboxes there are.
//!
//! Source: Sandbox API reference and guide, read 2026-11.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::config::Sandbox;
use crate::problem::Problem;
use crate::scene::Scene;

/// `limit` if the call gives none.
const DEFAULT_LIMIT: usize = 50;

/// `GET /`: those that the caller may use.
pub(crate) fn own(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let usable = scene
        .config
        .sandboxes
        .iter()
        .filter(|sandbox| scene.caller.may_use(&sandbox.name));
    list(scene, usable.collect())
}

/// `GET /sandboxes`: all of the organisation.
pub(crate) fn all(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    list(scene, scene.config.sandboxes.iter().collect())
}

/// `GET /sandboxes/{name}`
pub(crate) fn one(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let name = scene.call.param("name");
    let Some(sandbox) = scene
        .config
        .sandboxes
        .iter()
        .find(|sandbox| sandbox.name == name)
    else {
        // The guide shows the errors of this service, but not the number of this one.
        let title = format!("Sandbox `{name}` is not found");
        return Err(Problem::Sandbox {
            number: 2001,
            status: 404,
            title,
        });
    };
    Ok(Answer::json(200, shown(sandbox)))
}

fn list(scene: &Scene<'_>, sandboxes: Vec<&Sandbox>) -> Result<Answer, Problem> {
    let (limit, offset) = match (scene.call.query("limit"), scene.call.query("offset")) {
        (None, None) => (DEFAULT_LIMIT, 0),
        (Some(limit), Some(offset)) => match (limit.parse(), offset.parse()) {
            (Ok(limit), Ok(offset)) => (limit, offset),
            _ => return Err(bad_page("limit and offset must be numbers")),
        },
        (Some(_), None) | (None, Some(_)) => {
            return Err(bad_page("limit and offset must be given together"));
        }
    };
    let total = sandboxes.len();
    let page: Vec<Value> = sandboxes
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(shown)
        .collect();
    let base = "https://platform.adobe.io/data/foundation/sandbox-management";
    let mut links = json!({"page": {"href": format!("{base}?limit={{limit}}&offset={{offset}}"), "templated": true}});
    if offset + page.len() < total {
        let next = offset + page.len();
        links["next"] =
            json!({"href": format!("{base}?limit={limit}&offset={next}"), "templated": false});
    }
    let body =
        json!({"_page": {"limit": limit, "count": page.len()}, "sandboxes": page, "_links": links});
    Ok(Answer::json(200, body))
}

fn bad_page(title: &str) -> Problem {
    Problem::Sandbox {
        number: 2003,
        status: 400,
        title: title.to_owned(),
    }
}

fn shown(sandbox: &Sandbox) -> Value {
    json!({
        "name": sandbox.name,
        "title": sandbox.title,
        "state": sandbox.state,
        "type": sandbox.kind,
        "region": "VA7",
        "isDefault": sandbox.is_default,
        "eTag": 2,
        "createdDate": "2019-09-04 04:57:24",
        "lastModifiedDate": "2019-09-04 04:57:24",
        "createdBy": "emulator@AdobeID",
        "modifiedBy": "emulator@AdobeID",
    })
}

//! Lists of the registry: `property`, `orderby`, `limit` and `start`.
//!
//! `start` is the last value of the first sort field. The next page holds strictly greater values.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::accept::{self, Form};
use crate::answer::Answer;
use crate::json::{at, plain};
use crate::list_faults::{FilterFault, PageFault};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

/// The largest `limit`. The smallest is 0.
const LARGEST_LIMIT: usize = 500;

/// Responds with a list of this kind.
pub(crate) fn answer(scene: &Scene<'_>, kind: Kind) -> Result<Answer, Problem> {
    let call = scene.call;
    let form = accept::for_list(call.header("accept"))?;
    let order = call.query("orderby");
    if order.is_none() && (call.query("limit").is_some() || call.query("start").is_some()) {
        return Err(Problem::bad_request(
            "limit and start can't be used without orderby",
        ));
    }
    let limit = match call.query("limit").map(str::parse::<usize>) {
        None => scene.config.lists.page_size.max(1),
        Some(Ok(limit)) if limit <= LARGEST_LIMIT => limit.min(scene.config.lists.page_size.max(1)),
        Some(_) => {
            return Err(Problem::bad_request(format!(
                "limit must be from 0 to {LARGEST_LIMIT}"
            )));
        }
    };
    let conditions: Vec<PropertyCondition> = call
        .query_all("property")
        .map(PropertyCondition::parse)
        .collect::<Result<_, _>>()?;
    let conditions = match scene.lists.filter {
        FilterFault::None => conditions,
        FilterFault::Refused(_) if !conditions.is_empty() => {
            return Err(Problem::bad_request("property can't be used here"));
        }
        FilterFault::Refused(_) | FilterFault::Ignored => Vec::new(),
    };
    let accepted = scene
        .listed(kind)
        .map(|entity| &entity.body)
        .filter(|body| conditions.iter().all(|condition| condition.accepts(body)));
    // `orderby` may name several fields. The first one decides; the others only break ties.
    let key = order
        .unwrap_or("meta:registryMetadata.repo:createdDate")
        .split(',')
        .next()
        .unwrap_or_default();
    let (field, is_down) = match key.strip_prefix('-') {
        Some(field) => (field, true),
        None => (key.strip_prefix('+').unwrap_or(key), false),
    };
    let direct = |order: Ordering| if is_down { order.reverse() } else { order };
    // Each key is built once, not for every comparison.
    let mut found: Vec<(String, &Value)> =
        accepted.map(|body| (sort_key(body, field), body)).collect();
    found.sort_by(|(left, _), (right, _)| direct(left.cmp(right)));
    let sent_start = call.query("start");
    let start = sent_start.map_or(0, |start| {
        found.partition_point(|(key, _)| direct(key.as_str().cmp(start)) != Ordering::Greater)
    });
    let (start, limit) = scene.lists.page.window(start, limit, sent_start.is_none());
    let end = found.len().min(start.saturating_add(limit));
    let page = &found[start.min(end)..end];
    let next = match (scene.lists.page, page.last()) {
        // Nothing sorts before an empty text.
        (PageFault::NextIsSelf, _) => Value::from(sent_start.unwrap_or_default()),
        (_, Some((key, _))) if end < found.len() => Value::from(key.as_str()),
        _ => Value::Null,
    };
    let results: Vec<Value> = page.iter().map(|(_, body)| shown(body, form)).collect();
    let body = json!({
        "_page": {"orderby": order.unwrap_or("created"), "next": next, "count": results.len()},
        "_links": {
            "next": next_link(scene, kind, order, &next),
            "global_schemas": {"href": "/data/foundation/schemaregistry/global/schemas"},
        },
        "results": results,
    });
    Ok(Answer::json(200, body))
}

fn next_link(scene: &Scene<'_>, kind: Kind, order: Option<&str>, next: &Value) -> Value {
    let (Some(next), Some(order)) = (next.as_str(), order) else {
        return Value::Null;
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("orderby", order)
        .append_pair("start", next);
    for name in ["limit", "property"] {
        for value in scene.call.query_all(name) {
            query.append_pair(name, value);
        }
    }
    json!({"href": format!("/data/foundation/schemaregistry/tenant/{}?{}", kind.as_str(), query.finish())})
}

fn shown(body: &Value, form: Form) -> Value {
    match form {
        Form::Raw | Form::Full => body.clone(),
        Form::Ids => json!({
            "title": body["title"],
            "$id": body["$id"],
            "meta:altId": body["meta:altId"],
            "version": body["version"],
        }),
    }
}

/// The value of a field as text that can be sorted.
fn sort_key(body: &Value, field: &str) -> String {
    match at(body, field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => format!("{:020}", number.as_i64().unwrap_or_default()),
        _ => String::new(),
    }
}

/// A condition on one property. A name alone asks whether the property exists.
struct PropertyCondition {
    path: String,
    test: Option<(&'static str, String)>,
}

impl PropertyCondition {
    fn parse(text: &str) -> Result<Self, Problem> {
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if let Some((path, value)) = text.split_once(operator) {
                let path = path.to_owned();
                let value = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'))
                    .unwrap_or(value);
                return Ok(Self {
                    path,
                    test: Some((operator, value.to_owned())),
                });
            }
        }
        if text.is_empty() || text.contains(['=', '~']) {
            return Err(Problem::bad_request(format!(
                "property {text} is not valid"
            )));
        }
        Ok(Self {
            path: text.to_owned(),
            test: None,
        })
    }

    fn accepts(&self, body: &Value) -> bool {
        let found = at(body, &self.path);
        let Some((operator, wanted)) = &self.test else {
            return found.is_some();
        };
        let wanted = wanted.as_str();
        let texts: Vec<_> = match found {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(plain).collect(),
            Some(value) => vec![plain(value)],
        };
        match *operator {
            "==" => texts.iter().any(|text| text == wanted),
            "!=" => !texts.iter().any(|text| text == wanted),
            "<" => texts.iter().any(|text| text.as_ref() < wanted),
            ">" => texts.iter().any(|text| text.as_ref() > wanted),
            "<=" => texts.iter().any(|text| text.as_ref() <= wanted),
            _ => texts.iter().any(|text| text.as_ref() >= wanted),
        }
    }
}

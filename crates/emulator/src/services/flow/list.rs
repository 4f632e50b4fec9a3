//! Lists of Flow Service: filter, order, pages.
//!
//! A continuation token names the last entry shown, not a position. So nothing that is deleted or
//! added between two pages moves another entry. The token doesn't contain the query.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use super::filter::{Filter, first_at};
use crate::answer::Answer;
use crate::config::NextPage;
use crate::list_faults::{FilterFault, PageFault};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Kind;

/// An entry of a list. It borrows its body, because a list reads thousands of entries and shows one
/// page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed<'v> {
    /// Its place in the order of creation.
    pub(crate) order: u64,
    /// What is shown.
    pub(crate) body: &'v Value,
}

/// The fields that a list can be filtered and ordered by: the first segments of paths.
pub(crate) type ListFields = [&'static str];

/// Responds with a list of these entries. They come in the order of creation.
pub(crate) fn answer(
    scene: &Scene<'_>,
    resource: &str,
    mut entries: Vec<Listed<'_>>,
    filters: Vec<Filter>,
    fields: &ListFields,
) -> Result<Answer, Problem> {
    let call = scene.call;
    if let (FilterFault::Refused(number), false) = (scene.lists.filter, filters.is_empty()) {
        let message = "Filtering by this field is not supported.";
        return Err(Problem::flow(number, 400, message));
    }
    let wants_count = call
        .query("count")
        .is_some_and(|count| count.eq_ignore_ascii_case("true"));
    if wants_count && call.query("limit").is_some() {
        return Err(Problem::flow(
            1401,
            400,
            "Parameters limit and count can't be used together.",
        ));
    }
    for filter in &filters {
        if !fields.contains(&filter.root()) {
            let message = format!("Filter field {} is not valid.", filter.path);
            return Err(Problem::flow(1449, 400, message));
        }
    }
    let order = Order::parse(call.query("orderby"), fields)?;
    if scene.lists.filter != FilterFault::Ignored {
        entries.retain(|entry| filters.iter().all(|filter| filter.accepts(entry.body)));
    }
    if wants_count {
        return Ok(Answer::json(200, json!({"count": entries.len()})));
    }
    entries.sort_by(|left, right| order.compare(left, right));
    let limit = parse_limit(call.query("limit"))?;
    let sent_token = call.query("continuationToken");
    let start = match sent_token {
        Some(token) => match read_token(token)? {
            Some((place, body)) => {
                let last = Listed {
                    order: place,
                    body: &body,
                };
                entries.partition_point(|entry| order.compare(entry, &last) != Ordering::Greater)
            }
            None => 0,
        },
        None => 0,
    };
    let is_first = sent_token.is_none();
    let size = page_size(scene, limit, is_first);
    let (start, size) = scene.lists.page.window(start, size, is_first);
    let end = entries.len().min(start + size);
    let page = &entries[start.min(end)..end];
    let next = match scene.lists.page {
        PageFault::NextIsSelf => {
            Some(sent_token.map_or_else(|| write_token(None, &order), str::to_owned))
        }
        _ => (end < entries.len()).then(|| write_token(page.last(), &order)),
    };
    let mut body = json!({"items": page.iter().map(|entry| entry.body).collect::<Vec<_>>()});
    match (next, scene.config.lists.next) {
        (Some(token), NextPage::Link) => {
            let href = format!("/{resource}?continuationToken={token}");
            body["_links"] = json!({"next": {"href": href}});
        }
        (Some(token), NextPage::Token) => body["continuationToken"] = Value::from(token),
        (None, _) => body["_links"] = json!({}),
    }
    Ok(Answer::json(200, body))
}

/// The resources of this kind as entries of a list.
pub(crate) fn entries<'s>(scene: &'s Scene<'_>, kind: Kind) -> Vec<Listed<'s>> {
    scene
        .listed(kind)
        .map(|entity| Listed {
            order: entity.order,
            body: &entity.body,
        })
        .collect()
}

/// The filters of a call.
pub(crate) fn filters(scene: &Scene<'_>) -> Result<Vec<Filter>, Problem> {
    scene
        .call
        .query_all("property")
        .map(Filter::parse)
        .collect()
}

fn page_size(scene: &Scene<'_>, limit: Option<usize>, is_first: bool) -> usize {
    let lists = scene.config.lists;
    let size = limit.unwrap_or(lists.page_size).min(lists.page_size).max(1);
    match (lists.short_pages, is_first) {
        (false, _) => size,
        (true, true) => 0,
        (true, false) => size.div_ceil(2),
    }
}

fn parse_limit(limit: Option<&str>) -> Result<Option<usize>, Problem> {
    match limit.map(|limit| (limit, limit.parse::<usize>())) {
        None => Ok(None),
        Some((_, Ok(limit))) if (1..=1000).contains(&limit) => Ok(Some(limit)),
        Some((limit, _)) => Err(Problem::flow(
            1452,
            400,
            format!("Value {limit} of parameter limit is not valid."),
        )),
    }
}

/// The fields that order a list. Entries that are equal in them keep the order of creation.
struct Order(Vec<(String, Direction)>);

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

impl Order {
    fn parse(text: Option<&str>, fields: &ListFields) -> Result<Self, Problem> {
        let Some(text) = text else {
            return Ok(Self(Vec::new()));
        };
        let keys = text.split(',').map(|key| {
            let (direction, path) = match key.as_bytes().first() {
                Some(b'+') => (Direction::Up, &key[1..]),
                Some(b'-') => (Direction::Down, &key[1..]),
                Some(byte) if byte.is_ascii_alphabetic() => (Direction::Up, key),
                _ => {
                    return Err(Problem::flow(
                        1432,
                        400,
                        format!("Sort order of {text} is not valid."),
                    ));
                }
            };
            let root = path.split('.').next().unwrap_or_default();
            if !fields.contains(&root) {
                return Err(Problem::flow(
                    1433,
                    400,
                    format!("Sort field {path} is not valid."),
                ));
            }
            Ok((path.to_owned(), direction))
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    fn compare(&self, left: &Listed<'_>, right: &Listed<'_>) -> Ordering {
        for (path, direction) in &self.0 {
            let order = compare(first_at(left.body, path), first_at(right.body, path));
            let order = match direction {
                Direction::Up => order,
                Direction::Down => order.reverse(),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        left.order.cmp(&right.order)
    }
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => left
            .as_f64()
            .partial_cmp(&right.as_f64())
            .unwrap_or(Ordering::Equal),
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(left), Some(right)) => left.to_string().cmp(&right.to_string()),
    }
}

/// The token that continues after this entry, or from the start.
fn write_token(last: Option<&Listed<'_>>, order: &Order) -> String {
    let Some(last) = last else {
        return URL_SAFE.encode("{}");
    };
    // The token holds only the fields that the order needs.
    let mut body = json!({});
    for (path, _) in &order.0 {
        let root = path.split('.').next().unwrap_or_default();
        body[root] = last.body[root].clone();
    }
    URL_SAFE.encode(json!({"order": last.order, "body": body}).to_string())
}

/// Place and fields of the last entry shown; `None` for a token from the start.
fn read_token(token: &str) -> Result<Option<(u64, Value)>, Problem> {
    let refusal = || {
        Problem::flow(
            1452,
            400,
            "Value of parameter continuationToken is not valid.",
        )
    };
    let bytes = URL_SAFE.decode(token).map_err(|_| refusal())?;
    let read: Value = serde_json::from_slice(&bytes).map_err(|_| refusal())?;
    Ok(read["order"]
        .as_u64()
        .map(|order| (order, read["body"].clone())))
}

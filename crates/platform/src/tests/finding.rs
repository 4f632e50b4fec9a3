//! The look: every page, every name, whatever the filter does.

use std::sync::Arc;

use serde_json::{Value, json};

use super::server::{ReceivedRequest, ScriptedReply, Server, json};
use crate::error::End;
use crate::{ConnectionSpecId, PlatformError};

/// Names that mean something to a filter, a URL, or JSON.
const AWKWARD: [&str; 24] = [
    "plain_name-1.0 x",
    "a,b",
    "a\"b",
    "'quoted'",
    "a&b=c",
    "a+b",
    "100%",
    "%20",
    "a==b",
    "a=b",
    "Größe äöü",
    "😀 emoji",
    "a#b",
    "a?b",
    "a/b",
    "a\\b",
    "a*b",
    "*",
    "!a",
    "~a",
    "{x}",
    "[x]",
    " padded ",
    "a;b",
];

/// A list that filters as Adobe's does: a comma means "or", an operator splits, values are exact.
fn list(entities: &[Value], seen: &ReceivedRequest) -> ScriptedReply {
    let mut items: Vec<&Value> = entities.iter().collect();
    for property in seen.query("property") {
        let Some((path, values)) = property.split_once("==") else {
            return json(400, json!({"type": "x/FLOW-1450-400"}));
        };
        if values.contains("==") || values.contains('"') {
            return json(400, json!({"type": "x/FLOW-1452-400"}));
        }
        let pointer = format!("/{}", path.replace('.', "/"));
        let wanted: Vec<&str> = values.split(',').collect();
        items.retain(|item| {
            item.pointer(&pointer)
                .and_then(Value::as_str)
                .is_some_and(|value| wanted.contains(&value))
        });
    }
    let limit: usize = seen.query("limit")[0].parse().unwrap();
    let start: usize = seen.query("continuationToken").first().map_or(0, |token| {
        token.strip_prefix("at=%+").unwrap().parse().unwrap()
    });
    let page: Vec<_> = items.iter().skip(start).take(limit).collect();
    let links = if start + limit < items.len() {
        let token = crate::request::encode(&format!("at=%+{}", start + limit));
        // The token is followed by another parameter and holds `=` and `%`.
        json!({"next": {"href": format!("/connections?continuationToken={token}&x=1")}})
    } else {
        json!({})
    };
    json(200, json!({"items": page, "_links": links}))
}

fn entities() -> Vec<Value> {
    let spec = ConnectionSpecId::oracle_service_cloud();
    AWKWARD
        .iter()
        .enumerate()
        .flat_map(|(n, name)| {
            [
                json!({"id": format!("ours-{n}"), "name": name, "connectionSpec": {"id": spec, "version": "1.0"}}),
                json!({"id": format!("theirs-{n}"), "name": name, "connectionSpec": {"id": "other", "version": "1.0"}}),
            ]
        })
        .collect()
}

async fn find(server: &Server, name: &str) -> Result<Vec<String>, PlatformError> {
    let mut settings = server.settings();
    settings.page_size = 7;
    let client = server.client_with(settings, Arc::new(crate::clock::SystemClock));
    let sandbox = client.sandbox(&crate::SandboxName::parse("dev").unwrap());
    let found = sandbox
        .find_base_connections_named(name, &ConnectionSpecId::oracle_service_cloud())
        .await?;
    Ok(found
        .into_iter()
        .map(|found| found.id.to_string())
        .collect())
}

#[tokio::test]
async fn every_name_is_found_again() {
    let entities = entities();
    let server = Server::platform(move |seen, _| list(&entities, seen)).await;
    for (n, name) in AWKWARD.iter().enumerate() {
        assert_eq!(
            find(&server, name).await.unwrap(),
            [format!("ours-{n}")],
            "{name:?}"
        );
    }
    assert!(find(&server, "absent").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_filter_that_is_refused_or_ignored_does_not_blind_the_look() {
    let refusals = [
        "1440", "1443", "1448", "1449", "1450", "1451", "1452", "1453", "1454",
    ];
    for code in refusals {
        let entities = entities();
        let server = Server::platform(move |seen, _| {
            // The name, or every filter.
            let refused = seen
                .query("property")
                .iter()
                .any(|property| property.starts_with("name==") || code == "1440");
            if refused {
                return json(400, json!({"type": format!("x/FLOW-{code}-400")}));
            }
            list(&entities, seen)
        })
        .await;
        assert_eq!(
            find(&server, AWKWARD[0]).await.unwrap(),
            ["ours-0"],
            "{code}"
        );
    }
    let server = Server::platform(|_, _| json(200, json!({"items": entities()}))).await;
    assert_eq!(find(&server, AWKWARD[0]).await.unwrap(), ["ours-0"]);
    let server = Server::platform(|_, _| json(400, json!({"type": "x/FLOW-2105-400"}))).await;
    assert!(find(&server, AWKWARD[0]).await.is_err());
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn the_token_of_the_next_page_is_read_wherever_it_is() {
    let page = |count: usize, next: Value| {
        let mut body = json!({"items": [{"id": format!("c-{count}"), "name": "n"}]});
        for (key, value) in next.as_object().unwrap() {
            body[key] = value.clone();
        }
        json(200, body)
    };
    let forms = [
        json!({"_links": {"next": {"href": "/connections?continuationToken=abc"}}}),
        json!({"_links": {"next": {"href": "/data/foundation/flowservice/connections?limit=1&continuationToken=abc"}}}),
        json!({"_links": {"next": {"href": "https://127.0.0.1/data/foundation/flowservice/connections/?continuationToken=abc"}}}),
        json!({"_links": {}, "continuationToken": "abc"}),
        json!({"continuationToken": "abc"}),
    ];
    for form in forms {
        let shown = form.to_string();
        let server = Server::platform(move |_, count| {
            page(count, if count == 0 { form.clone() } else { json!({}) })
        })
        .await;
        assert_eq!(find(&server, "n").await.unwrap(), ["c-0", "c-1"], "{shown}");
        let calls = server.calls();
        assert_eq!(calls[1].query("continuationToken"), ["abc"], "{shown}");
        // The filter goes with every page.
        assert_eq!(calls[0].query("property"), calls[1].query("property"));
    }
}

#[tokio::test]
async fn a_next_page_that_is_none_is_an_error() {
    let cases = [
        ("/connections?continuationToken=same", "PagesRepeat"),
        (
            "https://evil.example/connections?continuationToken=a",
            "ForeignNextPage",
        ),
        (
            "//evil.example/connections?continuationToken=a",
            "ForeignNextPage",
        ),
        ("/flows?continuationToken=a", "ForeignNextPage"),
        ("/connections", "WrongShape"),
        ("/connections?continuationToken=%FF", "WrongShape"),
    ];
    for (href, expected) in cases {
        let server = Server::platform(move |_, _| {
            json(
                200,
                json!({"items": [], "_links": {"next": {"href": href}}}),
            )
        })
        .await;
        let error = find(&server, "n").await.unwrap_err();
        let End::Unreadable { cause, .. } = error.root() else {
            panic!("{href}: {error:?}");
        };
        assert!(
            format!("{cause:?}").starts_with(expected),
            "{href}: {cause:?}"
        );
        assert!(server.calls().len() <= 2, "{href}");
    }
}

#[tokio::test]
async fn short_and_empty_pages_and_doubles_are_read_over() {
    let server = Server::platform(|_, count| {
        let (items, next) = match count {
            0 => (
                json!([{"id": "1", "name": "n"}, {"id": "2", "name": "n"}]),
                Some("a"),
            ),
            1 => (json!([]), Some("b")),
            2 => (
                json!([{"id": "2", "name": "n"}, {"id": "3", "name": "n"}]),
                None,
            ),
            _ => panic!("no more pages"),
        };
        json(200, json!({"items": items, "continuationToken": next}))
    })
    .await;
    assert_eq!(find(&server, "n").await.unwrap(), ["1", "2", "3"]);
}

#[tokio::test]
async fn an_entry_without_an_id_is_skipped_and_odd_fields_are_read_over() {
    let odd = json!({"items": [{"id": "1", "name": "n", "createdAt": "soon", "etag": 7, "auth": [],
                                "connectionSpec": "x", "description": {"a": 1}}]});
    let server = Server::platform(move |_, _| json(200, odd.clone())).await;
    assert_eq!(find(&server, "n").await.unwrap(), ["1"]);
    let entries = json!({"items": [null, {"name": "n"}, "n", {"id": "1", "name": "n"}, null]});
    let server = Server::platform(move |_, _| json(200, entries.clone())).await;
    assert_eq!(find(&server, "n").await.unwrap(), ["1"]);
}

/// Catalog's rules for `name`: a comma means "or", `*` anything, `**` itself, `!` not.
fn name_matches(filter: &str, name: &str) -> bool {
    fn one(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', '*', rest @ ..] => text.first() == Some(&'*') && one(rest, &text[1..]),
            ['*', rest @ ..] => (0..=text.len()).any(|at| one(rest, &text[at..])),
            [c, rest @ ..] => text.first() == Some(c) && one(rest, &text[1..]),
        }
    }
    let text: Vec<char> = name.chars().collect();
    filter
        .split(',')
        .any(|pattern| one(&pattern.chars().collect::<Vec<_>>(), &text))
}

#[tokio::test]
async fn every_dataset_and_mapping_set_is_found_again() {
    let server = Server::platform(|seen, _| {
        let limit: usize = seen.query("limit")[0].parse().unwrap();
        let start: usize = seen.query("start")[0].parse().unwrap();
        let filter = seen.query("name");
        let named: Vec<(usize, &str)> = AWKWARD
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, name)| {
                filter
                    .first()
                    .is_none_or(|filter| name_matches(filter, name))
            })
            .skip(start)
            .take(limit)
            .collect();
        if seen.target.contains("/dataSets") {
            let map: serde_json::Map<String, Value> = named
                .iter()
                .map(|(n, name)| {
                    (
                        format!("d{n}"),
                        json!({"name": name, "tags": {"aep-flow": ["v1:x"]}}),
                    )
                })
                .collect();
            return json(200, Value::Object(map));
        }
        let data: Vec<Value> = named
            .iter()
            .map(|(n, name)| json!({"id": format!("m{n}"), "name": name}))
            .collect();
        json(200, json!({"data": data, "_page": {"count": 0}}))
    })
    .await;
    let mut settings = server.settings();
    settings.page_size = 5;
    let client = server.client_with(settings, Arc::new(crate::clock::SystemClock));
    let sandbox = client.sandbox(&crate::SandboxName::parse("dev").unwrap());
    for (n, name) in AWKWARD.iter().enumerate() {
        let datasets = sandbox.find_datasets_named(name).await.unwrap();
        let ids: Vec<_> = datasets.iter().map(|found| found.id.to_string()).collect();
        assert_eq!(ids, [format!("d{n}")], "{name:?}");
        let sets = sandbox.find_mapping_sets_named(name).await.unwrap();
        let ids: Vec<_> = sets.iter().map(|found| found.id.to_string()).collect();
        assert_eq!(ids, [format!("m{n}")], "{name:?}");
    }
}

#[tokio::test]
async fn every_title_is_found_again() {
    let server = Server::platform(|seen, _| {
        let mut titles: Vec<&str> = AWKWARD.to_vec();
        titles.sort_unstable();
        for property in seen.query("property") {
            let wanted = property.strip_prefix("title==").unwrap().to_owned();
            titles.retain(|title| **title == wanted);
        }
        if let Some(start) = seen.query("start").first() {
            titles.retain(|title| *title > start.as_str());
        }
        // A hint only: the service gives fewer.
        let limit: usize = seen.query("limit")[0].parse().unwrap();
        let page: Vec<&str> = titles.iter().copied().take(limit.min(4)).collect();
        let next = (page.len() < titles.len()).then(|| page.last());
        let results: Vec<Value> = page
            .iter()
            .map(|title| json!({"$id": format!("https://x/{}", crate::request::encode(title)), "title": title}))
            .collect();
        json(200, json!({"results": results, "_page": {"orderby": "title", "next": next, "count": page.len()}}))
    })
    .await;
    let sandbox = server.sandbox();
    for title in AWKWARD {
        let schemas = sandbox.find_schemas_titled(title).await.unwrap();
        assert_eq!(schemas.len(), 1, "{title:?}");
        assert_eq!(schemas[0].title, title);
        assert_eq!(
            sandbox.find_field_groups_titled(title).await.unwrap().len(),
            1,
            "{title:?}"
        );
    }
    assert!(
        sandbox
            .find_schemas_titled("absent")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn runs_are_read_no_further_than_asked() {
    let server = Server::platform(|seen, count| {
        assert_eq!(seen.query("orderby"), ["-createdAt"]);
        let items: Vec<Value> = (0..2)
            .map(|n| json!({"id": format!("r-{count}-{n}"), "flowId": "f", "createdAt": 1000 - 2 * count - n}))
            .collect();
        json(200, json!({"items": items, "continuationToken": format!("t{count}")}))
    })
    .await;
    let runs = server
        .sandbox()
        .list_flow_runs(&"f".parse().unwrap(), 3)
        .await
        .unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["r-0-0", "r-0-1", "r-1-0"]);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn a_sandbox_is_found_by_its_name() {
    let server = Server::platform(|seen, _| {
        assert_eq!(seen.header("x-sandbox-name"), None);
        let start: usize = seen.query("offset")[0].parse().unwrap();
        let all = [
            json!({"name": "prod", "state": "active", "isDefault": true}),
            json!({"name": "dev", "state": "creating"}),
        ];
        json(200, json!({"sandboxes": all[start.min(2)..]}))
    })
    .await;
    let info = server.sandbox().info().await.unwrap().unwrap();
    assert_eq!(info.state, crate::SandboxState::Creating);
    let other = crate::SandboxName::parse("other").unwrap();
    assert_eq!(server.client().sandbox(&other).info().await.unwrap(), None);
}

//! Filters, order, pages, lags.

use std::time::Duration;

use aep_emulator::{Config, ListBehaviour, NameFilter, NextPage};
use reqwest::Method;

use crate::support::*;

fn config(lists: ListBehaviour) -> Config {
    Config {
        lists,
        ..Config::default()
    }
}

fn pages_of(page_size: usize) -> ListBehaviour {
    ListBehaviour {
        page_size,
        ..ListBehaviour::default()
    }
}

/// Follows all pages by link or token, with the query of the first page.
async fn all_names(aep: &Aep, query: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = String::new();
    for page in 0..100 {
        let reply = aep.get(&format!("{FLOW}/connections?{query}{next}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        names.extend(reply.names().into_iter().map(str::to_owned));
        let href = reply.body["_links"]["next"]["href"].as_str();
        let token = match href {
            Some(href) => href
                .strip_prefix("/connections?continuationToken=")
                .map(str::to_owned),
            None => reply.body["continuationToken"].as_str().map(str::to_owned),
        };
        match token {
            Some(token) => next = format!("&continuationToken={token}"),
            None => return names,
        }
        between(page).await;
    }
    panic!("pages without end");
}

#[tokio::test]
async fn several_of_one_name_are_allowed() {
    let aep = Aep::start().await;
    let (one, two) = (
        aep.base_connection("twin").await,
        aep.base_connection("twin").await,
    );
    assert_ne!(one, two);
    let found = aep
        .get(&format!("{FLOW}/connections?property=name==twin"))
        .await;
    assert_eq!(found.names(), ["twin", "twin"]);
    assert_eq!(found.body["_links"], serde_json::json!({}));
}

#[tokio::test]
async fn pages_lose_nothing_and_repeat_nothing() {
    for next in [NextPage::Link, NextPage::Token] {
        let aep = Aep::with(config(ListBehaviour {
            next,
            ..pages_of(3)
        }))
        .await;
        for number in 0..10 {
            aep.base_connection(&format!("c{number}")).await;
        }
        let expected: Vec<_> = (0..10).map(|number| format!("c{number}")).collect();
        let first = aep.get(&format!("{FLOW}/connections?limit=100")).await;
        assert_eq!(
            first.names(),
            ["c0", "c1", "c2"],
            "limit asks, the page decides"
        );
        assert_eq!(all_names(&aep, "limit=100", async |_| {}).await, expected);
        assert_eq!(all_names(&aep, "limit=2", async |_| {}).await, expected);
        let down: Vec<_> = expected.iter().rev().cloned().collect();
        assert_eq!(all_names(&aep, "orderby=-name", async |_| {}).await, down);
    }
}

#[tokio::test]
async fn a_page_stays_right_while_others_delete() {
    let aep = Aep::with(config(pages_of(2))).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(aep.base_connection(&format!("c{number}")).await);
    }
    let names = all_names(&aep, "orderby=createdAt", async |page| {
        // The entry that was just shown is deleted.
        if page == 0 {
            assert_eq!(
                aep.delete(&format!("{FLOW}/connections/{}", ids[0]))
                    .await
                    .status,
                204
            );
        }
    })
    .await;
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "c5"]);
}

#[tokio::test]
async fn short_and_empty_pages_have_a_next_one() {
    let aep = Aep::with(config(ListBehaviour {
        short_pages: true,
        ..pages_of(4)
    }))
    .await;
    for number in 0..7 {
        aep.base_connection(&format!("c{number}")).await;
    }
    let first = aep.get(&format!("{FLOW}/connections")).await;
    assert!(first.items().is_empty());
    assert!(first.body["_links"]["next"]["href"].is_string());
    assert_eq!(
        all_names(&aep, "orderby=-name", async |_| {}).await.len(),
        7
    );
}

#[tokio::test]
async fn filters_are_and_and_a_comma_is_or() {
    let aep = Aep::start().await;
    for name in ["a", "b", "c", "with, comma"] {
        aep.base_connection(name).await;
    }
    let list = async |filters: &[&str]| -> Vec<String> {
        let query: Vec<_> = filters.iter().map(|filter| ("property", *filter)).collect();
        let request = aep
            .request(Method::GET, &format!("{FLOW}/connections"))
            .query(&query);
        send(request)
            .await
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(list(&["name==a,c"]).await, ["a", "c"]);
    assert_eq!(list(&["name==\"b\""]).await, ["b"]);
    assert_eq!(list(&["name==a,b", "name!=a"]).await, ["b"]);
    assert_eq!(list(&["name==with, comma"]).await, [""; 0]);
    assert_eq!(
        list(&[
            "connectionSpec.id==ba5126ec-c9ac-11eb-b8bc-0242ac130003",
            "state==enabled"
        ])
        .await
        .len(),
        4
    );
    assert_eq!(list(&["createdAt>0", "createdAt<1000"]).await.len(), 0);
}

#[tokio::test]
async fn an_invalid_query_is_refused() {
    let aep = Aep::start().await;
    for (query, code) in [
        ("limit=5&count=true", "FLOW-1401-400"),
        ("limit=0", "FLOW-1452-400"),
        ("limit=1001", "FLOW-1452-400"),
        ("limit=x", "FLOW-1452-400"),
        ("orderby=!name", "FLOW-1432-400"),
        ("orderby=+name", "FLOW-1432-400"),
        ("orderby=nothing", "FLOW-1433-400"),
        ("property=nothing==1", "FLOW-1449-400"),
        ("property=name~x", "FLOW-1450-400"),
        ("property=createdAt>1,2", "FLOW-1443-400"),
        ("continuationToken=nonsense", "FLOW-1452-400"),
    ] {
        let reply = aep.get(&format!("{FLOW}/connections?{query}")).await;
        assert_eq!(reply.code(), code, "{query}: {reply:?}");
    }
    assert_eq!(
        aep.get(&format!("{FLOW}/connections?orderby=%2Bname"))
            .await
            .status,
        200
    );
    assert_eq!(
        aep.get(&format!("{FLOW}/connections?limit=5&count=False"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_count_comes_without_items() {
    let aep = Aep::start().await;
    aep.base_connection("a").await;
    aep.base_connection("b").await;
    let reply = aep
        .get(&format!("{FLOW}/connections?count=true&property=name==a"))
        .await;
    assert_eq!(reply.body, serde_json::json!({"count": 1}));
}

#[tokio::test]
async fn the_filter_by_name_of_source_connections_behaves_in_three_ways() {
    for (child_name_filter, expected) in [
        (NameFilter::Accepted, Ok(1)),
        (NameFilter::Refused, Err("FLOW-1448-400")),
        (NameFilter::Ignored, Ok(2)),
    ] {
        let lists = ListBehaviour {
            child_name_filter,
            ..ListBehaviour::default()
        };
        let aep = Aep::with(config(lists)).await;
        let base = aep.base_connection("base").await;
        aep.source_connection(&base, "Contacts").await;
        aep.source_connection(&base, "Accounts").await;
        let path = format!("{FLOW}/sourceConnections?property=name==source%20Contacts");
        let reply = aep
            .get(&format!("{path}&property=baseConnectionId=={base}"))
            .await;
        let seen = if reply.status == 200 {
            Ok(reply.items().len())
        } else {
            Err(reply.code())
        };
        assert_eq!(seen, expected, "{child_name_filter:?}");
        let by_parent = aep
            .get(&format!(
                "{FLOW}/sourceConnections?property=baseConnectionId=={base}"
            ))
            .await;
        assert_eq!(by_parent.items().len(), 2);
    }
}

#[tokio::test]
async fn a_list_may_lag_behind_a_read_by_id() {
    let lists = ListBehaviour {
        lag: Duration::from_millis(1500),
        ..ListBehaviour::default()
    };
    let aep = Aep::with(config(lists)).await;
    let id = aep.base_connection("late").await;
    let list = format!("{FLOW}/connections");
    let one = format!("{FLOW}/connections/{id}");
    assert!(aep.get(&list).await.items().is_empty());
    assert_eq!(aep.get(&one).await.status, 200);
    tokio::time::sleep(Duration::from_millis(1700)).await;
    assert_eq!(aep.get(&list).await.names(), ["late"]);
    assert_eq!(aep.delete(&one).await.status, 204);
    assert_eq!(aep.get(&one).await.status, 404);
    assert_eq!(aep.get(&list).await.names(), ["late"]);
    tokio::time::sleep(Duration::from_millis(1700)).await;
    assert!(aep.get(&list).await.items().is_empty());
}

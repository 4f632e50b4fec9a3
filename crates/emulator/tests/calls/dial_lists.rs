//! Faults of lists: lag, ignored filters, pages that lose or repeat an entry.

use std::time::Duration;

use aep_emulator::{Action, Config, CreatedForm, ListBehaviour, Rule};
use serde_json::{Value, json};

use crate::support::*;

fn connections() -> String {
    format!("{FLOW}/connections")
}

async fn with_pages_of(page_size: usize) -> Aep {
    let lists = ListBehaviour {
        page_size,
        ..ListBehaviour::default()
    };
    Aep::with(Config {
        lists,
        ..Config::default()
    })
    .await
}

fn play(aep: &Aep, action: Action) {
    aep.emulator.add_fault(Rule::new("GET", "*", action));
}

/// The names on up to five pages of base connections.
async fn pages(aep: &Aep) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut path = connections();
    while pages.len() < 5 {
        let reply = aep.get(&path).await;
        pages.push(reply.names().into_iter().map(str::to_owned).collect());
        match reply.body["_links"]["next"]["href"].as_str() {
            Some(href) => path = format!("{FLOW}{href}"),
            None => break,
        }
    }
    pages
}

#[tokio::test]
async fn only_matching_lists_lag() {
    let aep = Aep::start().await;
    let gone = aep.base_connection("gone").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    aep.base_connection("new").await;
    aep.delete(&format!("{}/{gone}", connections())).await;
    // The rule is added after what it hides and shows.
    let lag = Action::ListLag {
        ms: 1000,
        seed: None,
    };
    aep.emulator
        .add_fault(Rule::new("GET", "/connections", lag).nth([1, 3]));
    assert_eq!(aep.get(&connections()).await.names(), ["gone"]);
    assert_eq!(aep.get(&connections()).await.names(), ["new"]);
    let read = aep.get(&format!("{}/{gone}", connections())).await;
    assert_eq!(read.status, 404, "a look by id is current");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(aep.get(&connections()).await.names(), ["new"]);
}

#[tokio::test]
async fn each_resource_can_have_a_lag_of_its_own() {
    let aep = with_pages_of(100).await;
    for number in 0..40 {
        aep.base_connection(&format!("c{number}")).await;
    }
    play(
        &aep,
        Action::ListLag {
            ms: 20_000,
            seed: Some(7),
        },
    );
    tokio::time::sleep(Duration::from_millis(5000)).await;
    let early = aep.get(&connections()).await.items().len();
    assert!((1..40).contains(&early), "{early} of 40 after a quarter");
    tokio::time::sleep(Duration::from_millis(5000)).await;
    let later = aep.get(&connections()).await.items().len();
    assert!(early < later && later < 40, "{early}, then {later} of 40");
}

#[tokio::test]
async fn a_filter_can_be_ignored_or_refused() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    for name in ["a", "b"] {
        aep.base_connection(name).await;
        aep.dataset(name, &schema).await;
    }
    let filtered = format!("{}?property=name==a", connections());
    let datasets = format!("{CATALOG}/dataSets?name=a");
    let schemas = format!("{REGISTRY}/tenant/schemas?property=title==other");
    play(&aep, Action::ListIgnoresFilter);
    assert_eq!(aep.get(&filtered).await.names(), ["a", "b"]);
    let found = aep.get(&datasets).await.body;
    assert_eq!(found.as_object().unwrap().len(), 2);
    let found = aep.get_as(&schemas, XED_LIST).await.body;
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    for (number, code) in [(1448, "FLOW-1448-400"), (1449, "FLOW-1449-400")] {
        aep.emulator.clear_faults();
        play(&aep, Action::ListRefusesFilter { number });
        assert_eq!(aep.get(&filtered).await.code(), code);
        assert_eq!(aep.get(&connections()).await.names(), ["a", "b"]);
        assert_eq!(aep.get(&datasets).await.status, 400);
        assert_eq!(aep.get_as(&schemas, XED_LIST).await.status, 400);
    }
}

#[tokio::test]
async fn a_page_can_lead_to_itself() {
    let aep = with_pages_of(2).await;
    for name in ["a", "b", "c"] {
        aep.base_connection(name).await;
    }
    let second = aep.get(&connections()).await.body["_links"]["next"]["href"].clone();
    play(&aep, Action::ListNextIsSelf);
    assert_eq!(pages(&aep).await, vec![vec!["a", "b"]; 5]);
    let path = format!("{FLOW}{}", second.as_str().unwrap());
    let reply = aep.get(&path).await;
    assert_eq!(reply.names(), ["c"]);
    assert_eq!(reply.body["_links"]["next"]["href"], second);
}

#[tokio::test]
async fn an_entry_can_come_twice_or_not_at_all() {
    for page_size in [1, 2] {
        let aep = with_pages_of(page_size).await;
        for name in ["a", "b", "c", "d"] {
            aep.base_connection(name).await;
        }
        play(&aep, Action::ListRepeatsEntry);
        let repeated = pages(&aep).await;
        aep.emulator.clear_faults();
        play(&aep, Action::ListSkipsEntry);
        let skipped = pages(&aep).await;
        if page_size == 1 {
            let expected = json!([["a"], ["a", "b"], ["b", "c"], ["c", "d"]]);
            assert_eq!(json!(repeated), expected);
            assert_eq!(json!(skipped), json!([["a"], ["c"], []]));
        } else {
            assert_eq!(json!(repeated), json!([["a", "b"], ["b", "c", "d"]]));
            assert_eq!(json!(skipped), json!([["a", "b"], ["d"]]));
        }
    }
}

#[tokio::test]
async fn pages_of_the_registry_go_wrong_too() {
    let aep = with_pages_of(2).await;
    for title in ["a", "b", "c"] {
        let group = fieldgroup(title, &["x"]);
        aep.post(&format!("{REGISTRY}/tenant/fieldgroups"), &group)
            .await;
    }
    let titles = async |query: &str| -> (Value, Value) {
        let path = format!("{REGISTRY}/tenant/fieldgroups?orderby=title{query}");
        let body = aep.get_as(&path, XED_LIST).await.body;
        let titles = body["results"].as_array().unwrap().iter();
        let titles: Value = titles.map(|group| group["title"].clone()).collect();
        (titles, body["_page"]["next"].clone())
    };
    assert_eq!(titles("").await, (json!(["a", "b"]), json!("b")));
    assert_eq!(titles("&start=b").await, (json!(["c"]), Value::Null));
    play(&aep, Action::ListRepeatsEntry);
    assert_eq!(titles("&start=b").await.0, json!(["b", "c"]));
    aep.emulator.clear_faults();
    play(&aep, Action::ListSkipsEntry);
    assert_eq!(titles("&start=b").await.0, json!([]));
    aep.emulator.clear_faults();
    play(&aep, Action::ListNextIsSelf);
    assert_eq!(titles("").await, (json!(["a", "b"]), json!("")));
    assert_eq!(titles("&start=b").await, (json!(["c"]), json!("b")));
}

#[tokio::test]
async fn offsets_go_wrong_too() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    for name in ["a", "b", "c", "d"] {
        aep.dataset(name, &schema).await;
    }
    let path = format!("{CATALOG}/dataSets?orderBy=asc:name&limit=2&start=2");
    let names = async || -> Vec<String> {
        let body = aep.get(&path).await.body;
        let mut names: Vec<String> = body
            .as_object()
            .unwrap()
            .values()
            .map(|dataset| dataset["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    for (action, expected) in [
        (Action::ListRepeatsEntry, vec!["b", "c"]),
        (Action::ListSkipsEntry, vec!["d"]),
        (Action::ListNextIsSelf, vec!["a", "b"]),
    ] {
        aep.emulator.clear_faults();
        play(&aep, action);
        assert_eq!(names().await, expected);
    }
}

#[tokio::test]
async fn a_list_can_have_entries_that_are_no_resources() {
    let aep = Aep::start().await;
    let schema = aep.schema("s", &["a"]).await;
    let dataset = aep.dataset("d", &schema).await;
    let id = aep.base_connection("c").await;
    play(&aep, Action::ListOddEntries);
    let body = aep.get(&connections()).await.body;
    assert_eq!(body["items"][0], Value::Null);
    assert_eq!(body["items"][1], json!({}));
    assert_eq!(body["items"][2]["id"], *id);
    let body = aep.get(&format!("{CATALOG}/dataSets")).await.body;
    assert_eq!(body.as_object().unwrap().len(), 3);
    assert_eq!(body["0"], Value::Null);
    assert!(body[&dataset].is_object());
    let one = aep.get(&format!("{}/{id}", connections())).await.body;
    assert_eq!(one["items"][0]["id"], *id);
}

#[tokio::test]
async fn a_time_of_creation_can_be_shown_otherwise() {
    let aep = Aep::start().await;
    aep.base_connection("c").await;
    let created = async || aep.get(&connections()).await.body["items"][0]["createdAt"].clone();
    assert!(created().await.is_i64());
    let form = CreatedForm::Text;
    aep.emulator
        .add_fault(Rule::new("GET", "*", Action::CreatedAs { form }).nth([1]));
    let shown = created().await;
    assert!(shown.as_str().unwrap().ends_with('Z'), "{shown}");
    let form = CreatedForm::Unknown;
    play(&aep, Action::CreatedAs { form });
    assert_eq!(created().await, "a while ago");
}

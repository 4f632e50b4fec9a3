//! What uses a resource: all of it, before the resource is deleted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::server::{ReceivedRequest, ScriptedReply, Server, json};
use crate::{PlatformError, Sandbox, SandboxName};

/// What the service does with a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Filter {
    Applied,
    Refused,
    Ignored,
}

/// Whether an entity has a value of the list at a path, in which `[]` means every member.
fn matches(entity: &Value, property: &str) -> bool {
    let (path, wanted) = property.split_once("==").unwrap();
    // A comma means "or".
    wanted
        .split(',')
        .any(|wanted| match path.strip_suffix("[]") {
            Some(path) => entity[path].as_array().unwrap().contains(&json!(wanted)),
            None => entity[path] == wanted,
        })
}

/// A page of two.
fn page(entities: &[Value], seen: &ReceivedRequest, filter: Filter) -> ScriptedReply {
    let mut items: Vec<&Value> = entities.iter().collect();
    let property = seen.query("property");
    match filter {
        Filter::Applied => items.retain(|item| property.iter().all(|it| matches(item, it))),
        Filter::Refused if !property.is_empty() => {
            return json(400, json!({"type": "x/FLOW-1449-400"}));
        }
        Filter::Refused | Filter::Ignored => {}
    }
    let start: usize = seen
        .query("continuationToken")
        .first()
        .map_or(0, |token| token.parse().unwrap());
    let mut body = json!({"items": items.iter().skip(start).take(2).collect::<Vec<_>>()});
    if start + 2 < items.len() {
        body["continuationToken"] = json!((start + 2).to_string());
    }
    json(200, body)
}

fn sandbox(server: &Server) -> Sandbox {
    let mut settings = server.settings();
    settings.page_size = 2;
    let client = server.client_with(settings, Arc::new(crate::clock::SystemClock));
    client.sandbox(&SandboxName::parse("dev").unwrap())
}

#[derive(Clone, Copy, Debug)]
enum Question {
    SourcesOf,
    FlowsReading,
    FlowsWriting,
    TargetsInto,
}

impl Question {
    async fn ask(self, sandbox: &Sandbox, id: &str) -> Result<Vec<String>, PlatformError> {
        let text = |id: &dyn ToString| id.to_string();
        Ok(match self {
            Self::SourcesOf => {
                let id = id.parse().unwrap();
                let found = sandbox.find_source_connections_of(&id).await?;
                found.iter().map(|it| text(&it.id)).collect()
            }
            Self::FlowsReading => {
                let found = sandbox.find_flows_reading(&id.parse().unwrap()).await?;
                found.iter().map(|it| text(&it.id)).collect()
            }
            Self::FlowsWriting => {
                let found = sandbox.find_flows_writing(&id.parse().unwrap()).await?;
                found.iter().map(|it| text(&it.id)).collect()
            }
            Self::TargetsInto => {
                let id = id.parse().unwrap();
                let found = sandbox.find_target_connections_into(&id).await?;
                found.iter().map(|it| text(&it.id)).collect()
            }
        })
    }

    /// An entity that uses these.
    fn entity(self, name: &str, used: &[&str]) -> Value {
        let mut entity = match self {
            Self::SourcesOf => json!({"baseConnectionId": used[0]}),
            Self::FlowsReading => json!({"sourceConnectionIds": used}),
            Self::FlowsWriting => json!({"targetConnectionIds": used}),
            Self::TargetsInto => json!({"params": {"dataSetId": used[0]}}),
        };
        entity["id"] = json!(name);
        entity
    }

    /// What the first page is asked for by.
    fn property(self, id: &str) -> Vec<String> {
        match self {
            Self::SourcesOf => vec![format!("baseConnectionId=={id}")],
            Self::FlowsReading => vec![format!("sourceConnectionIds[]=={id}")],
            Self::FlowsWriting => vec![format!("targetConnectionIds[]=={id}")],
            Self::TargetsInto => Vec::new(),
        }
    }
}

const QUESTIONS: [Question; 4] = [
    Question::SourcesOf,
    Question::FlowsReading,
    Question::FlowsWriting,
    Question::TargetsInto,
];

#[tokio::test]
async fn every_user_is_found_and_nobody_elses_whatever_the_filter_does() {
    for question in QUESTIONS {
        for filter in [Filter::Applied, Filter::Refused, Filter::Ignored] {
            // Users on three pages, others between them; an id that begins alike is another one.
            let mut entities = Vec::new();
            for n in 0..5 {
                entities.push(question.entity(&format!("user-{n}"), &["id-1"]));
                entities.push(question.entity(&format!("other-{n}"), &["id-10"]));
            }
            let server = Server::platform(move |seen, _| page(&entities, seen, filter)).await;
            let found = question.ask(&sandbox(&server), "id-1").await.unwrap();
            assert_eq!(
                found,
                ["user-0", "user-1", "user-2", "user-3", "user-4"],
                "{question:?} {filter:?}"
            );
            assert_eq!(
                server.calls()[0].query("property"),
                question.property("id-1"),
                "{question:?}"
            );
        }
    }
}

#[tokio::test]
async fn one_of_several_sources_or_targets_is_a_use() {
    for question in [Question::FlowsReading, Question::FlowsWriting] {
        let entities = [question.entity("f", &["id-2", "id-1"])];
        let server = Server::platform(move |seen, _| page(&entities, seen, Filter::Applied)).await;
        let found = question.ask(&sandbox(&server), "id-1").await.unwrap();
        assert_eq!(found, ["f"], "{question:?}");
    }
}

#[tokio::test]
async fn what_hides_its_use_counts_as_a_user_where_it_must_have_one() {
    let cases = [
        (Question::SourcesOf, true),
        (Question::FlowsReading, true),
        (Question::FlowsWriting, true),
        // Target connections of destinations have no dataset.
        (Question::TargetsInto, false),
    ];
    for (question, counts) in cases {
        let server = Server::platform(|_, _| json(200, json!({"items": [{"id": "x"}]}))).await;
        let found = question.ask(&sandbox(&server), "id-1").await.unwrap();
        assert_eq!(!found.is_empty(), counts, "{question:?}");
    }
}

#[tokio::test]
async fn both_spellings_of_a_dataset_are_a_use() {
    let items = json!({"items": [{"id": "a", "params": {"dataSetId": "d"}},
                                 {"id": "b", "params": {"datasetId": "d"}},
                                 {"id": "c", "params": {"datasetId": "e"}}]});
    let server = Server::platform(move |_, _| json(200, items.clone())).await;
    let found = Question::TargetsInto.ask(&sandbox(&server), "d").await;
    assert_eq!(found.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn an_id_that_a_filter_would_misread_is_looked_for_without_one() {
    for question in QUESTIONS {
        let entities = [
            question.entity("user", &["a,b"]),
            question.entity("other", &["a"]),
        ];
        let server = Server::platform(move |seen, _| page(&entities, seen, Filter::Applied)).await;
        let found = question.ask(&sandbox(&server), "a,b").await.unwrap();
        assert_eq!(found, ["user"], "{question:?}");
    }
}

#[tokio::test]
async fn a_look_that_failed_is_no_empty_list() {
    for question in QUESTIONS {
        // The second page fails.
        let server = Server::platform(|_, count| match count {
            0 => json(200, json!({"items": [], "continuationToken": "2"})),
            _ => json(403, json!({"type": "x/FLOW-2120-403"})),
        })
        .await;
        let found = question.ask(&sandbox(&server), "id-1").await;
        assert!(found.is_err(), "{question:?}");
        assert_eq!(server.calls().len(), 2, "{question:?}");
    }
}

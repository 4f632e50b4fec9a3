//! What does not fit into a payload of Temporal's is said, not tried for ever.

use aep_emulator::{Action, CannedAnswer, Rule};
use aep_flow_testkit::{World, input, table};
use serde_json::{Value, json};

const EXPLORE: &str = "/connections/{id}/explore";

/// A table of so many columns.
fn wide(columns: usize) -> Action {
    let column = |number| {
        json!({"name": format!("column{number:05}"), "type": "string", "meta:xdmType": "string",
               "xdm": {"type": "string"}})
    };
    let columns: Vec<Value> = (0..columns).map(column).collect();
    let answer = json!({"format": "flat", "schema": {"columns": columns}, "data": []});
    Action::Refuse(CannedAnswer::json(200, answer))
}

#[tokio::test]
async fn a_table_of_too_many_columns_is_refused() {
    let world = World::new().await;
    let worker = world.worker();
    // Some 3 MB.
    world
        .emulator
        .add_fault(Rule::new("GET", EXPLORE, wide(30_000)).first(1));
    let mut input = input(&[table("Contacts"), table("Incidents")]);
    input["tablesAtOnce"] = 1.into();
    let failed = world.ingest(&input).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput");
    let only = &failed.details["failed"][0];
    assert_eq!(only["field"], "tables[0].table");
    let message = only["message"].as_str().unwrap();
    assert!(
        message.contains("found a table of 30000 columns, told in ")
            && message.contains("at most 500000 bytes"),
        "{message}"
    );
    assert_eq!(failed.details["tables"][0]["table"], "Incidents");
    world.end(worker).await;
}

#[tokio::test]
async fn wide_tables_at_once_go_through_one_after_the_other() {
    let mut config = aep_flow_testkit::world::emulator_config();
    config.source.extra_tables = 6;
    let world = World::with(config).await;
    let worker = world.worker();
    // Six of them are more than the 4 MiB of one message to Temporal's server.
    world
        .emulator
        .add_fault(Rule::new("GET", EXPLORE, wide(4_600)));
    let tables: Vec<Value> = (1..=6)
        .map(|number| table(&format!("Table{number:03}")))
        .collect();
    let run = world.start(&input(&tables)).await;
    let result = run.end().await.unwrap();
    assert_eq!(result["tables"].as_array().unwrap().len(), 6);
    world.end(worker).await;
}

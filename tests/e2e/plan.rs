//! What a plan says is what an ingestion then does, and a plan writes nothing.

use std::collections::BTreeSet;

use aep_flow::activities::Platform;
use aep_flow::catalog::Catalog;
use aep_flow::plan::{self, Action, Plan};
use aep_flow::platform_client;
use aep_flow_proto::read;
use aep_flow_proto::v1::{IngestOracleServiceCloudInput, IngestSourceInput};
use aep_flow_testkit::platform::{versions, writes};
use aep_flow_testkit::{World, input, table};
use aep_flow_workflows::ingest_input::IngestInput;
use serde_json::{Value, json};

/// What an ingestion of `input` would do. It must send no write.
async fn plan(world: &World, input: &Value) -> Plan {
    let json = input.to_string();
    let given: IngestInput = if input["connection"]["source"].is_string() {
        read::from_json::<IngestSourceInput>(json.as_bytes())
            .unwrap()
            .into()
    } else {
        read::from_json::<IngestOracleServiceCloudInput>(json.as_bytes())
            .unwrap()
            .into()
    };
    let config = world.config();
    let client = platform_client::from_config(&config).unwrap();
    let platform = Platform::new(&config, client, Catalog::built_in()).unwrap();
    let (written, stands) = (writes(&world.emulator), versions(&world.emulator));
    let plan = plan::plan(&platform, &given).await.unwrap();
    assert_eq!(writes(&world.emulator), written);
    assert_eq!(versions(&world.emulator), stands);
    plan
}

/// Kind and name of each resource with that action.
fn named(plan: &Plan, action: Action) -> BTreeSet<(String, String)> {
    let steps = plan.steps.iter().filter(|step| step.action == action);
    steps
        .map(|step| (step.kind.to_owned(), step.name.clone()))
        .collect()
}

/// The same of what exists on the platform, a mapping set without the hash in its name.
fn standing(world: &World) -> BTreeSet<(String, String)> {
    let kinds = [
        ("connections", "base connection", "name"),
        ("sourceConnections", "source connection", "name"),
        ("targetConnections", "target connection", "name"),
        ("flows", "flow", "name"),
        ("fieldgroups", "field group", "title"),
        ("schemas", "schema", "title"),
        ("dataSets", "dataset", "name"),
        ("mappingSets", "mapping set", "name"),
    ];
    kinds
        .into_iter()
        .flat_map(|(collection, kind, field)| {
            let all = world.emulator.resources("prod", collection);
            all.into_iter().map(move |each| {
                let name = each[field].as_str().unwrap();
                let name = match kind {
                    "mapping set" => name.rsplit_once(" - ").unwrap().0,
                    _ => name,
                };
                (kind.to_owned(), name.to_owned())
            })
        })
        .collect()
}

/// Plans, ingests and plans again: what was to be created is created, and then there is nothing to
/// do.
async fn plan_ingest_plan(world: &World, input: &Value) {
    let before = standing(world);
    let first = plan(world, input).await;
    assert!(first.changes(), "{first:#?}");
    assert!(!first.is_refused(), "{first:#?}");

    let workflow = if input["connection"]["source"].is_string() {
        world.ingest_source(input).await
    } else {
        world.ingest(input).await
    };
    workflow.unwrap();
    let made = standing(world).difference(&before).cloned().collect();
    let mut foreseen = named(&first, Action::Create);
    foreseen.retain(|(kind, _)| kind != "identity");
    assert_eq!(foreseen, made);

    let second = plan(world, input).await;
    assert!(!second.changes() && !second.is_refused(), "{second:#?}");
    let stands: BTreeSet<_> = first
        .steps
        .iter()
        .map(|step| (step.kind, &step.name))
        .collect();
    let kept: BTreeSet<_> = second
        .steps
        .iter()
        .map(|step| (step.kind, &step.name))
        .collect();
    assert_eq!(stands, kept);
    assert_eq!(
        second.count(Action::Keep),
        second.steps.len(),
        "{second:#?}"
    );
}

#[tokio::test]
async fn an_ingestion_makes_what_was_planned_and_then_there_is_nothing_to_do() {
    let world = World::new().await;
    let worker = world.worker();
    plan_ingest_plan(&world, &input(&[table("Contacts"), table("Accounts")])).await;

    // One table more, through a connection that exists: its columns can be explored.
    let mut event = table("Incidents");
    event["schema"] = json!({
        "behavior": "EXPERIENCE_EVENT",
        "eventId": "referenceNumber",
        "eventTimestamp": "createdTime",
        "identity": {"column": "referenceNumber", "namespace": "Incident", "primary": true},
    });
    let more = input(&[table("Contacts"), table("Accounts"), event]);
    let first = plan(&world, &more).await;
    let tables: BTreeSet<_> = first
        .steps
        .iter()
        .filter(|step| step.action == Action::Create)
        .map(|step| step.table.as_str())
        .collect();
    assert_eq!(tables, BTreeSet::from(["Incidents"]), "{first:#?}");
    assert_eq!(first.count(Action::Keep), 15);
    world.ingest(&more).await.unwrap();
    let second = plan(&world, &more).await;
    assert_eq!(
        second.count(Action::Keep),
        second.steps.len(),
        "{second:#?}"
    );
    world.end(worker).await;
}

#[tokio::test]
async fn a_pattern_is_planned_as_far_as_it_can_be_seen() {
    let world = World::new().await;
    let worker = world.worker();
    let mut pattern = input(&[]);
    pattern["tables"] = json!([{"match": "*s", "except": ["I*"]}, {"table": "Incidents"}]);
    let first = plan(&world, &pattern).await;
    let unknown = named(&first, Action::Unknown);
    assert_eq!(unknown.len(), 1, "{first:#?}");
    assert!(first.changes());
    let step = first
        .steps
        .iter()
        .find(|step| step.action == Action::Unknown)
        .unwrap();
    assert_eq!(step.table, "*s");
    let mut alone = pattern.clone();
    alone["tables"] = json!({"match": "*s"});
    let alone = plan(&world, &alone).await;
    assert!(alone.changes() && !alone.is_refused(), "{alone:#?}");
    // A table behind a pattern keeps its place.
    let mut late = pattern.clone();
    late["tables"][1]["schedule"] = json!({"startTime": "2020-01-01T00:00:00Z"});
    let late = plan(&world, &late).await;
    let refused = late
        .steps
        .iter()
        .find(|step| step.action == Action::Refuse)
        .unwrap();
    assert!(refused.reason.contains("tables[1].schedule"), "{refused:?}");

    world.ingest(&pattern).await.unwrap();
    let second = plan(&world, &pattern).await;
    assert_eq!(second.count(Action::Keep), 22, "{second:#?}");
    assert_eq!(second.steps.len(), 22);

    pattern["tables"][0]["match"] = json!("Zz*");
    let third = plan(&world, &pattern).await;
    let refused = third
        .steps
        .iter()
        .find(|step| step.action == Action::Refuse)
        .unwrap();
    assert!(refused.reason.contains("tables[0].match"), "{refused:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn what_an_ingestion_would_end_with_is_told() {
    let world = World::new().await;
    let worker = world.worker();
    // Somebody else's, of the name that a table's dataset would have.
    world
        .post(
            "/data/foundation/catalog/dataSets",
            &json!({"name": "contacts"}),
        )
        .await;
    let mut wanted = input(&[json!({"table": "Contacts", "dataset": "contacts"})]);
    let conflict = plan(&world, &wanted).await;
    assert_eq!(refusals(&conflict), ["dataset: Conflict"], "{conflict:#?}");
    wanted["connection"]["onExisting"] = json!("ADOPT_ANY");
    let adopted = plan(&world, &wanted).await;
    assert_eq!(
        named(&adopted, Action::Adopt),
        BTreeSet::from([("dataset".to_owned(), "contacts".to_owned())])
    );

    let stands = input(&[table("Accounts")]);
    world.ingest(&stands).await.unwrap();
    let mut other = stands.clone();
    other["tables"][0]["columns"] = json!(["id", "name"]);
    let mismatch = plan(&world, &other).await;
    assert_eq!(
        refusals(&mismatch),
        [
            "source connection: IdempotencyMismatch",
            "schema: IdempotencyMismatch"
        ]
    );
    let mut misspelt = stands.clone();
    misspelt["tables"][0]["columns"] = json!(["nmae"]);
    let invalid = plan(&world, &misspelt).await;
    assert_eq!(refusals(&invalid), ["source connection: InvalidInput"]);
    let mut late = input(&[table("Incidents")]);
    late["tables"][0]["schedule"] = json!({"startTime": "2020-01-01T00:00:00Z"});
    let late = plan(&world, &late).await;
    assert_eq!(refusals(&late), ["flow: InvalidInput"]);
    world.end(worker).await;
}

#[tokio::test]
async fn a_dropped_source_is_refused_in_the_callers_words() {
    let world = World::new().await;
    let dropped = json!({
        "connection": {
            "name": "OSC", "source": "oracle-service-cloud",
            "params": {"host": "acme.custhelp.com", "username": "svc",
                       "password": {"file": "nowhere"}},
        },
        "tables": [{"table": "Contacts"}],
    });
    let refused = plan(&world, &dropped).await;
    let reason = &refused.steps[0].reason;
    assert!(
        reason.contains("connection.acknowledgeDeprecation"),
        "{reason}"
    );
    assert_eq!(refused.steps.len(), 1, "{refused:#?}");
}

fn refusals(plan: &Plan) -> Vec<String> {
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Refuse);
    steps
        .map(|step| {
            let kind = step.reason.split(':').next().unwrap();
            format!("{}: {kind}", step.kind)
        })
        .collect()
}

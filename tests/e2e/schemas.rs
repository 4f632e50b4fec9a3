//! What the schema of a table is, which columns go where, and which rows come in.

#![expect(unreachable_pub, reason = "the macros ask for public workflows")]

use std::time::Duration;

use aep_emulator::DEFAULT_SOURCE_PASSWORD;
use aep_flow_proto::names::activity;
use aep_flow_testkit::platform::{counts, the, versions, whole_chain, writes};
use aep_flow_testkit::world::{Failed, emulator_config};
use aep_flow_testkit::{World, input, table, within};
use serde_json::{Value, json};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activity_definitions, workflow, workflow_methods};
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
};

const PROFILE: &str = "https://ns.adobe.com/xdm/context/profile";
const EVENT: &str = "https://ns.adobe.com/xdm/context/experienceevent";
const REGISTRY: &str = "/data/foundation/schemaregistry/tenant";

/// A table with more said of it.
fn with(name: &str, more: Value) -> Value {
    let mut table = table(name);
    for (key, value) in more.as_object().unwrap() {
        table[key] = value.clone();
    }
    table
}

/// What is told of an ingestion of one table that failed in that way: the input's field, and the
/// message.
fn told(failed: &Failed, kind: &str) -> (String, String) {
    assert_eq!(failed.kind, kind, "{failed:?}");
    let of_table = &failed.details["failed"][0];
    // What the input alone tells is told of the whole ingestion.
    let (field, message) = match of_table["message"].as_str() {
        Some(message) => (&of_table["field"], message),
        None => (&failed.details["field"], failed.message.as_str()),
    };
    (field.as_str().unwrap().to_owned(), message.to_owned())
}

/// That the input's `field` was found wrong first, and each of these said, in the message.
fn assert_invalid(failed: &Failed, field: &str, said: &[&str]) {
    let (found, message) = told(failed, "InvalidInput");
    assert_eq!(found, field, "{message}");
    for part in said {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A schema that somebody else created, with these fields below the tenant's namespace.
async fn make_schema(world: &World, title: &str, class: &str, fields: Value) -> String {
    let group = json!({
        "type": "object", "title": format!("{title} by hand"), "description": "d",
        "meta:intendedToExtend": [class],
        "definitions": {"customFields": {"type": "object", "properties": {
            "_acme": {"type": "object", "properties": fields}}}},
        "allOf": [{"$ref": "#/definitions/customFields"}],
    });
    let group = world.post(&format!("{REGISTRY}/fieldgroups"), &group).await;
    let schema = json!({
        "type": "object", "title": title, "description": "d",
        "allOf": [{"$ref": class}, {"$ref": group["$id"]}],
    });
    let schema = world.post(&format!("{REGISTRY}/schemas"), &schema).await;
    schema["$id"].as_str().unwrap().to_owned()
}

/// A dataset that somebody else created.
async fn make_dataset(world: &World, name: &str, schema: &str) -> String {
    let dataset = json!({
        "name": name,
        "schemaRef": {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"},
    });
    let made = world
        .post("/data/foundation/catalog/dataSets", &dataset)
        .await;
    let path = made[0].as_str().unwrap();
    path.rsplit('/').next().unwrap().to_owned()
}

fn mappings(world: &World) -> Vec<(String, String)> {
    let set = the(&world.emulator, "mappingSets", "");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = set["mappings"].as_array().unwrap().iter();
    lines
        .map(|line| (text(line, "source"), text(line, "destination")))
        .collect()
}

#[tokio::test]
async fn columns_have_the_types_of_their_sources_words() {
    let mut config = emulator_config();
    config.source.awkward_tables = true;
    let world = World::with(config).await;
    let worker = world.worker();
    let schedule = json!({"startTime": "2036-01-01T00:00:00Z", "frequency": "HOUR", "interval": 1});
    let wanted = with(
        "own words",
        json!({
            "deltaColumn": "changed",
            "schedule": schedule,
            "columnTypes": [{"column": "placed", "type": "date-time"}],
        }),
    );
    let result = world.ingest(&input(&[wanted])).await.unwrap();

    let group = the(&world.emulator, "fieldgroups", "");
    let fields = &group["definitions"]["customFields"]["properties"]["_acme"]["properties"];
    let kind = |name: &str| {
        let of = |key: &str| fields[name][key].as_str().unwrap_or_default();
        format!("{} {}", of("type"), of("format"))
    };
    for (name, expected) in [
        ("id", "integer "),
        ("total", "string "),
        ("isOpen", "string "),
        ("shape", "string "),
        ("placed", "string date-time"),
        ("changed", "string date-time"),
    ] {
        assert_eq!(kind(name), expected, "{name}: {fields:#}");
    }
    // Each column that became text is named, and no other.
    let warnings = result["warnings"].as_array().unwrap();
    let of_types = |warning: &&Value| warning.to_string().contains("becomes text");
    let of_types: Vec<&Value> = warnings.iter().filter(of_types).collect();
    assert_eq!(of_types.len(), 3, "{warnings:#?}");
    for (name, warning) in ["total", "isOpen", "shape"].into_iter().zip(of_types) {
        assert!(warning.to_string().contains(name), "{warning}");
    }
    world.end(worker).await;
}

#[tokio::test]
async fn events_have_an_id_a_time_and_an_identity() {
    let world = World::new().await;
    let worker = world.worker();
    let events = with(
        "Incidents",
        json!({"schema": {
            "behavior": "EXPERIENCE_EVENT",
            "eventId": "referenceNumber",
            "eventTimestamp": "createdTime",
            "identity": {"column": "referenceNumber", "namespace": "Incident", "primary": true},
        }}),
    );
    let wanted = input(std::slice::from_ref(&events));
    let first = world.ingest(&wanted).await.unwrap();
    let schema = the(&world.emulator, "schemas", "");
    assert_eq!(schema["meta:class"], EVENT);
    let lines = mappings(&world);
    for (source, destination) in [("referenceNumber", "_id"), ("createdTime", "timestamp")] {
        let line = (source.to_owned(), destination.to_owned());
        assert!(lines.contains(&line), "{lines:?}");
    }
    let identities = world.emulator.resources("prod", "descriptors");
    assert_eq!(identities.len(), 1, "{identities:#?}");
    let identity = &identities[0];
    assert_eq!(identity["xdm:sourceSchema"], schema["$id"]);
    assert_eq!(identity["xdm:sourceProperty"], "/_acme/referenceNumber");
    assert_eq!(identity["xdm:namespace"], "Incident");
    assert_eq!(identity["xdm:isPrimary"], true);

    // Again: nothing is created, and the result is the identity that exists.
    let before = versions(&world.emulator);
    let again = world.ingest(&wanted).await.unwrap();
    assert_eq!(
        again["tables"][0]["schemaId"],
        first["tables"][0]["schemaId"]
    );
    assert_eq!(versions(&world.emulator), before);
    assert_eq!(world.emulator.resources("prod", "descriptors").len(), 1);

    // Another identity beside the primary one, and records in the place of events, are not what
    // stands there.
    let mut other = events.clone();
    other["schema"]["identity"] =
        json!({"column": "subject", "namespace": "Subject", "primary": true});
    let failed = world.ingest(&input(&[other])).await.unwrap_err();
    let (field, message) = told(&failed, "Conflict");
    assert_eq!(field, "tables[0].schema.identity");
    for part in ["/_acme/referenceNumber", "Incident"] {
        assert!(message.contains(part), "{message}");
    }
    let failed = world
        .ingest(&input(&[table("Incidents")]))
        .await
        .unwrap_err();
    let (_, message) = told(&failed, "IdempotencyMismatch");
    assert!(message.contains("what differs: behavior"), "{message}");
    assert_eq!(counts(&world.emulator), whole_chain(1));
    world.end(worker).await;
}

#[tokio::test]
async fn an_identity_whose_answer_is_lost_is_made_once() {
    use aep_emulator::{Action, CutAt, Rule};
    let world = World::new().await;
    let lost = Action::ApplyThenDrop { at: CutAt::Start };
    let rule = Rule::new("POST", "/tenant/descriptors", lost);
    world.emulator.add_fault(rule.nth([1]));
    let worker = world.worker();
    let identity = json!({"column": "emails.address", "namespace": "Email"});
    let contacts = with("Contacts", json!({"schema": {"identity": identity}}));
    world.ingest(&input(&[contacts])).await.unwrap();
    let identities = world.emulator.resources("prod", "descriptors");
    assert_eq!(identities.len(), 1, "{identities:#?}");
    assert_eq!(identities[0]["xdm:sourceProperty"], "/_acme/emails_address");
    assert_eq!(identities[0]["xdm:isPrimary"], false);
    assert_eq!(world.emulator.faults()[0].played, 1);
    world.end(worker).await;
}

#[tokio::test]
async fn what_an_event_lacks_is_told_before_anything_is_sent() {
    let world = World::new().await;
    let worker = world.worker();
    let event = json!({"behavior": "EXPERIENCE_EVENT", "eventId": "referenceNumber"});
    let failed = world
        .ingest(&input(&[with("Incidents", json!({"schema": event}))]))
        .await
        .unwrap_err();
    let missing = "tables[0].schema.eventTimestamp";
    assert_invalid(
        &failed,
        missing,
        &["tables[0].schema.eventTimestamp: found nothing"],
    );
    assert_eq!(writes(&world.emulator), [""; 0]);

    // Only the explored columns show it: the base connection exists, and nothing else.
    let mut event = event;
    event["eventTimestamp"] = json!("severity");
    let failed = world
        .ingest(&input(&[with("Incidents", json!({"schema": event}))]))
        .await
        .unwrap_err();
    assert_invalid(&failed, missing, &["a column of type string", "date-time"]);
    assert_eq!(counts(&world.emulator).len(), 1);
    world.end(worker).await;
}

#[tokio::test]
async fn a_schema_that_exists_is_used_as_it_is() {
    let world = World::new().await;
    let worker = world.worker();
    let fields = json!({
        "id": {"type": "integer"},
        "emails_address": {"type": "string"},
        "createdTime": {"type": "string", "format": "date-time"},
        "disabled": {"type": "string"},
    });
    let schema = make_schema(&world, "Contacts of the CRM", PROFILE, fields).await;
    let named = |columns: &[&str], schema: Value| {
        let more = json!({"columns": columns, "schema": {"existing": schema}});
        input(&[with("Contacts", more)])
    };

    let by_title = json!({"name": "Contacts of the CRM"});
    let wrong = named(&["id", "disabled", "firstName"], by_title.clone());
    let failed = world.ingest(&wrong).await.unwrap_err();
    let told_all = [
        "tables[0].columns[1]: found `disabled` of type boolean, expected text",
        "tables[0].columns[2]: found `firstName`",
    ];
    assert_invalid(&failed, "tables[0].columns[1]", &told_all);
    let failed = world
        .ingest(&named(&["id"], json!({"name": "Contacts of nobody"})))
        .await
        .unwrap_err();
    let (field, _) = told(&failed, "NotFound");
    assert_eq!(field, "tables[0].schema.existing.name");

    let good = ["id", "emails.address", "createdTime"];
    // No source connection exists for the columns that were refused.
    let result = world.ingest(&named(&good, by_title)).await.unwrap();
    assert_eq!(result["tables"][0]["schemaId"], schema);
    assert_eq!(world.emulator.resources("prod", "schemas").len(), 1);
    assert_eq!(world.emulator.resources("prod", "fieldgroups").len(), 1);
    assert_eq!(
        mappings(&world)[1],
        (
            r"emails\.address".to_owned(),
            "_acme.emails_address".to_owned()
        )
    );
    world.end(worker).await;
}

#[tokio::test]
async fn rows_go_into_a_dataset_that_exists() {
    let world = World::new().await;
    let worker = world.worker();
    let fields = json!({"number": {"type": "string"}, "hours": {"type": "number"}});
    let schema = make_schema(&world, "Incidents of the CRM", EVENT, fields).await;
    let dataset = make_dataset(&world, "incidents", &schema).await;
    let into = |mapping: Value| {
        let more = json!({"existingDataset": {"name": "incidents"}, "mapping": mapping});
        input(&[with("Incidents", more)])
    };
    let mut mapping = json!([
        {"source": "referenceNumber", "destination": "_tenant.number"},
        {"source": "responseHours", "destination": "_tenant.hours"},
        {"source": "createdTime", "destination": "timestamp"},
        {"source": "severity", "destination": "eventType"},
    ]);
    let failed = world.ingest(&into(mapping.clone())).await.unwrap_err();
    assert_invalid(&failed, "tables[0].mapping", &["no line for `_id`"]);

    let id =
        json!({"expression": "concat(referenceNumber, \"-\", severity)", "destination": "_id"});
    mapping.as_array_mut().unwrap().push(id);
    let result = world.ingest(&into(mapping)).await.unwrap();
    let made = &result["tables"][0];
    assert_eq!(
        (&made["datasetId"], &made["schemaId"]),
        (&json!(dataset), &json!(schema))
    );
    let target = the(&world.emulator, "targetConnections", "");
    assert_eq!(target["params"]["dataSetId"], json!(dataset));
    for kind in ["dataSets", "schemas", "fieldgroups"] {
        assert_eq!(world.emulator.resources("prod", kind).len(), 1, "{kind}");
    }

    // Two of one name are nobody's choice.
    let second = make_dataset(&world, "incidents", &schema).await;
    let failed = world.ingest(&into(json!([]))).await.unwrap_err();
    let (field, message) = told(&failed, "Conflict");
    assert_eq!(field, "tables[0].existingDataset.name");
    assert!(
        message.contains(&dataset) && message.contains(&second),
        "{message}"
    );
    world
        .delete(&format!("/data/foundation/catalog/dataSets/{second}"))
        .await;
    world.end(worker).await;
}

#[tokio::test]
async fn an_expression_that_the_platform_refuses_is_told_by_its_line() {
    let world = World::new().await;
    let worker = world.worker();
    let mapped = |expression: &str| {
        let mapping = json!([
            {"source": "id", "destination": "_tenant.id"},
            {"expression": expression, "destination": "_tenant.name"},
            {"expression": "to_integer(satisfaction)", "destination": "_tenant.score",
             "type": "integer"},
        ]);
        input(&[with("Contacts", json!({"mapping": mapping}))])
    };
    let failed = world.ingest(&mapped("shout(firstName)")).await.unwrap_err();
    let line = "tables[0].mapping[1].expression";
    assert_invalid(&failed, line, &["shout", "Data Prep"]);
    let (_, message) = told(&failed, "InvalidInput");
    assert!(!message.contains("mapping[2]"), "{message}");
    assert!(world.emulator.resources("prod", "mappingSets").is_empty());

    let good = mapped("concat(firstName, \" \", lastName)");
    world.ingest(&good).await.unwrap();
    let set = the(&world.emulator, "mappingSets", "");
    assert_eq!(set["mappings"][1]["sourceType"], "EXPRESSION");
    let group = the(&world.emulator, "fieldgroups", "");
    let fields = &group["definitions"]["customFields"]["properties"]["_acme"]["properties"];
    assert_eq!(fields["name"]["type"], "string");
    assert_eq!(fields["score"]["type"], "integer");

    // A mapping without expressions is not asked about.
    world.emulator.clear_journal();
    world.ingest(&input(&[table("Accounts")])).await.unwrap();
    let asked = writes(&world.emulator);
    assert!(!asked.contains(&"POST validate".to_owned()), "{asked:?}");
    world.end(worker).await;
}

#[tokio::test]
async fn a_source_that_takes_all_rows_refuses_a_filter() {
    let world = World::new().await;
    let worker = world.worker();
    let filter = json!({"column": "disabled", "value": false});
    let failed = world
        .ingest(&input(&[with("Contacts", json!({"filter": filter}))]))
        .await
        .unwrap_err();
    assert_invalid(&failed, "tables[0].filter", &["Snowflake"]);
    assert!(
        world
            .emulator
            .resources("prod", "sourceConnections")
            .is_empty()
    );
    world.end(worker).await;
}

struct AepFlow;

#[activity_definitions]
impl AepFlow {
    #[activity(name = activity::CREATE_SOURCE_CONNECTION)]
    fn create_source_connection(_: Value) -> Result<Value, ActivityError> {
        unimplemented!()
    }
}

/// Somebody else's workflow, which takes a table of a source that can tell rows apart.
#[workflow]
#[derive(Default)]
pub struct TakeSome;

#[workflow_methods]
impl TakeSome {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, source: Value) -> WorkflowResult<Value> {
        let mut options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
        options.task_queue = Some("aep-flow".to_owned());
        let made = ctx.execute_activity(AepFlow::create_source_connection, source, options);
        Ok(made.await?)
    }
}

#[tokio::test]
async fn a_filter_goes_to_a_source_that_takes_one() {
    let world = World::new().await;
    let worker = world.worker();
    let snowflake =
        include_str!("../fixtures/base_connections/snowflake--basic-authentication.json");
    let snowflake: Value = serde_json::from_str(snowflake).unwrap();
    assert!(snowflake.to_string().contains(DEFAULT_SOURCE_PASSWORD));
    let base = world
        .post(
            "/data/foundation/flowservice/connections",
            &snowflake["body"],
        )
        .await;
    let source = |filter: Value| {
        json!({
            "name": "customers", "baseConnectionId": base["id"],
            "connectionSpec": snowflake["body"]["connectionSpec"],
            "table": "public.customers", "filter": filter,
            "columns": [{"name": "customer_id", "type": "integer"}, {"name": "city", "type": "string"}],
        })
    };
    let runtime = Runtime::from_current_tokio(Default::default()).unwrap();
    let options = WorkerOptions::new("callers")
        .register_workflow::<TakeSome>()
        .unwrap()
        .build();
    let mut callers = Worker::new(&runtime, world.client.clone(), options).unwrap();
    let shutdown = callers.shutdown_handle();
    let taken = async |id: &str, filter: Value| {
        let options = WorkflowStartOptions::new("callers", id).build();
        let started = world
            .client
            .start_workflow(TakeSome::run, source(filter), options);
        let handle = started.await.unwrap();
        let result = handle.get_result(WorkflowGetResultOptions::default());
        within("the caller", result).await
    };
    let watch = async {
        let filter = json!({"all": [{"column": "is_active", "value": true},
                                    {"not": {"column": "city", "operator": "isNull"}}]});
        taken("first", filter.clone()).await.unwrap();
        let made = the(&world.emulator, "sourceConnections", "");
        let value = &made["params"]["filters"]["value"];
        assert_eq!(value["fnName"], "and", "{made:#}");
        assert_eq!(value["params"][1]["fnName"], "NOT", "{made:#}");
        assert_eq!(value["params"][0]["params"][1]["value"], true, "{made:#}");

        // The same request adopts what exists; one for other rows, or for all, does not.
        taken("second", filter).await.unwrap();
        assert_eq!(
            world.emulator.resources("prod", "sourceConnections").len(),
            1
        );
        for (id, other) in [
            ("third", json!({"column": "city", "value": "Zürich"})),
            ("fourth", Value::Null),
        ] {
            let failed = taken(id, other).await.unwrap_err();
            let failed = format!("{failed:?}");
            assert!(failed.contains("IdempotencyMismatch"), "{failed}");
            assert!(failed.contains("what differs: filter"), "{failed}");
        }
        shutdown();
    };
    let (ran, ()) = tokio::join!(callers.run(), watch);
    ran.unwrap();
    world.end(worker).await;
}

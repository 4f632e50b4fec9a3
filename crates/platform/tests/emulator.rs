//! The client against the emulator: two readings of Adobe's documents that check each other.

#![expect(
    clippy::unwrap_used,
    reason = "what prepares a test may panic like one"
)]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aep_emulator::{
    Action, CannedAnswer, Config, CutAt, Emulator, ExpiredToken, ListBehaviour, NameFilter,
    NextPage, Rule,
};
use aep_platform::{
    BaseConnectionId, Class, ClassId, Client, Conflict, ConnectionSpecId, ConnectionSpecRef,
    DeltaColumn, FieldMapping, FlowSpecRef, Frequency, NewBaseConnection, NewDataset,
    NewFieldGroup, NewFlow, NewMappingSet, NewSchema, NewSourceConnection, NewTargetConnection,
    RequestEffect, Sandbox, SandboxName, SandboxState, Schedule, SchemaId, Start, schema_fields,
};

/// Names that mean something to a filter, a URL, or JSON.
const AWKWARD: [&str; 18] = [
    "plain_name-1.0 x",
    "a,b",
    "a\"b",
    "'quoted'",
    "a&b=c",
    "a+b",
    "100%",
    "%20",
    "a==b",
    "Größe äöü",
    "😀 emoji",
    "a#b",
    "a?b",
    "a/b",
    "a\\b",
    "a*b",
    "!a",
    "{x}",
];

fn client(emulator: &Emulator) -> Client {
    support::client(emulator, aep_emulator::DEFAULT_CLIENT_SECRET)
}

fn sandbox(emulator: &Emulator) -> Sandbox {
    support::sandbox(&client(emulator))
}

fn base_connection(name: &str) -> NewBaseConnection {
    let password = aep_emulator::DEFAULT_SOURCE_PASSWORD;
    NewBaseConnection::oracle_service_cloud(
        name,
        "acme.custhelp.com",
        aep_emulator::DEFAULT_SOURCE_USERNAME,
        password.to_owned().into(),
    )
}

fn source_connection(
    name: &str,
    base_connection_id: &BaseConnectionId,
    table: &str,
    columns: Vec<serde_json::Value>,
) -> NewSourceConnection {
    NewSourceConnection {
        name: name.to_owned(),
        description: Some("a description".to_owned()),
        base_connection_id: base_connection_id.clone(),
        table_name: table.to_owned(),
        columns,
        filter: None,
        connection_spec: ConnectionSpecRef::v1(ConnectionSpecId::oracle_service_cloud()),
    }
}

async fn schema(sandbox: &Sandbox, title: &str) -> SchemaId {
    let new = NewSchema {
        title: title.to_owned(),
        description: "d".to_owned(),
        class_id: ClassId::individual_profile(),
        field_group_ids: Vec::new(),
    };
    sandbox.create_schema(&new).await.unwrap().id
}

fn in_an_hour() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() + 3600
}

#[tokio::test]
async fn the_whole_chain_ends_in_a_flow() {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let sandbox = sandbox(&emulator);
    let info = sandbox.info().await.unwrap().unwrap();
    assert_eq!(info.state, SandboxState::Active);
    let spec_id = ConnectionSpecId::oracle_service_cloud();
    let spec = sandbox.get_connection_spec(&spec_id).await.unwrap();
    let new = base_connection("osc");
    let spec = spec.unwrap();
    assert!(spec.auth_spec(&new.auth_spec_name).is_some());

    let base = sandbox.create_base_connection(&new).await.unwrap().id;
    assert!(sandbox.test_base_connection(&base).await.unwrap());
    let tables = sandbox.explore_tables(&base).await.unwrap();
    let table = sandbox
        .explore_table(&base, &tables[0].path, true)
        .await
        .unwrap();
    assert!(!table.columns.is_empty() && !table.rows.is_empty());

    let columns = table
        .columns
        .iter()
        .map(|column| column.raw.clone())
        .collect();
    let new = source_connection("osc source", &base, &tables[0].path, columns);
    let source = sandbox.create_source_connection(&new).await.unwrap().id;
    let read = sandbox.get_source_connection(&source).await.unwrap();
    assert_eq!(read.columns, new.columns);
    assert_eq!(read.table_name.as_deref(), Some(tables[0].path.as_str()));
    assert_eq!(read.base_connection_id.as_ref(), Some(&base));

    let tenant_id = sandbox.tenant_info().await.unwrap().tenant_id;
    let fields = schema_fields(&tenant_id, &table.columns);
    let group = NewFieldGroup {
        title: "osc fields".to_owned(),
        description: "d".to_owned(),
        class_id: ClassId::individual_profile(),
        tenant_id: tenant_id.clone(),
        properties: fields.properties.clone(),
    };
    let group_id = sandbox.create_field_group(&group).await.unwrap().id;
    let read = sandbox.get_field_group(&group_id).await.unwrap();
    let names: Vec<_> = read.properties(&tenant_id).unwrap().keys().collect();
    assert_eq!(names, fields.properties.keys().collect::<Vec<_>>());
    let twice = sandbox.create_field_group(&group).await.unwrap_err();
    assert_eq!(twice.class(), Class::Conflict(Conflict::TitleNotUnique));
    assert_eq!(twice.code().unwrap().as_str(), "XDM-1521-400");

    let new = NewSchema {
        title: "osc".to_owned(),
        description: "d".to_owned(),
        class_id: ClassId::individual_profile(),
        field_group_ids: vec![group_id.clone()],
    };
    let schema_id = sandbox.create_schema(&new).await.unwrap().id;
    let read = sandbox.get_schema(&schema_id).await.unwrap();
    assert_eq!(read.class_id, Some(ClassId::individual_profile()));
    assert!(read.refs.contains(&group_id.to_string()));

    let new = NewDataset {
        name: "osc".to_owned(),
        description: None,
        schema_id: schema_id.clone(),
        tags: BTreeMap::from([("aep-flow".to_owned(), vec!["v1:a".to_owned()])]),
    };
    let dataset_id = sandbox.create_dataset(&new).await.unwrap().id;
    let read = sandbox.get_dataset(&dataset_id).await.unwrap();
    assert_eq!(read.schema_ref.unwrap().id, schema_id);
    assert_eq!(read.tags, new.tags);

    let new = NewTargetConnection {
        name: "osc target".to_owned(),
        description: None,
        schema_id: schema_id.clone(),
        dataset_id: dataset_id.clone(),
    };
    let target = sandbox.create_target_connection(&new).await.unwrap().id;
    let read = sandbox.get_target_connection(&target).await.unwrap();
    assert_eq!(read.schema_id, Some(schema_id.clone()));
    assert_eq!(read.dataset_id.as_ref(), Some(&dataset_id));

    let new = NewMappingSet {
        name: "osc mapping".to_owned(),
        schema_id,
        mappings: fields.mappings.clone(),
    };
    let mapping = sandbox.create_mapping_set(&new).await.unwrap().id;
    let read = sandbox.get_mapping_set(&mapping).await.unwrap();
    assert_eq!(read.mappings, fields.mappings);

    let specs = sandbox.find_flow_specs_named("CRMToAEP").await.unwrap();
    assert!(specs[0].reads_from(&spec_id));
    let new = NewFlow {
        name: "osc flow".to_owned(),
        description: None,
        flow_spec: FlowSpecRef::v1(specs[0].id.clone()),
        source_connection_id: source.clone(),
        target_connection_id: target.clone(),
        mapping_set_id: mapping.clone(),
        mapping_set_version: 0,
        delta_column: Some(DeltaColumn {
            name: table.columns[0].name.clone(),
            date_format: None,
            timezone: None,
        }),
        schedule: Schedule {
            start: Start::At(in_an_hour()),
            frequency: Frequency::Hour,
            interval: Some(1),
            backfill: Some(true),
        },
    };
    let flow = sandbox.create_flow(&new).await.unwrap().id;
    let read = sandbox.get_flow(&flow).await.unwrap();
    assert_eq!(read.source_connection_ids, std::slice::from_ref(&source));
    assert_eq!(read.target_connection_ids, std::slice::from_ref(&target));
    assert_eq!(read.mapping_set_id, Some(mapping));
    assert_eq!(read.mapping_set_version, Some(0));
    assert_eq!(
        read.delta_column.as_deref(),
        Some(table.columns[0].name.as_str())
    );
    assert!(sandbox.list_flow_runs(&flow, 10).await.unwrap().is_empty());

    // Each knows what uses it.
    let sources = sandbox.find_source_connections_of(&base).await.unwrap();
    assert_eq!(ids(&sources, |found| &found.id), [&source]);
    let flows = sandbox.find_flows_reading(&source).await.unwrap();
    assert_eq!(ids(&flows, |found| &found.id), [&flow]);
    let flows = sandbox.find_flows_writing(&target).await.unwrap();
    assert_eq!(ids(&flows, |found| &found.id), [&flow]);
    let targets = sandbox.find_target_connections_into(&dataset_id).await;
    assert_eq!(ids(&targets.unwrap(), |found| &found.id), [&target]);
    let other = "4267c2ab-2104-474f-a7c2-ab2104d74f86".parse().unwrap();
    assert!(sandbox.find_flows_reading(&other).await.unwrap().is_empty());

    // What is in use stays, what is not goes, and gone is gone.
    let in_use = sandbox.delete_base_connection(&base).await.unwrap_err();
    assert_eq!(in_use.class(), Class::Conflict(Conflict::InUse));
    let in_use = sandbox.delete_source_connection(&source).await.unwrap_err();
    assert_eq!(in_use.class(), Class::Conflict(Conflict::InUse));
    let in_use = sandbox.delete_target_connection(&target).await.unwrap_err();
    assert_eq!(in_use.class(), Class::Conflict(Conflict::InUse));
    sandbox.delete_flow(&flow).await.unwrap();
    sandbox.delete_source_connection(&source).await.unwrap();
    assert_eq!(
        sandbox
            .get_source_connection(&source)
            .await
            .unwrap_err()
            .class(),
        Class::NotFound
    );
}

#[tokio::test]
async fn every_awkward_name_is_found_again_however_lists_behave() {
    let mut behaviours = Vec::new();
    for child_name_filter in [
        NameFilter::Accepted,
        NameFilter::Refused,
        NameFilter::Ignored,
    ] {
        for (short_pages, next) in [(false, NextPage::Link), (true, NextPage::Token)] {
            behaviours.push(ListBehaviour {
                page_size: 4,
                lag: Duration::ZERO,
                short_pages,
                next,
                child_name_filter,
            });
        }
    }
    for lists in behaviours {
        let config = Config {
            lists,
            ..Config::default()
        };
        let emulator = Emulator::start(config).await.unwrap();
        let sandbox = sandbox(&emulator);
        let base = sandbox
            .create_base_connection(&base_connection("base"))
            .await
            .unwrap()
            .id;
        let other = sandbox
            .create_base_connection(&base_connection("base"))
            .await
            .unwrap()
            .id;
        let tables = sandbox.explore_tables(&base).await.unwrap();
        let table = sandbox
            .explore_table(&base, &tables[0].path, false)
            .await
            .unwrap();
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| column.raw.clone())
            .collect();
        let schema_id = schema(&sandbox, "one schema").await;
        let mut created = Vec::new();
        for name in AWKWARD {
            let new = base_connection(name);
            let connection = sandbox.create_base_connection(&new).await.unwrap().id;
            let new = source_connection(name, &base, &tables[0].path, columns.clone());
            let source = sandbox.create_source_connection(&new).await.unwrap().id;
            let new = source_connection(name, &other, &tables[0].path, columns.clone());
            sandbox.create_source_connection(&new).await.unwrap();
            let new = NewDataset {
                name: name.to_owned(),
                description: None,
                schema_id: schema_id.clone(),
                tags: BTreeMap::new(),
            };
            let dataset_id = sandbox.create_dataset(&new).await.unwrap().id;
            let new = NewTargetConnection {
                name: name.to_owned(),
                description: None,
                schema_id: schema_id.clone(),
                dataset_id: dataset_id.clone(),
            };
            let target = sandbox.create_target_connection(&new).await.unwrap().id;
            let new = NewMappingSet {
                name: name.to_owned(),
                schema_id: schema_id.clone(),
                mappings: vec![FieldMapping::attribute("id", "_id")],
            };
            let mapping = sandbox.create_mapping_set(&new).await.unwrap().id;
            let schema_id = schema(&sandbox, name).await;
            created.push((
                name, connection, source, dataset_id, target, mapping, schema_id,
            ));
        }
        let spec_id = ConnectionSpecId::oracle_service_cloud();
        for (name, connection, source, dataset, target, mapping, schema) in created {
            let found = sandbox
                .find_base_connections_named(name, &spec_id)
                .await
                .unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&connection],
                "{name:?} {lists:?}"
            );
            let found = sandbox
                .find_source_connections_named(name, &base)
                .await
                .unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&source],
                "{name:?} {lists:?}"
            );
            let found = sandbox.find_target_connections_named(name).await.unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&target],
                "{name:?} {lists:?}"
            );
            let found = sandbox.find_datasets_named(name).await.unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&dataset],
                "{name:?} {lists:?}"
            );
            let found = sandbox.find_mapping_sets_named(name).await.unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&mapping],
                "{name:?} {lists:?}"
            );
            let found = sandbox.find_schemas_titled(name).await.unwrap();
            assert_eq!(
                ids(&found, |found| &found.id),
                [&schema],
                "{name:?} {lists:?}"
            );
        }
    }
}

fn ids<T, I>(found: &[T], id: impl Fn(&T) -> &I) -> Vec<&I> {
    found.iter().map(id).collect()
}

#[tokio::test]
async fn tables_with_awkward_names_are_explored() {
    let mut config = Config::default();
    config.source.awkward_tables = true;
    let emulator = Emulator::start(config).await.unwrap();
    let sandbox = sandbox(&emulator);
    let base = sandbox
        .create_base_connection(&base_connection("osc"))
        .await
        .unwrap()
        .id;
    let tables = sandbox.explore_tables(&base).await.unwrap();
    assert!(
        tables.iter().any(|table| table.path.contains(',')),
        "{tables:?}"
    );
    for table in tables {
        let explored = sandbox.explore_table(&base, &table.path, false).await;
        assert!(!explored.unwrap().columns.is_empty(), "{}", table.path);
    }
}

#[tokio::test]
async fn a_create_whose_response_is_lost_is_unknown_and_found_by_the_look() {
    let actions = [
        Action::ApplyThenDrop { at: CutAt::Start },
        Action::ApplyThenDrop { at: CutAt::Body },
        Action::ApplyThenAnswer(CannedAnswer::html(502)),
        Action::ApplyThenAnswer(CannedAnswer::html(200)),
        Action::ApplyThenAnswer(CannedAnswer::flow(1104, 504, "Gateway timeout")),
    ];
    for action in actions {
        let emulator = Emulator::start(Config::default()).await.unwrap();
        emulator.add_fault(Rule::new("POST", "/connections", action.clone()).nth([1]));
        let sandbox = sandbox(&emulator);
        let error = sandbox
            .create_base_connection(&base_connection("osc"))
            .await
            .unwrap_err();
        assert_eq!(
            error.effect(),
            RequestEffect::Unknown,
            "{action:?}: {error:?}"
        );
        let spec_id = ConnectionSpecId::oracle_service_cloud();
        let found = sandbox
            .find_base_connections_named("osc", &spec_id)
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{action:?}");
        let posts = emulator.journal();
        let posts = posts
            .iter()
            .filter(|entry| entry.method == "POST" && entry.route.ends_with("/connections"));
        assert_eq!(posts.count(), 1, "{action:?}: sent once");
    }
}

#[tokio::test]
async fn what_the_gateway_turns_away_made_nothing() {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let answers = [
        CannedAnswer::too_many_requests(Some("2")),
        CannedAnswer::gateway(503, "503010", "Could not validate the oauth token"),
    ];
    for answer in answers {
        let rule = emulator.add_fault(Rule::new("POST", "/connections", Action::Refuse(answer)));
        let sandbox = sandbox(&emulator);
        let error = sandbox
            .create_base_connection(&base_connection("osc"))
            .await
            .unwrap_err();
        assert_eq!(error.effect(), RequestEffect::Refused, "{error:?}");
        assert!(emulator.resources("prod", "connections").is_empty());
        emulator.remove_fault(rule);
    }
}

#[tokio::test]
async fn tokens_that_end_early_are_renewed_wherever_it_shows() {
    for expired_token in [ExpiredToken::AtGateway, ExpiredToken::InFlowService] {
        let config = Config {
            expired_token,
            ..Config::default()
        };
        let emulator = Emulator::start(config).await.unwrap();
        let sandbox = sandbox(&emulator);
        for name in ["a", "b"] {
            sandbox
                .create_base_connection(&base_connection(name))
                .await
                .unwrap();
            emulator.revoke_tokens();
        }
        assert_eq!(emulator.resources("prod", "connections").len(), 2);
    }
}

#[tokio::test]
async fn a_refusal_by_the_source_is_not_blamed_on_our_token() {
    let mut config = Config::default();
    config.source.checks_credentials_on_create = true;
    let emulator = Emulator::start(config).await.unwrap();
    let sandbox = sandbox(&emulator);
    let wrong = NewBaseConnection::oracle_service_cloud(
        "osc",
        "acme.custhelp.com",
        aep_emulator::DEFAULT_SOURCE_USERNAME,
        "wrong".to_owned().into(),
    );
    let error = sandbox.create_base_connection(&wrong).await.unwrap_err();
    assert_eq!(error.class(), Class::SourceRejectedCredentials, "{error:?}");
    assert_eq!(error.effect(), RequestEffect::Refused);

    let emulator = Emulator::start(Config::default()).await.unwrap();
    let sandbox = self::sandbox(&emulator);
    let base = sandbox.create_base_connection(&wrong).await.unwrap().id;
    assert!(!sandbox.test_base_connection(&base).await.unwrap());
    let error = sandbox.explore_tables(&base).await.unwrap_err();
    assert_eq!(error.class(), Class::SourceRejectedCredentials, "{error:?}");

    // A new password under the etag mends it.
    let read = sandbox.get_base_connection(&base).await.unwrap();
    let params = base_connection("osc").params;
    let etag = read.etag.unwrap();
    sandbox
        .update_base_connection_params(&base, &etag, &params)
        .await
        .unwrap();
    assert!(sandbox.test_base_connection(&base).await.unwrap());
    let stale = sandbox
        .update_base_connection_params(&base, &etag, &params)
        .await
        .unwrap_err();
    assert_eq!(stale.class(), Class::Conflict(Conflict::Version));
}

#[tokio::test]
async fn a_description_is_changed_under_the_version_that_was_read() {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let sandbox = sandbox(&emulator);
    let new = base_connection("osc");
    let base = sandbox.create_base_connection(&new).await.unwrap().id;
    let before = sandbox.get_base_connection(&base).await.unwrap();
    assert_eq!(before.description, None);
    let etag = before.etag.unwrap();
    let given = sandbox
        .update_base_connection_description(&base, &etag, "by a")
        .await
        .unwrap();
    let after = sandbox.get_base_connection(&base).await.unwrap();
    assert_eq!(after.description.as_deref(), Some("by a"));
    assert_eq!(after.name, "osc");
    assert_eq!(after.etag, given);
    let stale = sandbox
        .update_base_connection_description(&base, &etag, "by b")
        .await
        .unwrap_err();
    assert_eq!(stale.class(), Class::Conflict(Conflict::Version));

    let new = NewDataset {
        name: "osc".to_owned(),
        description: Some("by a".to_owned()),
        schema_id: schema(&sandbox, "osc").await,
        tags: BTreeMap::from([("aep-flow".to_owned(), vec!["v1:a".to_owned()])]),
    };
    let dataset = sandbox.create_dataset(&new).await.unwrap().id;
    let before = sandbox.get_dataset(&dataset).await.unwrap();
    assert!(before.etag.is_some());
    sandbox
        .update_dataset_description(&dataset, before.etag.as_ref(), "by b")
        .await
        .unwrap();
    let after = sandbox.get_dataset(&dataset).await.unwrap();
    assert_eq!(after.description.as_deref(), Some("by b"));
    assert_eq!((after.name, after.tags), (before.name, before.tags));
    let stale = sandbox
        .update_dataset_description(&dataset, before.etag.as_ref(), "by c")
        .await
        .unwrap_err();
    assert_eq!(stale.class(), Class::Conflict(Conflict::Version));
}

#[tokio::test]
async fn a_wrong_sandbox_and_wrong_credentials_are_distinguished() {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let other = client(&emulator).sandbox(&SandboxName::parse("no-such").unwrap());
    assert_eq!(other.info().await.unwrap(), None);
    let error = other
        .create_base_connection(&base_connection("osc"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::SandboxNotFound, "{error:?}");

    let error = support::client(&emulator, "wrong")
        .check_credentials()
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Unauthenticated);
}

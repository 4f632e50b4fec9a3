//! Whatever a source may show becomes a schema and a mapping that the platform takes: every table
//! of every source that the emulator knows, and columns of any name and type.

#![expect(
    clippy::unwrap_used,
    reason = "what prepares a test may panic like one"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use aep_emulator::{Config, Emulator};
use aep_platform::{
    BaseConnectionId, ClassId, Column, ConnectionSpecRef, NewBaseConnection, NewFieldGroup,
    NewMappingSet, NewSchema, ParamValue, Sandbox, TenantId, schema_fields,
};
use proptest::prelude::*;
use proptest::test_runner::{Config as TestConfig, TestRunner};
use serde_json::{Value, json};

fn sandbox(emulator: &Emulator) -> Sandbox {
    let client = support::client(emulator, aep_emulator::DEFAULT_CLIENT_SECRET);
    support::sandbox(&client)
}

/// A base connection's body for each source, the first of its ways of authentication.
fn connections() -> Vec<NewBaseConnection> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/base_connections");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut sources = BTreeSet::new();
    let all = files.iter().map(|file| {
        let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        (written["source"].as_str().unwrap().to_owned(), written)
    });
    all.filter(|(source, _)| sources.insert(source.clone()))
        .map(|(source, written)| connection(source, &written["body"]))
        .collect()
}

fn connection(name: String, body: &Value) -> NewBaseConnection {
    let params = body["auth"]["params"].as_object().unwrap();
    NewBaseConnection {
        name,
        description: None,
        connection_spec: ConnectionSpecRef::v1(
            body["connectionSpec"]["id"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        ),
        auth_spec_name: body["auth"]["specName"].as_str().unwrap().to_owned(),
        // One of the bodies has something beside name and parameters.
        auth_extra: body["auth"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "specName" && *name != "params")
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        params: params
            .iter()
            .map(|(name, value)| (name.clone(), ParamValue::Plain(value.clone())))
            .collect(),
    }
}

/// Makes a schema of these columns and a mapping into it; the emulator refuses what the platform
/// would, and its own check finds nothing.
async fn takes(
    sandbox: &Sandbox,
    tenant: &TenantId,
    class: ClassId,
    title: &str,
    columns: &[Column],
) {
    let fields = schema_fields(tenant, columns);
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        fields.mappings.len(),
        names.len(),
        "{title}: each column once"
    );
    assert_eq!(
        fields.properties.len(),
        names.len(),
        "{title}: a field for each"
    );
    let group = NewFieldGroup {
        title: format!("{title} fields"),
        description: "d".to_owned(),
        class_id: class.clone(),
        tenant_id: tenant.clone(),
        properties: fields.properties.clone(),
    };
    let group = sandbox.create_field_group(&group).await;
    let group = group.unwrap_or_else(|error| panic!("{title}: {error}"));
    let schema = NewSchema {
        title: title.to_owned(),
        description: "d".to_owned(),
        class_id: class,
        field_group_ids: vec![group.id],
    };
    let schema = sandbox.create_schema(&schema).await.unwrap().id;
    let set = NewMappingSet {
        name: title.to_owned(),
        schema_id: schema.clone(),
        mappings: fields.mappings.clone(),
    };
    assert_eq!(
        sandbox.validate_mapping_set(&set).await.unwrap(),
        [],
        "{title}"
    );
    sandbox.create_mapping_set(&set).await.unwrap();

    // What was made is found again, as it was meant: that is what a mapping into it rests on.
    let resolved = sandbox.get_resolved_schema(&schema).await.unwrap();
    for (_, name) in &fields.names {
        let path = format!("{}.{name}", tenant.namespace());
        let field = resolved.field(&path).map(|field| field.get("type"));
        let made = fields.properties[name].get("type");
        assert_eq!(field, Some(made), "{title}: {path}");
    }
}

#[tokio::test]
async fn every_table_of_every_source_becomes_a_schema_and_a_mapping() {
    let emulator = Emulator::start(Config::default()).await.unwrap();
    let sandbox = sandbox(&emulator);
    let tenant = sandbox.tenant_info().await.unwrap().tenant_id;
    let (mut tables, mut renamed) = (0, 0);
    let connections = connections();
    assert_eq!(connections.len(), 38);
    for new in connections {
        let base = sandbox.create_base_connection(&new).await.unwrap().id;
        for path in paths(&sandbox, &base).await {
            let explored = sandbox.explore_table(&base, &path, false).await.unwrap();
            let title = format!("{} {path}", new.name);
            let class = ClassId::individual_profile();
            takes(&sandbox, &tenant, class, &title, &explored.columns).await;
            renamed += schema_fields(&tenant, &explored.columns).renamed.len();
            tables += 1;
        }
    }
    // Were there no tables, or only plain ones, nothing would have been tried.
    assert!(
        tables >= 3 * 38 && renamed > 38,
        "{tables} tables, {renamed} renamed"
    );
    emulator.shutdown().await;
}

async fn paths(sandbox: &Sandbox, base: &BaseConnectionId) -> Vec<String> {
    let entries = sandbox.explore_tables(base).await.unwrap();
    entries.into_iter().map(|entry| entry.path).collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_-]{1,12}",
        "[a-cA-C_.]{1,3}",
        "[ .,:;/\\\\\"'`$%&(){}\\[\\]<>@#*+=!?~^|-]{1,6}",
        "_{1,3}[a-z]{0,3}",
        "\\PC{1,10}",
        "[a-z]{250,300}",
        Just("_id".to_owned()),
        Just("timestamp".to_owned()),
        Just("type".to_owned()),
        Just("properties".to_owned()),
    ]
}

fn column() -> impl Strategy<Value = Value> {
    let words = [
        "string",
        "String",
        "date-time",
        "date",
        "double",
        "float",
        "decimal",
        "number",
        "integer",
        "long",
        "boolean",
        "Boolean",
        "binary",
        "array",
        "object",
        "",
    ];
    let word = prop::sample::select(words.to_vec());
    let format = prop::sample::select(vec!["", "date-time", "date", "uri"]);
    let xdm = prop::option::of((word.clone(), format));
    (name(), word.clone(), prop::option::of(word), xdm).prop_map(|(name, type_, meta, xdm)| {
        let mut column = json!({"name": name, "type": type_});
        if let Some(meta) = meta {
            column["meta:xdmType"] = meta.into();
        }
        if let Some((type_, format)) = xdm {
            column["xdm"] = json!({"type": type_});
            if !format.is_empty() {
                column["xdm"]["format"] = format.into();
            }
        }
        column
    })
}

#[test]
fn columns_of_any_name_and_type_become_a_schema_and_a_mapping() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime
        .block_on(Emulator::start(Config::default()))
        .unwrap();
    let sandbox = sandbox(&emulator);
    let tenant = runtime.block_on(sandbox.tenant_info()).unwrap().tenant_id;
    let mut runner = TestRunner::new(TestConfig {
        cases: 200,
        // A failing case is printed; there is no file beside a test of an integration to keep it.
        failure_persistence: None,
        ..TestConfig::default()
    });
    let number = std::cell::Cell::new(0);
    let columns = prop::collection::vec(column(), 1..20);
    runner
        .run(&columns, |columns| {
            number.set(number.get() + 1);
            let columns: Vec<Column> = columns.iter().map(read).collect();
            let class = ClassId::individual_profile();
            let title = format!("table {}", number.get());
            runtime.block_on(takes(&sandbox, &tenant, class, &title, &columns));
            Ok(())
        })
        .unwrap();
    runtime.block_on(emulator.shutdown());
}

/// As explore gives it.
fn read(column: &Value) -> Column {
    let text = |key: &str| column[key].as_str().map(str::to_owned);
    Column {
        name: text("name").unwrap(),
        type_: text("type"),
        xdm: column.get("xdm").cloned(),
        xdm_type: text("meta:xdmType"),
        raw: column.clone(),
    }
}

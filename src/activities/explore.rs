//! Exploring a source: its tables, and the columns of one.

use aep_flow_proto::{
    json::Object,
    read::nearest,
    v1::{
        ExploreTableInput, ExploreTableResult, ExploreTablesInput, ExploreTablesResult, TableEntry,
    },
};
use aep_flow_workflows::payload;
use aep_platform::{BaseConnectionId, Class, EntityKind, Sandbox};
use serde_json::Value;

use super::{base_connection::base_connection_id, failure::ActivityFailure, platform::Platform};

/// Most bytes of the columns of one table, as the platform gives them: some 5,000 columns. They
/// go into the inputs of further activities, several tables' at once.
const MAX_COLUMNS_BYTES: usize = 500_000;

pub(crate) async fn tables(
    platform: &Platform,
    input: ExploreTablesInput,
) -> Result<ExploreTablesResult, ActivityFailure> {
    let id = base_connection_id(&input.base_connection_id)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let tables = sandbox
        .explore_tables(&id)
        .await
        .map_err(|error| about_connection(error.into(), &id))?;
    let tables = tables
        .into_iter()
        .map(|table| TableEntry {
            name: table.name,
            path: table.path,
            r#type: table.type_,
            can_preview: table.can_preview,
        })
        .collect();
    Ok(ExploreTablesResult { tables })
}

pub(crate) async fn table(
    platform: &Platform,
    input: ExploreTableInput,
) -> Result<ExploreTableResult, ActivityFailure> {
    let id = base_connection_id(&input.base_connection_id)?;
    if input.table.trim().is_empty() {
        return Err(ActivityFailure::field(
            "table",
            "nothing",
            "a table's path, as ExploreTables gives it",
        ));
    }
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let explored = match sandbox
        .explore_table(&id, &input.table, input.preview)
        .await
    {
        Ok(explored) => explored,
        Err(error) => {
            return Err(match error.class() {
                Class::NotFound | Class::InvalidInput | Class::PlatformRejected => {
                    no_such_table(&sandbox, &id, &input.table, ActivityFailure::from(error)).await
                }
                _ => about_connection(ActivityFailure::from(error), &id),
            });
        }
    };
    let columns: Vec<Object> = explored
        .columns
        .into_iter()
        .map(|column| object(column.raw))
        .collect();
    let bytes: usize = columns.iter().map(payload::json_bytes).sum();
    if bytes > MAX_COLUMNS_BYTES {
        return Err(ActivityFailure::field(
            "table",
            format!(
                "a table of {} columns, told in {bytes} bytes",
                columns.len()
            ),
            format!("a table whose columns are told in at most {MAX_COLUMNS_BYTES} bytes"),
        ));
    }
    Ok(ExploreTableResult {
        columns,
        rows: explored.rows.into_iter().map(Object::from).collect(),
    })
}

/// The refusal again, unless the table is not among those that the source has: then the
/// nearest that are. Only a refusal costs this second call.
async fn no_such_table(
    sandbox: &Sandbox,
    id: &BaseConnectionId,
    table: &str,
    refusal: ActivityFailure,
) -> ActivityFailure {
    let Ok(tables) = sandbox.explore_tables(id).await else {
        return about_connection(refusal, id);
    };
    if tables.iter().any(|each| each.path == table) {
        return about_connection(refusal, id);
    }
    let paths = tables.iter().map(|each| each.path.as_str());
    let near = nearest(table, paths.clone());
    let shown: Vec<&str> = if near.is_empty() {
        paths.take(20).collect()
    } else {
        near
    };
    let expected = if shown.is_empty() {
        "a table of the source, which has none".to_owned()
    } else {
        format!("a table of the source: {}", shown.join(", "))
    };
    about_connection(
        ActivityFailure::field("table", format!("`{}`", table.escape_debug()), expected),
        id,
    )
}

/// Exploring needs the base connection, which therefore exists whatever else happens.
fn about_connection(failed: ActivityFailure, id: &BaseConnectionId) -> ActivityFailure {
    failed.with_created(EntityKind::BaseConnection.as_str(), id.as_str())
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(map) => Object::from(map),
        // The client reads a column from an object; there is no other form.
        _ => Object::default(),
    }
}

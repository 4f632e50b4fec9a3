//! Explore: the tables of a source, and the columns and first rows of one.
//!
//! The platform asks the source system. So these calls are slow, and fail when the source fails.
//! Source: "Explore your data tables using the Flow Service API", read 2026-11.

use serde_json::{Map, Value};

use super::xdm::Column;
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields;
use crate::ids::BaseConnectionId;
use crate::kind::EntityKind;
use crate::paging::readable;
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

const EXPLORE: &str = "/connections/{id}/explore";

/// A table as the source's root lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// The name for people.
    pub name: String,
    /// The name for requests: `tableName` of a source connection.
    pub path: String,
    /// `table`, or what else the source holds.
    pub type_: String,
    /// Whether rows can be shown; `true` if the source doesn't say.
    pub can_preview: bool,
}

/// A table's columns and, on request, some rows.
#[derive(Clone, PartialEq)]
pub struct ExploredTable {
    /// Such as `flat`.
    pub format: Option<String>,
    /// The columns in the source's order.
    pub columns: Vec<Column>,
    /// The first rows by column name; personal data, so printing the table only counts them.
    pub rows: Vec<Map<String, Value>>,
}

impl std::fmt::Debug for ExploredTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExploredTable")
            .field("format", &self.format)
            .field("columns", &self.columns)
            .field("rows", &self.rows.len())
            .finish()
    }
}

fn build_root(id: &BaseConnectionId) -> Request {
    Request::get(EntityKind::BaseConnection, Service::Flow, EXPLORE)
        .id(id.as_str())
        .query("objectType", "root")
}

pub(crate) fn parse_root(response: &Response) -> Result<Vec<TableEntry>, UnreadableResponse> {
    let body = response.json()?;
    // A bare list; the envelope of other lists is accepted as well.
    let entries = body
        .as_array()
        .or_else(|| body.get("items").and_then(Value::as_array))
        .ok_or_else(|| UnreadableResponse::shape("the root is no list"))?;
    let (tables, _) = readable(EntityKind::BaseConnection, entries, |entry| {
        let name = fields::text(entry, "/name");
        let path = fields::text(entry, "/path").or_else(|| name.clone());
        let path =
            path.ok_or_else(|| UnreadableResponse::shape("a table has neither name nor path"))?;
        Ok(TableEntry {
            name: name.unwrap_or_else(|| path.clone()),
            path,
            type_: fields::text(entry, "/type").unwrap_or_else(|| "table".to_owned()),
            can_preview: fields::flag(entry, "/canPreview").unwrap_or(true),
        })
    });
    Ok(tables)
}

fn build_table(id: &BaseConnectionId, path: &str, preview: bool) -> Request {
    let request = Request::get(EntityKind::BaseConnection, Service::Flow, EXPLORE)
        .id(id.as_str())
        .query("objectType", "table")
        .query("object", path);
    if preview {
        request.query("preview", "true")
    } else {
        request
    }
}

pub(crate) fn parse_table(response: &Response) -> Result<ExploredTable, UnreadableResponse> {
    let mut body = response.json()?;
    let Some(Value::Array(columns)) = body.pointer_mut("/schema/columns").map(Value::take) else {
        return Err(UnreadableResponse::shape("`schema.columns` is no list"));
    };
    let columns = columns
        .into_iter()
        .map(Column::read)
        .collect::<Result<_, _>>()?;
    let rows = match body.get_mut("data").map(Value::take) {
        Some(Value::Array(rows)) => rows
            .into_iter()
            .filter_map(|row| match row {
                Value::Object(row) => Some(row),
                _ => None,
            })
            .collect(),
        Some(_) | None => Vec::new(),
    };
    Ok(ExploredTable {
        format: fields::text(&body, "/format"),
        columns,
        rows,
    })
}

impl Sandbox {
    /// The tables of a source. There are no pages.
    ///
    /// # Errors
    /// [`PlatformError`]; a source that refuses its credentials is
    /// [`Class::SourceRejectedCredentials`](crate::Class::SourceRejectedCredentials).
    pub async fn explore_tables(
        &self,
        base_connection_id: &BaseConnectionId,
    ) -> Result<Vec<TableEntry>, PlatformError> {
        self.call(&build_root(base_connection_id), parse_root).await
    }

    /// The columns of a table, by its path, and some rows if `preview`.
    ///
    /// # Errors
    /// [`PlatformError`], as for [`Sandbox::explore_tables`].
    pub async fn explore_table(
        &self,
        base_connection_id: &BaseConnectionId,
        path: &str,
        preview: bool,
    ) -> Result<ExploredTable, PlatformError> {
        self.call(&build_table(base_connection_id, path, preview), parse_table)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::response;

    fn id() -> BaseConnectionId {
        BaseConnectionId::parse("4267c2ab-2104-474f-a7c2-ab2104d74f86").unwrap()
    }

    #[test]
    fn root_and_table_are_asked_for_as_documented() {
        let base = "GET /data/foundation/flowservice/connections/4267c2ab-2104-474f-a7c2-ab2104d74f86/explore";
        assert_eq!(
            build_root(&id()).shown().0,
            format!("{base}?objectType=root")
        );
        assert_eq!(
            build_table(&id(), "ACME, Spring & Co", true).shown().0,
            format!("{base}?objectType=table&object=ACME%2C%20Spring%20%26%20Co&preview=true")
        );
    }

    #[test]
    fn the_root_is_a_bare_list() {
        let body = r#"[{"type":"table","name":"ACME Spring","path":"acmeSpring","canPreview":true,"canFetchSchema":true},
                       {"type":"table","name":"B","path":"B","canPreview":false}]"#;
        let tables = parse_root(&response(200, Some("application/json"), body)).unwrap();
        assert_eq!(tables[0].path, "acmeSpring");
        assert!(tables[0].can_preview && !tables[1].can_preview);
        assert!(parse_root(&response(200, None, "[]")).unwrap().is_empty());
        assert!(parse_root(&response(200, None, "{}")).is_err());
    }

    #[test]
    fn a_table_has_columns_and_hidden_rows() {
        let body = r#"{"format":"flat","schema":{"columns":[
            {"name":"TestID","type":"string","xdm":{"type":"string"}},
            {"name":"Datefield","type":"string","meta:xdmType":"date-time","xdm":{"type":"string","format":"date-time"}}]},
            "data":[{"TestID":"secret row"}]}"#;
        let table = parse_table(&response(200, Some("application/json"), body)).unwrap();
        assert_eq!(table.columns.len(), 2);
        assert_eq!(table.columns[1].xdm_type.as_deref(), Some("date-time"));
        assert_eq!(table.rows.len(), 1);
        assert!(!format!("{table:?}").contains("secret row"));
        assert!(parse_table(&response(200, None, r#"{"schema":{}}"#)).is_err());
    }
}

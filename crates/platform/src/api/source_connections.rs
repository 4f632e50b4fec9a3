//! Source connections: one table of a base connection, and the columns to load from it.
//!
//! Source: "Collect customer success data using the Flow Service API", read 2026-11.

use serde::Serialize;
use serde_json::Value;

use super::flow_service::{ConnectionSpecRef, Created, Deleted, Entity};
use super::row_filters::RowFilter;
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{BaseConnectionId, Etag, SourceConnectionId};
use crate::kind::EntityKind;
use crate::response::UnreadableResponse;

/// A source connection to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSourceConnection {
    /// The name by which it is found again.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// Where the table is.
    pub base_connection_id: BaseConnectionId,
    /// The table's path, as explore gave it.
    pub table_name: String,
    /// The columns to load, each as explore gave it.
    pub columns: Vec<Value>,
    /// Which rows to load; `None` for all. Only some kinds of source can filter rows.
    pub filter: Option<RowFilter>,
    /// The base connection's spec.
    pub connection_spec: ConnectionSpecRef,
}

/// A source connection as Flow Service shows it.
#[derive(Debug, Clone)]
pub struct SourceConnection {
    /// Its id.
    pub id: SourceConnectionId,
    /// Its name; names are not unique.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, for a change.
    pub etag: Option<Etag>,
    /// Such as `enabled`, `inProgress`.
    pub state: Option<String>,
    /// Where the table is.
    pub base_connection_id: Option<BaseConnectionId>,
    /// The table's path: `params.tableName`, or `params.path` of older ones.
    pub table_name: Option<String>,
    /// The columns that it loads.
    pub columns: Vec<Value>,
    /// The kind of source.
    pub connection_spec: Option<ConnectionSpecRef>,
    /// The whole entity.
    pub raw: Raw,
}

impl Entity for SourceConnection {
    const KIND: EntityKind = EntityKind::SourceConnection;
    const COLLECTION: &'static str = "/sourceConnections";
    const ONE: &'static str = "/sourceConnections/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: fields::time_ms(&value, "/createdAt"),
            etag: fields::etag(&value),
            state: fields::text(&value, "/state"),
            base_connection_id: fields::id(&value, "/baseConnectionId"),
            table_name: fields::text(&value, "/params/tableName")
                .or_else(|| fields::text(&value, "/params/path")),
            columns: fields::list(&value, "/params/columns").to_vec(),
            connection_spec: ConnectionSpecRef::read(&value),
            raw: Raw::new(value),
        })
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceConnectionBody<'a> {
    name: &'a str,
    base_connection_id: &'a BaseConnectionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    data: DataJson,
    params: ParamsJson<'a>,
    connection_spec: &'a ConnectionSpecRef,
}

#[derive(Serialize)]
struct DataJson {
    format: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ParamsJson<'a> {
    table_name: &'a str,
    columns: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Value>,
}

fn body(new: &NewSourceConnection) -> SourceConnectionBody<'_> {
    SourceConnectionBody {
        name: &new.name,
        base_connection_id: &new.base_connection_id,
        description: new.description.as_deref(),
        data: DataJson { format: "tabular" },
        params: ParamsJson {
            table_name: &new.table_name,
            columns: &new.columns,
            filters: new.filter.as_ref().map(RowFilter::to_params),
        },
        connection_spec: &new.connection_spec,
    }
}

impl Sandbox {
    /// Creates a source connection. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_source_connection(
        &self,
        new: &NewSourceConnection,
    ) -> Result<Created<SourceConnectionId>, PlatformError> {
        self.create_entity::<SourceConnection, _>(&new.name, &body(new))
            .await
    }

    /// One source connection.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_source_connection(
        &self,
        id: &SourceConnectionId,
    ) -> Result<SourceConnection, PlatformError> {
        self.get_entity(id.as_str()).await
    }

    /// Every source connection of exactly that name and base connection, whatever characters the
    /// name has. One created in the last minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_source_connections_named(
        &self,
        name: &str,
        base_connection_id: &BaseConnectionId,
    ) -> Result<Vec<SourceConnection>, PlatformError> {
        let parent = ("baseConnectionId", base_connection_id.as_str());
        self.find_entities(name, Some(parent), |entity: &SourceConnection| {
            entity
                .base_connection_id
                .as_ref()
                .is_none_or(|id| id == base_connection_id)
        })
        .await
    }

    /// Every source connection of a base connection, whatever its name. While there is one, the
    /// base connection is in use. A source connection that names no base connection is included: to
    /// overlook a user would lose something, to include one too many only keeps something. One
    /// created in the last minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`]; the use is then unknown.
    pub async fn find_source_connections_of(
        &self,
        base_connection_id: &BaseConnectionId,
    ) -> Result<Vec<SourceConnection>, PlatformError> {
        // Source: "Sort and filter responses in the Flow Service API", read 2026-11.
        let filter = ("baseConnectionId", base_connection_id.as_str());
        self.find_users(filter, |entity: &SourceConnection| {
            entity
                .base_connection_id
                .as_ref()
                .is_none_or(|id| id == base_connection_id)
        })
        .await
    }

    /// Sets a source connection's description, and changes nothing else; at most 1000 characters
    /// are safe. Gives the new etag where the service does.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::Version`] when it changed since the etag was read: read
    /// it again.
    pub async fn update_source_connection_description(
        &self,
        id: &SourceConnectionId,
        etag: &Etag,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        self.describe_entity::<SourceConnection>(id.as_str(), etag, description)
            .await
    }

    /// Deletes a source connection. May be refused while a flow uses it.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::InUse`] while a flow uses it.
    pub async fn delete_source_connection(
        &self,
        id: &SourceConnectionId,
    ) -> Result<Deleted, PlatformError> {
        self.delete_entity::<SourceConnection>(id.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_is_the_tutorials() {
        let columns = json!([
            {"name": "Id", "type": "string", "xdm": {"type": "string"}},
            {"name": "CreatedDate", "type": "string", "meta:xdmType": "date-time",
             "xdm": {"type": "string", "format": "date-time"}}
        ]);
        let new = NewSourceConnection {
            name: "Source connection for Customer Success".to_owned(),
            description: None,
            base_connection_id: "f1da3694-38a9-403d-9a36-9438a9203d42".parse().unwrap(),
            table_name: "Account".to_owned(),
            columns: columns.as_array().unwrap().clone(),
            filter: None,
            connection_spec: ConnectionSpecRef::v1(
                "ba5126ec-c9ac-11eb-b8bc-0242ac130003".parse().unwrap(),
            ),
        };
        let with_filter = NewSourceConnection {
            filter: Some(RowFilter::Not(Box::new(RowFilter::Compare {
                column: "Id".to_owned(),
                operator: "isNull".to_owned(),
                value: None,
            }))),
            ..new.clone()
        };
        assert_eq!(
            serde_json::to_value(body(&with_filter)).unwrap()["params"]["filters"]["value"]["fnName"],
            "NOT"
        );
        assert_eq!(
            serde_json::to_value(body(&new)).unwrap(),
            json!({
                "name": "Source connection for Customer Success",
                "baseConnectionId": "f1da3694-38a9-403d-9a36-9438a9203d42",
                "data": {"format": "tabular"},
                "params": {"tableName": "Account", "columns": columns},
                "connectionSpec": {"id": "ba5126ec-c9ac-11eb-b8bc-0242ac130003", "version": "1.0"}
            })
        );
    }

    #[test]
    fn the_table_is_read_in_both_spellings() {
        for params in [json!({"tableName": "A"}), json!({"path": "A"})] {
            let read = SourceConnection::read(json!({"id": "x", "params": params})).unwrap();
            assert_eq!(read.table_name.as_deref(), Some("A"));
        }
    }
}

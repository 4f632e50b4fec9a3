//! Target connections: one dataset in the data lake, with the schema that its rows have.
//!
//! Source: "Collect customer success data using the Flow Service API", read 2026-11.

use serde::Serialize;
use serde_json::Value;

use super::flow_service::{ConnectionSpecRef, Created, Deleted, Entity};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{ConnectionSpecId, DatasetId, Etag, SchemaId, TargetConnectionId};
use crate::kind::EntityKind;
use crate::response::UnreadableResponse;

/// The only form of a schema that flows take: resolved, newest minor version of major version 1.
/// The mapping set has to name the same.
pub(crate) const SCHEMA_VERSION: &str = "application/vnd.adobe.xed-full+json;version=1";

/// A target connection to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTargetConnection {
    /// The name by which it is found again.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The dataset's schema.
    pub schema_id: SchemaId,
    /// Where the rows go.
    pub dataset_id: DatasetId,
}

/// A target connection as Flow Service shows it.
#[derive(Debug, Clone)]
pub struct TargetConnection {
    /// Its id.
    pub id: TargetConnectionId,
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
    /// The rows' schema.
    pub schema_id: Option<SchemaId>,
    /// The schema's version, a content type.
    pub schema_version: Option<String>,
    /// Where the rows go.
    pub dataset_id: Option<DatasetId>,
    /// The data lake's.
    pub connection_spec: Option<ConnectionSpecRef>,
    /// The whole entity.
    pub raw: Raw,
}

impl Entity for TargetConnection {
    const KIND: EntityKind = EntityKind::TargetConnection;
    const COLLECTION: &'static str = "/targetConnections";
    const ONE: &'static str = "/targetConnections/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: fields::time_ms(&value, "/createdAt"),
            etag: fields::etag(&value),
            state: fields::text(&value, "/state"),
            schema_id: fields::id(&value, "/data/schema/id"),
            schema_version: fields::text(&value, "/data/schema/version"),
            dataset_id: fields::id(&value, "/params/dataSetId")
                .or_else(|| fields::id(&value, "/params/datasetId")),
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
struct TargetConnectionBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    data: DataJson<'a>,
    params: ParamsJson<'a>,
    connection_spec: ConnectionSpecRef,
}

#[derive(Serialize)]
struct DataJson<'a> {
    format: &'static str,
    schema: SchemaJson<'a>,
}

#[derive(Serialize)]
struct SchemaJson<'a> {
    id: &'a SchemaId,
    version: &'static str,
}

#[derive(Serialize)]
struct ParamsJson<'a> {
    #[serde(rename = "dataSetId")]
    dataset_id: &'a DatasetId,
}

fn body(new: &NewTargetConnection) -> TargetConnectionBody<'_> {
    TargetConnectionBody {
        name: &new.name,
        description: new.description.as_deref(),
        data: DataJson {
            format: "parquet_xdm",
            schema: SchemaJson {
                id: &new.schema_id,
                version: SCHEMA_VERSION,
            },
        },
        params: ParamsJson {
            dataset_id: &new.dataset_id,
        },
        connection_spec: ConnectionSpecRef::v1(ConnectionSpecId::data_lake()),
    }
}

impl Sandbox {
    /// Creates a target connection of the data lake. The request is sent once.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_target_connection(
        &self,
        new: &NewTargetConnection,
    ) -> Result<Created<TargetConnectionId>, PlatformError> {
        self.create_entity::<TargetConnection, _>(&new.name, &body(new))
            .await
    }

    /// One target connection.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_target_connection(
        &self,
        id: &TargetConnectionId,
    ) -> Result<TargetConnection, PlatformError> {
        self.get_entity(id.as_str()).await
    }

    /// Every target connection of the data lake of exactly that name, whatever characters the name
    /// has. One created in the last minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_target_connections_named(
        &self,
        name: &str,
    ) -> Result<Vec<TargetConnection>, PlatformError> {
        let data_lake = ConnectionSpecId::data_lake();
        let parent = ("connectionSpec.id", data_lake.as_str());
        self.find_entities(name, Some(parent), |entity: &TargetConnection| {
            entity
                .connection_spec
                .as_ref()
                .is_none_or(|spec| spec.id == data_lake)
        })
        .await
    }

    /// Every target connection whose rows end in a dataset, whatever its name. While there is one,
    /// the dataset is in use. One created in the last minute may not be in the list yet.
    ///
    /// All target connections of the sandbox are read and compared on this side: the dataset is a
    /// parameter in two spellings, and a filter by one of them would miss the other.
    ///
    /// # Errors
    /// [`PlatformError`]; the use is then unknown.
    pub async fn find_target_connections_into(
        &self,
        dataset_id: &DatasetId,
    ) -> Result<Vec<TargetConnection>, PlatformError> {
        let mut entities: Vec<TargetConnection> = self.list_entities(&[], None, usize::MAX).await?;
        // A target connection without a dataset leads elsewhere, such as to a destination.
        entities.retain(|entity| entity.dataset_id.as_ref() == Some(dataset_id));
        Ok(entities)
    }

    /// Sets a target connection's description, and changes nothing else; at most 1000 characters
    /// are safe. Gives the new etag where the service does.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::Version`] when it changed since the etag was read: read
    /// it again.
    pub async fn update_target_connection_description(
        &self,
        id: &TargetConnectionId,
        etag: &Etag,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        self.describe_entity::<TargetConnection>(id.as_str(), etag, description)
            .await
    }

    /// Deletes a target connection. May be refused while a flow uses it.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::InUse`] while a flow uses it.
    pub async fn delete_target_connection(
        &self,
        id: &TargetConnectionId,
    ) -> Result<Deleted, PlatformError> {
        self.delete_entity::<TargetConnection>(id.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_is_the_tutorials() {
        let new = NewTargetConnection {
            name: "Target Connection for a customer success connector".to_owned(),
            description: Some("d".to_owned()),
            schema_id: "https://ns.adobe.com/acme/schemas/deb3e1096c35"
                .parse()
                .unwrap(),
            dataset_id: "5e543e8a60b15218ad44b95f".parse().unwrap(),
        };
        assert_eq!(
            serde_json::to_value(body(&new)).unwrap(),
            json!({
                "name": "Target Connection for a customer success connector",
                "description": "d",
                "data": {"format": "parquet_xdm",
                         "schema": {"id": "https://ns.adobe.com/acme/schemas/deb3e1096c35",
                                    "version": "application/vnd.adobe.xed-full+json;version=1"}},
                "params": {"dataSetId": "5e543e8a60b15218ad44b95f"},
                "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
            })
        );
    }
}

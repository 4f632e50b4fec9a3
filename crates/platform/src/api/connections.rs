//! Base connections: a source's address and credentials.
//!
//! Source: "Create an Oracle Service Cloud base connection using the Flow Service API" and the
//! Flow Service API reference, read 2026-11.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::flow_service::{
    ConnectionSpecRef, Created, Deleted, Entity, build_patch, parse_created,
};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{BaseConnectionId, ConnectionSpecId, Etag};
use crate::kind::EntityKind;
use crate::request::{Request, Service};
use crate::response::{Response, UnreadableResponse};

/// A parameter of a source's authentication. Printing a secret one shows nothing.
#[derive(Debug, Clone)]
pub enum ParamValue {
    /// Anyone may see it: a host, a user name, a flag.
    Plain(Value),
    /// Nobody may see it: a text.
    Secret(SecretString),
    /// A secret that JSON carries as a number or as true or false.
    SecretLiteral(SecretString),
}

/// A base connection to be created. It has no `Serialize`, so that no secret gets into a payload.
#[derive(Debug, Clone)]
pub struct NewBaseConnection {
    /// The name by which it is found again; at most 255 characters are safe.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The kind of source.
    pub connection_spec: ConnectionSpecRef,
    /// One of the spec's `authSpec` names.
    pub auth_spec_name: String,
    /// The fields of `auth` beside that name and the parameters; no secret.
    pub auth_extra: BTreeMap<String, String>,
    /// What that way to authenticate needs.
    pub params: BTreeMap<String, ParamValue>,
}

impl NewBaseConnection {
    /// One of Oracle Service Cloud, with `Basic Authentication`. Source: "Create an Oracle Service
    /// Cloud base connection", read 2026-11. That page also announces the source's removal for the
    /// end of June 2025.
    #[must_use]
    pub fn oracle_service_cloud(
        name: impl Into<String>,
        host: impl Into<String>,
        username: impl Into<String>,
        password: SecretString,
    ) -> Self {
        let plain = |text: String| ParamValue::Plain(Value::String(text));
        Self {
            name: name.into(),
            description: None,
            connection_spec: ConnectionSpecRef::v1(ConnectionSpecId::oracle_service_cloud()),
            auth_spec_name: "Basic Authentication".to_owned(),
            auth_extra: BTreeMap::new(),
            params: BTreeMap::from([
                ("host".to_owned(), plain(host.into())),
                ("username".to_owned(), plain(username.into())),
                ("password".to_owned(), ParamValue::Secret(password)),
            ]),
        }
    }
}

/// A base connection as Flow Service shows it.
#[derive(Debug, Clone)]
pub struct BaseConnection {
    /// Its id.
    pub id: BaseConnectionId,
    /// Its name; names are not unique.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, for a change.
    pub etag: Option<Etag>,
    /// Such as `enabled`, `initializing`, `draft`.
    pub state: Option<String>,
    /// The kind of source.
    pub connection_spec: Option<ConnectionSpecRef>,
    /// How it authenticates.
    pub auth_spec_name: Option<String>,
    /// All of it. What of `auth.params` comes back, and whether masked, is not documented.
    pub raw: Raw,
}

impl BaseConnection {
    /// A parameter in the platform's response. Secret ones may be absent, masked or, at worst,
    /// plain: ask only for those that are no secret.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Value> {
        self.raw.pointer("/auth/params")?.get(name)
    }
}

impl Entity for BaseConnection {
    const KIND: EntityKind = EntityKind::BaseConnection;
    const COLLECTION: &'static str = "/connections";
    const ONE: &'static str = "/connections/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: fields::time_ms(&value, "/createdAt"),
            etag: fields::etag(&value),
            state: fields::text(&value, "/state"),
            connection_spec: ConnectionSpecRef::read(&value),
            auth_spec_name: fields::text(&value, "/auth/specName"),
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

/// The body of the request, the only form that shows the secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BaseConnectionBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    auth: AuthJson<'a>,
    connection_spec: &'a ConnectionSpecRef,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthJson<'a> {
    spec_name: &'a str,
    #[serde(flatten)]
    extra: &'a BTreeMap<String, String>,
    params: ParamsJson<'a>,
}

struct ParamsJson<'a>(&'a BTreeMap<String, ParamValue>);

impl Serialize for ParamsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match value {
                ParamValue::Plain(value) => map.serialize_entry(name, value)?,
                ParamValue::Secret(value) => map.serialize_entry(name, value.expose_secret())?,
                ParamValue::SecretLiteral(value) => {
                    let value: Value = serde_json::from_str(value.expose_secret())
                        .map_err(|_| S::Error::custom("a literal that is no JSON"))?;
                    map.serialize_entry(name, &value)?;
                }
            }
        }
        map.end()
    }
}

fn body(new: &NewBaseConnection) -> BaseConnectionBody<'_> {
    BaseConnectionBody {
        name: &new.name,
        description: new.description.as_deref(),
        auth: AuthJson {
            spec_name: &new.auth_spec_name,
            extra: &new.auth_extra,
            params: ParamsJson(&new.params),
        },
        connection_spec: &new.connection_spec,
    }
}

/// One JSON Patch operation that replaces all of `auth.params`.
#[derive(Serialize)]
struct ReplaceParams<'a> {
    op: &'static str,
    path: &'static str,
    value: ParamsJson<'a>,
}

fn build_create(new: &NewBaseConnection) -> Request {
    Request::create(
        EntityKind::BaseConnection,
        Service::Flow,
        BaseConnection::COLLECTION,
        &new.name,
    )
    .json(&body(new))
    .secrets(secrets(&new.params))
}

fn build_params(
    id: &BaseConnectionId,
    etag: &Etag,
    params: &BTreeMap<String, ParamValue>,
) -> Request {
    let patch = [ReplaceParams {
        op: "replace",
        path: "/auth/params",
        value: ParamsJson(params),
    }];
    build_patch::<BaseConnection>(id.as_str(), etag, &patch).secrets(secrets(params))
}

fn secrets(params: &BTreeMap<String, ParamValue>) -> impl Iterator<Item = &SecretString> {
    params.values().filter_map(|value| match value {
        ParamValue::Plain(_) => None,
        ParamValue::Secret(secret) | ParamValue::SecretLiteral(secret) => Some(secret),
    })
}

fn build_test(id: &BaseConnectionId) -> Request {
    Request::get(
        EntityKind::BaseConnection,
        Service::Flow,
        "/connections/{id}/test",
    )
    .id(id.as_str())
}

pub(crate) fn parse_test(response: &Response) -> Result<bool, UnreadableResponse> {
    fields::flag(&response.json()?, "/result")
        .ok_or_else(|| UnreadableResponse::shape("`result` is missing"))
}

impl Sandbox {
    /// Creates a base connection. The request is sent once. Whether the platform tries the
    /// credentials now is not documented: it may refuse bad ones, and it may accept them.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_base_connection(
        &self,
        new: &NewBaseConnection,
    ) -> Result<Created<BaseConnectionId>, PlatformError> {
        self.call(&build_create(new), parse_created).await
    }

    /// One base connection.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_base_connection(
        &self,
        id: &BaseConnectionId,
    ) -> Result<BaseConnection, PlatformError> {
        self.get_entity(id.as_str()).await
    }

    /// Every base connection of exactly that name and connection spec. Any name is found, whatever
    /// characters the name has. One created in the last minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_base_connections_named(
        &self,
        name: &str,
        connection_spec_id: &ConnectionSpecId,
    ) -> Result<Vec<BaseConnection>, PlatformError> {
        let parent = ("connectionSpec.id", connection_spec_id.as_str());
        self.find_entities(name, Some(parent), |entity: &BaseConnection| {
            // A connection without a spec may be ours, so it stays in the list.
            entity
                .connection_spec
                .as_ref()
                .is_none_or(|spec| spec.id == *connection_spec_id)
        })
        .await
    }

    /// Every base connection of a connection spec, or of all.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn list_base_connections(
        &self,
        connection_spec_id: Option<&ConnectionSpecId>,
    ) -> Result<Vec<BaseConnection>, PlatformError> {
        let filter = connection_spec_id.map(|id| ("connectionSpec.id", id.as_str()));
        let filters: Vec<_> = filter.into_iter().collect();
        let mut entities: Vec<BaseConnection> =
            self.list_entities(&filters, None, usize::MAX).await?;
        if let Some(wanted) = connection_spec_id {
            entities.retain(|entity| {
                entity
                    .connection_spec
                    .as_ref()
                    .is_none_or(|spec| spec.id == *wanted)
            });
        }
        Ok(entities)
    }

    /// Asks the platform to try the credentials at the source. `false` has no reason.
    ///
    /// # Errors
    /// [`PlatformError`], also if the platform reports the source's refusal as an error.
    pub async fn test_base_connection(&self, id: &BaseConnectionId) -> Result<bool, PlatformError> {
        self.call(&build_test(id), parse_test).await
    }

    /// Replaces all parameters of the authentication: one that is left out is removed. Gives the
    /// new etag where the service does.
    ///
    /// # Errors
    /// [`PlatformError`]; a stale etag is a version conflict.
    pub async fn update_base_connection_params(
        &self,
        id: &BaseConnectionId,
        etag: &Etag,
        params: &BTreeMap<String, ParamValue>,
    ) -> Result<Option<Etag>, PlatformError> {
        let request = build_params(id, etag, params);
        self.patch_entity(&request).await
    }

    /// Sets a base connection's description, and changes nothing else; at most 1000 characters are
    /// safe. Gives the new etag where the service does.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::Version`] when it changed since the etag was read: read
    /// it again.
    pub async fn update_base_connection_description(
        &self,
        id: &BaseConnectionId,
        etag: &Etag,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        self.describe_entity::<BaseConnection>(id.as_str(), etag, description)
            .await
    }

    /// Deletes a base connection. Refused while flows use it; whether a source connection
    /// without a flow is enough is not documented.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::InUse`] while flows use it.
    pub async fn delete_base_connection(
        &self,
        id: &BaseConnectionId,
    ) -> Result<Deleted, PlatformError> {
        self.delete_entity::<BaseConnection>(id.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::response;

    fn new() -> NewBaseConnection {
        NewBaseConnection::oracle_service_cloud(
            "Base connection for Oracle Service Cloud",
            "acme.custhelp.com",
            "svc_aep",
            SecretString::from("hunter2"),
        )
    }

    #[test]
    fn the_body_is_the_tutorials() {
        let (line, body) = build_create(&new()).shown();
        assert_eq!(line, "POST /data/foundation/flowservice/connections");
        assert_eq!(
            body,
            json!({
                "name": "Base connection for Oracle Service Cloud",
                "auth": {"specName": "Basic Authentication",
                         "params": {"host": "acme.custhelp.com", "username": "svc_aep", "password": "hunter2"}},
                "connectionSpec": {"id": "ba5126ec-c9ac-11eb-b8bc-0242ac130003", "version": "1.0"}
            })
        );
    }

    #[test]
    fn a_parameter_keeps_its_type() {
        let mut other = new();
        other.auth_extra = BTreeMap::from([("type".to_owned(), "OAuth2.0".to_owned())]);
        other.params = BTreeMap::from([
            ("port".to_owned(), ParamValue::Plain(json!(8765))),
            ("ssl".to_owned(), ParamValue::Plain(json!(true))),
            (
                "slot".to_owned(),
                ParamValue::SecretLiteral("12".to_owned().into()),
            ),
            ("pin".to_owned(), ParamValue::Secret("12".to_owned().into())),
        ]);
        let (_, body) = build_create(&other).shown();
        assert_eq!(
            body["auth"],
            json!({"specName": "Basic Authentication", "type": "OAuth2.0",
                   "params": {"port": 8765, "ssl": true, "slot": 12, "pin": "12"}})
        );
    }

    #[test]
    fn new_parameters_replace_all_under_the_etag_as_it_came() {
        let id = "4267c2ab-2104-474f-a7c2-ab2104d74f86".parse().unwrap();
        let etag = Etag::parse("\"0200f1c5\"").unwrap();
        let request = build_params(&id, &etag, &new().params);
        let (line, body) = request.shown();
        assert_eq!(
            line,
            "PATCH /data/foundation/flowservice/connections/4267c2ab-2104-474f-a7c2-ab2104d74f86"
        );
        assert_eq!(request.if_match.unwrap().as_str(), "\"0200f1c5\"");
        assert_eq!(
            body,
            json!([{"op": "replace", "path": "/auth/params",
                    "value": {"host": "acme.custhelp.com", "username": "svc_aep", "password": "hunter2"}}])
        );
    }

    #[test]
    fn nothing_that_prints_shows_a_secret() {
        let shown = BaseConnection::read(json!({
            "id": "x", "auth": {"specName": "Basic Authentication", "params": {"host": "h", "password": "hunter2"}}
        }))
        .unwrap();
        assert_eq!(shown.param("host"), Some(&json!("h")));
        for text in [format!("{:?}", new()), format!("{shown:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_failed_test_is_a_result() {
        for (body, expected) in [
            (r#"{"result": true}"#, Some(true)),
            (r#"{"result": false}"#, Some(false)),
            ("{}", None),
        ] {
            assert_eq!(
                parse_test(&response(200, None, body)).ok(),
                expected,
                "{body}"
            );
        }
    }
}

//! Connection specs and flow specs: Adobe's descriptions of sources and of kinds of flows.
//!
//! Source: Flow Service API reference and the collect tutorials, read 2026-11.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::flow_service::{Entity, build_one, parse_one_or_none};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{ConnectionSpecId, FlowSpecId};
use crate::kind::EntityKind;
use crate::response::UnreadableResponse;

/// What a kind of source needs.
#[derive(Debug, Clone)]
pub struct ConnectionSpec {
    /// Its id, the same in every organisation.
    pub id: ConnectionSpecId,
    /// Its name, such as `oracle-service-cloud`.
    pub name: String,
    /// Its version, `1.0` for all that are known.
    pub version: Option<String>,
    /// The ways to authenticate, in the platform's order; those without a name left out.
    pub auth_specs: Vec<AuthSpec>,
    /// The whole entity.
    pub raw: Raw,
}

/// One way to authenticate with a source: an entry of `authSpec`, whose `spec` is a JSON Schema
/// of `auth.params`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSpec {
    /// The value of `auth.specName`.
    pub name: String,
    /// Its parameters; none where there is no readable schema.
    pub params: Option<AuthParams>,
}

/// The parameters of a way to authenticate, from its JSON Schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthParams {
    /// The parameters that it names, and whether each is a secret (`"format": "password"`).
    pub known: BTreeMap<String, bool>,
    /// The parameters that it requires.
    pub required: BTreeSet<String>,
    /// Whether it refuses other parameters (`"additionalProperties": false`).
    pub is_closed: bool,
}

impl ConnectionSpec {
    /// The way to authenticate of exactly that name.
    #[must_use]
    pub fn auth_spec(&self, name: &str) -> Option<&AuthSpec> {
        self.auth_specs.iter().find(|spec| spec.name == name)
    }
}

impl AuthSpec {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            name: fields::text(value, "/name")?,
            params: value.get("spec").and_then(AuthParams::read),
        })
    }
}

impl AuthParams {
    fn read(schema: &Value) -> Option<Self> {
        let properties = schema.get("properties")?.as_object()?;
        let is_secret = |property: &Value| {
            fields::text(property, "/format").is_some_and(|format| format == "password")
        };
        Some(Self {
            known: properties
                .iter()
                .map(|(name, property)| (name.clone(), is_secret(property)))
                .collect(),
            required: fields::list(schema, "/required")
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            is_closed: fields::flag(schema, "/additionalProperties") == Some(false),
        })
    }
}

/// What a kind of flow needs.
#[derive(Debug, Clone)]
pub struct FlowSpec {
    /// Its id, the same in every organisation.
    pub id: FlowSpecId,
    /// Its name, such as `CRMToAEP`.
    pub name: String,
    /// Its version, `1.0` for all that are known.
    pub version: Option<String>,
    /// The connection specs that it can read from.
    pub source_connection_spec_ids: Vec<ConnectionSpecId>,
    /// The whole entity.
    pub raw: Raw,
}

impl FlowSpec {
    /// Whether a flow of this kind can read from that source: the live list decides, as Adobe may
    /// remove a source from it.
    #[must_use]
    pub fn reads_from(&self, source: &ConnectionSpecId) -> bool {
        self.source_connection_spec_ids.contains(source)
    }
}

impl Entity for ConnectionSpec {
    const KIND: EntityKind = EntityKind::ConnectionSpec;
    const COLLECTION: &'static str = "/connectionSpecs";
    const ONE: &'static str = "/connectionSpecs/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            version: fields::text(&value, "/version"),
            auth_specs: fields::list(&value, "/authSpec")
                .iter()
                .filter_map(AuthSpec::read)
                .collect(),
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

impl Entity for FlowSpec {
    const KIND: EntityKind = EntityKind::FlowSpec;
    const COLLECTION: &'static str = "/flowSpecs";
    const ONE: &'static str = "/flowSpecs/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            version: fields::text(&value, "/version"),
            source_connection_spec_ids: fields::ids(&value, "/sourceConnectionSpecIds"),
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

impl Sandbox {
    /// One connection spec, or `None` if the response holds none.
    ///
    /// # Errors
    /// [`PlatformError`], of class [`crate::Class::NotFound`] if the platform refuses the id as
    /// unknown.
    pub async fn get_connection_spec(
        &self,
        id: &ConnectionSpecId,
    ) -> Result<Option<ConnectionSpec>, PlatformError> {
        let request = build_one::<ConnectionSpec>(id.as_str());
        self.call(&request, parse_one_or_none).await
    }

    /// Every connection spec that the platform offers.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn list_connection_specs(&self) -> Result<Vec<ConnectionSpec>, PlatformError> {
        self.list_entities(&[], None, usize::MAX).await
    }

    /// The flow specs of exactly that name, such as `CRMToAEP`.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_flow_specs_named(&self, name: &str) -> Result<Vec<FlowSpec>, PlatformError> {
        self.find_entities(name, None, |_| true).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::response::response;

    fn parse(body: &Value) -> Option<ConnectionSpec> {
        parse_one_or_none(&response(200, None, &body.to_string())).unwrap()
    }

    #[test]
    fn a_spec_is_read_bare_and_in_a_list() {
        let spec = json!({
            "id": "s-1", "name": "mysql", "version": "1.0",
            "authSpec": [
                {"name": "Basic Authentication", "spec": {
                    "properties": {"server": {"type": "string"},
                                   "password": {"type": "string", "format": "password"}},
                    "required": ["server", "password", 7],
                    "additionalProperties": false}},
                {"name": "Odd", "spec": "no schema"},
                {"spec": {}},
            ],
        });
        let read = parse(&spec).unwrap();
        let basic = read.auth_spec("Basic Authentication").unwrap();
        let params = basic.params.clone().unwrap();
        assert_eq!(
            params.known.into_iter().collect::<Vec<_>>(),
            [("password".to_owned(), true), ("server".to_owned(), false)]
        );
        assert!(params.required.iter().eq(["password", "server"]));
        assert!(params.is_closed);
        assert_eq!(read.auth_spec("Odd").unwrap().params, None);
        assert_eq!(read.auth_spec("basic authentication"), None);
        assert_eq!(read.auth_specs.len(), 2);

        let listed = parse(&json!({"items": [spec]})).unwrap();
        assert_eq!(listed.auth_specs, read.auth_specs);
        assert!(parse(&json!({"items": []})).is_none());
    }
}

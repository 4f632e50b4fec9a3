//! Connection specs and flow specs: Adobe's descriptions of sources and of kinds of flows.
//!
//! Source: Flow Service API reference and the collect tutorials, read 2026-11.

use serde_json::Value;

use super::flow_service::Entity;
use crate::answer::Unreadable;
use crate::client::Sandbox;
use crate::error::ReadError;
use crate::fields::{self, Raw};
use crate::ids::{ConnectionSpecId, FlowSpecId};
use crate::kind::Kind;

/// What a kind of source needs.
#[derive(Debug, Clone)]
pub struct ConnectionSpec {
    /// Its id, the same in every organisation.
    pub id: ConnectionSpecId,
    /// Its name, such as `oracle-service-cloud`.
    pub name: String,
    /// Its version, `1.0` for all that are known.
    pub version: Option<String>,
    /// The names that `auth.specName` may have.
    pub auth_spec_names: Vec<String>,
    /// All of it, with the JSON Schema of `auth.params` in `authSpec[].spec`.
    pub raw: Raw,
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
    /// The connection specs that it can write to.
    pub target_connection_spec_ids: Vec<ConnectionSpecId>,
    /// All of it.
    pub raw: Raw,
}

impl FlowSpec {
    /// Whether a flow of this kind can read from that source: the live list decides, as a source
    /// may be dropped from it.
    #[must_use]
    pub fn reads_from(&self, source: &ConnectionSpecId) -> bool {
        self.source_connection_spec_ids.contains(source)
    }
}

impl Entity for ConnectionSpec {
    const KIND: Kind = Kind::ConnectionSpec;
    const COLLECTION: &'static str = "/connectionSpecs";
    const ONE: &'static str = "/connectionSpecs/{id}";

    fn read(value: Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            version: fields::text(&value, "/version"),
            auth_spec_names: fields::list(&value, "/authSpec")
                .iter()
                .filter_map(|spec| fields::text(spec, "/name"))
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
    const KIND: Kind = Kind::FlowSpec;
    const COLLECTION: &'static str = "/flowSpecs";
    const ONE: &'static str = "/flowSpecs/{id}";

    fn read(value: Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            version: fields::text(&value, "/version"),
            source_connection_spec_ids: fields::ids(&value, "/sourceConnectionSpecIds"),
            target_connection_spec_ids: fields::ids(&value, "/targetConnectionSpecIds"),
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
    /// One connection spec.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn get_connection_spec(
        &self,
        id: &ConnectionSpecId,
    ) -> Result<ConnectionSpec, ReadError> {
        self.get_entity(id.as_str()).await
    }

    /// The connection specs of exactly that name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn find_connection_specs_named(
        &self,
        name: &str,
    ) -> Result<Vec<ConnectionSpec>, ReadError> {
        self.find_entities(name, None, |_| true).await
    }

    /// One flow spec.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn get_flow_spec(&self, id: &FlowSpecId) -> Result<FlowSpec, ReadError> {
        self.get_entity(id.as_str()).await
    }

    /// The flow specs of exactly that name, such as `CRMToAEP`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn find_flow_specs_named(&self, name: &str) -> Result<Vec<FlowSpec>, ReadError> {
        self.find_entities(name, None, |_| true).await
    }
}

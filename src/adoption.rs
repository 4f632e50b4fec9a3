//! Makes an existing resource ours: puts our marker into its description.
//!
//! The next ingestion then takes it as if it had created it itself. Only the key of the
//! natural name goes into the marker: how the resource was created is not known, so no field of
//! it can ever differ.

use aep_flow_ensure::{Intent, Marker, ResourceKind, Uniqueness};
use aep_platform::{
    BaseConnectionId, Class, Conflict, DatasetId, Etag, FlowId, IdError, PlatformError, Sandbox,
    SourceConnectionId, TargetConnectionId,
};

use crate::activities::intent;

/// What adopting a resource would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Kind of the resource.
    pub kind: ResourceKind,
    /// Its id.
    pub id: String,
    /// Its name, which ingestions find it by.
    pub name: String,
    /// Its description now.
    pub before: String,
    /// Its description afterwards; the same if it is ours already.
    pub after: String,
    etag: Option<Etag>,
}

/// Why a resource cannot become ours.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// No usable id.
    #[error("no usable id")]
    Id(#[from] IdError),
    /// The kind keeps no marker of which we could be sure.
    #[error("a {kind} cannot be adopted this way: {why}")]
    Kind {
        /// Which.
        kind: ResourceKind,
        /// Why.
        why: &'static str,
    },
    /// It says too little of itself to be found again.
    #[error("the {kind} {id} does not say {what}")]
    Incomplete {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its id.
        id: String,
        /// What is missing.
        what: &'static str,
    },
    /// Another one of that name is ours.
    #[error("another {kind} of that name is ours already: {other}")]
    Taken {
        /// Kind of the resource.
        kind: ResourceKind,
        /// The other's id.
        other: String,
    },
    /// It changed since it was read.
    #[error("the {kind} {id} was changed by somebody meanwhile")]
    Changed {
        /// Kind of the resource.
        kind: ResourceKind,
        /// Its id.
        id: String,
    },
    /// It could not be read, or not be changed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// What a resource says of itself, and who else has its name.
struct Facts {
    name: String,
    /// What its name is unique within.
    scope: Option<String>,
    description: Option<String>,
    etag: Option<Etag>,
    named_alike: Vec<(String, Option<String>)>,
}

/// What would change. Sends no write.
///
/// # Errors
/// [`AdoptError`].
pub async fn plan(
    sandbox: &Sandbox,
    organisation: &str,
    kind: ResourceKind,
    id: &str,
) -> Result<Plan, AdoptError> {
    let facts = facts(sandbox, kind, id).await?;
    let scope = facts.scope.ok_or(AdoptError::Incomplete {
        kind,
        id: id.to_owned(),
        what: "what its name is unique within",
    })?;
    let intent: Intent = intent(organisation, kind, sandbox, &scope, &facts.name);
    let ours = intent.marker().of_adopted();
    let is_ours = |description: &Option<String>| {
        let marker = description.as_deref().and_then(Marker::find);
        marker.is_some_and(|marker| marker.has_key_of(&ours))
    };
    let other = facts
        .named_alike
        .iter()
        .find(|(other, description)| other != id && is_ours(description));
    if let Some((other, _)) = other {
        return Err(AdoptError::Taken {
            kind,
            other: other.clone(),
        });
    }
    let is_ours = is_ours(&facts.description);
    let before = facts.description.unwrap_or_default();
    let after = if is_ours {
        before.clone()
    } else {
        // A marker of another key is of another name: the resource was renamed since.
        let text = Marker::strip(&before);
        format!("{text} {ours}").trim().to_owned()
    };
    Ok(Plan {
        kind,
        id: id.to_owned(),
        name: facts.name,
        before,
        after,
        etag: facts.etag,
    })
}

impl Plan {
    /// Whether there is anything to change.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before != self.after
    }

    /// Puts the marker in, unless somebody changed the resource since it was read.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub async fn carry_out(&self, sandbox: &Sandbox) -> Result<(), AdoptError> {
        let written = self.write(sandbox).await;
        match written {
            Err(AdoptError::Platform(error))
                if error.class() == Class::Conflict(Conflict::Version) =>
            {
                Err(AdoptError::Changed {
                    kind: self.kind,
                    id: self.id.clone(),
                })
            }
            other => other,
        }
    }

    async fn write(&self, sandbox: &Sandbox) -> Result<(), AdoptError> {
        let (id, text) = (self.id.as_str(), self.after.as_str());
        let etag = || {
            self.etag.as_ref().ok_or(AdoptError::Incomplete {
                kind: self.kind,
                id: self.id.clone(),
                what: "its version, without which it cannot be changed safely",
            })
        };
        match self.kind {
            ResourceKind::BaseConnection => {
                let id = BaseConnectionId::parse(id)?;
                sandbox
                    .update_base_connection_description(&id, etag()?, text)
                    .await?;
            }
            ResourceKind::SourceConnection => {
                let id = SourceConnectionId::parse(id)?;
                sandbox
                    .update_source_connection_description(&id, etag()?, text)
                    .await?;
            }
            ResourceKind::TargetConnection => {
                let id = TargetConnectionId::parse(id)?;
                sandbox
                    .update_target_connection_description(&id, etag()?, text)
                    .await?;
            }
            ResourceKind::Flow => {
                let id = FlowId::parse(id)?;
                sandbox.update_flow_description(&id, etag()?, text).await?;
            }
            ResourceKind::Dataset => {
                let id = DatasetId::parse(id)?;
                sandbox
                    .update_dataset_description(&id, self.etag.as_ref(), text)
                    .await?;
            }
            kind @ (ResourceKind::FieldGroup
            | ResourceKind::Schema
            | ResourceKind::Identity
            | ResourceKind::MappingSet) => {
                return Err(unmarkable(kind));
            }
        }
        Ok(())
    }
}

async fn facts(sandbox: &Sandbox, kind: ResourceKind, id: &str) -> Result<Facts, AdoptError> {
    // All of them have the same fields, of different types.
    macro_rules! facts {
        ($found:expr, $scope:expr, $alike:expr) => {
            Facts {
                scope: $scope,
                description: $found.description,
                etag: $found.etag,
                named_alike: $alike
                    .into_iter()
                    .map(|each| (each.id.to_string(), each.description))
                    .collect(),
                name: $found.name,
            }
        };
    }
    let everywhere = Some(String::new());
    Ok(match kind {
        ResourceKind::BaseConnection => {
            let found = sandbox
                .get_base_connection(&BaseConnectionId::parse(id)?)
                .await?;
            let spec = found.connection_spec.clone().map(|spec| spec.id);
            let alike = match &spec {
                Some(spec) => {
                    sandbox
                        .find_base_connections_named(&found.name, spec)
                        .await?
                }
                None => Vec::new(),
            };
            facts!(found, spec.map(|spec| spec.to_string()), alike)
        }
        ResourceKind::SourceConnection => {
            let found = sandbox
                .get_source_connection(&SourceConnectionId::parse(id)?)
                .await?;
            let base = found.base_connection_id.clone();
            let alike = match &base {
                Some(base) => {
                    sandbox
                        .find_source_connections_named(&found.name, base)
                        .await?
                }
                None => Vec::new(),
            };
            facts!(found, base.map(|base| base.to_string()), alike)
        }
        ResourceKind::TargetConnection => {
            let found = sandbox
                .get_target_connection(&TargetConnectionId::parse(id)?)
                .await?;
            let alike = sandbox.find_target_connections_named(&found.name).await?;
            facts!(found, everywhere, alike)
        }
        ResourceKind::Flow => {
            let found = sandbox.get_flow(&FlowId::parse(id)?).await?;
            let alike = sandbox.find_flows_named(&found.name).await?;
            facts!(found, everywhere, alike)
        }
        ResourceKind::Dataset => {
            let found = sandbox.get_dataset(&DatasetId::parse(id)?).await?;
            let alike = sandbox.find_datasets_named(&found.name).await?;
            facts!(found, everywhere, alike)
        }
        kind @ (ResourceKind::FieldGroup
        | ResourceKind::Schema
        | ResourceKind::Identity
        | ResourceKind::MappingSet) => {
            return Err(unmarkable(kind));
        }
    })
}

fn unmarkable(kind: ResourceKind) -> AdoptError {
    let why = if Uniqueness::of(kind) == Uniqueness::Kept {
        "it keeps no description, so there is no place for a marker; an ingestion makes its own"
    } else {
        "the registry changes an object without a version, so somebody else's change could be \
         lost; `onExisting: ADOPT_ANY` takes it as it is"
    };
    AdoptError::Kind { kind, why }
}

//! What a request is about, and what it does.
//!
//! This module knows neither HTTP nor errors; every other module uses its words.

/// The kinds of resource that this client knows, in Adobe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// Credentials and address of a source (`/connections`).
    BaseConnection,
    /// One table of a base connection (`/sourceConnections`).
    SourceConnection,
    /// One dataset as a target (`/targetConnections`).
    TargetConnection,
    /// A dataflow (`/flows`).
    Flow,
    /// One run of a flow (`/runs`).
    FlowRun,
    /// Adobe's description of a source (`/connectionSpecs`).
    ConnectionSpec,
    /// Adobe's description of a kind of flow (`/flowSpecs`).
    FlowSpec,
    /// Fields for schemas (`/tenant/fieldgroups`).
    FieldGroup,
    /// An XDM schema (`/tenant/schemas`).
    Schema,
    /// Which field of a schema identifies a person or thing (`/tenant/descriptors`).
    Identity,
    /// A dataset (`/dataSets`).
    Dataset,
    /// A mapping from columns to XDM paths (`/mappingSets`).
    MappingSet,
    /// A sandbox of the organisation.
    Sandbox,
    /// The organisation's tenant name (`/stats`).
    Tenant,
    /// What the token service issues.
    AccessToken,
}

impl EntityKind {
    /// The kind in words, for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaseConnection => "base connection",
            Self::SourceConnection => "source connection",
            Self::TargetConnection => "target connection",
            Self::Flow => "flow",
            Self::FlowRun => "flow run",
            Self::ConnectionSpec => "connection spec",
            Self::FlowSpec => "flow spec",
            Self::FieldGroup => "field group",
            Self::Schema => "schema",
            Self::Identity => "identity descriptor",
            Self::Dataset => "dataset",
            Self::MappingSet => "mapping set",
            Self::Sandbox => "sandbox",
            Self::Tenant => "tenant",
            Self::AccessToken => "access token",
        }
    }
}

impl std::fmt::Display for EntityKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request does on the platform. Only an [`Operation::Read`] may be sent twice without the
/// caller. The operation is a property of the request, not of the HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It changes nothing.
    Read,
    /// It creates a resource; sent twice, it may create two.
    Create,
    /// It changes a resource.
    Update,
    /// It deletes a resource.
    Delete,
}

impl Operation {
    /// The operation as a verb.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EntityKind;

    #[test]
    fn the_kinds_in_spans_stay() {
        let kinds = [
            (EntityKind::BaseConnection, "base connection"),
            (EntityKind::SourceConnection, "source connection"),
            (EntityKind::TargetConnection, "target connection"),
            (EntityKind::Flow, "flow"),
            (EntityKind::FlowRun, "flow run"),
            (EntityKind::ConnectionSpec, "connection spec"),
            (EntityKind::FlowSpec, "flow spec"),
            (EntityKind::FieldGroup, "field group"),
            (EntityKind::Schema, "schema"),
            (EntityKind::Identity, "identity descriptor"),
            (EntityKind::Dataset, "dataset"),
            (EntityKind::MappingSet, "mapping set"),
            (EntityKind::Sandbox, "sandbox"),
            (EntityKind::Tenant, "tenant"),
            (EntityKind::AccessToken, "access token"),
        ];
        for (kind, word) in kinds {
            assert_eq!(kind.as_str(), word);
        }
    }
}

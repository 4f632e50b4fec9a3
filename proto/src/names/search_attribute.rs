//! Search attributes.

use std::fmt;

/// A search attribute that the workflow sets where the namespace knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SearchAttribute {
    /// The sandbox: the worker's where the input names none.
    Sandbox,
    /// The source, by its name in the catalogue.
    Source,
    /// The phase of the ingestion.
    Phase,
    /// Id of the base connection.
    ConnectionId,
    /// Type of the latest failure of the steps that are failing now.
    LastFailure,
    /// Whether a person must decide.
    NeedsDecision,
    /// Whether Adobe has removed the source, or announced that it will. Set for such a source
    /// alone.
    Deprecated,
}

/// The type of a search attribute's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchAttributeType {
    /// One text.
    Keyword,
    /// Yes or no.
    Bool,
}

impl SearchAttribute {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sandbox,
        Self::Source,
        Self::Phase,
        Self::ConnectionId,
        Self::LastFailure,
        Self::NeedsDecision,
        Self::Deprecated,
    ];

    /// The name that the namespace knows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "AepSandbox",
            Self::Source => "AepSource",
            Self::Phase => "AepPhase",
            Self::ConnectionId => "AepConnectionId",
            Self::LastFailure => "AepLastFailure",
            Self::NeedsDecision => "AepNeedsDecision",
            Self::Deprecated => "AepDeprecated",
        }
    }

    /// The type that the namespace must have for it.
    #[must_use]
    pub const fn value_type(self) -> SearchAttributeType {
        match self {
            Self::Sandbox | Self::Source | Self::Phase | Self::ConnectionId | Self::LastFailure => {
                SearchAttributeType::Keyword
            }
            Self::NeedsDecision | Self::Deprecated => SearchAttributeType::Bool,
        }
    }
}

impl SearchAttributeType {
    /// The type's name on Temporal's command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "Keyword",
            Self::Bool => "Bool",
        }
    }
}

impl fmt::Display for SearchAttribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for SearchAttributeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_those_that_namespaces_have() {
        let registered =
            SearchAttribute::ALL.map(|each| (each.as_str(), each.value_type().as_str()));
        assert_eq!(
            registered,
            [
                ("AepSandbox", "Keyword"),
                ("AepSource", "Keyword"),
                ("AepPhase", "Keyword"),
                ("AepConnectionId", "Keyword"),
                ("AepLastFailure", "Keyword"),
                ("AepNeedsDecision", "Bool"),
                ("AepDeprecated", "Bool"),
            ]
        );
    }
}

//! The kinds of resource, and the words for each.

use std::fmt;

/// A kind of resource that an ingestion creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// Address and credentials of a source.
    BaseConnection,
    /// One table of a base connection.
    SourceConnection,
    /// The fields of a schema.
    FieldGroup,
    /// A schema.
    Schema,
    /// The field that identifies the person or thing of a row.
    Identity,
    /// A dataset.
    Dataset,
    /// A dataset that a dataflow writes to.
    TargetConnection,
    /// Which column goes into which field.
    MappingSet,
    /// What takes rows from the source to the dataset.
    Flow,
}

impl ResourceKind {
    /// The kinds of which an intent has one: every kind but identity descriptors.
    pub const ALL: [Self; 8] = [
        Self::BaseConnection,
        Self::SourceConnection,
        Self::FieldGroup,
        Self::Schema,
        Self::Dataset,
        Self::TargetConnection,
        Self::MappingSet,
        Self::Flow,
    ];

    /// The kind in Adobe's words, as a failure's `CreatedResource.kind` stores it. It is part of
    /// every key, so a change orphans what exists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaseConnection => "base connection",
            Self::SourceConnection => "source connection",
            Self::FieldGroup => "field group",
            Self::Schema => "schema",
            Self::Identity => "identity descriptor",
            Self::Dataset => "dataset",
            Self::TargetConnection => "target connection",
            Self::MappingSet => "mapping set",
            Self::Flow => "flow",
        }
    }

    /// The word that people read. `OpenDecision.kind` stores it, too.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Flow => "dataflow",
            Self::BaseConnection
            | Self::SourceConnection
            | Self::FieldGroup
            | Self::Schema
            | Self::Identity
            | Self::Dataset
            | Self::TargetConnection
            | Self::MappingSet => self.as_str(),
        }
    }

    /// The word that people read for a stored one. A word that a newer worker stored stays as
    /// it is.
    #[must_use]
    pub fn shown_word(stored: &str) -> &str {
        match Self::of_word(stored) {
            Some(known) => known.shown(),
            None => stored,
        }
    }

    /// The kind of a stored word; none for one that a newer worker stored.
    #[must_use]
    pub fn of_word(stored: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain([Self::Identity]);
        all.find(|each| each.as_str() == stored)
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_stay_and_one_word_is_shown() {
        let stored = ResourceKind::ALL.map(ResourceKind::as_str);
        let shown = stored.map(ResourceKind::shown_word);
        let [first @ .., flow] = stored;
        assert_eq!(
            first,
            [
                "base connection",
                "source connection",
                "field group",
                "schema",
                "dataset",
                "target connection",
                "mapping set",
            ]
        );
        assert_eq!((flow, shown[7]), ("flow", "dataflow"));
        assert_eq!(shown[..7], first);
        assert_eq!(ResourceKind::Identity.as_str(), "identity descriptor");
        for other in ["identity descriptor", "dataflow", "segment"] {
            assert_eq!(ResourceKind::shown_word(other), other);
        }
    }
}

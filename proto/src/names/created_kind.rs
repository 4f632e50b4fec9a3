//! The words for each kind of resource.

/// A kind of resource that an ingestion creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedKind {
    /// Address and credentials of a source.
    BaseConnection,
    /// One table of a base connection.
    SourceConnection,
    /// The fields of a schema.
    FieldGroup,
    /// A schema.
    Schema,
    /// The field that identifies the person or thing of a row.
    IdentityDescriptor,
    /// A dataset.
    Dataset,
    /// A dataset that a dataflow writes to.
    TargetConnection,
    /// Which column goes into which field.
    MappingSet,
    /// What takes rows from the source to the dataset.
    Dataflow,
}

impl CreatedKind {
    const ALL: [Self; 9] = [
        Self::BaseConnection,
        Self::SourceConnection,
        Self::FieldGroup,
        Self::Schema,
        Self::IdentityDescriptor,
        Self::Dataset,
        Self::TargetConnection,
        Self::MappingSet,
        Self::Dataflow,
    ];

    /// The word of `CreatedResource.kind`, which a failure stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaseConnection => "base connection",
            Self::SourceConnection => "source connection",
            Self::FieldGroup => "field group",
            Self::Schema => "schema",
            Self::IdentityDescriptor => "identity descriptor",
            Self::Dataset => "dataset",
            Self::TargetConnection => "target connection",
            Self::MappingSet => "mapping set",
            Self::Dataflow => "flow",
        }
    }

    /// The word that people read. `OpenDecision.kind` stores it, too.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Dataflow => "dataflow",
            Self::BaseConnection
            | Self::SourceConnection
            | Self::FieldGroup
            | Self::Schema
            | Self::IdentityDescriptor
            | Self::Dataset
            | Self::TargetConnection
            | Self::MappingSet => self.as_str(),
        }
    }

    /// The word that people read for a stored one. A word that a newer worker stored stays as
    /// it is.
    #[must_use]
    pub fn shown_word(stored: &str) -> &str {
        match Self::ALL.into_iter().find(|each| each.as_str() == stored) {
            Some(known) => known.shown(),
            None => stored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_stay_and_one_word_is_shown() {
        let stored = CreatedKind::ALL.map(CreatedKind::as_str);
        let shown = stored.map(CreatedKind::shown_word);
        let [first @ .., flow] = stored;
        assert_eq!(
            first,
            [
                "base connection",
                "source connection",
                "field group",
                "schema",
                "identity descriptor",
                "dataset",
                "target connection",
                "mapping set",
            ]
        );
        assert_eq!((flow, shown[8]), ("flow", "dataflow"));
        assert_eq!(shown[..8], first);
        assert_eq!(CreatedKind::shown_word("dataflow"), "dataflow");
        assert_eq!(CreatedKind::shown_word("segment"), "segment");
    }
}

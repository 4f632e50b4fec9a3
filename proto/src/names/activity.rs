//! Activity types, each with what it creates.

use super::CreatedKind;

/// Declares the activity types in one table, so that none is added without saying what it
/// creates.
macro_rules! activities {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, creates: $kind:expr;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $word;)*

        /// The kind of resource that an activity of that type creates, if it creates one.
        #[must_use]
        pub fn created_kind(activity_type: &str) -> Option<CreatedKind> {
            const ALL: &[(&str, Option<CreatedKind>)] = &[$(($name, $kind)),*];
            ALL.iter().find(|(name, _)| *name == activity_type)?.1
        }
    };
}

activities! {
    /// Ensures a base connection to Oracle Service Cloud.
    CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION = "CreateOracleServiceCloudBaseConnection",
        creates: Some(CreatedKind::BaseConnection);
    /// Ensures a base connection to a source of the catalogue.
    CREATE_BASE_CONNECTION = "CreateBaseConnection", creates: Some(CreatedKind::BaseConnection);
    /// Asks the platform to try a base connection's credentials.
    TEST_BASE_CONNECTION = "TestBaseConnection", creates: None;
    /// Lists the tables behind a base connection.
    EXPLORE_TABLES = "ExploreTables", creates: None;
    /// Reads the columns of one table, with rows if asked.
    EXPLORE_TABLE = "ExploreTable", creates: None;
    /// Ensures a source connection for one table.
    CREATE_SOURCE_CONNECTION = "CreateSourceConnection",
        creates: Some(CreatedKind::SourceConnection);
    /// Ensures a field group and a schema for columns.
    ENSURE_SCHEMA = "EnsureSchema", creates: Some(CreatedKind::Schema);
    /// Ensures a dataset.
    ENSURE_DATASET = "EnsureDataset", creates: Some(CreatedKind::Dataset);
    /// Ensures a target connection into a dataset.
    CREATE_TARGET_CONNECTION = "CreateTargetConnection",
        creates: Some(CreatedKind::TargetConnection);
    /// Ensures a mapping set.
    CREATE_MAPPING_SET = "CreateMappingSet", creates: Some(CreatedKind::MappingSet);
    /// Ensures a dataflow.
    CREATE_DATAFLOW = "CreateDataflow", creates: Some(CreatedKind::Dataflow);
    /// Looks for a dataflow that was created before.
    FIND_DATAFLOW = "FindDataflow", creates: None;
    /// Reads the runs of a dataflow.
    GET_FLOW_RUNS = "GetFlowRuns", creates: None;
    /// Reads which search attributes the namespace knows. For the workflow alone, not for
    /// callers.
    FIND_SEARCH_ATTRIBUTES = "FindSearchAttributes", creates: None;
}

/// Whether an activity of that type creates something.
#[must_use]
pub fn creates(activity_type: &str) -> bool {
    created_kind(activity_type).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_activity_that_creates_has_the_kind_that_decisions_name() {
        for (activity_type, word) in [
            ("CreateOracleServiceCloudBaseConnection", "base connection"),
            ("CreateBaseConnection", "base connection"),
            ("CreateSourceConnection", "source connection"),
            ("EnsureSchema", "schema"),
            ("EnsureDataset", "dataset"),
            ("CreateTargetConnection", "target connection"),
            ("CreateMappingSet", "mapping set"),
            ("CreateDataflow", "dataflow"),
        ] {
            let kind = created_kind(activity_type);
            assert_eq!(kind.map(CreatedKind::shown), Some(word), "{activity_type}");
            assert!(creates(activity_type));
        }
    }

    #[test]
    fn an_activity_that_only_reads_creates_nothing() {
        for activity_type in [
            "TestBaseConnection",
            "ExploreTables",
            "ExploreTable",
            "FindDataflow",
            "GetFlowRuns",
            "FindSearchAttributes",
        ] {
            assert!(!creates(activity_type), "{activity_type}");
        }
    }
}

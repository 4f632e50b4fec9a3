//! Activity types, and which of them create something.

/// What an activity does to the platform.
#[derive(PartialEq)]
enum Effect {
    Creates,
    Reads,
}

/// Declares the activity types in one table, so that none is added without its effect.
macro_rules! activities {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, $effect:ident;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $word;)*

        const EFFECTS: &[(&str, Effect)] = &[$(($name, Effect::$effect)),*];
    };
}

activities! {
    /// Ensures a base connection to Oracle Service Cloud.
    CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION = "CreateOracleServiceCloudBaseConnection", Creates;
    /// Ensures a base connection to a source of the catalogue.
    CREATE_BASE_CONNECTION = "CreateBaseConnection", Creates;
    /// Asks the platform to try a base connection's credentials.
    TEST_BASE_CONNECTION = "TestBaseConnection", Reads;
    /// Lists the tables behind a base connection.
    EXPLORE_TABLES = "ExploreTables", Reads;
    /// Reads the columns of one table, with rows if asked.
    EXPLORE_TABLE = "ExploreTable", Reads;
    /// Ensures a source connection for one table.
    CREATE_SOURCE_CONNECTION = "CreateSourceConnection", Creates;
    /// Ensures a field group and a schema for columns.
    ENSURE_SCHEMA = "EnsureSchema", Creates;
    /// Ensures a dataset.
    ENSURE_DATASET = "EnsureDataset", Creates;
    /// Ensures a target connection into a dataset.
    CREATE_TARGET_CONNECTION = "CreateTargetConnection", Creates;
    /// Ensures a mapping set.
    CREATE_MAPPING_SET = "CreateMappingSet", Creates;
    /// Ensures a dataflow.
    CREATE_DATAFLOW = "CreateDataflow", Creates;
    /// Looks for a dataflow that was created before.
    FIND_DATAFLOW = "FindDataflow", Reads;
    /// Reads the runs of a dataflow.
    GET_FLOW_RUNS = "GetFlowRuns", Reads;
    /// Reads which search attributes the namespace knows. For the workflow alone, not for
    /// callers.
    FIND_SEARCH_ATTRIBUTES = "FindSearchAttributes", Reads;
}

/// Whether an activity of that type creates something.
#[must_use]
pub fn creates(activity_type: &str) -> bool {
    EFFECTS.contains(&(activity_type, Effect::Creates))
}

#[cfg(test)]
mod tests {
    use super::*;

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

//! Finds the tables that an input's patterns select, once a base connection exists.

use aep_flow_proto::{
    names::{self, ResourceKind},
    v1::{CreatedResource, ExploreTablesInput, TableEntry},
    validate::{self, SelectedTable},
};

use super::{IngestContext, IngestSetup, Kind, run_activity, start_times};
use crate::{activities::Declared, step_error::StepError};

/// Explores the source, and returns the selected tables. Checks the start times of all except the
/// `named` ones, which were checked before anything was created.
pub(super) async fn find<K: Kind>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
    named: &[SelectedTable],
) -> Result<Vec<SelectedTable>, StepError> {
    let input = ExploreTablesInput {
        sandbox: setup.connection.sandbox.clone(),
        base_connection_id: setup.base_connection_id().to_owned(),
    };
    let summary = &setup.connection.name;
    let activity = Declared::explore_tables;
    let explored =
        run_activity::run(ctx, "", activity, input, setup.step_deadline, summary).await?;
    let paths: Vec<&str> = explored.tables.iter().map(path).collect();
    let found = match validate::select_tables(&setup.entries, &paths) {
        Ok(selected) => {
            let fitted = selected.iter().filter(|each| !named.contains(each));
            let fitted: Vec<SelectedTable> = fitted.cloned().collect();
            start_times::check(ctx, setup, &fitted)
                .await
                .map(|()| selected)
        }
        Err(violations) => {
            let step = names::activity::EXPLORE_TABLES;
            Err(StepError::invalid(step, violations))
        }
    };
    found.map_err(|error| with_base(error, setup))
}

fn path(entry: &TableEntry) -> &str {
    &entry.path
}

/// The same error, naming the base connection, which exists on the platform.
fn with_base(error: StepError, setup: &IngestSetup) -> StepError {
    let StepError::Failed(mut failed) = error else {
        return error;
    };
    failed.details.created.push(CreatedResource {
        kind: ResourceKind::BaseConnection.as_str().to_owned(),
        id: setup.base_connection_id().to_owned(),
    });
    StepError::Failed(failed)
}

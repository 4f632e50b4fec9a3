//! The tables that the patterns of an input fit, found out once there is a base connection.

use aep_flow_proto::{
    names::{self, CreatedKind},
    v1::{CreatedResource, ExploreTablesInput, TableEntry},
    validate::{self, SelectedTable},
};

use super::{IngestContext, IngestSetup, Kind, run_activity, start_times};
use crate::{activities::Declared, step_error::StepError};

/// Explores the source, and gives the tables that are selected. Start times are checked of all but
/// the `named` ones, of which that was done before anything was made.
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

/// The same, naming what stands on the platform although nothing else was made.
fn with_base(error: StepError, setup: &IngestSetup) -> StepError {
    let StepError::Failed(mut failed) = error else {
        return error;
    };
    failed.details.created.push(CreatedResource {
        kind: CreatedKind::BaseConnection.as_str().to_owned(),
        id: setup.base_connection_id().to_owned(),
    });
    StepError::Failed(failed)
}

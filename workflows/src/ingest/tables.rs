//! The tables that the patterns of an input fit, found out once there is a base connection.

use aep_flow_proto::{
    names::{self, CreatedKind},
    v1::{CreatedResource, ExploreTablesInput, TableEntry},
    validate::{self, Meant},
};

use super::{Context, Kind, Plan, start, steps};
use crate::{activities::Declared, step::StepError};

/// Explores the source, and gives the tables that are meant. Start times are checked of all but
/// the `named` ones, of which that was done before anything was made.
pub(super) async fn find<K: Kind>(
    ctx: &Context<K>,
    plan: &Plan,
    named: &[Meant],
) -> Result<Vec<Meant>, StepError> {
    let input = ExploreTablesInput {
        sandbox: plan.connection.sandbox.clone(),
        base_connection_id: plan.base_connection_id().to_owned(),
    };
    let summary = &plan.connection.name;
    let activity = Declared::explore_tables;
    let explored = steps::run(ctx, "", activity, input, plan.step_deadline, summary).await?;
    let paths: Vec<&str> = explored.tables.iter().map(path).collect();
    let found = match validate::meant(&plan.entries, &paths) {
        Ok(meant) => {
            let fitted = meant.iter().filter(|each| !named.contains(each));
            let fitted: Vec<Meant> = fitted.cloned().collect();
            start::check(ctx, plan, &fitted).await.map(|()| meant)
        }
        Err(violations) => {
            let step = names::activity::EXPLORE_TABLES;
            Err(StepError::invalid(step, violations))
        }
    };
    found.map_err(|error| with_base(error, plan))
}

fn path(entry: &TableEntry) -> &str {
    &entry.path
}

/// The same, naming what stands on the platform although nothing else was made.
fn with_base(error: StepError, plan: &Plan) -> StepError {
    let StepError::Failed(mut failed) = error else {
        return error;
    };
    failed.details.created.push(CreatedResource {
        kind: CreatedKind::BaseConnection.as_str().to_owned(),
        id: plan.base_connection_id().to_owned(),
    });
    StepError::Failed(failed)
}

//! Start times that have passed: good only for dataflows that were made with them before.

use aep_flow_proto::{
    names,
    v1::{FindDataflowInput, Violation},
    validate,
};
use temporalio_workflow::join_all;

use super::{Context, Plan, now, steps};
use crate::{activities::Declared, naming, step::StepError};

/// Refuses a start time that has passed, unless the table's dataflow stands already: the
/// same input can then be run again at any time, to add a table or to get the ids.
///
/// An input without such a start time costs nothing here.
pub(super) async fn check(ctx: &Context, plan: &Plan) -> Result<(), StepError> {
    let now = now(ctx);
    let looks = plan.tables.iter().enumerate().filter_map(|(index, table)| {
        let path = format!("tables[{index}].schedule");
        let passed = validate::passed_start(&path, table.schedule.as_ref(), now)?;
        Some(unless_made(ctx, plan, index, passed))
    });
    let mut violations = Vec::new();
    for look in join_all(looks).await {
        violations.extend(look?);
    }
    if violations.is_empty() {
        return Ok(());
    }
    Err(StepError::invalid(
        names::activity::FIND_DATAFLOW,
        violations,
    ))
}

async fn unless_made(
    ctx: &Context,
    plan: &Plan,
    index: usize,
    passed: Violation,
) -> Result<Option<Violation>, StepError> {
    let table = &plan.tables[index].table;
    let input = FindDataflowInput {
        sandbox: plan.connection.sandbox.clone(),
        name: naming::resource_name(&plan.connection.name, table),
    };
    let found = steps::run(
        ctx,
        table,
        Declared::find_dataflow,
        input,
        plan.step_deadline,
        table,
    )
    .await?;
    Ok(found.id.is_empty().then_some(passed))
}

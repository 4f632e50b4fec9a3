//! Start times in the past, which are valid only for dataflows that exist already.

use aep_flow_proto::{
    names,
    v1::{Table, Violation},
    validate::{self, SelectedTable},
};
use temporalio_workflow::join_all;

use super::{IngestContext, IngestSetup, Kind, now, run_activity};
use crate::{activities::Declared, step_error::StepError};

/// Refuses start times of `tables` in the past, except for tables whose dataflow exists already.
/// So the same input can be run again at any time, to add a table or to get the ids.
///
/// An input without such a start time makes no request here.
pub(super) async fn check<K: Kind>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
    tables: &[SelectedTable],
) -> Result<(), StepError> {
    let now = now(ctx);
    let looks = tables.iter().filter_map(|SelectedTable { place, table }| {
        let path = format!("tables[{place}].schedule");
        let passed = validate::passed_start(&path, table.schedule.as_ref(), now)?;
        Some(unless_made(ctx, setup, table, passed))
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

async fn unless_made<K: Kind>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
    table: &Table,
    passed: Violation,
) -> Result<Option<Violation>, StepError> {
    let input = setup.inputs(table).find_dataflow();
    let path = &table.table;
    let activity = Declared::find_dataflow;
    let found = run_activity::run(ctx, path, activity, input, setup.step_deadline, path).await?;
    Ok(found.id.is_empty().then_some(passed))
}

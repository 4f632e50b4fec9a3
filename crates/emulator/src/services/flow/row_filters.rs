//! Row filters of explore calls and of source connections.

use serde_json::Value;

use crate::backdrop::Backdrop;
use crate::problem::Problem;
use crate::source::{RowFilter, RowFilterError, Table};

/// The filter of an explore call.
pub(super) fn of_explore(
    backdrop: &Backdrop,
    spec: &str,
    filters: &str,
) -> Result<RowFilter, Problem> {
    must_be_supported(backdrop, spec)?;
    RowFilter::decode(filters).map_err(refusal)
}

/// Checks the filter of a source connection. If its table exists, the filter must fit it.
pub(super) fn of_source_connection(
    backdrop: &Backdrop,
    spec: &str,
    table: &str,
    filters: &Value,
) -> Result<(), Problem> {
    must_be_supported(backdrop, spec)?;
    let filter = RowFilter::parse(filters).map_err(refusal)?;
    match backdrop.table(spec, table) {
        Some(table) => check(&filter, table),
        None => Ok(()),
    }
}

/// Checks that the filter's columns and values fit the table.
pub(super) fn check(filter: &RowFilter, table: &Table) -> Result<(), Problem> {
    filter.check(table).map_err(refusal)
}

fn must_be_supported(backdrop: &Backdrop, spec: &str) -> Result<(), Problem> {
    if backdrop.filters_rows(spec) {
        return Ok(());
    }
    Err(Problem::flow(
        1353,
        400,
        "Filtering is not supported for this connector.",
    ))
}

fn refusal(error: RowFilterError) -> Problem {
    Problem::flow(error.number(), 400, error.to_string())
}

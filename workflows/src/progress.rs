//! The progress of an ingestion, kept by the workflow and shown by its query.

use aep_flow_proto::{
    names::{Phase, TablePhase},
    v1::{IngestStatus, TableStatus},
};

/// Steps of one table's chain, without the wait for its first run.
pub(crate) const STEPS_PER_TABLE: u32 = 7;

pub(crate) fn waiting(tables: impl Iterator<Item = String>) -> IngestStatus {
    let tables: Vec<TableStatus> = tables
        .map(|table| TableStatus {
            table,
            phase: TablePhase::Waiting.as_str().to_owned(),
            steps_total: STEPS_PER_TABLE,
            ..TableStatus::default()
        })
        .collect();
    IngestStatus {
        phase: Phase::Connecting.as_str().to_owned(),
        tables_total: u32::try_from(tables.len()).unwrap_or(u32::MAX),
        tables,
        ..IngestStatus::default()
    }
}

pub(crate) fn start_step(status: &mut IngestStatus, table: usize, step: &str) {
    if let Some(table) = status.tables.get_mut(table) {
        table.running.push(step.to_owned());
    }
}

pub(crate) fn end_step(status: &mut IngestStatus, table: usize, step: &str, went_well: bool) {
    if let Some(table) = status.tables.get_mut(table) {
        table.running.retain(|running| running != step);
        if went_well && !table.done.iter().any(|done| done == step) {
            table.done.push(step.to_owned());
        }
    }
}

pub(crate) fn set_table_phase(status: &mut IngestStatus, table: usize, phase: TablePhase) {
    if let Some(table) = status.tables.get_mut(table) {
        table.phase = phase.as_str().to_owned();
    }
}

pub(crate) fn finish_table(status: &mut IngestStatus, table: usize) {
    set_table_phase(status, table, TablePhase::Done);
    status.tables_done += 1;
}

pub(crate) fn fail_table(status: &mut IngestStatus, table: usize, error: &str) {
    set_table_phase(status, table, TablePhase::Failed);
    if let Some(table) = status.tables.get_mut(table) {
        table.error = error.to_owned();
    }
    status.tables_failed += 1;
    status.last_error = error.to_owned();
}

//! The time, as a workflow knows it.

use std::time::SystemTime;

use jiff::Timestamp;
use temporalio_workflow::WorkflowContext;

/// The server's time when it began the current task. A replay sees the same.
pub(crate) fn now<W>(ctx: &WorkflowContext<W>) -> Timestamp {
    let time = ctx.workflow_time().unwrap_or(SystemTime::UNIX_EPOCH);
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

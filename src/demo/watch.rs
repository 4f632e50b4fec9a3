//! Reports what an ingestion does while it runs.

use std::collections::BTreeSet;
use std::time::Duration;

use aep_flow_devserver::Report;
use aep_flow_proto::v1::IngestStatus;
use aep_flow_workflows::ingest::IngestOracleServiceCloud;
use temporalio_client::{WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowQueryOptions};
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::Handle;
use super::retries::Failed;

/// Between two looks: the demo's retries wait a second, so none is missed.
const PAUSE: Duration = Duration::from_millis(200);

/// Reports each step that ended and each attempt that failed, until the workflow has closed.
pub(super) async fn until_closed(handle: &Handle, report: &dyn Report) {
    let mut reported = BTreeSet::new();
    loop {
        // If a look fails, the next one makes up for it; the result comes another way.
        let described = handle.describe(WorkflowDescribeOptions::default()).await;
        let is_running = match &described {
            Ok(described) => described.status() == WorkflowExecutionStatus::Running,
            Err(_) => true,
        };
        if let Ok(status) = status(handle).await {
            for line in steps(&status) {
                report_once(&mut reported, report, Some(line));
            }
        }
        if let Ok(described) = &described {
            for activity in &described.raw().pending_activities {
                report_once(&mut reported, report, failed_attempt(activity));
            }
        }
        if !is_running {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn report_once(reported: &mut BTreeSet<String>, report: &dyn Report, line: Option<String>) {
    if let Some(line) = line
        && reported.insert(line.clone())
    {
        report.say(&line);
    }
}

async fn status(handle: &Handle) -> Result<IngestStatus, Box<dyn std::error::Error + Send + Sync>> {
    let answer = handle
        .query(
            IngestOracleServiceCloud::status,
            (),
            WorkflowQueryOptions::default(),
        )
        .await?;
    Ok(answer.read_known()?)
}

fn steps(status: &IngestStatus) -> Vec<String> {
    let mut lines = Vec::new();
    if !status.base_connection_id.is_empty() {
        lines.push(format!("  base connection {}", status.base_connection_id));
    }
    for table in &status.tables {
        let done = table.done.iter();
        lines.extend(done.map(|step| format!("  {}: {step} done", table.table)));
    }
    lines
}

fn failed_attempt(activity: &PendingActivityInfo) -> Option<String> {
    let failure = activity.last_failure.as_ref()?;
    let step = activity.activity_type.as_ref()?.name.as_str();
    // While it waits for its next attempt, the number is already the next one's.
    let attempt = activity.attempt.saturating_sub(1);
    Some(format!(
        "  {step}: attempt {attempt} failed, to be tried again: {}",
        Failed::read(failure).message
    ))
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::v1::TableStatus;

    use super::*;

    #[test]
    fn a_line_for_each_step_that_is_done() {
        let status = IngestStatus {
            base_connection_id: "4267c2ab".to_owned(),
            tables: vec![TableStatus {
                table: "Contacts".to_owned(),
                done: vec!["ExploreTable".to_owned(), "EnsureSchema".to_owned()],
                running: vec!["EnsureDataset".to_owned()],
                ..TableStatus::default()
            }],
            ..IngestStatus::default()
        };
        assert_eq!(
            steps(&status),
            [
                "  base connection 4267c2ab",
                "  Contacts: ExploreTable done",
                "  Contacts: EnsureSchema done",
            ]
        );
    }
}

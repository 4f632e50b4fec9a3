//! Tells an ingestion of the failed attempts of its steps while they are still being retried.
//!
//! The server keeps a failed attempt to itself until its activity is over, so a workflow would
//! not know what its steps are waiting for. Nothing depends on such a report: it is sent once,
//! and one that gets lost is a line that is missing.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aep_flow_proto::{
    names::{self, FailureType},
    v1::{FailedAttempt, FailureDetails},
};
use aep_flow_workflows::{ingest::IngestOracleServiceCloud, payload::Message};
use jiff::Timestamp;
use temporalio_client::WorkflowSignalOptions;
use temporalio_sdk::activities::{ActivityContext, ActivityInfo};

use super::{failure::ActivityFailure, next_try::NextTry};
use crate::throttle::Throttle;

/// How long a report may hold up the attempt that it is about.
const SENT_WITHIN: Duration = Duration::from_secs(3);

/// Attempts at one activity of which each is reported. With the longest pause of a minute
/// they are the first quarter of an hour; after that every tenth says enough.
const EACH_UP_TO: u32 = 20;
const THEN_EVERY: u32 = 10;

/// Reports that one worker sends to one run: each costs an action and up to four events of the
/// run's history, which must not end over them.
const MOST_PER_RUN: u32 = 500;

/// Runs whose reports are counted; when there are more, counting begins anew.
const MOST_RUNS: usize = 10_000;

/// Where the reports of a worker's activities go.
#[derive(Debug)]
pub(super) struct Reports {
    is_on: bool,
    throttle: Option<Throttle>,
    /// By run. Held for a look-up, never across an await.
    sent: Mutex<HashMap<String, u32>>,
}

impl Reports {
    pub(super) fn new(is_on: bool, throttle: Option<Throttle>) -> Self {
        Self {
            is_on,
            throttle,
            sent: Mutex::default(),
        }
    }

    /// Tells all workers of the task queue, if the platform refused the attempt for being one of
    /// too many.
    pub(super) fn slow_down(&self, failed: &ActivityFailure) {
        if let Some(throttle) = &self.throttle
            && failed.kind() == FailureType::RateLimited
        {
            let pause = failed.pause().map(|(pause, _)| pause);
            throttle.report_refusal(pause.unwrap_or_default());
        }
    }

    /// Tells the workflow, if it is one of ours, that its attempt failed at `now` and that
    /// `next` comes.
    pub(super) async fn send(
        &self,
        ctx: &ActivityContext,
        failed: &ActivityFailure,
        next: &NextTry,
        now: Timestamp,
    ) {
        let info = ctx.info();
        if !self.is_on || failed.is_expected() || !is_of_an_ingestion(info) {
            return;
        }
        let run = info.workflow_run_id.clone().unwrap_or_default();
        if !is_due(info.attempt) || !self.has_room(&run) {
            return;
        }
        // The signal of the one is the other's.
        let Some(workflow) = ctx.workflow_handle::<IngestOracleServiceCloud>() else {
            return;
        };
        // The same for a repeat, which the server then drops.
        let request_id = format!("{run}/{}/{}", info.activity_id, info.attempt);
        let sent = workflow.signal(
            IngestOracleServiceCloud::attempt_failed,
            Message::from(report(info, failed, next, now)),
            WorkflowSignalOptions::builder()
                .request_id(request_id)
                .build(),
        );
        let why = match tokio::time::timeout(SENT_WITHIN, sent).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", SENT_WITHIN.as_secs()),
        };
        tracing::debug!(why, "the ingestion could not be told of a failed attempt");
    }

    fn has_room(&self, run: &str) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= MOST_RUNS && !sent.contains_key(run) {
            sent.clear();
        }
        let count = sent.entry(run.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count <= MOST_PER_RUN
    }
}

/// Somebody else's workflow knows nothing of the signal.
fn is_of_an_ingestion(info: &ActivityInfo) -> bool {
    info.workflow_type
        .as_deref()
        .is_some_and(names::workflow::is_ingestion)
}

fn is_due(attempt: u32) -> bool {
    attempt <= EACH_UP_TO || attempt.is_multiple_of(THEN_EVERY)
}

fn report(
    info: &ActivityInfo,
    failed: &ActivityFailure,
    next: &NextTry,
    now: Timestamp,
) -> FailedAttempt {
    let FailureDetails {
        adobe_code,
        http_status,
        request_id,
        ..
    } = failed.details().clone();
    FailedAttempt {
        step: info.activity_type.clone(),
        table: String::new(),
        activity_id: info.activity_id.clone(),
        attempt: info.attempt,
        time: format!("{now:.0}"),
        r#type: failed.kind().as_str().to_owned(),
        adobe_code,
        http_status,
        request_id,
        message: failed.message().to_owned(),
        next_try: next
            .after
            .and_then(|after| now.checked_add(after).ok())
            .map_or_else(String::new, |at| format!("{at:.0}")),
        next_try_reason: next.reason.clone().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_are_reported_and_then_every_tenth() {
        let due: Vec<u32> = (1..=60).filter(|attempt| is_due(*attempt)).collect();
        let expected: Vec<u32> = (1..=20).chain([30, 40, 50, 60]).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn a_run_is_told_so_often_and_no_more() {
        let reports = Reports::new(true, None);
        let told = (0..600).filter(|_| reports.has_room("run")).count();
        assert_eq!(told, 500);
        assert!(reports.has_room("another"));
    }

    #[test]
    fn what_is_counted_does_not_grow_for_ever() {
        let reports = Reports::new(true, None);
        for run in 0..10_001 {
            assert!(reports.has_room(&run.to_string()));
        }
        assert_eq!(reports.sent.lock().unwrap().len(), 1);
    }
}

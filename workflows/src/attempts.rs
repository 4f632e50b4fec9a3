//! The failed attempts, and the steps that are failing now: a state without Temporal, kept by
//! the workflow and shown by its query.

use std::collections::{BTreeMap, VecDeque};

use aep_flow_proto::v1::{FailedAttempt, FailingStep};

use crate::step_error::FailedStep;

/// More than a person reads, and small enough for the result of a query: some 40 KB.
const MAX_KEPT: usize = 50;

/// The longest message that is kept of an attempt. The pending activity has the whole one.
const MAX_MESSAGE_CHARS: usize = 300;

/// The longest of any other text: a name or a number.
const MAX_TEXT_CHARS: usize = 100;

/// The failed attempts, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// The activities that were begun in this run, by their ids.
    begun: BTreeMap<String, Begun>,
    /// How many activities earlier runs began.
    before: usize,
    /// The steps that are failing now. The one that failed last comes last.
    failing: Vec<FailingStep>,
    latest: VecDeque<FailedAttempt>,
    total: u32,
}

#[derive(Debug)]
struct Begun {
    step: String,
    /// Empty for the base connection.
    table: String,
    /// Whether this activity only checks what a person wants to adopt.
    is_check: bool,
    is_over: bool,
}

impl Attempts {
    /// Continues from the previous run: its failing steps, its latest attempts, and how many
    /// attempts failed and activities were begun.
    pub(crate) fn after(
        failing: Vec<FailingStep>,
        latest: Vec<FailedAttempt>,
        total: u32,
        activities: u32,
    ) -> Self {
        Self {
            begun: BTreeMap::new(),
            before: usize::try_from(activities).unwrap_or(usize::MAX),
            failing,
            latest: latest.into(),
            total,
        }
    }

    /// How many activities were begun, in this run and those before it.
    pub(crate) fn count(&self) -> usize {
        self.before.saturating_add(self.begun.len())
    }

    /// Records that an activity begins, and returns its id.
    ///
    /// The ids are those that the SDK would count by itself, except that a run continues the
    /// count of the previous one. So a late report of the previous run matches no activity.
    pub(crate) fn begin(&mut self, step: &str, table: &str) -> String {
        self.add(step, table, false)
    }

    /// The same for an activity that checks what a person wants to adopt. Its failure is
    /// returned to that person, and leaves the step as it is.
    pub(crate) fn begin_check(&mut self, step: &str, table: &str) -> String {
        self.add(step, table, true)
    }

    fn add(&mut self, step: &str, table: &str, is_check: bool) -> String {
        let id = (self.count() + 1).to_string();
        let begun = Begun {
            step: step.to_owned(),
            table: table.to_owned(),
            is_check,
            is_over: false,
        };
        self.begun.insert(id.clone(), begun);
        id
    }

    /// Records a worker's report of an attempt that is retried.
    ///
    /// A late report is listed, but does not make the step failing.
    pub(crate) fn record_report(&mut self, report: FailedAttempt) {
        let Some(begun) = self.begun.get(&report.activity_id) else {
            // It matches no activity of this run.
            return;
        };
        let attempt = FailedAttempt {
            step: begun.step.clone(),
            table: begun.table.clone(),
            attempt: report.attempt,
            http_status: report.http_status,
            activity_id: report.activity_id,
            time: short(&report.time),
            r#type: short(&report.r#type),
            adobe_code: short(&report.adobe_code),
            request_id: short(&report.request_id),
            message: cut(&report.message, MAX_MESSAGE_CHARS),
            next_try: short(&report.next_try),
            next_try_reason: short(&report.next_try_reason),
        };
        if !begun.is_over && !begun.is_check {
            self.set_failing(FailingStep {
                step: attempt.step.clone(),
                table: attempt.table.clone(),
                attempt: attempt.attempt,
                r#type: attempt.r#type.clone(),
                since: attempt.time.clone(),
                next_try: attempt.next_try.clone(),
                next_try_reason: attempt.next_try_reason.clone(),
            });
        }
        self.keep(attempt);
    }

    /// Records that an activity succeeded, and its step with it.
    pub(crate) fn record_success(&mut self, activity_id: &str) {
        let Some(begun) = self.begun.get_mut(activity_id) else {
            return;
        };
        begun.is_over = true;
        let (step, table) = (begun.step.clone(), begun.table.clone());
        self.failing
            .retain(|each| each.step != step || each.table != table);
    }

    /// Records that an activity failed at `now` and is not retried.
    pub(crate) fn record_failure(&mut self, activity_id: &str, failed: &FailedStep, now: &str) {
        let Some(begun) = self.begun.get_mut(activity_id) else {
            return;
        };
        begun.is_over = true;
        let (table, is_check) = (begun.table.clone(), begun.is_check);
        self.keep(FailedAttempt {
            step: failed.step.clone(),
            table: table.clone(),
            activity_id: activity_id.to_owned(),
            attempt: failed.details.attempt,
            time: now.to_owned(),
            r#type: short(failed.kind.as_str()),
            adobe_code: failed.details.adobe_code.clone(),
            http_status: failed.details.http_status,
            request_id: failed.details.request_id.clone(),
            message: cut(&failed.message, MAX_MESSAGE_CHARS),
            ..FailedAttempt::default()
        });
        if !is_check {
            self.mark_failing(&table, failed, now);
        }
    }

    /// Marks a step as failing from `now` on, because its activity is not retried or the workflow
    /// refused its result.
    pub(crate) fn mark_failing(&mut self, table: &str, failed: &FailedStep, now: &str) {
        self.set_failing(FailingStep {
            step: failed.step.clone(),
            table: table.to_owned(),
            attempt: failed.details.attempt,
            r#type: short(failed.kind.as_str()),
            since: now.to_owned(),
            ..FailingStep::default()
        });
    }

    /// The steps that are failing now. The one that failed last comes last.
    pub(crate) fn failing(&self) -> &[FailingStep] {
        &self.failing
    }

    /// Type of the latest failure of the steps that are failing now.
    pub(crate) fn last_failure(&self) -> Option<&str> {
        self.failing.last().map(|step| step.r#type.as_str())
    }

    /// The latest failed attempts, the oldest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &FailedAttempt> {
        self.latest.iter()
    }

    /// How many failed attempts are known.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    fn set_failing(&mut self, mut step: FailingStep) {
        let same = |each: &FailingStep| each.step == step.step && each.table == step.table;
        if let Some(at) = self.failing.iter().position(same) {
            step.since = self.failing.remove(at).since;
        }
        self.failing.push(step);
    }

    fn keep(&mut self, attempt: FailedAttempt) {
        let same = |each: &FailedAttempt| {
            each.activity_id == attempt.activity_id && each.attempt == attempt.attempt
        };
        // An attempt that was reported as retried may have been the last one.
        if attempt.attempt > 0
            && let Some(at) = self.latest.iter().position(same)
        {
            self.latest.remove(at);
        } else {
            self.total = self.total.saturating_add(1);
        }
        self.latest.push_back(attempt);
        if self.latest.len() > MAX_KEPT {
            self.latest.pop_front();
        }
    }
}

fn short(text: &str) -> String {
    cut(text, MAX_TEXT_CHARS)
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::names::FailureType;
    use aep_flow_proto::v1::FailureDetails;

    use super::*;
    use crate::step_error::StepError;

    fn report(activity_id: &str, attempt: u32, kind: &str) -> FailedAttempt {
        FailedAttempt {
            activity_id: activity_id.to_owned(),
            attempt,
            time: format!("2026-11-24T12:00:{attempt:02}Z"),
            r#type: kind.to_owned(),
            message: "ü".repeat(1000),
            next_try_reason: "Retry-After".to_owned(),
            ..FailedAttempt::default()
        }
    }

    fn for_good(step: &str, attempt: u32) -> FailedStep {
        let details = FailureDetails {
            attempt,
            ..FailureDetails::default()
        };
        let failed = StepError::failed(step, FailureType::NotFound, "gone".to_owned(), details);
        match failed {
            StepError::Failed(failed) => *failed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_failure_is_that_of_a_step_that_fails_now() {
        let mut attempts = Attempts::default();
        let contacts = attempts.begin("EnsureSchema", "Contacts");
        let accounts = attempts.begin("EnsureSchema", "Accounts");
        assert_eq!((&*contacts, &*accounts), ("1", "2"));
        assert_eq!(attempts.last_failure(), None);

        attempts.record_report(report(&contacts, 1, "RateLimited"));
        attempts.record_report(report(&accounts, 1, "Unavailable"));
        assert_eq!(attempts.last_failure(), Some("Unavailable"));
        attempts.record_report(report(&contacts, 2, "RateLimited"));
        assert_eq!(attempts.last_failure(), Some("RateLimited"));
        let [_, last] = attempts.failing() else {
            panic!("{attempts:?}");
        };
        assert_eq!((&*last.table, last.attempt), ("Contacts", 2));
        assert_eq!(last.since, "2026-11-24T12:00:01Z");
        assert_eq!(last.next_try_reason, "Retry-After");

        // A success leaves the failure of the other step.
        attempts.record_success(&contacts);
        assert_eq!(attempts.last_failure(), Some("Unavailable"));
        attempts.record_success(&accounts);
        assert_eq!(attempts.last_failure(), None);
        assert_eq!(attempts.total(), 3);
    }

    #[test]
    fn a_step_that_failed_for_good_stays_the_last_failure() {
        let mut attempts = Attempts::default();
        let contacts = attempts.begin("EnsureSchema", "Contacts");
        let accounts = attempts.begin("EnsureSchema", "Accounts");
        attempts.record_failure(&contacts, &for_good("EnsureSchema", 1), "t");
        attempts.record_report(report(&accounts, 1, "Unavailable"));
        attempts.record_success(&accounts);
        assert_eq!(attempts.last_failure(), Some("NotFound"));

        // A person decided to retry: another activity, the same step.
        let again = attempts.begin("EnsureSchema", "Contacts");
        attempts.record_success(&again);
        assert_eq!(attempts.last_failure(), None);
    }

    #[test]
    fn a_run_goes_on_where_the_one_before_it_ended() {
        let mut before = Attempts::default();
        let id = before.begin("EnsureSchema", "Contacts");
        before.record_report(report(&id, 1, "RateLimited"));
        let latest: Vec<FailedAttempt> = before.latest().cloned().collect();
        let activities = u32::try_from(before.count()).unwrap();
        let failing = before.failing().to_vec();
        let mut attempts = Attempts::after(failing, latest, before.total(), activities);
        assert_eq!(attempts.last_failure(), Some("RateLimited"));

        // A late report of the previous run is ignored, and no id comes twice.
        attempts.record_report(report(&id, 2, "RateLimited"));
        assert_eq!(attempts.total(), 1);
        let again = attempts.begin("EnsureSchema", "Contacts");
        assert_eq!(again, "2");
        attempts.record_report(report(&again, 1, "Unavailable"));
        assert_eq!((attempts.total(), attempts.failing().len()), (2, 1));
        attempts.record_success(&again);
        assert_eq!(attempts.last_failure(), None);
    }

    #[test]
    fn a_late_report_is_listed_and_fails_nothing() {
        let mut attempts = Attempts::default();
        let id = attempts.begin("EnsureSchema", "Contacts");
        attempts.record_success(&id);
        attempts.record_report(report(&id, 1, "RateLimited"));
        assert_eq!(attempts.last_failure(), None);
        assert_eq!(attempts.latest().next().unwrap().table, "Contacts");
    }

    #[test]
    fn a_report_that_matches_no_activity_is_ignored() {
        let mut attempts = Attempts::default();
        attempts.record_report(report("7", 1, "RateLimited"));
        assert_eq!((attempts.total(), attempts.last_failure()), (0, None));
    }

    #[test]
    fn a_check_leaves_the_step_as_it_is() {
        let mut attempts = Attempts::default();
        let id = attempts.begin("EnsureSchema", "Contacts");
        attempts.record_failure(&id, &for_good("EnsureSchema", 1), "t");
        let check = attempts.begin_check("EnsureSchema", "Contacts");
        attempts.record_report(report(&check, 1, "RateLimited"));
        attempts.record_failure(&check, &for_good("EnsureSchema", 2), "t");
        assert_eq!(attempts.failing()[0].attempt, 1);
        assert_eq!(attempts.total(), 3);

        // A resource that the check accepts is the step's result.
        let check = attempts.begin_check("EnsureSchema", "Contacts");
        attempts.record_success(&check);
        assert_eq!(attempts.last_failure(), None);
    }

    #[test]
    fn only_the_latest_are_kept_and_all_are_counted() {
        let mut attempts = Attempts::default();
        let id = attempts.begin("EnsureSchema", "Contacts");
        for attempt in 1..=60 {
            attempts.record_report(report(&id, attempt, "RateLimited"));
        }
        assert_eq!(attempts.total(), 60);
        let kept: Vec<u32> = attempts.latest().map(|each| each.attempt).collect();
        assert_eq!(kept, (11..=60).collect::<Vec<u32>>());
        let first = attempts.latest().next().unwrap();
        assert_eq!(first.message.chars().count(), 300);

        // The last of them was the last of all.
        attempts.record_failure(&id, &for_good("EnsureSchema", 60), "t");
        assert_eq!((attempts.total(), attempts.latest().count()), (60, 50));
        let last = attempts.latest().last().unwrap();
        assert_eq!((&*last.r#type, &*last.next_try_reason), ("NotFound", ""));
    }
}

//! Which attempts at which steps failed, and which steps are failing now: a state without
//! Temporal, kept by the workflow and shown by its query.

use std::collections::{BTreeMap, VecDeque};

use aep_flow_proto::v1::{FailedAttempt, FailingStep};

use crate::step_error::FailedStep;

/// More than a person reads, and small enough for an answer of a query: some 40 KB.
const MAX_KEPT: usize = 50;

/// The longest message that is kept of an attempt. The whole one is in the pending activity.
const MAX_MESSAGE_CHARS: usize = 300;

/// The longest of any other text, all of which are names or numbers of somebody's.
const MAX_TEXT_CHARS: usize = 100;

/// What is known of failed attempts.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// The activities that were begun in this run, by their ids.
    begun: BTreeMap<String, Begun>,
    /// How many there were in the runs before it.
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
    /// What the run before this one knew: its steps that failed, its latest attempts, how many
    /// attempts failed and how many activities there were.
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

    /// Notes that an activity begins; gives the id that it is to have.
    ///
    /// The ids are those that the SDK would count by itself, but that a run goes on counting
    /// where the one before it ended: what is heard late is then nobody's.
    pub(crate) fn begin(&mut self, step: &str, table: &str) -> String {
        self.add(step, table, false)
    }

    /// The same for an activity that checks what a person wants to adopt: its failure is an
    /// answer to that person, and leaves the step as it is.
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

    /// Takes up what a worker told of an attempt that is to be retried.
    ///
    /// It may come late: then it is listed, and the step is no longer failing because of it.
    pub(crate) fn record_report(&mut self, report: FailedAttempt) {
        let Some(begun) = self.begun.get(&report.activity_id) else {
            // Nobody's: not from one of our workers.
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

    /// Notes that an activity ended well, and its step with it.
    pub(crate) fn record_success(&mut self, activity_id: &str) {
        let Some(begun) = self.begun.get_mut(activity_id) else {
            return;
        };
        begun.is_over = true;
        let (step, table) = (begun.step.clone(), begun.table.clone());
        self.failing
            .retain(|each| each.step != step || each.table != table);
    }

    /// Notes that an activity failed for good, at `now`.
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

    /// Notes that a step failed for good at `now`, by its activity or by what the workflow found
    /// in its result. It counts as failing from then on.
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

    /// How many failed attempts there were, as far as is known.
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
        // An attempt that was to be retried may turn out to have been the last one.
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

        // One that went through leaves the other's.
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

        // A person had it tried again: another activity, the same step.
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

        // What comes late of the run before is nobody's, and no id comes twice.
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
    fn what_is_heard_late_is_listed_and_fails_nothing() {
        let mut attempts = Attempts::default();
        let id = attempts.begin("EnsureSchema", "Contacts");
        attempts.record_success(&id);
        attempts.record_report(report(&id, 1, "RateLimited"));
        assert_eq!(attempts.last_failure(), None);
        assert_eq!(attempts.latest().next().unwrap().table, "Contacts");
    }

    #[test]
    fn what_is_nobodys_is_not_taken() {
        let mut attempts = Attempts::default();
        attempts.record_report(report("7", 1, "RateLimited"));
        assert_eq!((attempts.total(), attempts.last_failure()), (0, None));
    }

    #[test]
    fn a_check_answers_a_person_and_leaves_the_step_as_it_is() {
        let mut attempts = Attempts::default();
        let id = attempts.begin("EnsureSchema", "Contacts");
        attempts.record_failure(&id, &for_good("EnsureSchema", 1), "t");
        let check = attempts.begin_check("EnsureSchema", "Contacts");
        attempts.record_report(report(&check, 1, "RateLimited"));
        attempts.record_failure(&check, &for_good("EnsureSchema", 2), "t");
        assert_eq!(attempts.failing()[0].attempt, 1);
        assert_eq!(attempts.total(), 3);

        // What it finds good is what the step made.
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

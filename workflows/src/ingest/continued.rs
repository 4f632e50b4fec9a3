//! Continues an ingestion of many tables in a new run, under the same workflow id, before its
//! history gets too long for the server.
//!
//! A run whose history is long enough begins no more tables, waits for the running activities,
//! and hands over its state. The next run begins a table again that is not done; its steps find
//! what exists. For such a table, the state has two things. The first is a create that may still
//! take effect: nothing may be created until it no longer can. The second is an open decision,
//! which stays open.

use std::{collections::BTreeMap, time::Duration};

use aep_flow_proto::{
    names::{Phase, TablePhase, activity},
    v1::{Continued, ContinuedTable, EarlierCall, IngestResult, IngestedTable, OpenStep, Table},
    validate::{self, SelectedTable},
};
use temporalio_workflow::WorkflowResult;

use super::{Base, IngestContext, IngestSetup, Ingestion, Kind, now, oracle_service_cloud};
use crate::{
    attempts::Attempts, decision::Decisions, ingest_input::IngestInput, payload::Message, progress,
};

/// Marks the runs that may continue as new. Those without it run to the end of the ingestion.
const GOES_ON_IN_A_NEW_RUN: &str = "go-on-in-a-new-run";

/// Marks the runs that end when they are cancelled while they are about to continue as new.
const CANCEL_WINS: &str = "cancel-wins";

/// Events in a history after which a run ends, unless the input says otherwise. The tables in
/// progress then add some 50 each.
const MOST_EVENTS: u32 = 4_000;

/// How long to wait for running activities. A table takes two minutes on a healthy platform,
/// mostly for the list lag.
const REST_WITHIN: Duration = Duration::from_secs(300);

/// The least of that wait, and its part of a step's deadline. A create that is left behind may
/// take effect for a while, and the next run needs time to see whether it did.
const REST_AT_LEAST: Duration = Duration::from_secs(30);
const REST_OF_DEADLINE: u32 = 4;

/// How long the worker of an activity that is left behind may still send requests. Its next
/// heartbeat stops it, at the latest after half of that time.
const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// Most tables with a decision from the previous run that are worked on at once, beside the
/// others.
const MOST_BESIDE: usize = 64;

/// The steps of a table that is done, as its status lists them.
const ALL_STEPS: [&str; 7] = [
    activity::EXPLORE_TABLE,
    activity::CREATE_SOURCE_CONNECTION,
    activity::ENSURE_SCHEMA,
    activity::ENSURE_DATASET,
    activity::CREATE_TARGET_CONNECTION,
    activity::CREATE_MAPPING_SET,
    activity::CREATE_DATAFLOW,
];

/// Whether the run is about to hand over, and what it still waits for.
#[derive(Debug, Default)]
pub(super) struct Handover {
    has_begun: bool,
    /// The state does not fit into a payload.
    is_impossible: bool,
    activities: usize,
}

impl Handover {
    /// Whether the run begins no more tables.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) fn add_activity(&mut self) {
        self.activities += 1;
    }

    pub(super) fn remove_activity(&mut self) {
        self.activities = self.activities.saturating_sub(1);
    }
}

/// The creates that are in progress or wait for a person, and the tables that already waited in
/// the previous run.
#[derive(Debug, Default)]
pub(super) struct OpenSteps {
    /// By table and step.
    steps: BTreeMap<(String, String), OpenStep>,
    /// With their places in the input.
    waiting: BTreeMap<String, usize>,
    rooms_taken: usize,
}

impl OpenSteps {
    pub(super) fn of(&self, table: &str, step: &str) -> Option<OpenStep> {
        self.steps.get(&key(table, step)).cloned()
    }

    /// Records that `call` may send a create from now on.
    pub(super) fn add_create(&mut self, table: &str, step: &str, call: EarlierCall) {
        let open = OpenStep {
            step: step.to_owned(),
            // The create may be sent at any time until the call ends.
            call: Some(EarlierCall {
                since: String::new(),
                ..call
            }),
            ..OpenStep::default()
        };
        self.steps.insert(key(table, step), open);
    }

    /// Records that a step waits for a person.
    pub(super) fn add_decision(&mut self, table: &str, open: OpenStep) {
        self.steps.insert(key(table, &open.step), open);
    }

    /// Records that a person decided to retry a step.
    pub(super) fn mark_retry(&mut self, table: &str, step: &str) {
        if let Some(open) = self.steps.get_mut(&key(table, step)) {
            open.decision = None;
            open.details = None;
        }
    }

    pub(super) fn remove(&mut self, table: &str, step: &str) {
        self.steps.remove(&key(table, step));
    }

    /// The steps of `table` that wait for a person.
    pub(super) fn asked(&self, table: &str) -> Vec<OpenStep> {
        self.of_table(table)
            .filter(|open| open.decision.is_some())
            .cloned()
            .collect()
    }

    fn of_table<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a OpenStep> {
        let steps = self.steps.iter();
        steps
            .filter(move |((of, _), _)| of == table)
            .map(|(_, open)| open)
    }

    /// The steps of `table` that may have created something, or wait for a person.
    pub(super) fn steps_of(&self, table: &str) -> Vec<String> {
        self.of_table(table).map(|open| open.step.clone()).collect()
    }

    /// The tables that already waited in the previous run, by their places in the input.
    pub(super) fn waiting(&self) -> Vec<usize> {
        self.waiting.values().copied().collect()
    }

    /// Whether `table` already waited in the previous run.
    pub(super) fn is_waiting(&self, table: &str) -> bool {
        self.waiting.contains_key(table)
    }

    /// Whether one more of the tables that waited can be worked on.
    pub(super) fn has_room(&self) -> bool {
        self.rooms_taken < MOST_BESIDE
    }

    /// Records that one of the tables that waited is worked on.
    pub(super) fn take_room(&mut self) {
        self.rooms_taken += 1;
    }

    /// Removes a table that waited, because it has ended.
    pub(super) fn close(&mut self, table: &str) {
        self.steps.retain(|(of, _), _| of != table);
        self.waiting.remove(table);
        self.rooms_taken = self.rooms_taken.saturating_sub(1);
    }
}

fn key(table: &str, step: &str) -> (String, String) {
    (table.to_owned(), step.to_owned())
}

/// Begins the handover once the history is long enough.
pub(super) fn check_length<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup) {
    let has_decided = ctx.state(|this| this.handover.has_begun || this.handover.is_impossible);
    // Before that, the steps run one by one, and no table has begun.
    if has_decided || setup.base.get().is_none() || setup.tables.get().is_none() {
        return;
    }
    let most = match setup.input.continue_after_events {
        0 => MOST_EVENTS,
        given => given,
    };
    let is_long = ctx.history_length() >= most || ctx.continue_as_new_suggested();
    if is_long && ctx.patched(GOES_ON_IN_A_NEW_RUN) {
        ctx.state_mut(|this| this.handover.has_begun = true);
    }
}

/// Completes when the wait for running activities is over.
pub(super) async fn rest_is_over<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup) {
    let begun = ctx.wait_condition(|this| this.handover.has_begun).await;
    if begun.is_err() {
        // The workflow was cancelled and ends by itself.
        return;
    }
    let rest = (setup.step_deadline / REST_OF_DEADLINE).clamp(REST_AT_LEAST, REST_WITHIN);
    ctx.timer(rest).await;
}

/// Whether the run can end now: no activity is running, or the wait for them is over. All
/// resolutions of people have been carried out before, and their updates have returned.
///
/// A run that was cancelled ends by itself: to it, every wait looks as if it were over.
pub(super) fn is_at_rest<K: Kind>(ctx: &IngestContext<K>, is_overdue: bool) -> bool {
    let is_at_rest = ctx.all_handlers_finished()
        && ctx.state(|this| {
            this.handover.has_begun
                && !this.handover.is_impossible
                && this.decisions.is_quiet()
                && (this.handover.activities == 0 || is_overdue)
        });
    is_at_rest && !(ctx.cancellation_token().is_cancelled() && ctx.patched(CANCEL_WINS))
}

/// Ends this run, and the next one continues; nothing if the state is too large.
pub(super) fn continue_as_new<K: Kind>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
) -> Option<WorkflowResult<Message<IngestResult>>> {
    let Some(ended) = K::continue_as_new(ctx, to_hand_over(ctx, setup)) else {
        // A history that gets too long is better than a task that fails for ever.
        ctx.state_mut(|this| {
            this.handover.is_impossible = true;
            this.handover.has_begun = false;
        });
        return None;
    };
    Some(ended.map(|never| match never {}))
}

fn to_hand_over<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup) -> IngestInput {
    let until = now(ctx).checked_add(LEFT_BEHIND);
    let until = until.map_or_else(|_| String::new(), |until| until.to_string());
    let run_id = ctx.run_id();
    ctx.state(|this| {
        let tables = setup.selected().iter().enumerate();
        let tables: Vec<(Table, ContinuedTable)> = tables
            .map(|(index, SelectedTable { place, table })| {
                let carried = ContinuedTable {
                    place: u32::try_from(*place).ok().filter(|_| *place != index),
                    ..this.table_to_hand_over(index, table, run_id, &until)
                };
                if carried.is_done || carried.failed.is_some() {
                    let name = table.table.clone();
                    let named = Table {
                        table: name,
                        ..Table::default()
                    };
                    return (named, carried);
                }
                (table.clone(), carried)
            })
            .collect();
        let (tables, carried) = tables.into_iter().unzip();
        IngestInput {
            tables,
            continued: Some(Continued {
                base_connection_id: setup.base_connection_id().to_owned(),
                tables: carried,
                warnings: this.warnings.clone(),
                last_error: this.status.last_error.clone(),
                failing: this.attempts.failing().to_vec(),
                attempts: this.attempts.latest().cloned().collect(),
                attempts_total: this.attempts.total(),
                activities: u32::try_from(this.attempts.count()).unwrap_or(u32::MAX),
                connection_spec: Some(setup.connection_spec()),
                deprecated: this.is_deprecated,
            }),
            ..setup.input.clone()
        }
    })
}

impl<K: Kind> Ingestion<K> {
    fn table_to_hand_over(
        &self,
        index: usize,
        table: &Table,
        run_id: &str,
        until: &str,
    ) -> ContinuedTable {
        let open = self.open.of_table(&table.table).cloned().map(|mut open| {
            if let Some(call) = &mut open.call {
                if call.run_id.is_empty() {
                    run_id.clone_into(&mut call.run_id);
                }
                if call.since.is_empty() {
                    until.clone_into(&mut call.since);
                }
            }
            open
        });
        let made = self.made.get(index).cloned().unwrap_or_default();
        ContinuedTable {
            is_done: self.status.tables[index].phase == TablePhase::Done.as_str(),
            made: Some(IngestedTable {
                table: String::new(),
                ..made
            }),
            failed: self.failed.get(&index).cloned(),
            warnings: self.table_warnings.get(&index).cloned().unwrap_or_default(),
            open: open.collect(),
            place: None,
            first_run_since: self
                .first_run_since
                .get(&index)
                .map_or_else(String::new, ToString::to_string),
        }
    }

    fn resume_table(&mut self, index: usize, table: &str, carried: ContinuedTable) {
        if let Some(made) = carried.made {
            let steps = if made.flow_id.is_empty() {
                &[][..]
            } else {
                &ALL_STEPS[..]
            };
            self.status.tables[index].done = steps.iter().map(|&step| step.to_owned()).collect();
            self.status.tables[index].flow_id.clone_from(&made.flow_id);
            self.made[index] = IngestedTable {
                table: table.to_owned(),
                ..made
            };
        }
        if !carried.warnings.is_empty() {
            self.table_warnings.insert(index, carried.warnings);
        }
        if let Ok(since) = carried.first_run_since.parse() {
            self.first_run_since.insert(index, since);
        }
        if let Some(failed) = carried.failed {
            let error = format!("{}: {}", failed.r#type, failed.message);
            progress::fail_table(&mut self.status, index, &error);
            self.failed.insert(index, failed);
            return;
        }
        if carried.is_done {
            if self.first_run_since.contains_key(&index) {
                let done = &mut self.status.tables[index].done;
                done.push(activity::GET_FLOW_RUNS.to_owned());
            }
            progress::finish_table(&mut self.status, index);
            return;
        }
        for open in carried.open {
            if open.decision.is_some() {
                self.open.waiting.insert(table.to_owned(), index);
            }
            self.open.add_decision(table, open);
        }
    }
}

/// The open decisions of the previous run.
pub(super) fn open_decisions(input: &IngestInput) -> Decisions {
    let mut decisions = Decisions::default();
    let tables = input.continued.iter().flat_map(|each| &each.tables);
    for decision in tables.flat_map(|table| &table.open) {
        if let Some(decision) = &decision.decision {
            decisions.open(decision.clone());
        }
    }
    decisions
}

/// Continues from the state of the previous run.
pub(super) fn resume<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup, continued: Continued) {
    setup.set_base(Base {
        id: continued.base_connection_id.clone(),
        spec: continued
            .connection_spec
            .unwrap_or_else(oracle_service_cloud),
    });
    let mut tables = validate::named(&setup.entries);
    for (table, carried) in tables.iter_mut().zip(&continued.tables) {
        let place = carried.place.and_then(|place| usize::try_from(place).ok());
        table.place = place.unwrap_or(table.place);
    }
    setup.set_tables(tables);
    Ingestion::start_tables(ctx, setup);
    ctx.state_mut(|this| {
        this.status.phase = Phase::Ingesting.as_str().to_owned();
        this.status.base_connection_id = continued.base_connection_id;
        this.is_deprecated = continued.deprecated;
        this.warnings = continued.warnings;
        let was_begun: Vec<bool> = continued
            .tables
            .iter()
            .map(|carried| {
                let made = carried.made.as_ref();
                !carried.open.is_empty() || made.is_some_and(|made| !made.schema_id.is_empty())
            })
            .collect();
        for (index, (table, carried)) in setup.tables().zip(continued.tables).enumerate() {
            this.resume_table(index, &table.table, carried);
        }
        let left: Vec<usize> = (0..setup.count())
            .filter(|index| {
                let table = &this.status.tables[*index];
                table.phase != TablePhase::Done.as_str()
                    && table.phase != TablePhase::Failed.as_str()
                    && !this.open.is_waiting(&table.table)
            })
            .collect();
        // Tables that had begun come first.
        let (first, then): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|i| was_begun[*i]);
        this.unclaimed = first.into_iter().chain(then).collect();
        this.status.last_error = continued.last_error;
        this.attempts = Attempts::after(
            continued.failing,
            continued.attempts,
            continued.attempts_total,
            continued.activities,
        );
        this.attributes.invalidate();
    });
}

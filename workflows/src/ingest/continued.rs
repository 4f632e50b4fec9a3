//! How an ingestion of many tables goes on in a new run, under the same workflow id, before its
//! history is too long for the server.
//!
//! A run that is long enough begins no more tables, lets those under way come to rest, and
//! hands over what there is. A table that rests without being done is begun again in the next
//! run, whose steps find what stands. Two things are handed over for it: a create that may
//! still take effect, since nothing may be created before that can no longer happen, and what
//! a person is asked, which stays open in between.

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

/// Marks the runs that may end so. Those without it go on to the end of the ingestion.
const GOES_ON_IN_A_NEW_RUN: &str = "go-on-in-a-new-run";

/// Events of a history after which a run is to end, unless the input says otherwise. Those of
/// the tables that are under way then come on top: some 50 each.
const MOST_EVENTS: u32 = 4_000;

/// How long tables that are under way are waited for. One takes two minutes of a healthy
/// platform, most of them for its lists.
const REST_WITHIN: Duration = Duration::from_secs(300);

/// The least of that, and how much of a step's deadline it is otherwise: a create that is left
/// behind may take effect for a while, and the next run must have time to see that it did not.
const REST_AT_LEAST: Duration = Duration::from_secs(30);
const REST_OF_DEADLINE: u32 = 4;

/// How long the worker of an activity that is left behind may still send something: it hears
/// of it by its next heartbeat, which is given up after half of that.
const LEFT_BEHIND: Duration = Duration::from_secs(30);

/// Tables that waited for a person in the run before, and are worked on at once beside the
/// others.
const MOST_BESIDE: usize = 64;

/// Steps of a table that is done, as its status lists them.
const ALL_STEPS: [&str; 7] = [
    activity::EXPLORE_TABLE,
    activity::CREATE_SOURCE_CONNECTION,
    activity::ENSURE_SCHEMA,
    activity::ENSURE_DATASET,
    activity::CREATE_TARGET_CONNECTION,
    activity::CREATE_MAPPING_SET,
    activity::CREATE_DATAFLOW,
];

/// Whether the run is about to end, and what it still waits for.
#[derive(Debug, Default)]
pub(super) struct Handover {
    has_begun: bool,
    /// It cannot: what there is to hand over is too much for a payload.
    is_impossible: bool,
    activities: usize,
}

impl Handover {
    /// Whether no table is to be begun any more.
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

/// The creates that are under way or wait for a person, and the tables that already waited in
/// the run before.
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

    /// Notes that a create may be sent from now on, by that call.
    pub(super) fn add_create(&mut self, table: &str, step: &str, call: EarlierCall) {
        let open = OpenStep {
            step: step.to_owned(),
            // It is sent at any time until it ends.
            call: Some(EarlierCall {
                since: String::new(),
                ..call
            }),
            ..OpenStep::default()
        };
        self.steps.insert(key(table, step), open);
    }

    /// Notes that a person is asked.
    pub(super) fn add_decision(&mut self, table: &str, open: OpenStep) {
        self.steps.insert(key(table, &open.step), open);
    }

    /// Notes that a person had it tried again.
    pub(super) fn mark_retry(&mut self, table: &str, step: &str) {
        if let Some(open) = self.steps.get_mut(&key(table, step)) {
            open.decision = None;
            open.details = None;
        }
    }

    pub(super) fn remove(&mut self, table: &str, step: &str) {
        self.steps.remove(&key(table, step));
    }

    /// The steps of `table` about which a person is asked.
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

    /// The tables that already waited in the run before, by their places in the input.
    pub(super) fn waiting(&self) -> Vec<usize> {
        self.waiting.values().copied().collect()
    }

    /// Whether that table already waited in the run before.
    pub(super) fn is_waiting(&self, table: &str) -> bool {
        self.waiting.contains_key(table)
    }

    /// Whether one more of those that waited can be worked on.
    pub(super) fn has_room(&self) -> bool {
        self.rooms_taken < MOST_BESIDE
    }

    /// Notes that one of those that waited is worked on.
    pub(super) fn take_room(&mut self) {
        self.rooms_taken += 1;
    }

    /// Notes that one of those that waited came to its end.
    pub(super) fn close(&mut self, table: &str) {
        self.steps.retain(|(of, _), _| of != table);
        self.waiting.remove(table);
        self.rooms_taken = self.rooms_taken.saturating_sub(1);
    }
}

fn key(table: &str, step: &str) -> (String, String) {
    (table.to_owned(), step.to_owned())
}

/// Looks whether the run is long enough.
pub(super) fn check_length<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup) {
    let has_decided = ctx.state(|this| this.handover.has_begun || this.handover.is_impossible);
    // Before that the steps come one by one, and no table is begun.
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

/// Ends when what is under way has been waited for long enough.
pub(super) async fn rest_is_over<K: Kind>(ctx: &IngestContext<K>, setup: &IngestSetup) {
    let begun = ctx.wait_condition(|this| this.handover.has_begun).await;
    if begun.is_err() {
        // The workflow was cancelled, and ends by itself.
        return;
    }
    let rest = (setup.step_deadline / REST_OF_DEADLINE).clamp(REST_AT_LEAST, REST_WITHIN);
    ctx.timer(rest).await;
}

/// Whether the run can end now: nothing is under way, or it was waited for long enough. What a
/// person said is carried out before, and has its answer.
pub(super) fn is_at_rest<K: Kind>(ctx: &IngestContext<K>, is_overdue: bool) -> bool {
    ctx.all_handlers_finished()
        && ctx.state(|this| {
            this.handover.has_begun
                && !this.handover.is_impossible
                && this.decisions.is_quiet()
                && (this.handover.activities == 0 || is_overdue)
        })
}

/// Ends this run; the next one goes on.
pub(super) fn continue_as_new<K: Kind>(
    ctx: &IngestContext<K>,
    setup: &IngestSetup,
) -> Option<WorkflowResult<Message<IngestResult>>> {
    let Some(ended) = K::continue_as_new(ctx, to_hand_over(ctx, setup)) else {
        // A history that is too long in the end is better than a task that fails for ever.
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

/// What a person was asked in the run before this one.
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

/// Takes up what the run before this one handed over.
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
        // Those that had been begun come first.
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

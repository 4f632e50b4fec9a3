//! The workflows that take tables of a source into datasets.
//!
//! First the base connection. Then the tables that the input's patterns select, if it has any.
//! Then each table by itself, as many at once as the input says. Within a table, a step waits
//! only for the steps whose results it needs:
//!
//! ```text
//! ExploreTable ─┬─ CreateSourceConnection ─────────────────────────────┬─ CreateDataflow
//!               └─ EnsureSchema ─┬─ EnsureDataset ─ CreateTargetConnection ─┤
//!                                └─ CreateMappingSet ──────────────────────┘
//! ```

#![expect(
    missing_docs,
    reason = "the macro's constants cannot carry the methods' comments"
)]

use std::{
    cell::{Cell, OnceCell},
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    marker::PhantomData,
    pin::pin,
    task::Poll,
    time::Duration,
};

use aep_flow_proto::{
    names::{self, Phase, TablePhase},
    v1::{
        ConnectionSpec, FailedAttempt, FailedTable, IngestFailure, IngestResult, IngestStatus,
        IngestedTable, ResolveInput, ResolveResult, Table,
    },
    validate::{self, SelectedTable},
};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use temporalio_common::error::ApplicationFailure;
use temporalio_workflow::{WorkflowContext, WorkflowResult, WorkflowTermination, join, join_all};

mod attributes;
mod continued;
mod decide;
mod fields;
mod first_run;
mod kind;
mod patterns;
mod run_activity;
mod start_times;
mod table;

pub use self::fields::as_written;
pub use self::kind::{AnySource, IngestOracleServiceCloud, IngestSource, OracleServiceCloud};
use self::{
    attributes::Attributes,
    continued::{Handover, OpenSteps},
    kind::Kind,
    table::TableRun,
};
use crate::{
    attempts::Attempts,
    clock::now,
    decision::{Decisions, ResolveError},
    details,
    failure::{self, BadInput},
    ingest_input::{ConnectionInput, ConnectionSettings, IngestInput},
    inputs::Inputs,
    limits::{self, Sent},
    payload::Message,
    progress,
    step_error::{FailedStep, StepError},
};

/// Tables that are worked on at the same time, unless the input says otherwise. Higher: faster,
/// and sooner throttled by the platform.
const TABLES_AT_ONCE: u32 = 8;

/// How long a step may be retried, unless the input says otherwise: an outage of one night.
const STEP_DEADLINE: Duration = Duration::from_secs(86_400);

/// How long to wait for a first run, unless the input says otherwise. Adobe's own alert
/// for a late run comes after 150 minutes.
const FIRST_RUN_DEADLINE: Duration = Duration::from_secs(10_800);

/// How long a person may take to decide, unless the input says otherwise: long enough for a
/// weekend and a holiday.
const DECISION_DEADLINE: Duration = Duration::from_secs(604_800);

/// The type of a table that a cancel interrupted, beside the failure types.
const CANCELLED: &str = "Cancelled";

/// Why an update is refused or fails.
type UpdateError = Box<dyn std::error::Error + Send + Sync>;

/// How a lane ended: with all its tables, or before that.
type LaneEnd = Result<(), WorkflowTermination>;

/// An ingestion by one of the workflows.
#[derive(Debug)]
pub struct Ingestion<K> {
    input: Option<Result<IngestInput, BadInput>>,
    status: IngestStatus,
    made: Vec<IngestedTable>,
    warnings: Vec<String>,
    /// The source, by its name in the catalogue.
    source: String,
    /// Whether Adobe has removed the source, or has announced its removal.
    is_deprecated: bool,
    /// By table, so that the order does not depend on which table is faster.
    table_warnings: BTreeMap<usize, Vec<String>>,
    failed: BTreeMap<usize, FailedTable>,
    /// The tables that no lane has taken yet, the next one first.
    unclaimed: VecDeque<usize>,
    /// When each table began to wait for its first run.
    first_run_since: BTreeMap<usize, Timestamp>,
    open: OpenSteps,
    handover: Handover,
    sent: Sent,
    decisions: Decisions,
    attempts: Attempts,
    attributes: Attributes,
    kind: PhantomData<K>,
}

/// What all tables of one ingestion share.
struct IngestSetup {
    /// The input, without its tables.
    input: IngestInput,
    connection: ConnectionSettings,
    /// The input's tables, patterns among them.
    entries: Vec<Table>,
    /// The selected tables; with a pattern, unknown until the source has been explored.
    tables: OnceCell<Vec<SelectedTable>>,
    base: OnceCell<Base>,
    step_deadline: Duration,
    first_run_deadline: Option<Duration>,
    decision_deadline: Duration,
}

/// The base connection that all tables are read through.
#[derive(Debug, Clone)]
struct Base {
    id: String,
    spec: ConnectionSpec,
}

type IngestContext<K> = WorkflowContext<Ingestion<K>>;

impl<K: Kind> Ingestion<K> {
    fn from_input(input: Result<IngestInput, BadInput>) -> Self {
        // An update may arrive before anything else happens.
        let decisions = input.as_ref().ok().map(continued::open_decisions);
        Self {
            input: Some(input),
            status: IngestStatus {
                phase: Phase::Connecting.as_str().to_owned(),
                ..IngestStatus::default()
            },
            made: Vec::new(),
            warnings: Vec::new(),
            source: String::new(),
            is_deprecated: false,
            table_warnings: BTreeMap::new(),
            failed: BTreeMap::new(),
            unclaimed: VecDeque::new(),
            first_run_since: BTreeMap::new(),
            open: OpenSteps::default(),
            handover: Handover::default(),
            sent: Sent::default(),
            decisions: decisions.unwrap_or_default(),
            attempts: Attempts::default(),
            attributes: Attributes::default(),
            kind: PhantomData,
        }
    }

    async fn run_to_end(ctx: &IngestContext<K>) -> WorkflowResult<Message<IngestResult>> {
        let mut input = ctx
            .state_mut(|this| this.input.take())
            .ok_or_else(|| ApplicationFailure::non_retryable("the input was taken twice"))??;
        let continued = input.continued.take();
        let setup = IngestSetup::of(input);
        ctx.state_mut(|this| this.source.clone_from(&setup.connection.source));
        match continued {
            Some(continued) => continued::resume(ctx, &setup, continued),
            None if !validate::has_pattern(&setup.entries) => {
                setup.set_tables(validate::named(&setup.entries));
                Self::start_tables(ctx, &setup);
            }
            None => {}
        }
        let sandbox = &setup.connection.sandbox;
        let mut question = pin!(attributes::ask_at_the_start(ctx, sandbox).fuse());
        let mut ingestion = pin!(async {
            match Self::ingest(ctx, &setup).await {
                Err(WorkflowTermination::Cancelled { .. }) => Err(Self::cancelled(ctx, &setup)),
                ended => ended,
            }
        });
        let mut leave = pin!(continued::rest_is_over(ctx, &setup).fuse());
        // Polled after every event, signals and updates included. All changes of one poll are
        // reported together.
        poll_fn(|cx| {
            let _ = question.as_mut().poll(cx);
            continued::check_length(ctx, &setup);
            let mut polled = ingestion.as_mut().poll(cx);
            // Only now is it known what still runs.
            let is_overdue = leave.as_mut().poll(cx).is_ready();
            if polled.is_pending()
                && continued::is_at_rest(ctx, is_overdue)
                && let Some(ended) = continued::continue_as_new(ctx, &setup)
            {
                polled = Poll::Ready(ended);
            }
            show(ctx);
            attributes::report_all(ctx);
            polled
        })
        .await
    }

    /// A report that cannot be read is ignored: reports are only shown to people, so the
    /// ingestion must not fail because of one.
    fn record_attempt(&mut self, report: Message<FailedAttempt>) {
        if let Ok(report) = report.read_known() {
            self.attempts.record_report(report);
        }
    }

    async fn decide(
        ctx: &IngestContext<K>,
        input: Message<ResolveInput>,
    ) -> Result<Message<ResolveResult>, UpdateError> {
        let input = input
            .read()
            .map_err(|error| ResolveError(failure::unreadable(error)))?;
        // Another decision may have been taken since the validator checked this one.
        let (result, ticket) = ctx.state_mut(|this| this.decisions.decide(&input))?;
        if input.retry {
            return Ok(result.into());
        }
        ctx.wait_condition(|this| this.decisions.is_carried_out(ticket))
            .await
            .map_err(|_| ResolveError::over())?;
        ctx.state_mut(|this| this.decisions.take_result(ticket))?;
        Ok(result.into())
    }

    fn check_decision(&self, input: &Message<ResolveInput>) -> Result<(), UpdateError> {
        let input = input
            .clone()
            .read()
            .map_err(|error| ResolveError(failure::unreadable(error)))?;
        self.decisions.check(&input)?;
        Ok(())
    }

    async fn ingest(
        ctx: &IngestContext<K>,
        setup: &IngestSetup,
    ) -> WorkflowResult<Message<IngestResult>> {
        if setup.base_connection_id().is_empty() {
            Self::connect(ctx, setup).await?;
        }
        let count = match setup.input.tables_at_once {
            0 => TABLES_AT_ONCE,
            given => given,
        };
        let lanes = join_all((0..count).map(|_| Self::lane(ctx, setup)));
        let over = Cell::new(false);
        let lanes = lanes.inspect(|_| over.set(true));
        let waiting = ctx.state(|this| this.open.waiting());
        let waiting = join_all(
            waiting
                .into_iter()
                .map(|index| Self::work_on_waiting(ctx, setup, index)),
        );
        let beside = Self::more_lanes(ctx, setup, &over);
        let (ended, waited, more) = join!(lanes, waiting, beside);
        for lane in ended.into_iter().chain(waited).chain(more) {
            lane?;
        }
        Self::finish(ctx, setup)
    }

    /// Creates the base connection, and finds the selected tables.
    async fn connect(
        ctx: &IngestContext<K>,
        setup: &IngestSetup,
    ) -> Result<(), WorkflowTermination> {
        let named = validate::named(&setup.entries);
        if let Err(error) = start_times::check(ctx, setup, &named).await {
            return Err(Self::fail_early(ctx, error));
        }
        let base = match setup.input.connection.clone() {
            Some(ConnectionInput::OracleServiceCloud(input)) => {
                decide::run(ctx, setup, "", input).await
            }
            Some(ConnectionInput::Any(input)) => decide::run(ctx, setup, "", input).await,
            None => return Err(ApplicationFailure::non_retryable("there is no connection").into()),
        };
        let base = match base {
            Ok(base) => base,
            Err(StepError::Failed(failed)) => {
                let error = StepError::Failed(Box::new(failed.below("connection")));
                return Err(Self::fail_early(ctx, error));
            }
            Err(error) => return Err(Self::fail_early(ctx, error)),
        };
        setup.set_base(Base {
            spec: base.connection_spec.unwrap_or_else(oracle_service_cloud),
            id: base.id.clone(),
        });
        ctx.state_mut(|this| {
            this.status.phase = Phase::Ingesting.as_str().to_owned();
            this.status.base_connection_id = base.id;
            this.is_deprecated = base.deprecated;
            this.warnings = base.warnings;
        });
        if setup.tables.get().is_none() {
            let tables = patterns::find(ctx, setup, &named).await;
            setup.set_tables(tables.map_err(|error| Self::fail_early(ctx, error))?);
            Self::start_tables(ctx, setup);
        }
        Ok(())
    }

    /// The phase. Open decisions come before everything else.
    fn phase(&self) -> &str {
        if self.decisions.is_empty() {
            &self.status.phase
        } else {
            Phase::NeedsDecision.as_str()
        }
    }

    /// The status with the failed attempts.
    fn full_status(&self) -> IngestStatus {
        IngestStatus {
            attempts: self.attempts.latest().cloned().collect(),
            attempts_total: self.attempts.total(),
            ..self.short_status()
        }
    }

    /// The status without the failed attempts.
    fn short_status(&self) -> IngestStatus {
        let mut status = self.status.clone();
        self.phase().clone_into(&mut status.phase);
        status.decisions = self.decisions.list().cloned().collect();
        for table in &mut status.tables {
            if self.decisions.list().any(|open| open.table == table.table) {
                TablePhase::NeedsDecision
                    .as_str()
                    .clone_into(&mut table.phase);
            }
        }
        status.failing = self.attempts.failing().to_vec();
        status.warnings.clone_from(&self.warnings);
        status
    }

    /// Lists all tables as waiting.
    fn start_tables(ctx: &IngestContext<K>, setup: &IngestSetup) {
        ctx.state_mut(|this| {
            let begun = progress::waiting(setup.tables().map(|table| table.table.clone()));
            this.status.tables_total = begun.tables_total;
            this.status.tables = begun.tables;
            if setup.first_run_deadline.is_some() {
                for table in &mut this.status.tables {
                    table.steps_total += 1;
                }
            }
            this.made = setup
                .tables()
                .map(|table| IngestedTable {
                    table: table.table.clone(),
                    ..IngestedTable::default()
                })
                .collect();
            this.unclaimed = (0..setup.count()).collect();
        });
    }

    /// Ends the ingestion before it works on a table.
    fn fail_early(ctx: &IngestContext<K>, error: StepError) -> WorkflowTermination {
        if let StepError::Failed(failed) = &error {
            let text = format!("{}: {}", failed.kind, failed.message);
            let now = format!("{:.0}", now(ctx));
            ctx.state_mut(|this| {
                this.status.phase = Phase::Failed.as_str().to_owned();
                this.status.last_error = text;
                this.attempts.mark_failing("", failed, &now);
            });
        }
        error.into()
    }

    /// Works on one unclaimed table after the other. Tables that are left when the run hands over
    /// are for the next run.
    async fn lane(ctx: &IngestContext<K>, setup: &IngestSetup) -> LaneEnd {
        while ctx.state(|this| !this.unclaimed.is_empty()) {
            if ctx.state(|this| this.handover.has_begun()) {
                let stays = ctx.wait_condition(|this| !this.handover.has_begun());
                stays.await.map_err(|_| WorkflowTermination::cancelled())?;
                continue;
            }
            if let Some(index) = ctx.state_mut(|this| this.unclaimed.pop_front()) {
                Self::work_on(ctx, setup, index).await?;
            }
        }
        Ok(())
    }

    /// Works on one table.
    async fn work_on(ctx: &IngestContext<K>, setup: &IngestSetup, index: usize) -> LaneEnd {
        let run = TableRun { ctx, setup, index };
        match run.ingest().await {
            Ok(()) => ctx.state_mut(|this| progress::finish_table(&mut this.status, index)),
            Err(StepError::Failed(step)) => Self::record_failed_table(ctx, setup, index, *step),
            Err(error @ (StepError::Cancelled | StepError::Unreadable(_))) => {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Works on a table that already waited for a person in the previous run, after the decision.
    async fn work_on_waiting(ctx: &IngestContext<K>, setup: &IngestSetup, index: usize) -> LaneEnd {
        let table = &setup.table(index).table;
        match decide::until_decided(ctx, table).await {
            Ok(()) => Self::work_on(ctx, setup, index).await?,
            Err(StepError::Failed(step)) => Self::record_failed_table(ctx, setup, index, *step),
            Err(error @ (StepError::Cancelled | StepError::Unreadable(_))) => {
                return Err(error.into());
            }
        }
        ctx.state_mut(|this| {
            this.decisions.close_table(table);
            this.open.close(table);
        });
        Ok(())
    }

    /// Adds a lane for each table that waits for a person, since its own lane does nothing
    /// meanwhile. Returns how the added lanes ended, once the others are `over`.
    async fn more_lanes(
        ctx: &IngestContext<K>,
        setup: &IngestSetup,
        over: &Cell<bool>,
    ) -> Vec<LaneEnd> {
        let mut lanes = Vec::new();
        let mut ended = Vec::new();
        // Polled whenever the others are, because both are parts of one join.
        poll_fn(|cx| {
            let wanted = ctx.state(|this| {
                if this.unclaimed.is_empty() {
                    0
                } else {
                    // Tables that waited in the previous run took no lane in this one.
                    let tables = this.decisions.tables().into_iter();
                    tables.filter(|table| !this.open.is_waiting(table)).count()
                }
            });
            while lanes.len() < wanted {
                lanes.push(Self::lane(ctx, setup).boxed_local());
            }
            lanes.retain_mut(|lane| match lane.poll_unpin(cx) {
                Poll::Ready(end) => {
                    ended.push(end);
                    false
                }
                Poll::Pending => true,
            });
            if over.get() && lanes.is_empty() {
                Poll::Ready(std::mem::take(&mut ended))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    fn record_failed_table(
        ctx: &IngestContext<K>,
        setup: &IngestSetup,
        index: usize,
        step: FailedStep,
    ) {
        let message = limits::cut(&step.message, limits::message_chars(setup.count()));
        let text = format!("{}: {message}", step.kind);
        let now = format!("{:.0}", now(ctx));
        ctx.state_mut(|this| {
            progress::fail_table(&mut this.status, index, &text);
            this.attempts
                .mark_failing(&setup.table(index).table, &step, &now);
            let failed = FailedTable {
                table: setup.table(index).table.clone(),
                step: step.step,
                r#type: step.kind.to_string(),
                message,
                adobe_code: step.details.adobe_code,
                request_id: step.details.request_id,
                field: step.details.field,
                made: None,
            };
            this.failed.insert(index, failed);
        });
    }

    fn finish(
        ctx: &IngestContext<K>,
        setup: &IngestSetup,
    ) -> WorkflowResult<Message<IngestResult>> {
        let (made, failed, warnings) = ctx.state_mut(|this| {
            let phase = if this.failed.is_empty() {
                Phase::Done
            } else {
                Phase::Failed
            };
            this.status.phase = phase.as_str().to_owned();
            this.take_results()
        });
        let base_connection_id = setup.base_connection_id().to_owned();
        if failed.is_empty() {
            return Ok(Message::from(IngestResult {
                base_connection_id,
                tables: made,
                warnings,
            }));
        }
        Err(some_failed(base_connection_id, made, failed, warnings).into())
    }
}

impl<K: Kind> Ingestion<K> {
    /// The end of an ingestion that was cancelled, with what exists of it.
    fn cancelled(ctx: &IngestContext<K>, setup: &IngestSetup) -> WorkflowTermination {
        let mut under_way: BTreeMap<usize, FailedTable> = setup
            .tables()
            .enumerate()
            .filter(|(index, _)| ctx.state(|this| !this.is_over(*index)))
            .map(|(index, table)| (index, Self::interrupted(ctx, &table.table)))
            .collect();
        let (made, mut failed, warnings) = ctx.state_mut(Self::take_results);
        if setup.base_connection_id().is_empty() {
            // The one step before there are tables.
            under_way.insert(0, Self::interrupted(ctx, ""));
        }
        failed.append(&mut under_way);
        let base = setup.base_connection_id().to_owned();
        let details = ingest_failure(base, made, failed, warnings);
        WorkflowTermination::cancelled_with_details(Message::from(details))
    }

    /// What a cancel leaves of `table`, which is empty for the base connection.
    fn interrupted(ctx: &IngestContext<K>, table: &str) -> FailedTable {
        let steps = ctx.state(|this| this.open.steps_of(table));
        let mut message = "the ingestion was cancelled".to_owned();
        if !steps.is_empty() {
            message.push_str(&format!(
                " while {} was under way: what it creates may exist, or appear for a while",
                steps.join(" and ")
            ));
        }
        FailedTable {
            table: table.to_owned(),
            step: steps.into_iter().next().unwrap_or_default(),
            r#type: CANCELLED.to_owned(),
            message,
            ..FailedTable::default()
        }
    }

    fn is_over(&self, index: usize) -> bool {
        let phase = self.status.tables.get(index).map(|table| &*table.phase);
        phase == Some(TablePhase::Done.as_str()) || phase == Some(TablePhase::Failed.as_str())
    }

    /// What exists, what failed, and the warnings of all.
    fn take_results(
        &mut self,
    ) -> (
        Vec<IngestedTable>,
        BTreeMap<usize, FailedTable>,
        Vec<String>,
    ) {
        let mut warnings = self.warnings.clone();
        let of_tables = std::mem::take(&mut self.table_warnings);
        warnings.extend(of_tables.into_values().flatten());
        (
            std::mem::take(&mut self.made),
            std::mem::take(&mut self.failed),
            limits::warnings(warnings),
        )
    }
}

impl IngestSetup {
    fn of(mut input: IngestInput) -> Self {
        let source = input.connection.as_ref();
        Self {
            connection: source.map(ConnectionInput::settings).unwrap_or_default(),
            entries: std::mem::take(&mut input.tables),
            tables: OnceCell::new(),
            base: OnceCell::new(),
            step_deadline: seconds_or(input.step_deadline_seconds, STEP_DEADLINE),
            first_run_deadline: input
                .wait_for_first_run
                .then(|| seconds_or(input.first_run_deadline_seconds, FIRST_RUN_DEADLINE)),
            decision_deadline: seconds_or(input.decision_deadline_seconds, DECISION_DEADLINE),
            input,
        }
    }

    fn set_tables(&self, tables: Vec<SelectedTable>) {
        self.tables.get_or_init(|| tables);
    }

    fn set_base(&self, base: Base) {
        self.base.get_or_init(|| base);
    }

    /// The selected tables; none before they are known.
    fn tables(&self) -> impl Iterator<Item = &Table> {
        self.selected().iter().map(|each| &each.table)
    }

    fn selected(&self) -> &[SelectedTable] {
        self.tables.get().map_or(&[], Vec::as_slice)
    }

    fn count(&self) -> usize {
        self.selected().len()
    }

    fn table(&self, index: usize) -> &Table {
        &self.selected()[index].table
    }

    /// The place in the caller's input of the entry that selects a table.
    fn place(&self, index: usize) -> usize {
        self.selected()[index].place
    }

    /// Empty before the base connection exists.
    fn base_connection_id(&self) -> &str {
        self.base.get().map_or("", |base| &base.id)
    }

    /// The specification of the base connection.
    fn connection_spec(&self) -> ConnectionSpec {
        let base = self.base.get();
        base.map_or_else(oracle_service_cloud, |base| base.spec.clone())
    }

    /// Makes the inputs of a table's steps.
    fn inputs<'a>(&'a self, table: &'a Table) -> Inputs<'a> {
        Inputs {
            connection: &self.connection,
            base_connection_id: self.base_connection_id(),
            connection_spec: self.connection_spec(),
            table,
        }
    }
}

/// The specification of a base connection without one: Oracle Service Cloud, from a worker or a
/// run that knew no other source.
fn oracle_service_cloud() -> ConnectionSpec {
    ConnectionSpec {
        id: names::ORACLE_SERVICE_CLOUD_SPEC_ID.to_owned(),
        version: names::SPEC_VERSION.to_owned(),
        has_own_types: None,
    }
}

fn show<K: Kind>(ctx: &IngestContext<K>) {
    let text = ctx.state(|this| {
        let hint = this
            .attributes
            .hint()
            .filter(|_| !this.decisions.is_empty());
        details::render(&this.short_status(), ctx.workflow_id(), hint)
    });
    ctx.set_current_details(text);
}

fn some_failed(
    base_connection_id: String,
    made: Vec<IngestedTable>,
    failed: BTreeMap<usize, FailedTable>,
    warnings: Vec<String>,
) -> ApplicationFailure {
    let kind = failed
        .values()
        .next()
        .map_or_else(String::new, |table| table.r#type.clone());
    let mut message = format!("{} of {} tables failed", failed.len(), made.len());
    // The details name all tables. The message must fit into a list of workflows.
    for table in failed.values().take(5) {
        message.push_str(&format!(
            "; {}: {} in {}: {}",
            table.table, table.r#type, table.step, table.message
        ));
    }
    let details = ingest_failure(base_connection_id, made, failed, warnings);
    ApplicationFailure::builder(message)
        .type_name(kind)
        .non_retryable(true)
        .details(Message::from(details))
        .build()
}

/// The details of an ingestion that did not reach its end: what exists of each table.
fn ingest_failure(
    base_connection_id: String,
    made: Vec<IngestedTable>,
    mut failed: BTreeMap<usize, FailedTable>,
    warnings: Vec<String>,
) -> IngestFailure {
    let mut went_through = Vec::new();
    for (index, made) in made.into_iter().enumerate() {
        match failed.get_mut(&index) {
            Some(table) => table.made = Some(made),
            None => went_through.push(made),
        }
    }
    IngestFailure {
        base_connection_id,
        tables: went_through,
        failed: failed.into_values().collect(),
        warnings,
    }
}

fn seconds_or(seconds: u32, default: Duration) -> Duration {
    match seconds {
        0 => default,
        given => Duration::from_secs(given.into()),
    }
}

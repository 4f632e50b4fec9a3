//! The steps of one table, from its columns to its dataflow.

use aep_flow_proto::{
    json::Object,
    names::{self, TablePhase},
    v1::{Dataset, IngestedTable, Schema, Table},
    validate,
};
use temporalio_common::ActivityDefinition;
use temporalio_workflow::join;

use super::{
    IngestContext, IngestSetup, Ingestion, Kind,
    decide::{self, Create},
    fields, run_activity,
};
use crate::{
    activities::Declared, inputs::Inputs, payload::Message, progress, step_error::StepError,
};

/// Marks the histories that take columns of types that earlier versions did not know, where a
/// table has one. Those without it refuse such a table.
const KNOWS_MORE_TYPES: &str = "knows-more-types";

/// One table that is being ingested.
pub(super) struct TableRun<'a, K: Kind> {
    pub(super) ctx: &'a IngestContext<K>,
    pub(super) setup: &'a IngestSetup,
    /// Its place among the selected tables.
    pub(super) index: usize,
}

/// Where a table's rows go.
struct Destination {
    schema: Schema,
    /// The existing dataset that the caller named, if any.
    dataset: Option<Dataset>,
}

/// What the dataflow needs of the side that it writes to.
struct Target {
    connection_id: String,
    mapping_set_id: String,
    mapping_set_version: u32,
}

impl<K: Kind> TableRun<'_, K> {
    /// Runs all steps, and records each result in the workflow's state.
    pub(super) async fn ingest(&self) -> Result<(), StepError> {
        // The previous run may have created the dataflow.
        let made = |this: &Ingestion<K>| this.made[self.index].flow_id.clone();
        let mut flow_id = self.ctx.state(made);
        if flow_id.is_empty() {
            self.chain().await?;
            flow_id = self.ctx.state(made);
        }
        if let Some(deadline) = self.setup.first_run_deadline {
            self.set_phase(TablePhase::WaitingForFirstRun);
            let run = self.first_run(&flow_id, deadline).await?;
            self.record(|made| made.first_run = Some(run));
        }
        Ok(())
    }

    /// From the table's columns to its dataflow.
    async fn chain(&self) -> Result<(), StepError> {
        let inputs = self.inputs();
        self.set_phase(TablePhase::Exploring);

        let explored = self.step(Declared::explore_table, inputs.explore_table());
        let explored = match explored.await {
            Err(StepError::Failed(failed)) => {
                let path = format!("tables[{}]", self.setup.place(self.index));
                return Err(StepError::Failed(Box::new(failed.below(&path))));
            }
            other => other?,
        };
        self.check(&explored.columns)?;
        let columns = inputs.chosen(explored.columns);

        self.set_phase(TablePhase::Creating);
        let existing = if inputs.go_into_what_exists() {
            Some(self.schema(columns.clone()).await?)
        } else {
            None
        };
        let (source, target) = join!(self.source(columns.clone()), self.target(columns, existing),);
        let source_connection_id = source?;
        let target = target?;

        let flow = inputs.dataflow(
            source_connection_id,
            target.connection_id,
            target.mapping_set_id,
            target.mapping_set_version,
        );
        let flow = self.create(flow).await?;
        self.ctx.state_mut(|this| {
            this.made[self.index].flow_id.clone_from(&flow.id);
            this.made[self.index].flow_spec_id = flow.flow_spec_id;
            this.status.tables[self.index].flow_id.clone_from(&flow.id);
        });
        Ok(())
    }

    /// Checks what the input says of the columns.
    fn check(&self, columns: &[Object]) -> Result<(), StepError> {
        let place = self.setup.place(self.index);
        let refused = |violations| StepError::invalid(names::activity::EXPLORE_TABLE, violations);
        let checked = validate::against_columns(place, self.table(), columns).map_err(refused)?;
        if !checked.refused_before.is_empty() && !self.ctx.patched(KNOWS_MORE_TYPES) {
            return Err(refused(checked.refused_before));
        }
        self.ctx.state_mut(|this| {
            this.table_warnings.insert(self.index, checked.warnings);
        });
        Ok(())
    }

    async fn source(&self, columns: Vec<Object>) -> Result<String, StepError> {
        let source = self.inputs().source_connection(columns);
        let source = self.create(source).await?;
        self.record(|made| made.source_connection_id.clone_from(&source.id));
        Ok(source.id)
    }

    /// Schema, unless it exists, then dataset with target connection, and at the same time the
    /// mapping set.
    async fn target(
        &self,
        columns: Vec<Object>,
        existing: Option<Destination>,
    ) -> Result<Target, StepError> {
        let Destination { schema, dataset } = match existing {
            Some(existing) => existing,
            None => self.schema(columns).await?,
        };
        let schema_id = schema.id.clone();
        let (target, mapping_set) = join!(
            self.dataset(dataset, &schema_id),
            self.create(self.inputs().mapping_set(schema)),
        );
        let mapping_set = mapping_set?;
        self.record(|made| made.mapping_set_id.clone_from(&mapping_set.id));
        Ok(Target {
            connection_id: target?,
            mapping_set_id: mapping_set.id,
            mapping_set_version: mapping_set.version,
        })
    }

    /// The schema; before it an existing dataset, which determines the schema.
    async fn schema(&self, columns: Vec<Object>) -> Result<Destination, StepError> {
        let inputs = self.inputs();
        let dataset = match inputs.existing_dataset() {
            Some(existing) => Some(self.create(existing).await?),
            None => None,
        };
        let schema = inputs.schema(columns, dataset.as_ref());
        let mut schema = self.create(schema).await?;
        let warnings = std::mem::take(&mut schema.warnings);
        self.ctx.state_mut(|this| {
            this.made[self.index].schema_id.clone_from(&schema.id);
            let table_warnings = this.table_warnings.entry(self.index);
            table_warnings.or_default().extend(warnings);
        });
        Ok(Destination { schema, dataset })
    }

    /// The dataset, unless it exists, and its target connection.
    async fn dataset(
        &self,
        existing: Option<Dataset>,
        schema_id: &str,
    ) -> Result<String, StepError> {
        let inputs = self.inputs();
        let dataset = match existing {
            Some(dataset) => dataset,
            None => self.create(inputs.dataset(schema_id)).await?,
        };
        self.record(|made| made.dataset_id.clone_from(&dataset.id));

        let target = inputs.target_connection(schema_id, dataset.id);
        let target = self.create(target).await?;
        self.record(|made| made.target_connection_id.clone_from(&target.id));
        Ok(target.id)
    }

    /// Runs one activity, shown as a step of this table.
    pub(super) async fn step<A, I, O>(&self, activity: A, input: I) -> Result<O, StepError>
    where
        A: ActivityDefinition<Input = Message<I>, Output = Message<O>>,
        I: serde::Serialize + 'static,
        O: serde::de::DeserializeOwned + prost::Message + prost::Name + Default + 'static,
    {
        let name = activity.name().to_owned();
        let table = &self.table().table;
        let deadline = self.setup.step_deadline;
        let run = run_activity::run(self.ctx, table, activity, input, deadline, table);
        self.as_step(&name, run).await
    }

    /// The same for an activity that creates something. A person decides about an unknown
    /// outcome.
    async fn create<I: Create>(&self, input: I) -> Result<I::Created, StepError> {
        let run = decide::run(self.ctx, self.setup, &self.table().table, input);
        let made = self.as_step(I::ACTIVITY, run).await;
        made.map_err(|error| fields::as_given(error, self.setup.place(self.index), self.table()))
    }

    async fn as_step<O>(
        &self,
        name: &str,
        run: impl Future<Output = Result<O, StepError>>,
    ) -> Result<O, StepError> {
        self.ctx
            .state_mut(|this| progress::start_step(&mut this.status, self.index, name));
        let result = run.await;
        self.ctx.state_mut(|this| {
            progress::end_step(&mut this.status, self.index, name, result.is_ok());
        });
        result
    }

    /// Records what was created for this table, so that a later failure can name it.
    fn record(&self, change: impl FnOnce(&mut IngestedTable)) {
        self.ctx
            .state_mut(|this| change(&mut this.made[self.index]));
    }

    fn set_phase(&self, phase: TablePhase) {
        self.ctx
            .state_mut(|this| progress::set_table_phase(&mut this.status, self.index, phase));
    }

    pub(super) fn table(&self) -> &Table {
        self.setup.table(self.index)
    }

    fn inputs(&self) -> Inputs<'_> {
        self.setup.inputs(self.table())
    }
}

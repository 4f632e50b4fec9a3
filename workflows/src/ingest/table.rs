//! What becomes of one table: from its columns to its dataflow.

use aep_flow_proto::{
    json::Object,
    names,
    v1::{
        CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, EnsureDatasetInput, EnsureSchemaInput, ExploreTableInput,
        IngestedTable, OnExisting, Table,
    },
    validate,
};
use temporalio_common::ActivityDefinition;
use temporalio_workflow::join;

use super::{
    Context, Ingestion, Kind, Plan,
    decide::{self, Create},
    steps,
};
use crate::{activities::Declared, naming, payload::Message, progress, step::StepError};

/// One table of an ingestion under way.
pub(super) struct TableRun<'a, K: Kind> {
    pub(super) ctx: &'a Context<K>,
    pub(super) plan: &'a Plan,
    /// Its place among the tables that are meant.
    pub(super) index: usize,
}

impl<K: Kind> TableRun<'_, K> {
    /// The whole chain; what it makes is noted in the workflow's state on the way.
    pub(super) async fn ingest(&self) -> Result<(), StepError> {
        // The run before this one may have come so far.
        let made = |this: &Ingestion<K>| this.made[self.index].flow_id.clone();
        let mut flow_id = self.ctx.state(made);
        if flow_id.is_empty() {
            self.chain().await?;
            flow_id = self.ctx.state(made);
        }
        if let Some(deadline) = self.plan.first_run_deadline {
            self.ctx.state_mut(|this| {
                progress::table_phase(&mut this.status, self.index, "waiting for first run");
            });
            let run = self.first_run(&flow_id, deadline).await?;
            self.note(|made| made.first_run = Some(run));
        }
        Ok(())
    }

    /// From the table's columns to its dataflow.
    async fn chain(&self) -> Result<(), StepError> {
        let table = self.table();
        let name = naming::resource_name(&self.plan.connection.name, &table.table);
        self.ctx
            .state_mut(|this| progress::table_phase(&mut this.status, self.index, "exploring"));

        let explored = ExploreTableInput {
            sandbox: self.plan.connection.sandbox.clone(),
            base_connection_id: self.plan.base_connection_id().to_owned(),
            table: table.table.clone(),
            preview: false,
        };
        let explored = match self.step(Declared::explore_table, explored).await {
            Err(StepError::Failed(failed)) => {
                let path = format!("tables[{}]", self.plan.place(self.index));
                return Err(StepError::Failed(Box::new(failed.below(&path))));
            }
            other => other?,
        };
        validate::against_columns(self.plan.place(self.index), table, &explored.columns)
            .map_err(|violations| StepError::invalid(names::activity::EXPLORE_TABLE, violations))?;
        let columns = chosen(explored.columns, &table.columns);

        self.ctx
            .state_mut(|this| progress::table_phase(&mut this.status, self.index, "creating"));
        let (source, target) = join!(
            self.source(&name, columns.clone()),
            self.target(&name, columns),
        );
        let source_connection_id = source?;
        let (target_connection_id, (mapping_set_id, mapping_set_version)) = target?;

        let flow = CreateDataflowInput {
            sandbox: self.plan.connection.sandbox.clone(),
            name,
            description: self.plan.connection.description.clone(),
            connection_spec: Some(self.plan.connection_spec()),
            source_connection_id,
            target_connection_id,
            mapping_set_id,
            mapping_set_version,
            schedule: table.schedule.clone(),
            delta_column: table.delta_column.clone(),
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
        };
        let flow = self.create(flow).await?;
        self.ctx.state_mut(|this| {
            this.made[self.index].flow_id.clone_from(&flow.id);
            this.made[self.index].flow_spec_id = flow.flow_spec_id;
            this.status.tables[self.index].flow_id.clone_from(&flow.id);
        });
        Ok(())
    }

    async fn source(&self, name: &str, columns: Vec<Object>) -> Result<String, StepError> {
        let input = CreateSourceConnectionInput {
            sandbox: self.plan.connection.sandbox.clone(),
            name: name.to_owned(),
            description: self.plan.connection.description.clone(),
            base_connection_id: self.plan.base_connection_id().to_owned(),
            connection_spec: Some(self.plan.connection_spec()),
            table: self.table().table.clone(),
            columns,
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
            filter: self.table().filter.clone(),
        };
        let source = self.create(input).await?;
        self.note(|made| made.source_connection_id.clone_from(&source.id));
        Ok(source.id)
    }

    /// Schema, then dataset with target connection, and beside them the mapping set.
    async fn target(
        &self,
        name: &str,
        columns: Vec<Object>,
    ) -> Result<(String, (String, u32)), StepError> {
        let table = self.table();
        let dataset = naming::dataset_name(&self.plan.connection.name, table);
        let schema = EnsureSchemaInput {
            sandbox: self.plan.connection.sandbox.clone(),
            title: dataset.clone(),
            description: self.plan.connection.description.clone(),
            columns,
            mapping: table.mapping.clone(),
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
            settings: table.schema.clone(),
        };
        let schema = self.create(schema).await?;
        self.ctx.state_mut(|this| {
            this.made[self.index].schema_id.clone_from(&schema.id);
            this.table_warnings.insert(self.index, schema.warnings);
        });

        let mapping_set = CreateMappingSetInput {
            sandbox: self.plan.connection.sandbox.clone(),
            name: name.to_owned(),
            schema_id: schema.id.clone(),
            mapping: schema.mapping,
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
        };
        let (target, mapping_set) = join!(
            self.dataset(name, dataset, &schema.id),
            self.create(mapping_set),
        );
        let mapping_set = mapping_set?;
        self.note(|made| made.mapping_set_id.clone_from(&mapping_set.id));
        Ok((target?, (mapping_set.id, mapping_set.version)))
    }

    async fn dataset(
        &self,
        name: &str,
        dataset: String,
        schema_id: &str,
    ) -> Result<String, StepError> {
        let input = EnsureDatasetInput {
            sandbox: self.plan.connection.sandbox.clone(),
            name: dataset,
            description: self.plan.connection.description.clone(),
            schema_id: schema_id.to_owned(),
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
            existing: self.table().existing_dataset.clone(),
        };
        let dataset = self.create(input).await?;
        self.note(|made| made.dataset_id.clone_from(&dataset.id));

        let input = CreateTargetConnectionInput {
            sandbox: self.plan.connection.sandbox.clone(),
            name: name.to_owned(),
            description: self.plan.connection.description.clone(),
            schema_id: schema_id.to_owned(),
            dataset_id: dataset.id,
            on_existing: self.on_existing(),
            adopt: None,
            continues: None,
        };
        let target = self.create(input).await?;
        self.note(|made| made.target_connection_id.clone_from(&target.id));
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
        let deadline = self.plan.step_deadline;
        let run = steps::run(self.ctx, table, activity, input, deadline, table);
        self.shown(&name, run).await
    }

    /// The same for one that creates something: of an unknown outcome a person decides.
    async fn create<I: Create>(&self, input: I) -> Result<I::Made, StepError> {
        let name = I::ACTIVITY.name().to_owned();
        let run = decide::run(self.ctx, self.plan, &self.table().table, input);
        self.shown(&name, run).await
    }

    async fn shown<O>(
        &self,
        name: &str,
        run: impl Future<Output = Result<O, StepError>>,
    ) -> Result<O, StepError> {
        self.ctx
            .state_mut(|this| progress::step_started(&mut this.status, self.index, name));
        let result = run.await;
        self.ctx.state_mut(|this| {
            progress::step_ended(&mut this.status, self.index, name, result.is_ok());
        });
        result
    }

    /// Notes what was made for this table, so that a failure further on can name it.
    fn note(&self, change: impl FnOnce(&mut IngestedTable)) {
        self.ctx
            .state_mut(|this| change(&mut this.made[self.index]));
    }

    pub(super) fn table(&self) -> &Table {
        self.plan.table(self.index)
    }

    /// What the caller said of the base connection holds for what stands on it, but for
    /// `FAIL`: that speaks of the connection alone, or nothing could ever be added to it.
    fn on_existing(&self) -> i32 {
        match self.plan.connection.on_existing() {
            OnExisting::AdoptAny => OnExisting::AdoptAny.into(),
            OnExisting::Unspecified | OnExisting::AdoptOurs | OnExisting::Fail => {
                OnExisting::AdoptOurs.into()
            }
        }
    }
}

/// The explored columns that the caller wants, in the caller's order; all, without a choice.
fn chosen(explored: Vec<Object>, wanted: &[String]) -> Vec<Object> {
    if wanted.is_empty() {
        return explored;
    }
    wanted
        .iter()
        .filter_map(|name| {
            explored
                .iter()
                .find(|column| column.text("name") == Some(name))
        })
        .cloned()
        .collect()
}

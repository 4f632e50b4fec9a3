//! What would become of one table.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    json::Object,
    names::activity,
    v1::{Dataset, EnsureDatasetInput, MappingSet, Schema},
    validate::{self, SelectedTable},
};
use aep_flow_workflows::inputs::Inputs;
use jiff::Timestamp;

use super::{Base, Planner};
use crate::activities::{self, Failed};

/// What a table goes into.
struct Destination {
    schema: Schema,
    /// Only one that was there before the schema was asked for.
    dataset: Option<Dataset>,
}

impl Planner<'_> {
    /// The whole chain of one table, as far as it can be seen.
    pub(super) async fn table(&mut self, meant: &SelectedTable, base: &Base) -> Result<(), Failed> {
        let connection = self.connection.clone();
        let inputs = Inputs {
            connection: &connection,
            base_connection_id: &base.id,
            connection_spec: base.spec.clone(),
            table: &meant.table,
        };
        if self.is_too_late(meant, &inputs).await? {
            return Ok(());
        }
        if base.is_to_come() {
            return self.by_name(&inputs).await;
        }
        let Some(columns) = self.columns(meant, &inputs).await? else {
            return Ok(());
        };
        // In the order of an ingestion: what exists may have no place for the columns.
        let destination = if inputs.go_into_what_exists() {
            let destination = self.destination(&inputs, columns.clone()).await?;
            if destination.is_none() {
                return Ok(());
            }
            destination
        } else {
            None
        };
        let source = self.source_connection(&inputs, columns.clone()).await?;
        let destination = match destination {
            Some(destination) => Some(destination),
            None => self.destination(&inputs, columns).await?,
        };
        let Some(destination) = destination else {
            return Ok(());
        };
        let target = self.target(&inputs, destination).await?;
        if let (Some(source), Some((target, mapping_set))) = (source, target) {
            self.dataflow(&inputs, source, target, mapping_set).await?;
        }
        Ok(())
    }

    /// Whether its start time has passed and its dataflow is still to be made.
    async fn is_too_late(
        &mut self,
        meant: &SelectedTable,
        inputs: &Inputs<'_>,
    ) -> Result<bool, Failed> {
        let path = format!("tables[{}].schedule", meant.place);
        let schedule = meant.table.schedule.as_ref();
        let Some(passed) = validate::passed_start(&path, schedule, Timestamp::now()) else {
            return Ok(false);
        };
        let found = activities::find_dataflow(self.platform, inputs.find_dataflow()).await?;
        if !found.id.is_empty() {
            return Ok(false);
        }
        let step = (activity::CREATE_DATAFLOW, ResourceKind::Flow);
        self.refuse(step, &inputs.name(), Failed::invalid(vec![passed]));
        Ok(true)
    }

    async fn columns(
        &mut self,
        meant: &SelectedTable,
        inputs: &Inputs<'_>,
    ) -> Result<Option<Vec<Object>>, Failed> {
        // What is explored for is the source connection.
        let step = (activity::EXPLORE_TABLE, ResourceKind::SourceConnection);
        let explored = activities::explore_table(self.platform, inputs.explore_table()).await;
        let Some(explored) = self.noted(step, &inputs.name(), explored)? else {
            return Ok(None);
        };
        let found = validate::against_columns(meant.place, &meant.table, &explored.columns);
        if let Err(violations) = found {
            self.refuse(step, &inputs.name(), Failed::invalid(violations));
            return Ok(None);
        }
        Ok(Some(inputs.chosen(explored.columns)))
    }

    async fn source_connection(
        &mut self,
        inputs: &Inputs<'_>,
        columns: Vec<Object>,
    ) -> Result<Option<String>, Failed> {
        let input = inputs.source_connection(columns);
        let attempt = self.attempt();
        let made = activities::create_source_connection(self.platform, &attempt, input).await;
        let step = (
            activity::CREATE_SOURCE_CONNECTION,
            ResourceKind::SourceConnection,
        );
        let made = self.noted(step, &inputs.name(), made)?;
        Ok(made.map(|made| made.id))
    }

    /// The schema; before it the dataset, if it is there.
    async fn destination(
        &mut self,
        inputs: &Inputs<'_>,
        columns: Vec<Object>,
    ) -> Result<Option<Destination>, Failed> {
        let dataset = match inputs.existing_dataset() {
            None => None,
            Some(input) => match self.dataset(inputs, input).await? {
                None => return Ok(None),
                Some(dataset) => Some(dataset),
            },
        };
        let input = inputs.schema(columns, dataset.as_ref());
        let made = activities::ensure_schema(self.platform, &self.attempt(), input).await;
        let step = (activity::ENSURE_SCHEMA, ResourceKind::Schema);
        let made = self.noted(step, &inputs.dataset_name(), made)?;
        Ok(made.map(|mut schema| {
            self.plan.warnings.append(&mut schema.warnings);
            Destination { schema, dataset }
        }))
    }

    /// Dataset, unless it is there, target connection and mapping set: the last two.
    async fn target(
        &mut self,
        inputs: &Inputs<'_>,
        destination: Destination,
    ) -> Result<Option<(String, MappingSet)>, Failed> {
        let Destination { schema, dataset } = destination;
        let dataset = match dataset {
            Some(dataset) => Some(dataset),
            None => self.dataset(inputs, inputs.dataset(&schema.id)).await?,
        };
        let target = match dataset {
            Some(dataset) => self.target_connection(inputs, &schema.id, dataset).await?,
            None => None,
        };
        let mapping_set = self.mapping_set(inputs, schema).await?;
        Ok(target.zip(mapping_set))
    }

    async fn dataset(
        &mut self,
        inputs: &Inputs<'_>,
        input: EnsureDatasetInput,
    ) -> Result<Option<Dataset>, Failed> {
        let made = activities::ensure_dataset(self.platform, &self.attempt(), input).await;
        let step = (activity::ENSURE_DATASET, ResourceKind::Dataset);
        self.noted(step, &inputs.dataset_name(), made)
    }

    async fn target_connection(
        &mut self,
        inputs: &Inputs<'_>,
        schema_id: &str,
        dataset: Dataset,
    ) -> Result<Option<String>, Failed> {
        let input = inputs.target_connection(schema_id, dataset.id);
        let attempt = self.attempt();
        let made = activities::create_target_connection(self.platform, &attempt, input).await;
        let step = (
            activity::CREATE_TARGET_CONNECTION,
            ResourceKind::TargetConnection,
        );
        let made = self.noted(step, &inputs.name(), made)?;
        Ok(made.map(|made| made.id))
    }

    async fn mapping_set(
        &mut self,
        inputs: &Inputs<'_>,
        schema: Schema,
    ) -> Result<Option<MappingSet>, Failed> {
        let input = inputs.mapping_set(schema);
        let made = activities::create_mapping_set(self.platform, &self.attempt(), input).await;
        let step = (activity::CREATE_MAPPING_SET, ResourceKind::MappingSet);
        self.noted(step, &inputs.name(), made)
    }

    async fn dataflow(
        &mut self,
        inputs: &Inputs<'_>,
        source_connection_id: String,
        target_connection_id: String,
        mapping_set: MappingSet,
    ) -> Result<(), Failed> {
        let input = inputs.dataflow(source_connection_id, target_connection_id, mapping_set);
        let made = activities::create_dataflow(self.platform, &self.attempt(), input).await;
        let step = (activity::CREATE_DATAFLOW, ResourceKind::Flow);
        self.noted(step, &inputs.name(), made)?;
        Ok(())
    }
}

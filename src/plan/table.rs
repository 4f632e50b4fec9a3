//! What would become of one table.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    json::Object,
    names::activity,
    v1::{Dataset, Schema},
    validate::{self, SelectedTable},
};
use aep_flow_workflows::inputs::Inputs;
use jiff::Timestamp;

use super::{Base, Planner};
use crate::activities::{self, ActivityFailure};

/// What a table goes into.
struct Destination {
    schema: Schema,
    /// Only one that was there before the schema was asked for.
    dataset: Option<Dataset>,
}

impl Planner<'_> {
    /// The whole chain of one table, as far as it can be seen.
    pub(super) async fn table(
        &mut self,
        meant: &SelectedTable,
        base: &Base,
    ) -> Result<(), ActivityFailure> {
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
        if base.is_to_come {
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
        let (name, dataset_name) = (inputs.name(), inputs.dataset_name());
        let source = inputs.source_connection(columns.clone());
        let source = self.create(&name, source).await?;
        let destination = match destination {
            Some(destination) => Some(destination),
            None => self.destination(&inputs, columns).await?,
        };
        let Some(Destination { schema, dataset }) = destination else {
            return Ok(());
        };
        let dataset = match dataset {
            Some(dataset) => Some(dataset),
            None => {
                let dataset = inputs.dataset(&schema.id);
                self.create(&dataset_name, dataset).await?
            }
        };
        let target = match dataset {
            Some(dataset) => {
                let target = inputs.target_connection(&schema.id, dataset.id);
                self.create(&name, target).await?
            }
            None => None,
        };
        let mapping_set = self.create(&name, inputs.mapping_set(schema)).await?;
        if let (Some(source), Some(target), Some(mapping_set)) = (source, target, mapping_set) {
            let (id, version) = (mapping_set.id, mapping_set.version);
            let flow = inputs.dataflow(source.id, target.id, id, version);
            self.create(&name, flow).await?;
        }
        Ok(())
    }

    /// Whether its start time has passed and its dataflow does not exist yet.
    async fn is_too_late(
        &mut self,
        meant: &SelectedTable,
        inputs: &Inputs<'_>,
    ) -> Result<bool, ActivityFailure> {
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
        self.refuse(step, &inputs.name(), ActivityFailure::invalid(vec![passed]));
        Ok(true)
    }

    async fn columns(
        &mut self,
        meant: &SelectedTable,
        inputs: &Inputs<'_>,
    ) -> Result<Option<Vec<Object>>, ActivityFailure> {
        // What is explored for is the source connection.
        let step = (activity::EXPLORE_TABLE, ResourceKind::SourceConnection);
        let explored = activities::explore_table(self.platform, inputs.explore_table()).await;
        let Some(explored) = self.noted(step, &inputs.name(), explored)? else {
            return Ok(None);
        };
        match validate::against_columns(meant.place, &meant.table, &explored.columns) {
            Ok(checked) => self.plan.warnings.extend(checked.warnings),
            Err(violations) => {
                self.refuse(step, &inputs.name(), ActivityFailure::invalid(violations));
                return Ok(None);
            }
        }
        Ok(Some(inputs.chosen(explored.columns)))
    }

    /// The schema; before it the dataset, if it is there.
    async fn destination(
        &mut self,
        inputs: &Inputs<'_>,
        columns: Vec<Object>,
    ) -> Result<Option<Destination>, ActivityFailure> {
        let name = inputs.dataset_name();
        let dataset = match inputs.existing_dataset() {
            None => None,
            Some(input) => match self.create(&name, input).await? {
                None => return Ok(None),
                Some(dataset) => Some(dataset),
            },
        };
        let schema = inputs.schema(columns, dataset.as_ref());
        let made = self.create(&name, schema).await?;
        Ok(made.map(|mut schema| {
            self.plan.warnings.append(&mut schema.warnings);
            Destination { schema, dataset }
        }))
    }
}

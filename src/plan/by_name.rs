//! What can be said of a table before there is a base connection to explore it through: whether
//! the names are free.

use aep_flow_proto::names::activity;
use aep_flow_proto::v1::OnExisting;
use aep_flow_workflows::inputs::Inputs;
use aep_platform::{
    NewDataset, NewFieldGroup, NewFlow, NewMappingSet, NewSchema, NewSourceConnection,
    NewTargetConnection,
};

use super::{Action, IS_FREE, IS_SOMEBODYS, Planner, Step};
use crate::activities::{self, ActivityFailure, Ensurable};

impl Planner<'_> {
    /// What would be created for one table, by the names that it would have.
    pub(super) async fn by_name(&mut self, inputs: &Inputs<'_>) -> Result<(), ActivityFailure> {
        let (name, dataset) = (inputs.name(), inputs.dataset_name());
        let fields = format!("{dataset} fields");
        let table = &inputs.table.table;
        self.named::<NewSourceConnection>(table, activity::CREATE_SOURCE_CONNECTION, &name)
            .await?;
        if !inputs.go_into_what_exists() {
            self.named::<NewFieldGroup>(table, activity::ENSURE_SCHEMA, &fields)
                .await?;
            self.named::<NewSchema>(table, activity::ENSURE_SCHEMA, &dataset)
                .await?;
        }
        if inputs.table.existing_dataset.is_none() {
            self.named::<NewDataset>(table, activity::ENSURE_DATASET, &dataset)
                .await?;
        }
        self.named::<NewTargetConnection>(table, activity::CREATE_TARGET_CONNECTION, &name)
            .await?;
        self.named::<NewMappingSet>(table, activity::CREATE_MAPPING_SET, &name)
            .await?;
        self.named::<NewFlow>(table, activity::CREATE_DATAFLOW, &name)
            .await
    }

    async fn named<K: Ensurable>(
        &mut self,
        table: &str,
        step: &'static str,
        name: &str,
    ) -> Result<(), ActivityFailure> {
        let sandbox = &self.connection.sandbox;
        let existing = activities::find_by_name::<K>(self.platform, sandbox, name).await?;
        let takes_any = self.connection.on_existing() == OnExisting::AdoptAny;
        let (action, id, reason) = match existing {
            None => (Action::Create, None, IS_FREE),
            Some((id, true)) => (
                Action::Unknown,
                Some(id),
                "it is ours; whether it was created from the same request is known once the base \
                 connection exists",
            ),
            Some((id, false)) if takes_any => (Action::Adopt, Some(id), IS_SOMEBODYS),
            Some((id, false)) => (
                Action::Refuse,
                Some(id),
                "Conflict: somebody else created one of that name",
            ),
        };
        self.plan.steps.push(Step {
            table: table.to_owned(),
            step,
            kind: K::KIND.as_str(),
            name: name.to_owned(),
            action,
            id,
            reason: reason.to_owned(),
        });
        Ok(())
    }
}

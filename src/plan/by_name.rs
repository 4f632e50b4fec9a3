//! What can be said of a table before there is a base connection to explore it through: whether
//! the names are free.

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::names::activity;
use aep_flow_proto::v1::OnExisting;
use aep_flow_workflows::inputs::Inputs;

use super::{Action, IS_FREE, IS_SOMEBODYS, Planner, Step};
use crate::activities::{self, Failed};

impl Planner<'_> {
    /// What would be made for one table, by the names that it would have.
    pub(super) async fn by_name(&mut self, inputs: &Inputs<'_>) -> Result<(), Failed> {
        let (name, dataset) = (inputs.name(), inputs.dataset_name());
        let fields = format!("{dataset} fields");
        let table = inputs.table;
        let makes_dataset = table.existing_dataset.is_none();
        let makes_schema = !inputs.go_into_what_exists();
        let steps = [
            (
                activity::CREATE_SOURCE_CONNECTION,
                ResourceKind::SourceConnection,
                &name,
                true,
            ),
            (
                activity::ENSURE_SCHEMA,
                ResourceKind::FieldGroup,
                &fields,
                makes_schema,
            ),
            (
                activity::ENSURE_SCHEMA,
                ResourceKind::Schema,
                &dataset,
                makes_schema,
            ),
            (
                activity::ENSURE_DATASET,
                ResourceKind::Dataset,
                &dataset,
                makes_dataset,
            ),
            (
                activity::CREATE_TARGET_CONNECTION,
                ResourceKind::TargetConnection,
                &name,
                true,
            ),
            (
                activity::CREATE_MAPPING_SET,
                ResourceKind::MappingSet,
                &name,
                true,
            ),
            (activity::CREATE_DATAFLOW, ResourceKind::Flow, &name, true),
        ];
        for (step, kind, name, is_made) in steps {
            if is_made {
                let step = self.named(&table.table, step, kind, name).await?;
                self.plan.steps.push(step);
            }
        }
        Ok(())
    }

    async fn named(
        &self,
        table: &str,
        step: &'static str,
        kind: ResourceKind,
        name: &str,
    ) -> Result<Step, Failed> {
        let sandbox = &self.connection.sandbox;
        let standing = activities::standing_by_name(self.platform, sandbox, kind, name).await?;
        let takes_any = self.connection.on_existing() == OnExisting::AdoptAny;
        let (action, id, reason) = match standing {
            None => (Action::Create, None, IS_FREE),
            Some((id, true)) => (
                Action::Unknown,
                Some(id),
                "it is ours; whether it was made from the same request is known once the base \
                 connection stands",
            ),
            Some((id, false)) if takes_any => (Action::Adopt, Some(id), IS_SOMEBODYS),
            Some((id, false)) => (
                Action::Refuse,
                Some(id),
                "Conflict: somebody else made one of that name",
            ),
        };
        Ok(Step {
            table: table.to_owned(),
            step,
            kind: kind.as_str(),
            name: name.to_owned(),
            action,
            id,
            reason: reason.to_owned(),
        })
    }
}

//! The ends of a flow: its source connection and its target connection.

use serde_json::{Value, json};

use super::schedule::Schedule;
use super::{common, transformations};
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::{Entity, Kind};

/// The two connections of a flow.
pub(super) struct Ends {
    pub(super) source: Entity,
    pub(super) target: Entity,
}

impl Ends {
    /// Finds one connection of each kind. Their specs must be in the flow spec.
    pub(super) fn find(scene: &Scene<'_>, body: &Value, spec: &Value) -> Result<Self, Problem> {
        let source_id = only_id(body, "sourceConnectionIds")?;
        let target_id = only_id(body, "targetConnectionIds")?;
        let source = common::find_by(scene, Kind::SourceConnections, source_id)?.clone();
        let target = common::find_by(scene, Kind::TargetConnections, target_id)?.clone();
        for (end, list) in [
            (&source, "sourceConnectionSpecIds"),
            (&target, "targetConnectionSpecIds"),
        ] {
            let id = &end.body["connectionSpec"]["id"];
            if !spec[list].as_array().is_some_and(|ids| ids.contains(id)) {
                let message = format!(
                    "Connection spec {id} is not supported by flow spec {}.",
                    spec["name"]
                );
                return Err(Problem::flow(1305, 400, message));
            }
        }
        Ok(Self { source, target })
    }

    /// Checks everything that a flow needs to run.
    pub(super) fn check(&self, scene: &Scene<'_>, body: &Value) -> Result<Schedule, Problem> {
        let schedule = Schedule::parse_new(&body["scheduleParams"], scene.arrived_ms)?;
        transformations::check(
            scene,
            &body["transformations"],
            &schedule,
            &self.source,
            &self.target,
        )?;
        Ok(schedule)
    }

    /// What the flow shows of them.
    pub(super) fn inherited(&self) -> Value {
        json!({
            "sourceConnections": [{
                "id": self.source.id,
                "connectionSpec": self.source.body["connectionSpec"],
                "baseConnection": self.source.body["inheritedAttributes"]["baseConnection"],
            }],
            "targetConnections": [{
                "id": self.target.id,
                "connectionSpec": self.target.body["connectionSpec"],
            }],
            "properties": {"isSourceFlow": true},
        })
    }
}

fn only_id<'v>(body: &'v Value, field: &str) -> Result<&'v str, Problem> {
    match body[field].as_array().map(Vec::as_slice) {
        None => Err(Problem::flow(
            1338,
            400,
            format!("Ids are null in the flow: {field}."),
        )),
        Some([Value::String(id)]) if !id.is_empty() => Ok(id),
        Some([_]) => Err(Problem::flow(1320, 400, format!("Id is null in {field}."))),
        Some(_) => Err(Problem::flow(
            1321,
            400,
            format!("Number of ids in {field} must be one."),
        )),
    }
}

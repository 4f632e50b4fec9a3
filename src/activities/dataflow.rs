//! The dataflow: what runs, and costs.

use std::time::Duration;

use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::{
    v1::{
        CreateDataflowInput, Dataflow, FindDataflowInput, FindDataflowResult, Frequency, Schedule,
    },
    validate::{self, StartTime},
};
use aep_platform::{
    ConnectionSpecRef, Created, Deleted, DeltaColumn, Flow, FlowId, FlowSpecRef, MappingSetId,
    NewFlow, PlatformError, Sandbox, SourceConnectionId, Start, TargetConnectionId,
};

use super::{
    attempt::Attempt,
    ensure::{Create, Creates, Deletable, Ensurable, Listed},
    failure::ActivityFailure,
    platform::Platform,
    source_connection::connection_spec,
};

const KIND: ResourceKind = ResourceKind::Flow;

/// Name of the flow specification of every table source.
const TABLE_FLOW_SPEC: &str = "CRMToAEP";

impl Creates for CreateDataflowInput {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<Dataflow, ActivityFailure> {
        super::check_named(&self)?;
        let source_connection_id =
            super::read_id::<SourceConnectionId>("sourceConnectionId", &self.source_connection_id)?;
        let target_connection_id =
            super::read_id::<TargetConnectionId>("targetConnectionId", &self.target_connection_id)?;
        let mapping_set_id = super::read_id::<MappingSetId>("mappingSetId", &self.mapping_set_id)?;
        let source_spec = connection_spec(self.connection_spec.as_ref())?;
        let given = self.schedule.clone().unwrap_or_default();
        check_schedule(&given, &self.delta_column)?;
        let create = Create::of(platform, attempt, &self).await?;
        let intent = create
            .intent(KIND, "", &self.name)
            .field("sourceConnectionId", source_connection_id.as_str())
            .field("targetConnectionId", target_connection_id.as_str())
            .field("mappingSetId", mapping_set_id.as_str())
            .field("schedule", &schedule_text(&given))
            .field("deltaColumn", &self.delta_column);
        let flow_spec = flow_spec(&create.sandbox, &source_spec).await?;
        let flow_spec_id = flow_spec.id.to_string();
        let new = NewFlow {
            name: self.name,
            description: None,
            flow_spec,
            source_connection_id,
            target_connection_id,
            mapping_set_id,
            mapping_set_version: self.mapping_set_version.into(),
            delta_column: (!self.delta_column.is_empty()).then_some(DeltaColumn {
                name: self.delta_column,
                date_format: None,
                timezone: None,
            }),
            schedule: schedule(&given, platform.start_margin),
        };
        let ensured = create.run(intent, new).await?;
        Ok(Dataflow {
            id: ensured.id,
            etag: ensured.etag,
            outcome: ensured.outcome.into(),
            flow_spec_id,
        })
    }
}

/// The dataflow of that name that we created, if there is one.
pub(crate) async fn find(
    platform: &Platform,
    input: FindDataflowInput,
) -> Result<FindDataflowResult, ActivityFailure> {
    super::check_name(&input.name, "")?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let intent = platform.intent(KIND, &sandbox, "", &input.name);
    let found = sandbox.find_flows_named(&input.name).await?;
    let mut existing = found.into_iter().map(Listed::existing);
    let ours = existing.find(|each| each.is_of(&intent));
    Ok(FindDataflowResult {
        id: ours.map_or_else(String::new, |ours| ours.id),
    })
}

impl Ensurable for NewFlow {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "00000000-0000-0000-0000-000000000000";
    type Id = FlowId;
    type Found = Flow;
    type Duplicate = Self;

    fn mark(&mut self, intent: &Intent, description: &str) {
        self.description = Some(intent.described(description));
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Flow>, PlatformError> {
        sandbox.find_flows_named(&self.name).await
    }

    async fn find_named(sandbox: &Sandbox, name: &str) -> Result<Vec<Flow>, PlatformError> {
        sandbox.find_flows_named(name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_flow(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Flow, PlatformError> {
        sandbox.get_flow(id).await
    }

    fn differs(&self, found: &Flow) -> Option<String> {
        if found.source_connection_ids != [self.source_connection_id.clone()] {
            return Some("it reads from another source connection".to_owned());
        }
        if found.target_connection_ids != [self.target_connection_id.clone()] {
            return Some("it writes to another target connection".to_owned());
        }
        None
    }
}

impl Deletable for NewFlow {
    // Nothing uses a dataflow, and one that is left would ingest everything twice.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, PlatformError> {
        Ok(false)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_flow(id).await
    }
}

/// The rules that need no clock. The platform refuses a start time that has passed: a dataflow
/// that was created with it earlier is still the result.
fn check_schedule(given: &Schedule, delta_column: &str) -> Result<(), ActivityFailure> {
    let mut findings = validate::Findings::default();
    validate::schedule(
        &mut findings,
        ("schedule", Some(given)),
        ("deltaColumn", delta_column),
    );
    findings.into_result().map_err(ActivityFailure::invalid)
}

/// The flow specification that reads from `source`, by the platform's own list.
///
/// Adobe's documents disagree on whether Oracle Service Cloud is still in it; the list
/// that an organisation sees has the last word.
async fn flow_spec(
    sandbox: &Sandbox,
    source: &ConnectionSpecRef,
) -> Result<FlowSpecRef, ActivityFailure> {
    let specs = sandbox.find_flow_specs_named(TABLE_FLOW_SPEC).await?;
    let spec = specs
        .into_iter()
        .find(|spec| spec.reads_from(&source.id))
        .ok_or_else(|| {
            ActivityFailure::platform_rejected(
                format!(
                    "no flow specification {TABLE_FLOW_SPEC} of this organisation reads from the \
                 connection specification {}",
                    source.id
                ),
                "move to another source: the platform no longer takes dataflows from this one",
            )
        })?;
    let mut reference = FlowSpecRef::v1(spec.id);
    if let Some(version) = spec.version {
        reference.version = version;
    }
    Ok(reference)
}

/// The schedule as the caller gave it: "now" is the same request at any time.
fn schedule_text(given: &Schedule) -> String {
    format!(
        "{}|{}|{}|{}",
        given.start_time,
        platform_frequency(given.frequency()).as_str(),
        given
            .interval
            .map_or_else(String::new, |interval| interval.to_string()),
        given
            .backfill
            .map_or("", |backfill| if backfill { "true" } else { "false" }),
    )
}

fn schedule(given: &Schedule, margin: Duration) -> aep_platform::Schedule {
    let start = match validate::start_time(given) {
        Ok(StartTime::At(start)) => Start::At(u64::try_from(start.as_second()).unwrap_or_default()),
        Ok(StartTime::Now) | Err(_) => Start::After(margin),
    };
    aep_platform::Schedule {
        start,
        frequency: platform_frequency(given.frequency()),
        interval: given.interval,
        backfill: given.backfill,
    }
}

fn platform_frequency(frequency: Frequency) -> aep_platform::Frequency {
    match frequency {
        Frequency::Unspecified | Frequency::Once => aep_platform::Frequency::Once,
        Frequency::Minute => aep_platform::Frequency::Minute,
        Frequency::Hour => aep_platform::Frequency::Hour,
        Frequency::Day => aep_platform::Frequency::Day,
        Frequency::Week => aep_platform::Frequency::Week,
    }
}

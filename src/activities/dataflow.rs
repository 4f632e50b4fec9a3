//! The dataflow: what runs, and costs.

use std::time::Duration;

use aep_flow_ensure::ResourceKind;
use aep_flow_proto::{
    v1::{
        CreateDataflowInput, Dataflow, FindDataflowInput, FindDataflowResult, Frequency, Schedule,
    },
    validate::{self, StartTime},
};
use aep_platform::{
    ConnectionSpecRef, Created, Deleted, DeltaColumn, Flow, FlowId, FlowSpecRef, MappingSetId,
    NewFlow, PlatformError, Sandbox, SourceConnectionId, TargetConnectionId,
};
use jiff::Timestamp;

use super::{
    attempt::Attempt,
    ensured::{Ensurable, Listed, Wanted},
    failure::Failed,
    platform::Platform,
    source_connection::connection_spec,
};

const KIND: ResourceKind = ResourceKind::Flow;

/// Name of the flow specification of every table source.
const TABLE_FLOW_SPEC: &str = "CRMToAEP";

pub(crate) async fn create(
    platform: &Platform,
    attempt: &Attempt,
    input: CreateDataflowInput,
) -> Result<Dataflow, Failed> {
    super::check_named(&input.name, &input.description)?;
    let source_connection_id =
        super::read_id::<SourceConnectionId>("sourceConnectionId", &input.source_connection_id)?;
    let target_connection_id =
        super::read_id::<TargetConnectionId>("targetConnectionId", &input.target_connection_id)?;
    let mapping_set_id = super::read_id::<MappingSetId>("mappingSetId", &input.mapping_set_id)?;
    let source_spec = connection_spec(input.connection_spec.as_ref())?;
    let given = input.schedule.clone().unwrap_or_default();
    check_schedule(&given, &input.delta_column)?;
    let sandbox = platform.sandbox(&input.sandbox).await?;

    let on_existing = input.on_existing();
    let intent = platform.intent(KIND, &sandbox, "", &input.name);
    let intent = attempt
        .sign(intent, input.continues.as_ref())
        .field("sourceConnectionId", source_connection_id.as_str())
        .field("targetConnectionId", target_connection_id.as_str())
        .field("mappingSetId", mapping_set_id.as_str())
        .field("schedule", &schedule_text(&given))
        .field("deltaColumn", &input.delta_column);
    let flow_spec = flow_spec(&sandbox, &source_spec).await?;
    let new = NewFlow {
        description: Some(intent.described(&input.description)),
        name: input.name,
        flow_spec: flow_spec.clone(),
        source_connection_id,
        target_connection_id,
        mapping_set_id,
        mapping_set_version: input.mapping_set_version.into(),
        delta_column: (!input.delta_column.is_empty()).then_some(DeltaColumn {
            name: input.delta_column,
            date_format: None,
            timezone: None,
        }),
        schedule: schedule(&given, platform.start_margin),
    };
    let wanted = Wanted {
        platform,
        attempt,
        sandbox: &sandbox,
        intent: &intent,
        on_existing,
        adopt: input.adopt.as_deref(),
        continues: input.continues.as_ref(),
        new: &new,
    };
    let ensured = wanted.ensured().await?;
    Ok(Dataflow {
        id: ensured.id,
        etag: ensured.etag,
        outcome: ensured.outcome.into(),
        flow_spec_id: flow_spec.id.to_string(),
    })
}

/// The dataflow of that name that we made, if there is one.
pub(crate) async fn find(
    platform: &Platform,
    input: FindDataflowInput,
) -> Result<FindDataflowResult, Failed> {
    super::check_named(&input.name, "")?;
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let intent = platform.intent(KIND, &sandbox, "", &input.name);
    let found = sandbox.find_flows_named(&input.name).await?;
    let mut standing = found.into_iter().map(Listed::standing);
    let ours = standing.find(|each| each.is_of(&intent));
    Ok(FindDataflowResult {
        id: ours.map_or_else(String::new, |ours| ours.id),
    })
}

impl Ensurable for NewFlow {
    const KIND: ResourceKind = KIND;
    type Id = FlowId;
    type Found = Flow;

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Flow>, PlatformError> {
        sandbox.find_flows_named(&self.name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_flow(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Flow, PlatformError> {
        sandbox.get_flow(id).await
    }

    // Nothing stands on a dataflow, and one that is left would ingest everything twice.
    async fn is_used(_: &Sandbox, _: &Self::Id) -> Result<bool, PlatformError> {
        Ok(false)
    }

    async fn delete(sandbox: &Sandbox, id: &Self::Id) -> Result<Deleted, PlatformError> {
        sandbox.delete_flow(id).await
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

/// The rules that hold without the clock: a start time that has passed is the platform's to
/// refuse, since a dataflow made earlier with it is still the answer.
fn check_schedule(given: &Schedule, delta_column: &str) -> Result<(), Failed> {
    let mut findings = validate::Findings::default();
    validate::schedule(
        &mut findings,
        ("schedule", Some(given)),
        ("deltaColumn", delta_column),
    );
    findings.into_result().map_err(Failed::invalid)
}

/// The flow specification that reads from `source`, by the platform's own list.
///
/// Adobe's documents disagree on whether Oracle Service Cloud is still in it; the list
/// that an organisation sees has the last word.
async fn flow_spec(sandbox: &Sandbox, source: &ConnectionSpecRef) -> Result<FlowSpecRef, Failed> {
    let specs = sandbox.find_flow_specs_named(TABLE_FLOW_SPEC).await?;
    let spec = specs
        .into_iter()
        .find(|spec| spec.reads_from(&source.id))
        .ok_or_else(|| {
            Failed::platform_rejected(
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

/// The schedule as the caller gave it: "now" is the same wish at any time.
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
        Ok(StartTime::At(start)) => start,
        Ok(StartTime::Now) | Err(_) => Timestamp::now() + margin,
    };
    aep_platform::Schedule {
        start_time_s: u64::try_from(start.as_second()).unwrap_or_default(),
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

//! Flows: one source connection into one target connection, by a mapping, on a schedule.
//!
//! Source: "Collect customer success data using the Flow Service API", "Flow Service API
//! reference", read 2026-11.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::flow_service::{Created, Deleted, Entity, FlowSpecRef};
use crate::client::Sandbox;
use crate::error::PlatformError;
use crate::fields::{self, Raw};
use crate::ids::{Etag, FlowId, MappingSetId, SourceConnectionId, TargetConnectionId};
use crate::kind::EntityKind;
use crate::response::UnreadableResponse;

/// How often a flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// One run.
    Once,
    /// Every so many minutes, at least 15.
    Minute,
    /// Every so many hours.
    Hour,
    /// Every so many days.
    Day,
    /// Every so many weeks.
    Week,
}

impl Frequency {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

/// When a flow first runs. The platform refuses a time that is in the past when it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// That many seconds after 1970.
    At(u64),
    /// So long after the create is sent, by the platform's clock.
    After(Duration),
}

impl Start {
    fn seconds(self, now: SystemTime) -> u64 {
        match self {
            Self::At(seconds) => seconds,
            Self::After(pause) => (now + pause)
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        }
    }
}

/// When a flow runs. Interval and backfill are refused by the platform with [`Frequency::Once`],
/// the interval is required with all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The first run.
    pub start: Start,
    /// The unit.
    pub frequency: Frequency,
    /// How many units lie between two runs.
    pub interval: Option<u32>,
    /// Whether the first run loads all data; the platform's default is that it does.
    pub backfill: Option<bool>,
}

/// The column by which new and changed rows are found. A recurring flow of a table source needs
/// one; the platform refuses it with [`Frequency::Once`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeltaColumn {
    /// Its name.
    pub name: String,
    /// How its values are written. Adobe's documents disagree on the letters, so it is best left
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// The zone of its values, such as `UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// A flow to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFlow {
    /// The name by which it is found again.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The kind of flow, whose spec must list the source's connection spec.
    pub flow_spec: FlowSpecRef,
    /// Where rows come from.
    pub source_connection_id: SourceConnectionId,
    /// Where rows go.
    pub target_connection_id: TargetConnectionId,
    /// The mapping.
    pub mapping_set_id: MappingSetId,
    /// Its version, 0 for a new one.
    pub mapping_set_version: u64,
    /// The column by which new rows are found.
    pub delta_column: Option<DeltaColumn>,
    /// When it runs.
    pub schedule: Schedule,
}

/// A flow as Flow Service shows it.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// Its name; names are not unique.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: Option<i64>,
    /// Its version, for a change.
    pub etag: Option<Etag>,
    /// Such as `enabled`, `disabled`, `enabled-finalizing`, `delete-finalizing`.
    pub state: Option<String>,
    /// The kind of flow.
    pub flow_spec: Option<FlowSpecRef>,
    /// Where rows come from.
    pub source_connection_ids: Vec<SourceConnectionId>,
    /// Where rows go.
    pub target_connection_ids: Vec<TargetConnectionId>,
    /// The mapping of its `Mapping` transformation.
    pub mapping_set_id: Option<MappingSetId>,
    /// That mapping's version.
    pub mapping_set_version: Option<i64>,
    /// The column of its `Copy` transformation.
    pub delta_column: Option<String>,
    /// `transformations`, unchanged.
    pub transformations: Vec<Value>,
    /// `scheduleParams`, unchanged; numbers may be text.
    pub schedule_params: Option<Value>,
    /// The whole entity.
    pub raw: Raw,
}

impl Entity for Flow {
    const KIND: EntityKind = EntityKind::Flow;
    const COLLECTION: &'static str = "/flows";
    const ONE: &'static str = "/flows/{id}";

    fn read(value: Value) -> Result<Self, UnreadableResponse> {
        let transformations = fields::list(&value, "/transformations").to_vec();
        let named = |name: &str| {
            transformations.iter().find(|transformation| {
                fields::text(transformation, "/name")
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
            })
        };
        let mapping = named("Mapping");
        let copy = named("Copy");
        Ok(Self {
            id: fields::required_id(&value, "/id")?,
            name: fields::text(&value, "/name").unwrap_or_default(),
            description: fields::text(&value, "/description"),
            created_at_ms: fields::time_ms(&value, "/createdAt"),
            etag: fields::etag(&value),
            state: fields::text(&value, "/state"),
            flow_spec: FlowSpecRef::read(&value),
            source_connection_ids: fields::ids(&value, "/sourceConnectionIds"),
            target_connection_ids: fields::ids(&value, "/targetConnectionIds"),
            mapping_set_id: mapping.and_then(|mapping| fields::id(mapping, "/params/mappingId")),
            mapping_set_version: mapping
                .and_then(|mapping| fields::integer(mapping, "/params/mappingVersion")),
            delta_column: copy.and_then(|copy| fields::text(copy, "/params/deltaColumn/name")),
            schedule_params: value.get("scheduleParams").cloned(),
            transformations,
            raw: Raw::new(value),
        })
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    flow_spec: &'a FlowSpecRef,
    source_connection_ids: [&'a SourceConnectionId; 1],
    target_connection_ids: [&'a TargetConnectionId; 1],
    transformations: Vec<TransformationJson<'a>>,
    schedule_params: ScheduleJson,
}

#[derive(Serialize)]
#[serde(tag = "name", content = "params")]
enum TransformationJson<'a> {
    #[serde(rename_all = "camelCase")]
    Copy { delta_column: &'a DeltaColumn },
    #[serde(rename_all = "camelCase")]
    Mapping {
        mapping_id: &'a MappingSetId,
        mapping_version: String,
    },
}

/// All values are text, as in every example; times are in seconds, not milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScheduleJson {
    start_time: String,
    frequency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backfill: Option<String>,
}

fn body(new: &NewFlow, now: SystemTime) -> FlowBody<'_> {
    let mut transformations = Vec::with_capacity(2);
    if let Some(delta_column) = &new.delta_column {
        transformations.push(TransformationJson::Copy { delta_column });
    }
    transformations.push(TransformationJson::Mapping {
        mapping_id: &new.mapping_set_id,
        mapping_version: new.mapping_set_version.to_string(),
    });
    FlowBody {
        name: &new.name,
        description: new.description.as_deref(),
        flow_spec: &new.flow_spec,
        source_connection_ids: [&new.source_connection_id],
        target_connection_ids: [&new.target_connection_id],
        transformations,
        schedule_params: ScheduleJson {
            start_time: new.schedule.start.seconds(now).to_string(),
            frequency: new.schedule.frequency.as_str(),
            interval: new.schedule.interval.map(|interval| interval.to_string()),
            backfill: new.schedule.backfill.map(|backfill| backfill.to_string()),
        },
    }
}

impl Sandbox {
    /// Creates a flow. The request is sent once. The flow runs and costs from its start time on.
    ///
    /// # Errors
    /// [`PlatformError`]; check its `effect` before sending it again, as names are not unique.
    pub async fn create_flow(&self, new: &NewFlow) -> Result<Created<FlowId>, PlatformError> {
        let body = body(new, self.platform_now());
        self.create_entity::<Flow, _>(&new.name, &body).await
    }

    /// One flow.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn get_flow(&self, id: &FlowId) -> Result<Flow, PlatformError> {
        self.get_entity(id.as_str()).await
    }

    /// Every flow of exactly that name, whatever characters the name has. One created in the last
    /// minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn find_flows_named(&self, name: &str) -> Result<Vec<Flow>, PlatformError> {
        self.find_entities(name, None, |_| true).await
    }

    /// Every flow that reads from a source connection, whatever its name and state. While there is
    /// one, the source connection is in use. A flow that names no source connection is included: to
    /// overlook a user would lose something, to include one too many only keeps something. One
    /// created in the last minute may not be in the list yet.
    ///
    /// # Errors
    /// [`PlatformError`]; the use is then unknown.
    pub async fn find_flows_reading(
        &self,
        source_connection_id: &SourceConnectionId,
    ) -> Result<Vec<Flow>, PlatformError> {
        // The brackets mean every member of the array. Source: "Sort and filter responses in the
        // Flow Service API", read 2026-11.
        let filter = ("sourceConnectionIds[]", source_connection_id.as_str());
        self.find_users(filter, |flow: &Flow| {
            let ids = &flow.source_connection_ids;
            ids.is_empty() || ids.contains(source_connection_id)
        })
        .await
    }

    /// Every flow that writes to a target connection; with the rules of
    /// [`Sandbox::find_flows_reading`].
    ///
    /// # Errors
    /// [`PlatformError`]; the use is then unknown.
    pub async fn find_flows_writing(
        &self,
        target_connection_id: &TargetConnectionId,
    ) -> Result<Vec<Flow>, PlatformError> {
        let filter = ("targetConnectionIds[]", target_connection_id.as_str());
        self.find_users(filter, |flow: &Flow| {
            let ids = &flow.target_connection_ids;
            ids.is_empty() || ids.contains(target_connection_id)
        })
        .await
    }

    /// Sets a flow's description, and changes nothing else; at most 1000 characters are safe. Gives
    /// the new etag where the service does; the flow keeps changing by itself, so the etag may be
    /// stale at once.
    ///
    /// # Errors
    /// [`PlatformError`]; [`crate::Conflict::Version`] when it changed since the etag was read: read
    /// it again.
    pub async fn update_flow_description(
        &self,
        id: &FlowId,
        etag: &Etag,
        description: &str,
    ) -> Result<Option<Etag>, PlatformError> {
        self.describe_entity::<Flow>(id.as_str(), etag, description)
            .await
    }

    /// Deletes a flow, not its connections or its data.
    ///
    /// # Errors
    /// [`PlatformError`].
    pub async fn delete_flow(&self, id: &FlowId) -> Result<Deleted, PlatformError> {
        self.delete_entity::<Flow>(id.as_str()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new(delta_column: Option<DeltaColumn>, schedule: Schedule) -> NewFlow {
        NewFlow {
            name: "Creating a dataflow".to_owned(),
            description: None,
            flow_spec: FlowSpecRef::v1(crate::FlowSpecId::crm_to_aep()),
            source_connection_id: "17faf955-2cf8-4b15-baf9-552cf88b1540".parse().unwrap(),
            target_connection_id: "1f5af99c-f1ef-4076-9af9-9cf1ef507678".parse().unwrap(),
            mapping_set_id: "7c3547d3cfc14f568a51c32b4c0ed739".parse().unwrap(),
            mapping_set_version: 0,
            delta_column,
            schedule,
        }
    }

    #[test]
    fn a_recurring_flow_has_a_delta_column_and_seconds_as_text() {
        let flow = new(
            Some(DeltaColumn {
                name: "updatedAt".to_owned(),
                date_format: None,
                timezone: None,
            }),
            Schedule {
                start: Start::At(1_590_792_316),
                frequency: Frequency::Minute,
                interval: Some(15),
                backfill: Some(true),
            },
        );
        assert_eq!(
            serde_json::to_value(body(&flow, SystemTime::UNIX_EPOCH)).unwrap(),
            json!({
                "name": "Creating a dataflow",
                "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
                "sourceConnectionIds": ["17faf955-2cf8-4b15-baf9-552cf88b1540"],
                "targetConnectionIds": ["1f5af99c-f1ef-4076-9af9-9cf1ef507678"],
                "transformations": [
                    {"name": "Copy", "params": {"deltaColumn": {"name": "updatedAt"}}},
                    {"name": "Mapping", "params": {"mappingId": "7c3547d3cfc14f568a51c32b4c0ed739",
                                                   "mappingVersion": "0"}}],
                "scheduleParams": {"startTime": "1590792316", "frequency": "minute",
                                   "interval": "15", "backfill": "true"}
            })
        );
    }

    #[test]
    fn a_start_after_the_create_is_counted_from_when_it_is_sent() {
        let flow = new(
            None,
            Schedule {
                start: Start::After(Duration::from_secs(60)),
                frequency: Frequency::Once,
                interval: None,
                backfill: None,
            },
        );
        for sent in [1_700_000_000, 1_700_000_600] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(sent);
            let body = serde_json::to_value(body(&flow, now)).unwrap();
            let start = (sent + 60).to_string();
            assert_eq!(body["scheduleParams"]["startTime"], start);
        }
    }

    #[test]
    fn one_run_has_neither_interval_nor_backfill_nor_copy() {
        let flow = new(
            None,
            Schedule {
                start: Start::At(1),
                frequency: Frequency::Once,
                interval: None,
                backfill: None,
            },
        );
        let body = serde_json::to_value(body(&flow, SystemTime::UNIX_EPOCH)).unwrap();
        assert_eq!(
            body["scheduleParams"],
            json!({"startTime": "1", "frequency": "once"})
        );
        assert_eq!(body["transformations"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_flow_is_read_with_numbers_as_numbers_or_as_text() {
        for version in [json!(0), json!("0")] {
            let flow = Flow::read(json!({
                "id": "x",
                "transformations": [{"name": "Mapping",
                                     "params": {"mappingId": "m", "mappingVersion": version}}]
            }))
            .unwrap();
            assert_eq!(flow.mapping_set_version, Some(0));
            assert_eq!(flow.mapping_set_id.unwrap().as_str(), "m");
        }
    }
}

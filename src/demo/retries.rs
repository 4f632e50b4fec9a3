//! The retries of a workflow, read from its history.
//!
//! A failed attempt has no event of its own: the event that starts the next attempt holds the
//! failure of the one before.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use temporalio_client::WorkflowFetchHistoryOptions;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_common::protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes,
};

use super::Handle;

/// A step that needed more than one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// The activity. Example: `CreateSourceConnection`.
    pub step: String,
    /// The table, or the connection for the first step.
    pub of: String,
    /// The attempt that went through.
    pub attempt: i32,
    /// The type of the failure before it. Example: `Unavailable`.
    pub failure: String,
    /// What that failure said.
    pub message: String,
    /// `ADOPTED` where an earlier attempt had created the resource, `CREATED` where none had; nothing
    /// for a step that creates none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// The retries of a closed workflow, in the order in which their steps were begun.
pub(super) async fn of(handle: &Handle) -> Result<Vec<Retry>, WorkflowInteractionError> {
    let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
    Ok(read(&history.into_events().await?))
}

fn read(events: &[HistoryEvent]) -> Vec<Retry> {
    // By the id of the event that scheduled the activity.
    let mut steps = BTreeMap::new();
    let mut retries: BTreeMap<i64, Retry> = BTreeMap::new();
    for event in events {
        match &event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                let step = scheduled
                    .activity_type
                    .as_ref()
                    .map(|kind| kind.name.clone());
                let summary = event
                    .user_metadata
                    .as_ref()
                    .and_then(|metadata| summary_text(metadata.summary.as_ref()));
                let step = (step.unwrap_or_default(), summary.unwrap_or_default());
                steps.insert(event.event_id, step);
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(started)) => {
                let Some(failure) = &started.last_failure else {
                    continue;
                };
                let id = started.scheduled_event_id;
                let (step, of) = steps.get(&id).cloned().unwrap_or_default();
                let failed = Failed::read(failure);
                let retry = Retry {
                    step,
                    of,
                    attempt: started.attempt,
                    failure: failed.kind,
                    message: failed.message,
                    outcome: None,
                };
                retries.insert(id, retry);
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) => {
                if let Some(retry) = retries.get_mut(&completed.scheduled_event_id) {
                    let result = completed.result.as_ref();
                    retry.outcome = result.and_then(|result| outcome(result.payloads.first()?));
                }
            }
            _ => {}
        }
    }
    retries.into_values().collect()
}

fn outcome(payload: &Payload) -> Option<String> {
    let result: Value = serde_json::from_slice(&payload.data).ok()?;
    result.get("outcome")?.as_str().map(str::to_owned)
}

/// The text that the workflow put beside an activity.
fn summary_text(payload: Option<&Payload>) -> Option<String> {
    serde_json::from_slice(&payload?.data).ok()
}

/// A failure, as far as a line has room for it.
pub(super) struct Failed {
    kind: String,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn read(failure: &Failure) -> Self {
        let kind = match &failure.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) => info.r#type.clone(),
            _ => String::new(),
        };
        Self {
            kind,
            message: failure.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::common::v1::{ActivityType, Payloads};
    use temporalio_common::protos::temporal::api::failure::v1::ApplicationFailureInfo;
    use temporalio_common::protos::temporal::api::history::v1::{
        ActivityTaskCompletedEventAttributes, ActivityTaskScheduledEventAttributes,
        ActivityTaskStartedEventAttributes,
    };
    use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;

    use super::*;

    fn payload(json: &str) -> Payload {
        Payload {
            data: json.as_bytes().to_vec(),
            ..Payload::default()
        }
    }

    fn event(event_id: i64, attributes: Attributes) -> HistoryEvent {
        HistoryEvent {
            event_id,
            attributes: Some(attributes),
            ..HistoryEvent::default()
        }
    }

    fn scheduled(event_id: i64, step: &str, of: &str) -> HistoryEvent {
        let attributes = ActivityTaskScheduledEventAttributes {
            activity_type: Some(ActivityType {
                name: step.to_owned(),
            }),
            ..ActivityTaskScheduledEventAttributes::default()
        };
        HistoryEvent {
            user_metadata: Some(UserMetadata {
                summary: Some(payload(&format!("\"{of}\""))),
                details: None,
            }),
            ..event(
                event_id,
                Attributes::ActivityTaskScheduledEventAttributes(attributes),
            )
        }
    }

    fn started(event_id: i64, scheduled: i64, attempt: i32, failed: bool) -> HistoryEvent {
        let failure = Failure {
            message: "no answer".to_owned(),
            failure_info: Some(FailureInfo::ApplicationFailureInfo(
                ApplicationFailureInfo {
                    r#type: "Unavailable".to_owned(),
                    ..ApplicationFailureInfo::default()
                },
            )),
            ..Failure::default()
        };
        let attributes = ActivityTaskStartedEventAttributes {
            scheduled_event_id: scheduled,
            attempt,
            last_failure: failed.then_some(failure),
            ..ActivityTaskStartedEventAttributes::default()
        };
        event(
            event_id,
            Attributes::ActivityTaskStartedEventAttributes(attributes),
        )
    }

    fn completed(event_id: i64, scheduled: i64, result: &str) -> HistoryEvent {
        let attributes = ActivityTaskCompletedEventAttributes {
            scheduled_event_id: scheduled,
            result: Some(Payloads {
                payloads: vec![payload(result)],
            }),
            ..ActivityTaskCompletedEventAttributes::default()
        };
        event(
            event_id,
            Attributes::ActivityTaskCompletedEventAttributes(attributes),
        )
    }

    #[test]
    fn a_step_with_a_failure_before_it_is_a_retry() {
        let history = [
            scheduled(5, "ExploreTable", "Contacts"),
            scheduled(6, "CreateSourceConnection", "Incidents"),
            started(7, 5, 1, false),
            completed(8, 5, "{}"),
            started(9, 6, 2, true),
            completed(10, 6, r#"{"id": "x", "outcome": "ADOPTED"}"#),
        ];
        let retry = Retry {
            step: "CreateSourceConnection".to_owned(),
            of: "Incidents".to_owned(),
            attempt: 2,
            failure: "Unavailable".to_owned(),
            message: "no answer".to_owned(),
            outcome: Some("ADOPTED".to_owned()),
        };
        assert_eq!(read(&history), [retry]);
    }
}

//! One run to be read: the response to a create is lost, and the create takes effect a minute later.

use std::time::Duration;

use aep_emulator::{Action, JournalStatus, LateReply, Rule};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use super::{Ground, world};

/// The real quiet period; a short list lag, or each of the later steps takes half a minute.
const QUIET_PERIOD: Duration = Duration::from_secs(120);
const LIST_LAG: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(60);

/// Runs it, and gives what is to be read, line by line.
///
/// # Errors
/// If it does not come to its end.
pub async fn late_commit(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let waits = (QUIET_PERIOD, LIST_LAG);
    let world = world::new(ground, waits, Duration::from_secs(1)).await?;
    let late = Action::LateCommit {
        after_ms: u64::try_from(LATE.as_millis())?,
        reply: LateReply::Drop,
    };
    let rule = Rule::new("POST", "/connections", late).nth([1]);
    world.emulator.add_fault(rule);
    let worker = world::worker(&world, &ground.options.worker, None);
    let run = world::start(&world, 0).await?;
    let result = world::result(&run).await?;
    let mut lines = vec![format!(
        "quiet period {} s, list lag {} s, the create takes effect after {} s",
        QUIET_PERIOD.as_secs(),
        LIST_LAG.as_secs(),
        LATE.as_secs()
    )];

    lines.push("\nthe history, of that activity:".to_owned());
    let mut of = std::collections::HashSet::new();
    for event in run.try_history().await? {
        match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                let name = scheduled.activity_type.unwrap_or_default().name;
                if name == "CreateOracleServiceCloudBaseConnection" {
                    of.insert(event.event_id);
                    lines.push(format!("  {:>3} scheduled  {name}", event.event_id));
                }
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(started))
                if of.contains(&started.scheduled_event_id) =>
            {
                let last = started.last_failure.map(|failure| failure.message);
                lines.push(format!(
                    "  {:>3} started    attempt {}; before it: {}",
                    event.event_id,
                    started.attempt,
                    last.unwrap_or_else(|| "nothing".to_owned())
                ));
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(completed))
                if of.contains(&completed.scheduled_event_id) =>
            {
                let payloads = completed.result.unwrap_or_default().payloads;
                let text = payloads
                    .first()
                    .map(|payload| String::from_utf8_lossy(&payload.data).into_owned());
                lines.push(format!(
                    "  {:>3} completed  {}",
                    event.event_id,
                    text.unwrap_or_default()
                ));
            }
            _ => {}
        }
    }

    lines.push("\nthe platform's journal, of that route:".to_owned());
    let mut journal = world.emulator.journal();
    // A late commit has the number of its request.
    journal.sort_by_key(|entry| entry.time_ms);
    let mut began = None;
    for entry in journal
        .iter()
        .filter(|each| each.route.ends_with("/connections"))
    {
        let began = *began.get_or_insert(entry.time_ms);
        let status = match entry.status {
            JournalStatus::Answered(status) => status.to_string(),
            JournalStatus::Dropped => "no answer".to_owned(),
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds to be read")]
        let seconds = (entry.time_ms - began) as f64 / 1000.0;
        lines.push(format!(
            "  {seconds:7.1} s  {:<4} {:<10} changed: {:<5} fault: {}",
            entry.method,
            status,
            entry.changed,
            entry.fault.as_deref().unwrap_or("none")
        ));
    }

    lines.push("\nthe connections that exist:".to_owned());
    for connection in world.emulator.resources("prod", "connections") {
        lines.push(format!("  {} {}", connection["id"], connection["name"]));
    }
    lines.push(format!(
        "the caller was given: {}",
        result["baseConnectionId"]
    ));
    drop(worker);
    Ok(lines)
}

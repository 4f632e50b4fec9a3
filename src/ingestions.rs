//! Gauges of how many ingestions run, fail and wait for a person, counted by the server.
//!
//! A workflow can't count itself, because a replay would count it again. So each worker queries the
//! server's visibility regularly. All workers report the same numbers, and a board takes one of them
//! (`max by (phase)`).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aep_flow_proto::names::{Phase, SearchAttribute};
use opentelemetry::{KeyValue, global};
use temporalio_client::tonic::{IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::workflowservice::v1::CountWorkflowExecutionsRequest;

/// How often the server is queried, with five small queries each time.
const PAUSE: Duration = Duration::from_secs(15);

/// The latest counts.
#[derive(Debug, Default)]
struct Counts {
    by_phase: BTreeMap<&'static str, u64>,
    failing: Option<u64>,
    needing_decision: Option<u64>,
}

/// Counts until it is dropped. Reports no numbers while counting fails: the namespace lacks the
/// search attributes, the key may not list, or the server is unreachable.
pub async fn count(client: Client) {
    let counts = Arc::new(Mutex::new(Counts::default()));
    show(&counts);
    let mut could = true;
    loop {
        let found = ask(&client).await;
        let can = found.is_ok();
        if let (Err(status), true) = (&found, could) {
            tracing::info!(
                reason = status.message(),
                "ingestions can't be counted: `aep-flow check` shows which search attributes are \
                 missing"
            );
        }
        could = can;
        *counts.lock().unwrap_or_else(PoisonError::into_inner) = found.unwrap_or_default();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(client: &Client) -> Result<Counts, Status> {
    let mut counts = Counts::default();
    for phase in Phase::RUNNING.map(Phase::as_str) {
        let query = format!("{} = '{phase}'", SearchAttribute::Phase);
        counts
            .by_phase
            .insert(phase, running(client, &query).await?);
    }
    let failing = format!("{} IS NOT NULL", SearchAttribute::LastFailure);
    counts.failing = Some(running(client, &failing).await?);
    let needing = format!("{} = true", SearchAttribute::NeedsDecision);
    counts.needing_decision = Some(running(client, &needing).await?);
    Ok(counts)
}

async fn running(client: &Client, query: &str) -> Result<u64, Status> {
    let request = CountWorkflowExecutionsRequest {
        namespace: client.namespace(),
        query: format!("ExecutionStatus = 'Running' AND {query}"),
    };
    let mut service = client.connection().workflow_service();
    let counted = service
        .count_workflow_executions(request.into_request())
        .await?;
    Ok(u64::try_from(counted.into_inner().count).unwrap_or_default())
}

fn show(counts: &Arc<Mutex<Counts>>) {
    let meter = global::meter("aep-flow");
    let of = Arc::clone(counts);
    meter
        .u64_observable_gauge("aep_flow.ingestions")
        .with_description("Running ingestions, by phase")
        .with_callback(move |gauge| {
            let counts = of.lock().unwrap_or_else(PoisonError::into_inner);
            for (phase, count) in &counts.by_phase {
                gauge.observe(*count, &[KeyValue::new("phase", *phase)]);
            }
        })
        .build();
    let of = Arc::clone(counts);
    meter
        .u64_observable_gauge("aep_flow.ingestions.failing")
        .with_description("Running ingestions of which a step fails at the moment")
        .with_callback(move |gauge| {
            let counts = of.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = counts.failing {
                gauge.observe(count, &[]);
            }
        })
        .build();
    let of = Arc::clone(counts);
    meter
        .u64_observable_gauge("aep_flow.ingestions.needing_decision")
        .with_description("Running ingestions that wait for a person's decision")
        .with_callback(move |gauge| {
            let counts = of.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = counts.needing_decision {
                gauge.observe(count, &[]);
            }
        })
        .build();
}

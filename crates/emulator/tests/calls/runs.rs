//! The life of flow runs.

use std::collections::BTreeMap;
use std::time::Duration;

use aep_emulator::{Config, RunOutcome, RunSettings};
use serde_json::json;

use crate::support::*;

fn fast() -> RunSettings {
    RunSettings {
        appears: Duration::from_millis(300),
        starts: Duration::from_millis(1300),
        ends: Duration::from_millis(2300),
        ..RunSettings::default()
    }
}

fn config(runs: RunSettings) -> Config {
    Config {
        runs,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_run_shows_up_late_and_passes_through_its_states() {
    let aep = Aep::with(config(fast())).await;
    let parts = aep.parts("Accounts").await;
    let flow = aep.flow(&Parts::soon(parts.once())).await.id();
    assert!(aep.runs(&flow).await.is_empty(), "no run before its time");
    assert!(
        aep.get(&format!("{FLOW}/flows/{flow}")).await.items()[0]
            .get("lastRunDetails")
            .is_none()
    );
    let scheduled = aep.run_with_status(&flow, "scheduled").await;
    assert_eq!(scheduled["activities"], json!([]));
    aep.run_with_status(&flow, "inProgress").await;
    let ended = aep.run_with_status(&flow, "success").await;
    assert_eq!(ended["id"], scheduled["id"]);
    assert_ne!(ended["etag"], scheduled["etag"]);
    let records = &ended["metrics"]["recordSummary"];
    assert_eq!(
        *records,
        json!({"inputRecordCount": 20, "outputRecordCount": 20, "failedRecordCount": 0})
    );
    assert_eq!(ended["activities"][0]["sourceInfo"][0]["id"], parts.source);
    assert_eq!(ended["activities"][1]["targetInfo"][0]["id"], parts.target);
    let read = aep.get(&format!("{FLOW}/flows/{flow}")).await;
    assert_eq!(read.items()[0]["lastRunDetails"]["state"], "success");
    let one = aep
        .get(&format!("{FLOW}/runs/{}", ended["id"].as_str().unwrap()))
        .await;
    assert_eq!(one.items()[0], ended);
    let failed = aep
        .get(&format!(
            "{FLOW}/runs?property=metrics.statusSummary.status==failed"
        ))
        .await;
    assert!(failed.items().is_empty());
    assert_eq!(aep.runs(&flow).await.len(), 1, "once is once");
}

#[tokio::test]
async fn a_recurring_flow_runs_again_and_again() {
    let runs = RunSettings {
        every: Some(Duration::from_millis(500)),
        ..fast()
    };
    let aep = Aep::with(config(runs)).await;
    let parts = aep.parts("Contacts").await;
    let flow = aep.flow(&Parts::soon(parts.hourly())).await.id();
    let ended = aep.runs_with_status(&flow, "success", 2).await;
    assert_eq!(
        ended[0]["metrics"]["recordSummary"]["inputRecordCount"], 50,
        "the first takes all"
    );
    assert_eq!(
        ended[1]["metrics"]["recordSummary"]["inputRecordCount"], 5,
        "the next what changed"
    );
    let disabled = aep
        .post(
            &format!("{FLOW}/flows/{flow}/action?op=disable"),
            &json!({}),
        )
        .await;
    assert_eq!(disabled.status, 200);
    let before = aep.runs(&flow).await.len();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(
        aep.runs(&flow).await.len(),
        before,
        "a disabled flow makes no runs"
    );
}

#[tokio::test]
async fn runs_end_as_configured() {
    let outcomes = BTreeMap::from([
        ("Contacts".to_owned(), RunOutcome::FailedRows(3)),
        ("Accounts".to_owned(), RunOutcome::Failed),
        ("Incidents".to_owned(), RunOutcome::Stuck),
    ]);
    let aep = Aep::with(config(RunSettings { outcomes, ..fast() })).await;
    let mut flows = Vec::new();
    for table in ["Contacts", "Accounts", "Incidents"] {
        flows.push(
            aep.flow(&Parts::soon(aep.parts(table).await.once()))
                .await
                .id(),
        );
    }
    let partial = aep.run_with_status(&flows[0], "success").await;
    assert_eq!(partial["metrics"]["recordSummary"]["failedRecordCount"], 3);
    assert_eq!(partial["metrics"]["recordSummary"]["outputRecordCount"], 47);
    assert_eq!(
        partial["metrics"]["statusSummary"]["errors"][0]["code"],
        "CONNECTOR-2001-500"
    );
    let failed = aep.run_with_status(&flows[1], "failed").await;
    assert_eq!(
        failed["metrics"]["statusSummary"]["errors"][0]["code"],
        "CONNECTOR-1001-500"
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    aep.run_with_status(&flows[2], "inProgress").await;
    let id = failed["id"].as_str().unwrap();
    let again = aep
        .post(
            &format!("{FLOW}/runs/{id}/action?op=re_trigger"),
            &json!({}),
        )
        .await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(aep.runs(&flows[1]).await.len(), 2);
    let fine = partial["id"].as_str().unwrap();
    let refused = aep
        .post(
            &format!("{FLOW}/runs/{fine}/action?op=re_trigger"),
            &json!({}),
        )
        .await;
    assert_eq!(refused.code(), "FLOW-1387-400");
}

#[tokio::test]
async fn a_run_fails_when_the_source_refuses() {
    let aep = Aep::with(config(fast())).await;
    let parts = aep.parts("Contacts").await;
    let flow = aep.flow(&Parts::soon(parts.once())).await.id();
    let path = format!("{FLOW}/connections/{}", parts.base);
    let etag = aep.get(&path).await.items()[0]["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let params = json!({"host": "h", "username": "svc_aep", "password": "changed"});
    let patch = json!([{"op": "replace", "path": "/auth/params", "value": params}]);
    assert_eq!(aep.patch(&path, &etag, &patch).await.status, 200);
    let run = aep.run_with_status(&flow, "failed").await;
    assert_eq!(run["metrics"]["recordSummary"]["inputRecordCount"], 0);
}

#[tokio::test]
async fn a_changed_or_resumed_flow_remembers_that_it_has_run() {
    let runs = RunSettings {
        every: Some(Duration::from_millis(500)),
        ends: Duration::from_secs(6),
        ..fast()
    };
    let aep = Aep::with(config(runs)).await;
    let parts = aep.parts("Contacts").await;
    let once = aep.flow(&Parts::soon(parts.once())).await.id();
    let hourly = aep.flow(&Parts::soon(parts.hourly())).await.id();
    aep.run_with_status(&once, "scheduled").await;
    aep.run_with_status(&hourly, "scheduled").await;
    for op in ["disable", "enable"] {
        let path = format!("{FLOW}/flows/{once}/action?op={op}");
        assert_eq!(aep.post(&path, &json!({})).await.status, 200);
    }
    let path = format!("{FLOW}/flows/{hourly}");
    let etag = aep.get(&path).await.items()[0]["etag"].clone();
    let patch = json!([{"op": "replace", "path": "/scheduleParams/interval", "value": "2"}]);
    assert_eq!(
        aep.patch(&path, etag.as_str().unwrap(), &patch)
            .await
            .status,
        200
    );
    let ended = aep.runs_with_status(&hourly, "success", 2).await;
    assert_eq!(ended[1]["metrics"]["recordSummary"]["inputRecordCount"], 5);
    assert_eq!(
        aep.runs(&once).await.len(),
        1,
        "once is once, also after a pause"
    );
}

#[tokio::test]
async fn a_run_fails_when_the_table_is_gone() {
    let aep = Aep::with(config(fast())).await;
    let mut parts = aep.parts("Contacts").await;
    let columns = json!([{"name": "id"}, {"name": "updatedTime"}]);
    let gone = source_connection(&parts.base, "Gone", &columns);
    parts.source = aep
        .post(&format!("{FLOW}/sourceConnections"), &gone)
        .await
        .id();
    let flow = aep.flow(&Parts::soon(parts.once())).await.id();
    aep.run_with_status(&flow, "failed").await;
}

#[tokio::test]
async fn a_run_on_demand_is_for_flows_that_run_once() {
    let aep = Aep::with(config(fast())).await;
    let parts = aep.parts("Contacts").await;
    let once = aep.flow(&Parts::soon(parts.once())).await.id();
    let hourly = aep.flow(&Parts::soon(parts.hourly())).await.id();
    let run = |flow: &str| {
        json!({"flowId": flow, "params": {
            "startTime": seconds_from_now(0).to_string(), "windowStartTime": "1651584991", "windowEndTime": "1651585956",
        }})
    };
    let path = format!("{FLOW}/runs");
    let created = aep.post(&path, &run(&once)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let read = aep.get(&format!("{path}/{}", created.id())).await;
    assert_eq!(read.items()[0]["etag"], created.body["etag"]);
    assert_eq!(aep.post(&path, &run(&hourly)).await.code(), "FLOW-1386-400");
    assert_eq!(
        aep.post(&path, &run("unknown")).await.code(),
        "FLOW-1430-400"
    );
    assert_eq!(aep.post(&path, &json!({})).await.code(), "FLOW-1446-400");
    let mut backwards = run(&once);
    backwards["params"]["windowEndTime"] = json!("1");
    assert_eq!(aep.post(&path, &backwards).await.code(), "FLOW-1381-400");
}

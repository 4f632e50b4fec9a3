//! What a run reports when it has ended: metrics and activities.
//!
//! Source: monitor dataflows, and runs recorded in the alerts guide, read 2026-11.

use serde_json::{Value, json};

use crate::config::RunOutcome;
use crate::ids::{Ids, mix};
use crate::store::Entity;

/// The body of a run that has ended.
pub(crate) fn ended(
    run: &Entity,
    started_ms: i64,
    ended_ms: i64,
    failed: bool,
    outcome: Option<RunOutcome>,
    flow: Option<&Entity>,
) -> Value {
    let hidden = |name: &str| {
        run.hidden
            .get(name)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let window = json!({"windowStart": hidden("windowStart"), "windowEnd": hidden("windowEnd")});
    let rows = u64::try_from(hidden("rows")).unwrap_or_default();
    let failed_rows = match outcome {
        Some(RunOutcome::FailedRows(count)) => count.min(rows),
        Some(RunOutcome::Failed | RunOutcome::Stuck) | None => 0,
    };
    let end = |field: &str| flow.map_or(Value::Null, |flow| flow.body[field][0].clone());
    let duration = json!({"startedAtUTC": started_ms, "completedAtUTC": ended_ms});
    let mut ids = Ids::seeded(mix(run.order));
    let mut copy = json!({
        "id": ids.next_uuid(),
        "name": "Copy Activity",
        "updatedAtUTC": ended_ms,
        "durationSummary": {"startedAtUTC": started_ms, "completedAtUTC": ended_ms, "extensions": window},
        "latencySummary": {},
        "sizeSummary": {"inputBytes": rows * 240, "outputBytes": rows * 170},
        "recordSummary": {},
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1},
        "statusSummary": {"status": "success"},
        "sourceInfo": [{
            "id": end("sourceConnectionIds"), "type": "SourceConnection",
            "reference": {"type": "AdfRunId", "ids": [ids.next_uuid()]},
        }],
    });
    let mut body = run.body.clone();
    if failed {
        let error = json!({"code": "CONNECTOR-1001-500", "message": "Error occurred while copying data from the source."});
        copy["statusSummary"] = json!({
            "status": "failed",
            "errors": [error],
            "extensions": {"errors": [{"code": "2200", "message": "The source refused the connection."}]},
        });
        body["metrics"] = json!({
            "durationSummary": duration,
            "sizeSummary": {"inputBytes": 0, "outputBytes": 0},
            "recordSummary": {"inputRecordCount": 0, "outputRecordCount": 0, "failedRecordCount": 0},
            "statusSummary": {"status": "failed", "errors": [error], "activityRefs": ["copyActivity"]},
        });
        body["activities"] = json!([copy]);
        return body;
    }
    let records = json!({
        "inputRecordCount": rows,
        "outputRecordCount": rows - failed_rows,
        "failedRecordCount": failed_rows,
    });
    let errors = if failed_rows == 0 {
        json!([])
    } else {
        json!([{"code": "CONNECTOR-2001-500", "message": "Error occurred at promotion activity."}])
    };
    let promotion = json!({
        "id": ids.next_uuid(),
        "name": "Promotion Activity",
        "updatedAtUTC": ended_ms,
        "durationSummary": duration,
        "latencySummary": {},
        "sizeSummary": {"inputBytes": rows * 170, "outputBytes": rows * 120},
        "recordSummary": records,
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1},
        "statusSummary": {"status": "success", "errors": errors, "extensions": {}},
        "targetInfo": [{
            "id": end("targetConnectionIds"), "type": "TargetConnection",
            "reference": {"type": "Batch", "ids": [ids.next_hex(26).to_uppercase()]},
        }],
    });
    body["metrics"] = json!({
        "durationSummary": duration,
        "sizeSummary": {"inputBytes": rows * 240, "outputBytes": rows * 120},
        "recordSummary": records,
        "fileSummary": {"inputFileCount": 1, "outputFileCount": 1, "activityRefs": ["promotionActivity"]},
        "statusSummary": {"status": "success", "errors": errors, "activityRefs": ["promotionActivity"]},
    });
    body["activities"] = json!([copy, promotion]);
    body
}

//! One fault of each class that the dial has.

use aep_emulator::{Emulator, Rule};
use serde_json::{Value, json};

/// What happens to a create of a base connection, which has the source's password in it: every
/// action, and every answer by its name.
fn of_creates() -> Vec<Value> {
    vec![
        json!({"kind": "delay", "ms": 50}),
        json!({"kind": "dropBeforeRead"}),
        json!({"kind": "dropBeforeApply"}),
        json!({"kind": "reset"}),
        json!({"kind": "reset", "at": "duringBody"}),
        json!({"kind": "reset", "at": "afterBody"}),
        json!({"kind": "reset", "at": "afterBody", "applied": true}),
        json!({"kind": "applyThenDrop"}),
        json!({"kind": "applyThenDrop", "at": "body"}),
        json!({"kind": "applyThenAnswer", "as": "page"}),
        json!({"kind": "applyThenAnswer", "as": "jsonString"}),
        json!({"kind": "applyThenAnswer", "as": "echoAll", "status": 502}),
        json!({"kind": "applyThenDelay", "ms": 50}),
        json!({"kind": "lateCommit", "afterMs": 200}),
        json!({"kind": "lateCommit", "afterMs": 200, "reply": "drop"}),
        json!({"kind": "truncate"}),
        json!({"kind": "trickle", "bytes": 64, "everyMs": 10}),
        json!({"kind": "pad", "bytes": 1_000_000}),
        json!({"kind": "refuse", "as": "rateLimited", "retryAfter": 1}),
        json!({"kind": "refuse", "as": "tokenInvalid"}),
        json!({"kind": "refuse", "as": "flowTokenInvalid"}),
        json!({"kind": "refuse", "as": "staleEtag"}),
        json!({"kind": "refuse", "as": "staleEtagBare"}),
        json!({"kind": "refuse", "as": "adobe"}),
        json!({"kind": "refuse", "as": "page"}),
        json!({"kind": "refuse", "as": "nothing"}),
        json!({"kind": "refuse", "as": "echo"}),
        json!({"kind": "refuse", "as": "echo", "status": 500}),
        json!({"kind": "refuse", "as": "echoAll"}),
        json!({"kind": "refuse", "as": "echoAll", "status": 500}),
        json!({"kind": "refuse", "as": "echoAll", "status": 429}),
    ]
}

fn of_looks() -> Vec<Value> {
    vec![
        json!({"kind": "listLag", "ms": 200}),
        json!({"kind": "listIgnoresFilter"}),
        json!({"kind": "listRefusesFilter"}),
        json!({"kind": "listNextIsSelf"}),
        json!({"kind": "listRepeatsEntry"}),
        json!({"kind": "listSkipsEntry"}),
        json!({"kind": "refuse", "as": "echoAll", "status": 503}),
    ]
}

/// What happens to the requests for a token, which have the client's secret in them.
pub(crate) fn of_tokens() -> Vec<Value> {
    vec![
        json!({"kind": "refuse", "as": "echo", "status": 500}),
        json!({"kind": "refuse", "as": "echoAll", "status": 400}),
        json!({"kind": "refuse", "as": "echoAll", "status": 503}),
        json!({"kind": "refuse", "as": "rateLimited", "retryAfter": 1}),
        json!({"kind": "applyThenDrop"}),
        json!({"kind": "truncate"}),
        json!({"kind": "applyThenAnswer", "as": "jsonString"}),
    ]
}

/// Has each come once, and gives how many creates that takes.
pub(crate) fn play(emulator: &Emulator) -> usize {
    let creates = of_creates();
    let count = creates.len();
    for (route, method, faults) in [
        ("/connections", "POST", creates),
        ("/connections", "GET", of_looks()),
    ] {
        for (number, action) in faults.into_iter().enumerate() {
            emulator.add_fault(rule(method, route, action).nth([number as u64 + 1]));
        }
    }
    // Each reply that has a token's request in it, on every other service as well.
    for route in ["/mappingSets", "/tenant/schemas", "/dataSets", "/flows"] {
        let action = json!({"kind": "refuse", "as": "echoAll", "status": 500});
        emulator.add_fault(rule("POST", route, action).nth([1]));
    }
    count
}

/// Fails if one of them did not come.
pub(crate) fn were_played(emulator: &Emulator) {
    for rule in emulator.faults() {
        assert!(rule.played > 0, "never played: {:?}", rule.rule);
    }
}

pub(crate) fn rule(method: &str, route: &str, action: Value) -> Rule {
    let action =
        serde_json::from_value(action.clone()).unwrap_or_else(|error| panic!("{action}: {error}"));
    Rule::new(method, route, action)
}

//! The whole input of an ingestion.

use prost::Message;
use serde::Serialize;

use super::{
    connection::{any_connection, connection},
    findings::Findings,
    limits::{MAX_INPUT_BYTES, Rules},
    tables::tables,
};
use crate::v1::{Continued, IngestOracleServiceCloudInput, IngestSourceInput, Table, Violation};

/// Checks everything about `input` that needs neither the source nor the clock.
///
/// [`super::passed_start`] checks whether a start time has passed: that matters only for a
/// dataflow that does not exist yet.
///
/// # Errors
/// Every violation, in the order of the input.
pub fn ingest(input: &IngestOracleServiceCloudInput, rules: Rules) -> Result<(), Vec<Violation>> {
    let mut findings = Findings::default();
    match &input.connection {
        None => no_connection(&mut findings),
        Some(given) => connection(&mut findings, "connection", given, rules),
    }
    rest(
        &mut findings,
        &Rest {
            tables: &input.tables,
            tables_at_once: input.tables_at_once,
            step_deadline_seconds: input.step_deadline_seconds,
            first_run_deadline_seconds: input.first_run_deadline_seconds,
            decision_deadline_seconds: input.decision_deadline_seconds,
            continue_after_events: input.continue_after_events,
            continued: input.continued.as_ref(),
            json_bytes: json_bytes(input),
        },
    );
    findings.into_result()
}

/// The same for any source, without what only the catalogue knows.
///
/// # Errors
/// Every violation, in the order of the input.
pub fn ingest_source(input: &IngestSourceInput) -> Result<(), Vec<Violation>> {
    let mut findings = Findings::default();
    match &input.connection {
        None => no_connection(&mut findings),
        Some(given) => any_connection(&mut findings, "connection", given),
    }
    rest(
        &mut findings,
        &Rest {
            tables: &input.tables,
            tables_at_once: input.tables_at_once,
            step_deadline_seconds: input.step_deadline_seconds,
            first_run_deadline_seconds: input.first_run_deadline_seconds,
            decision_deadline_seconds: input.decision_deadline_seconds,
            continue_after_events: input.continue_after_events,
            continued: input.continued.as_ref(),
            json_bytes: json_bytes(input),
        },
    );
    findings.into_result()
}

/// What the inputs of all ingestions have beside the connection.
struct Rest<'a> {
    tables: &'a [Table],
    tables_at_once: u32,
    step_deadline_seconds: u32,
    first_run_deadline_seconds: u32,
    decision_deadline_seconds: u32,
    continue_after_events: u32,
    continued: Option<&'a Continued>,
    /// How long the whole input is, if that may be too long.
    json_bytes: Option<usize>,
}

fn no_connection(findings: &mut Findings) {
    findings.note(
        "connection",
        "nothing",
        "an object that describes a connection",
    );
}

fn rest(findings: &mut Findings, input: &Rest<'_>) {
    // The input of a continued run was valid, and has grown by what was created.
    if input.continued.is_none()
        && let Some(bytes) = input.json_bytes.filter(|bytes| *bytes > MAX_INPUT_BYTES)
    {
        findings.note(
            "",
            format!("{bytes} bytes of JSON"),
            format!("at most {MAX_INPUT_BYTES}: several ingestions with fewer tables or columns"),
        );
    }
    tables(findings, input.tables);
    findings.within("tablesAtOnce", input.tables_at_once, 1, 64);
    findings.within(
        "stepDeadlineSeconds",
        input.step_deadline_seconds,
        5,
        2_592_000,
    );
    findings.within(
        "firstRunDeadlineSeconds",
        input.first_run_deadline_seconds,
        10,
        604_800,
    );
    findings.within(
        "decisionDeadlineSeconds",
        input.decision_deadline_seconds,
        5,
        7_776_000,
    );
    findings.within(
        "continueAfterEvents",
        input.continue_after_events,
        200,
        10_000,
    );
    if let Some(continued) = input.continued
        && (continued.tables.len() != input.tables.len() || continued.base_connection_id.is_empty())
    {
        findings.note(
            "continued",
            "what no run of an ingestion handed over",
            "nothing: it is not for callers",
        );
    }
}

fn json_bytes<M: Message + Serialize>(input: &M) -> Option<usize> {
    // A small one need not be written out to be known for small.
    if input.encoded_len() < MAX_INPUT_BYTES / 8 {
        return None;
    }
    serde_json::to_vec(input).ok().map(|json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "connection": {"name": "OSC", "host": "acme.custhelp.com", "username": "svc",
                           "password": {"env": "OSC_PASSWORD"}},
            "tables": [{"table": "Contacts"}, {"table": "Accounts", "dataset": "osc_accounts"}]
        })
    }

    fn fields(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut value = good();
        change(&mut value);
        let input: IngestOracleServiceCloudInput =
            crate::read::from_json(value.to_string().as_bytes()).unwrap();
        match ingest(&input, Rules::default()) {
            Ok(()) => Vec::new(),
            Err(all) => all.into_iter().map(|each| each.field).collect(),
        }
    }

    #[test]
    fn a_good_input_passes() {
        assert_eq!(fields(|_| ()), Vec::<String>::new());
        assert_eq!(
            fields(|input| input["tables"][0]["mapping"] =
                json!([{"source": "emails.address", "destination": "_tenant.email.address"}])),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_bad_field_is_named() {
        type Change = fn(&mut Value);
        let cases: [(&[&str], Change); 36] = [
            (&["connection"], |input| input["connection"] = Value::Null),
            (&["connection.host"], |input| {
                input["connection"]["host"] = json!("")
            }),
            (&["connection.username"], |input| {
                input["connection"]["username"] = json!(" ")
            }),
            (&["connection.password"], |input| {
                input["connection"]["password"] = json!({})
            }),
            (&["connection.password.env"], |input| {
                input["connection"]["password"] = json!({"env": "hunter2!"})
            }),
            (&["connection.password.file"], |input| {
                input["connection"]["password"] = json!({"file": "../etc/shadow"})
            }),
            (&["connection.password.file"], |input| {
                input["connection"]["password"] = json!({"file": "/etc/shadow"})
            }),
            (&["connection.name"], |input| {
                input["connection"]["name"] = json!("")
            }),
            (&["connection.name"], |input| {
                input["connection"]["name"] = json!("   ")
            }),
            (&["connection.name"], |input| {
                input["connection"]["name"] = json!("a\u{1}b")
            }),
            (&["connection.name"], |input| {
                input["connection"]["name"] = json!("ä".repeat(256))
            }),
            (&["connection.description"], |input| {
                input["connection"]["description"] = json!("x".repeat(501))
            }),
            (&["connection.sandbox"], |input| {
                input["connection"]["sandbox"] = json!("Prod")
            }),
            (&["tables"], |input| input["tables"] = json!([])),
            (&["tables[0].table"], |input| {
                input["tables"][0]["table"] = json!(" ")
            }),
            (&["tables[1].table"], |input| {
                input["tables"][1]["table"] = json!("Contacts")
            }),
            (&["tables[0].columns[1]"], |input| {
                input["tables"][0]["columns"] = json!(["id", "id"])
            }),
            (&["tables[0].columns[0]"], |input| {
                input["tables"][0]["columns"] = json!([""])
            }),
            (&["tables[0].mapping[0].destination"], |input| {
                input["tables"][0]["mapping"] =
                    json!([{"source": "id", "destination": "person.name"}])
            }),
            (&["tables[0].mapping[0].source"], |input| {
                input["tables"][0]["mapping"] = json!([{"destination": "_tenant.a"}])
            }),
            (&["tables[0].mapping[1].destination"], |input| {
                input["tables"][0]["mapping"] = json!([{"source": "a", "destination": "_tenant.a"}, {"source": "b", "destination": "_tenant.a"}])
            }),
            (&["tables[1].dataset"], |input| {
                input["tables"][0]["dataset"] = json!("osc_accounts")
            }),
            (&["tables[0].columnTypes[0].column"], |input| {
                input["tables"][0]["columnTypes"] = json!([{"type": "date-time"}])
            }),
            (&["tables[0].columnTypes[0].type"], |input| {
                input["tables"][0]["columnTypes"] = json!([{"column": "a", "type": "time"}])
            }),
            (&["tables[0].columnTypes[1].column"], |input| {
                let line = json!({"column": "a", "type": "date"});
                input["tables"][0]["columnTypes"] = json!([line, line])
            }),
            (&["tablesAtOnce"], |input| input["tablesAtOnce"] = json!(65)),
            (&["continueAfterEvents"], |input| {
                input["continueAfterEvents"] = json!(199)
            }),
            (&["continued"], |input| {
                input["continued"] = json!({"baseConnectionId": "4267"})
            }),
            (&["continued"], |input| {
                input["continued"] = json!({"tables": [{}, {}]})
            }),
            (&["tables[0].columns"], |input| {
                let names = (0..5_001).map(|number| format!("c{number}"));
                input["tables"][0]["columns"] = names.collect();
            }),
            (&["tables[0].mapping"], |input| {
                let each = |number| json!({"source": "a", "destination": format!("_t.c{number}")});
                input["tables"][0]["mapping"] = (0..5_001).map(each).collect();
            }),
            (&["tables[0].columns[0]"], |input| {
                input["tables"][0]["columns"] = json!(["ä".repeat(1_001)])
            }),
            (&["tables[0].mapping[0].source"], |input| {
                input["tables"][0]["mapping"] =
                    json!([{"source": "a".repeat(1_001), "destination": "_t.a"}])
            }),
            (&[""], |input| {
                let tables = (0..1_000).map(|number| {
                    let name = format!("{number}{}", "a".repeat(990));
                    json!({"table": name})
                });
                input["tables"] = tables.collect();
            }),
            (&["stepDeadlineSeconds"], |input| {
                input["stepDeadlineSeconds"] = json!(4)
            }),
            (&["decisionDeadlineSeconds"], |input| {
                input["decisionDeadlineSeconds"] = json!(4)
            }),
        ];
        for (expected, change) in cases {
            assert_eq!(fields(change), expected);
        }
    }

    #[test]
    fn all_findings_come_at_once() {
        let found = fields(|input| {
            input["connection"]["host"] = json!("http://x");
            input["connection"]["username"] = json!("");
            input["tables"][0]["schedule"] = json!({"frequency": "HOUR"});
        });
        assert_eq!(
            found,
            [
                "connection.host",
                "connection.username",
                "tables[0].schedule.interval",
                "tables[0].deltaColumn"
            ]
        );
    }
}

//! The whole input of an ingestion.

use std::collections::BTreeMap;

use prost::Message as _;

use super::{
    Findings, MAX_COLUMNS, MAX_INPUT_BYTES, MAX_MAPPINGS, MAX_PATH_CHARS, MAX_TABLES, Rules,
    connection::connection, findings::shown, schedule::schedule,
};
use crate::v1::{IngestOracleServiceCloudInput, Table, Violation};

/// Checks everything about `input` that can be told without the source and the clock.
///
/// Whether a start time has passed is [`super::passed_start`]'s to say: it matters only
/// for a dataflow that is still to be made.
///
/// # Errors
/// Every violation, in the order of the input.
pub fn ingest(input: &IngestOracleServiceCloudInput, rules: Rules) -> Result<(), Vec<Violation>> {
    let mut findings = Findings::default();
    match &input.connection {
        None => findings.note(
            "connection",
            "nothing",
            "an object that describes a connection",
        ),
        Some(given) => connection(&mut findings, "connection", given, rules),
    }
    match input.tables.len() {
        0 => findings.note("tables", "nothing", "at least one table"),
        count if count > MAX_TABLES => findings.note(
            "tables",
            format!("{count} tables"),
            format!("at most {MAX_TABLES} tables in one ingestion"),
        ),
        _ => {}
    }
    // One that goes on in a new run was good, and has grown by what was made.
    if input.continued.is_none()
        && let Some(bytes) = json_bytes(input).filter(|bytes| *bytes > MAX_INPUT_BYTES)
    {
        findings.note(
            "",
            format!("{bytes} bytes of JSON"),
            format!("at most {MAX_INPUT_BYTES}: several ingestions with fewer tables or columns"),
        );
    }
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut datasets: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, given) in input.tables.iter().enumerate() {
        table(&mut findings, index, given);
        if let Some(first) = places.insert(&given.table, index) {
            findings.note(
                format!("tables[{index}].table"),
                format!("`{}`, as in tables[{first}]", shown(&given.table)),
                "each table once",
            );
        }
        if given.dataset.is_empty() {
            continue;
        }
        if let Some(first) = datasets.insert(&given.dataset, index) {
            findings.note(
                format!("tables[{index}].dataset"),
                format!("`{}`, as in tables[{first}]", shown(&given.dataset)),
                "a dataset of its own for each table",
            );
        }
    }
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
    if let Some(continued) = &input.continued
        && (continued.tables.len() != input.tables.len() || continued.base_connection_id.is_empty())
    {
        findings.note(
            "continued",
            "what no run of an ingestion handed over",
            "nothing: it is not for callers",
        );
    }
    findings.into_result()
}

fn json_bytes(input: &IngestOracleServiceCloudInput) -> Option<usize> {
    // A small one need not be written out to be known for small.
    if input.encoded_len() < MAX_INPUT_BYTES / 8 {
        return None;
    }
    serde_json::to_vec(input).ok().map(|json| json.len())
}

fn table(findings: &mut Findings, index: usize, table: &Table) {
    let at = |field: &str| format!("tables[{index}].{field}");
    // A table's path is the source's own; only what could not be one is refused.
    if table.table.trim().is_empty() {
        let found = if table.table.is_empty() {
            "nothing"
        } else {
            "only spaces"
        };
        findings.note(
            at("table"),
            found,
            "a table's path, as ExploreTables gives it",
        );
    } else if table.table.chars().any(char::is_control)
        || table.table.chars().count() > MAX_PATH_CHARS
    {
        findings.note(
            at("table"),
            format!("`{}`", shown(&table.table)),
            "a table's path",
        );
    }
    if !table.dataset.is_empty() {
        findings.name(&at("dataset"), &table.dataset);
    }
    findings.at_most(&at("columns"), table.columns.len(), MAX_COLUMNS, "columns");
    findings.at_most(
        &at("mapping"),
        table.mapping.len(),
        MAX_MAPPINGS,
        "mappings",
    );
    let columns = table.columns.iter().enumerate();
    let columns = columns.map(|(position, name)| (format!("columns[{position}]"), name));
    let sources = table.mapping.iter().enumerate();
    let sources =
        sources.map(|(position, each)| (format!("mapping[{position}].source"), &each.source));
    for (field, name) in columns.chain(sources) {
        findings.path(&at(&field), name);
    }
    once_each(findings, &at("columns"), &table.columns, "a column's name");
    for (position, mapping) in table.mapping.iter().enumerate() {
        if mapping.source.is_empty() {
            findings.note(
                at(&format!("mapping[{position}].source")),
                "nothing",
                "a column's name",
            );
        }
        destination(
            findings,
            &at(&format!("mapping[{position}].destination")),
            &mapping.destination,
        );
    }
    let destinations = table.mapping.iter().map(|each| each.destination.as_str());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, destination) in destinations.enumerate() {
        if let Some(first) = seen.insert(destination, position) {
            findings.note(
                at(&format!("mapping[{position}].destination")),
                format!("`{}`, as in mapping[{first}]", shown(destination)),
                "each destination once",
            );
        }
    }
    schedule(
        findings,
        (&at("schedule"), table.schedule.as_ref()),
        (&at("deltaColumn"), &table.delta_column),
    );
}

fn destination(findings: &mut Findings, field: &str, path: &str) {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|each| each.is_ascii_alphanumeric() || matches!(each, b'_' | b'-'))
    };
    // Fields of our own stand below the organisation's namespace; Adobe's registry
    // refuses them anywhere else (XDM-1020 to 1024).
    let is_path = path
        .strip_prefix('_')
        .and_then(|path| path.split_once('.'))
        .is_some_and(|(tenant, rest)| is_part(tenant) && rest.split('.').all(is_part));
    if !is_path || path.len() > 1_000 {
        findings.note(
            field,
            format!("`{}`", shown(path)),
            "a path such as `_tenant.contactId`: below the organisation's namespace, \
             its parts of letters, digits, `-` and `_`",
        );
    }
}

fn once_each(findings: &mut Findings, field: &str, names: &[String], expected: &str) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            findings.note(format!("{field}[{index}]"), "nothing", expected);
        } else if let Some(first) = seen.insert(name, index) {
            findings.note(
                format!("{field}[{index}]"),
                format!("`{}`, as in {field}[{first}]", shown(name)),
                "each column once",
            );
        }
    }
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
        let cases: [(&[&str], Change); 33] = [
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

//! What reading an input costs: the largest that the contract allows, strictly into its
//! message, beside the same bytes into JSON values. `cargo bench --bench decode`

use std::time::Instant;

use aep_flow_proto::{
    read,
    v1::IngestOracleServiceCloudInput,
    validate::{self, MAX_TABLES, Rules},
};
use serde_json::{Value, json};

const ROUNDS: usize = 100;

fn largest() -> Vec<u8> {
    let columns: Vec<String> = (0..40).map(|number| format!("column{number}")).collect();
    let mapping: Vec<Value> = columns
        .iter()
        .map(|column| json!({"source": column, "destination": format!("_tenant.{column}")}))
        .collect();
    let tables: Vec<Value> = (0..MAX_TABLES)
        .map(|number| {
            json!({"table": format!("Table{number}"), "columns": columns, "deltaColumn": "column0",
                   "mapping": mapping, "dataset": format!("dataset_{number}"),
                   "schedule": {"startTime": "2999-01-01T00:00:00Z", "frequency": "HOUR",
                                "interval": 1, "backfill": true}})
        })
        .collect();
    json!({"connection": {"name": "bench", "host": "acme.custhelp.com", "username": "svc",
                          "password": {"env": "OSC_PASSWORD"}}, "tables": tables})
    .to_string()
    .into_bytes()
}

fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let bytes = largest();
    let values = median(|| {
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        std::hint::black_box(value);
    });
    let strict = median(|| {
        let input: IngestOracleServiceCloudInput = read::from_json(&bytes).expect("an input");
        std::hint::black_box(input);
    });
    let input: IngestOracleServiceCloudInput = read::from_json(&bytes).expect("an input");
    let checked = median(|| validate::ingest(&input, Rules::default()).expect("a good input"));
    report(&format!(
        "{MAX_TABLES} tables of 40 columns, {} KiB of JSON",
        bytes.len() / 1024
    ));
    report(&format!("into JSON values    p50 {values:6.2} ms"));
    report(&format!(
        "into the message    p50 {strict:6.2} ms   ratio {:.2}",
        strict / values
    ));
    report(&format!(
        "validating it       p50 {checked:6.2} ms   ratio {:.2}",
        checked / values
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are the program's answer")]
fn report(line: &str) {
    println!("{line}");
}

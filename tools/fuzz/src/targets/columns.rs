//! A table of an input, and the columns that the source claims to have: `{"table": {…}, "columns":
//! […]}`.

use aep_flow_proto::{json::Object, read, v1::Table, validate};
use serde_json::Value;

use super::input::assert_fit_violation;

pub(super) fn check(input: &[u8]) {
    let Ok(mut root @ Value::Object(_)) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let Ok(columns) = serde_json::from_value::<Vec<Object>>(root["columns"].take()) else {
        return;
    };
    let table = root["table"].take().to_string();
    let Ok(table) = read::from_json::<Table>(table.as_bytes()) else {
        return;
    };
    match validate::against_columns(0, &table, &columns) {
        Err(violations) => violations
            .iter()
            .for_each(|each| assert_fit_violation(each, false)),
        Ok(_) => {
            let has = |name: &str| {
                columns
                    .iter()
                    .any(|column| column.text("name") == Some(name))
            };
            assert!(
                table.columns.iter().all(|column| has(column)),
                "a column too much"
            );
            assert!(table.delta_column.is_empty() || has(&table.delta_column));
            if let Some(schema) = &table.schema {
                let named = [&schema.event_id, &schema.event_timestamp];
                assert!(named.iter().all(|name| name.is_empty() || has(name)));
            }
        }
    }
}

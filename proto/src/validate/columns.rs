//! What an input says of a table's columns, held against the explored ones.

use super::{Findings, findings::shown};
use crate::{
    json::Object,
    read::nearest,
    v1::{Table, Violation},
};

/// Checks the columns, delta column and mapping sources of `table`, the input's table
/// number `index`, against the columns that exploring gave.
///
/// # Errors
/// Every name that does not exist, with the nearest ones that do, and a delta column of
/// a type that has no order in time.
pub fn against_columns(
    index: usize,
    table: &Table,
    columns: &[Object],
) -> Result<(), Vec<Violation>> {
    let mut findings = Findings::default();
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|column| column.text("name"))
        .collect();
    let mut known = |field: String, name: &str| {
        if names.contains(&name) {
            return true;
        }
        findings.note(field, format!("`{}`", shown(name)), existing(name, &names));
        false
    };
    for (position, column) in table.columns.iter().enumerate() {
        known(format!("tables[{index}].columns[{position}]"), column);
    }
    for (position, mapping) in table.mapping.iter().enumerate() {
        known(
            format!("tables[{index}].mapping[{position}].source"),
            &mapping.source,
        );
    }
    let delta_field = format!("tables[{index}].deltaColumn");
    if !table.delta_column.is_empty() && known(delta_field.clone(), &table.delta_column) {
        let column = columns
            .iter()
            .find(|column| column.text("name") == Some(&table.delta_column));
        if let Some(column) = column
            && !can_be_delta(column)
        {
            findings.note(
                delta_field,
                format!(
                    "`{}` of type {}",
                    shown(&table.delta_column),
                    shown(column.text("type").unwrap_or("unknown"))
                ),
                "a column of type date-time, date, integer or long, which grows with each change",
            );
        }
    }
    // A column that the caller leaves out cannot be mapped, nor tell what is new.
    if !table.columns.is_empty() {
        for (position, mapping) in table.mapping.iter().enumerate() {
            if names.contains(&mapping.source.as_str()) && !table.columns.contains(&mapping.source)
            {
                findings.note(
                    format!("tables[{index}].mapping[{position}].source"),
                    format!("`{}`", shown(&mapping.source)),
                    "one of the table's `columns`",
                );
            }
        }
        let delta = &table.delta_column;
        if names.contains(&delta.as_str()) && !table.columns.contains(delta) {
            findings.note(
                format!("tables[{index}].deltaColumn"),
                format!("`{}`", shown(delta)),
                "one of the table's `columns`",
            );
        }
    }
    findings.into_result()
}

fn existing(name: &str, names: &[&str]) -> String {
    let near = nearest(name, names.iter().copied());
    let list = if near.is_empty() { names } else { &near };
    let more = if list.len() > 20 { ", …" } else { "" };
    let list: Vec<String> = list.iter().take(20).map(|name| shown(name)).collect();
    format!("a column of the table: {}{more}", list.join(", "))
}

fn can_be_delta(column: &Object) -> bool {
    let format = column
        .0
        .get("xdm")
        .and_then(|xdm| xdm.get("format")?.as_str());
    let xdm_type = column.text("meta:xdmType").or(format).unwrap_or_default();
    let own_type = column.text("type").unwrap_or_default().to_lowercase();
    matches!(xdm_type, "date-time" | "date" | "integer" | "long")
        || matches!(
            own_type.as_str(),
            "date" | "datetime" | "date-time" | "timestamp" | "integer" | "int" | "long"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Object> {
        serde_json::from_str(
            r#"[{"name":"id","type":"integer","xdm":{"type":"integer"}},
                {"name":"emails.address","type":"string","xdm":{"type":"string"}},
                {"name":"updatedTime","type":"string","xdm":{"type":"string","format":"date-time"}},
                {"name":"isActive","type":"boolean"}]"#,
        )
        .unwrap()
    }

    fn check(json: &str) -> Vec<String> {
        let table: Table = crate::read::from_json(json.as_bytes()).unwrap();
        match against_columns(0, &table, &columns()) {
            Ok(()) => Vec::new(),
            Err(all) => all
                .into_iter()
                .map(|each| format!("{}: {} → {}", each.field, each.found, each.expected))
                .collect(),
        }
    }

    #[test]
    fn an_unknown_name_is_told_its_nearest() {
        assert_eq!(
            check(r#"{"columns":["id","emails.address"],"mapping":[{"source":"id"}]}"#),
            [""; 0]
        );
        assert_eq!(
            check(r#"{"columns":["emails.adress"]}"#),
            ["tables[0].columns[0]: `emails.adress` → a column of the table: emails.address"]
        );
        assert_eq!(
            check(r#"{"deltaColumn":"updated_time"}"#),
            ["tables[0].deltaColumn: `updated_time` → a column of the table: updatedTime"]
        );
        assert_eq!(
            check(r#"{"mapping":[{"source":"zzz"}]}"#),
            [
                "tables[0].mapping[0].source: `zzz` → a column of the table: id, emails.address, updatedTime, isActive"
            ]
        );
    }

    #[test]
    fn a_delta_column_must_have_an_order_in_time() {
        assert_eq!(check(r#"{"deltaColumn":"updatedTime"}"#), [""; 0]);
        assert_eq!(check(r#"{"deltaColumn":"id"}"#), [""; 0]);
        for wrong in ["isActive", "emails.address"] {
            let found = check(&format!(r#"{{"deltaColumn":"{wrong}"}}"#));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("of type"), "{found:?}");
        }
    }

    #[test]
    fn what_is_used_must_be_taken() {
        let found = check(
            r#"{"columns":["id"],"deltaColumn":"updatedTime","mapping":[{"source":"isActive"}]}"#,
        );
        assert_eq!(
            found,
            [
                "tables[0].mapping[0].source: `isActive` → one of the table's `columns`",
                "tables[0].deltaColumn: `updatedTime` → one of the table's `columns`"
            ]
        );
    }
}

//! What an input says of a table's columns, held against the explored ones.

use super::{findings::Findings, row_filter};
use crate::{
    column_type::{ColumnType, Order, suggested},
    json::Object,
    v1::{Table, Violation},
    wording::{nearest, shown},
};

/// What the check of a table's columns found, where nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checked {
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// What a version that knew fewer types refused. A workflow that began under it still does.
    pub refused_before: Vec<Violation>,
}

/// Checks the columns that `table`, the input's table number `index`, speaks of against those
/// that exploring gave. What an expression uses is the platform's to check.
///
/// # Errors
/// Every name that does not exist, with the nearest ones that do, a delta column of a type that
/// has no order, a time of an event that is none.
pub fn against_columns(
    index: usize,
    table: &Table,
    columns: &[Object],
) -> Result<Checked, Vec<Violation>> {
    let mut findings = Findings::default();
    let mut checked = Checked::default();
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
    let used = used(index, table);
    for (field, column) in &used {
        known(field.clone(), column);
    }
    for (position, given) in table.column_types.iter().enumerate() {
        let field = format!("tables[{index}].columnTypes[{position}].column");
        known(field, &given.column);
    }
    if let Some(filter) = &table.filter {
        // A source filters by columns that are not taken, too.
        for (field, column) in row_filter::columns(&format!("tables[{index}].filter"), filter) {
            known(field, column);
        }
    }
    let delta_field = format!("tables[{index}].deltaColumn");
    if !table.delta_column.is_empty() && known(delta_field.clone(), &table.delta_column) {
        let column = columns
            .iter()
            .find(|column| column.text("name") == Some(&table.delta_column));
        if let Some(column) = column {
            let (name, type_) = (shown(&table.delta_column), type_name(column));
            let violation = Violation {
                field: delta_field,
                found: format!("`{name}` of type {type_}"),
                expected: "a column of type date-time, date, integer or long, which grows with \
                           each change; `columnTypes` may say that it is one"
                    .to_owned(),
            };
            match types(table, column).filter_map(ColumnType::order).min() {
                None => findings.note(violation.field, violation.found, violation.expected),
                Some(order) => {
                    if order == Order::InNumber {
                        checked.warnings.push(format!(
                            "`deltaColumn` `{name}` of type {type_} is no date or time: Adobe \
                             documents only those, so check that later runs find new rows"
                        ));
                    }
                    if !could_be_delta(column) {
                        checked.refused_before.push(violation);
                    }
                }
            }
        }
    }
    // A column that the caller leaves out can neither be mapped nor show which rows are new.
    if !table.columns.is_empty() {
        for (field, column) in &used {
            if names.contains(column) && !table.columns.iter().any(|taken| taken == column) {
                let found = format!("`{}`", shown(column));
                findings.note(field, found, "one of the table's `columns`");
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
    for (field, column) in times(index, table) {
        let column = columns
            .iter()
            .find(|each| each.text("name") == Some(column));
        if let Some(column) = column {
            let violation = Violation {
                field,
                found: format!("a column of type {}", type_name(column)),
                expected: "one of type date-time; `columnTypes` may say that it is one".to_owned(),
            };
            // Whether its field is a date-time in the end, the schema says.
            if !types(table, column).any(|each| each == ColumnType::DateTime) {
                findings.note(violation.field, violation.found, violation.expected);
            } else if !could_be_a_time(column) {
                checked.refused_before.push(violation);
            }
        }
    }
    findings.into_result()?;
    Ok(checked)
}

/// What a column may be: the type that the caller gives it, otherwise all that exploring says.
fn types(table: &Table, column: &Object) -> impl Iterator<Item = ColumnType> {
    let name = column.text("name");
    let given = table.column_types.iter();
    let mut given = given.filter(|given| Some(given.column.as_str()) == name);
    let types = match given.next() {
        Some(given) => ColumnType::read(&given.r#type).into_iter().collect(),
        None => suggested(column),
    };
    types.into_iter()
}

fn type_name(column: &Object) -> String {
    shown(column.text("type").unwrap_or("unknown"))
}

/// The columns that go into a field, each with the input's field that names it.
fn used(index: usize, table: &Table) -> Vec<(String, &str)> {
    let lines = table.mapping.iter().enumerate();
    let mut used: Vec<(String, &str)> = lines
        .filter(|(_, line)| !line.source.is_empty())
        .map(|(position, line)| {
            let field = format!("tables[{index}].mapping[{position}].source");
            (field, line.source.as_str())
        })
        .collect();
    if let Some(schema) = &table.schema {
        let identity = schema.identity.as_ref();
        let identity = identity.map_or("", |identity| identity.column.as_str());
        let columns = [
            ("eventId", schema.event_id.as_str()),
            ("eventTimestamp", schema.event_timestamp.as_str()),
            ("identity.column", identity),
        ];
        let given = columns.iter().filter(|(_, column)| !column.is_empty());
        used.extend(
            given.map(|(field, column)| (format!("tables[{index}].schema.{field}"), *column)),
        );
    }
    used
}

/// The columns that say when an event happened.
fn times(index: usize, table: &Table) -> Vec<(String, &str)> {
    let is_time = |(_, line): &(usize, &crate::v1::FieldMapping)| line.destination == "timestamp";
    let lines = table.mapping.iter().enumerate().filter(is_time);
    let lines = lines.map(|(position, line)| {
        let field = format!("tables[{index}].mapping[{position}].source");
        (field, line.source.as_str())
    });
    let setting = table.schema.iter().map(|schema| {
        let field = format!("tables[{index}].schema.eventTimestamp");
        (field, schema.event_timestamp.as_str())
    });
    lines.chain(setting).collect()
}

/// What an event's time could be to versions that knew fewer types.
fn could_be_a_time(column: &Object) -> bool {
    let xdm = column.0.get("xdm");
    let said = ["type", "format"].map(|key| xdm.and_then(|xdm| xdm.get(key)?.as_str()));
    said.into_iter()
        .chain([column.text("meta:xdmType"), column.text("type")])
        .flatten()
        .any(|word| {
            matches!(
                word.to_lowercase().as_str(),
                "date-time" | "datetime" | "timestamp"
            )
        })
}

fn existing(name: &str, names: &[&str]) -> String {
    let near = nearest(name, names.iter().copied());
    let list = if near.is_empty() { names } else { &near };
    let more = if list.len() > 20 { ", …" } else { "" };
    let list: Vec<String> = list.iter().take(20).map(|name| shown(name)).collect();
    format!("a column of the table: {}{more}", list.join(", "))
}

/// What a delta column could be to versions that knew fewer types.
fn could_be_delta(column: &Object) -> bool {
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
            Ok(_) => Vec::new(),
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

    /// What is said of a delta column of that type, which is nobody's before.
    fn of_delta(column: &str, types: &str) -> Result<Checked, Vec<Violation>> {
        let column: Object = serde_json::from_str(column).unwrap();
        let table = format!(r#"{{"deltaColumn":"at","columnTypes":{types}}}"#);
        let table: Table = crate::read::from_json(table.as_bytes()).unwrap();
        against_columns(0, &table, &[column])
    }

    #[test]
    fn a_delta_column_may_have_any_vendors_word_for_a_time() {
        for type_ in ["timestamptz", "TIMESTAMP(6) WITH TIME ZONE", "datetime2(7)"] {
            let column = format!(r#"{{"name":"at","type":"{type_}"}}"#);
            let checked = of_delta(&column, "[]").unwrap();
            assert_eq!(checked.warnings, [""; 0], "{type_}");
            // So did not those that knew fewer words.
            assert_eq!(checked.refused_before[0].field, "tables[0].deltaColumn");
        }
    }

    #[test]
    fn a_delta_column_that_is_no_date_or_time_is_warned_of_or_refused() {
        for (type_, before) in [
            ("integer", 0),
            ("long", 0),
            ("bigint", 1),
            ("NUMBER(38,0)", 1),
        ] {
            let column = format!(r#"{{"name":"at","type":"{type_}"}}"#);
            let checked = of_delta(&column, "[]").unwrap();
            assert!(
                checked.warnings[0]
                    .starts_with(&format!("`deltaColumn` `at` of type {type_} is no")),
                "{checked:?}"
            );
            assert_eq!(checked.refused_before.len(), before, "{type_}");
        }
        for type_ in [
            "varchar",
            "double",
            "decimal(10,2)",
            "boolean",
            "array",
            "odd",
        ] {
            let column = format!(r#"{{"name":"at","type":"{type_}"}}"#);
            let refused = of_delta(&column, "[]").unwrap_err();
            assert!(refused[0].expected.contains("`columnTypes`"), "{refused:?}");
        }
    }

    #[test]
    fn the_caller_may_say_what_a_column_is() {
        let is_time = r#"[{"column":"at","type":"date-time"}]"#;
        for type_ in ["varchar", "bit", "geography"] {
            let column = format!(r#"{{"name":"at","type":"{type_}"}}"#);
            let checked = of_delta(&column, is_time).unwrap();
            assert_eq!(checked.warnings, [""; 0], "{type_}");
        }
        let is_text = r#"[{"column":"at","type":"string"}]"#;
        assert!(of_delta(r#"{"name":"at","type":"date"}"#, is_text).is_err());
        assert_eq!(
            check(r#"{"columnTypes":[{"column":"updated","type":"date"}]}"#),
            ["tables[0].columnTypes[0].column: `updated` → a column of the table: updatedTime"]
        );
        assert_eq!(
            check(
                r#"{"schema":{"eventTimestamp":"emails.address"},
                    "columnTypes":[{"column":"emails.address","type":"date-time"}]}"#
            ),
            [""; 0]
        );
    }

    #[test]
    fn expressions_are_the_platforms_and_filters_may_use_any_column() {
        assert_eq!(
            check(r#"{"mapping":[{"expression":"zzz + 1","destination":"_tenant.a"}]}"#),
            [""; 0]
        );
        assert_eq!(
            check(r#"{"columns":["id"],"filter":{"column":"isActive","value":true}}"#),
            [""; 0]
        );
        assert_eq!(
            check(r#"{"filter":{"any":[{"column":"is_active","value":true}]}}"#),
            ["tables[0].filter.any[0].column: `is_active` → a column of the table: isActive"]
        );
    }

    #[test]
    fn what_an_event_and_an_identity_name_is_there_and_taken() {
        let schema =
            |rest: &str| format!(r#"{{"columns":["id","updatedTime"],"schema":{{{rest}}}}}"#);
        assert_eq!(
            check(&schema(r#""eventId":"id","eventTimestamp":"updatedTime""#)),
            [""; 0]
        );
        assert_eq!(
            check(&schema(
                r#""eventId":"Id","identity":{"column":"emails.address"}"#
            )),
            [
                "tables[0].schema.eventId: `Id` → a column of the table: id",
                "tables[0].schema.identity.column: `emails.address` → one of the table's `columns`"
            ]
        );
    }

    #[test]
    fn an_event_happens_at_a_time() {
        for table in [
            r#"{"schema":{"eventTimestamp":"emails.address"}}"#,
            r#"{"mapping":[{"source":"id","destination":"timestamp"}]}"#,
        ] {
            let found = check(table);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("→ one of type date-time"), "{found:?}");
        }
        assert_eq!(
            check(r#"{"mapping":[{"source":"updatedTime","destination":"timestamp"}]}"#),
            [""; 0]
        );
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

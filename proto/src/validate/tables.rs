//! The tables of an ingestion.

use std::collections::BTreeMap;

use super::{
    findings::Findings,
    limits::{MAX_COLUMNS, MAX_MAPPINGS, MAX_PATH_CHARS, MAX_TABLES},
    mapping::{Fields, TYPES, mapping},
    row_filter::row_filter,
    schedule::schedule,
    schema_settings::{existing, fields_under, schema_settings},
};
use crate::{
    v1::{ColumnType, Table},
    wording::shown,
};

/// Most patterns of paths that one entry leaves out.
const MAX_EXCEPT: usize = 1_000;

pub(super) fn tables(findings: &mut Findings, tables: &[Table]) {
    match tables.len() {
        0 => findings.note("tables", "nothing", "at least one table"),
        count if count > MAX_TABLES => findings.note(
            "tables",
            format!("{count} tables"),
            format!("at most {MAX_TABLES} tables in one ingestion"),
        ),
        _ => {}
    }
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut datasets: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, given) in tables.iter().enumerate() {
        table(findings, index, given);
        if let Some(first) = places.insert((&given.table, &given.r#match), index) {
            let (field, path) = if given.r#match.is_empty() {
                ("table", &given.table)
            } else {
                ("match", &given.r#match)
            };
            findings.note(
                format!("tables[{index}].{field}"),
                format!("`{}`, as in tables[{first}]", shown(path)),
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
}

pub(super) fn is_path(path: &str) -> bool {
    !path.chars().any(char::is_control) && path.chars().count() <= MAX_PATH_CHARS
}

/// Checks which table, or which tables, an entry selects.
fn which(findings: &mut Findings, index: usize, table: &Table) {
    let at = |field: &str| format!("tables[{index}].{field}");
    if table.r#match.is_empty() {
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
        } else if !is_path(&table.table) {
            findings.note(
                at("table"),
                format!("`{}`", shown(&table.table)),
                "a table's path",
            );
        }
        if !table.except.is_empty() {
            findings.note(at("except"), "patterns", "nothing without `match`");
        }
        return;
    }
    let pattern = "a pattern of paths such as `crm_*`";
    if !table.table.is_empty() {
        findings.note(at("table"), "a table beside `match`", "one of the two");
    }
    if !is_path(&table.r#match) {
        findings.note(at("match"), format!("`{}`", shown(&table.r#match)), pattern);
    }
    findings.at_most(&at("except"), table.except.len(), MAX_EXCEPT, "patterns");
    for (position, except) in table.except.iter().enumerate() {
        if except.is_empty() || !is_path(except) {
            let found = format!("`{}`", shown(except));
            findings.note(at(&format!("except[{position}]")), found, pattern);
        }
    }
    for (field, is_given) in [
        ("dataset", !table.dataset.is_empty()),
        ("existingDataset", table.existing_dataset.is_some()),
    ] {
        if is_given {
            let expected = "nothing with `match`: each table has a dataset of its own";
            findings.note(at(field), "one dataset for several tables", expected);
        }
    }
}

fn table(findings: &mut Findings, index: usize, table: &Table) {
    let at = |field: &str| format!("tables[{index}].{field}");
    which(findings, index, table);
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
    for (position, name) in table.columns.iter().enumerate() {
        findings.path(&at(&format!("columns[{position}]")), name);
    }
    once_each(findings, &at("columns"), &table.columns, "a column's name");
    column_types(findings, &at("columnTypes"), &table.column_types);
    let fields = if table.existing_dataset.is_some() {
        Fields::Existing
    } else {
        fields_under(table.schema.as_ref())
    };
    mapping(findings, &at("mapping"), &table.mapping, fields);
    if let Some(settings) = &table.schema {
        schema_settings(findings, &at("schema"), settings, &table.mapping);
    }
    if let Some(dataset) = &table.existing_dataset {
        existing(findings, &at("existingDataset"), dataset);
        for (field, is_given) in [
            ("dataset", !table.dataset.is_empty()),
            ("schema", table.schema.is_some()),
        ] {
            if is_given {
                let expected = "nothing beside `existingDataset`, which has a name and a schema";
                findings.note(at(field), "a setting", expected);
            }
        }
    }
    if let Some(filter) = &table.filter {
        row_filter(findings, &at("filter"), filter);
    }
    schedule(
        findings,
        (&at("schedule"), table.schedule.as_ref()),
        (&at("deltaColumn"), &table.delta_column),
    );
}

fn column_types(findings: &mut Findings, field: &str, given: &[ColumnType]) {
    findings.at_most(field, given.len(), MAX_COLUMNS, "types");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, each) in given.iter().enumerate() {
        let at = |part: &str| format!("{field}[{index}].{part}");
        findings.path(&at("column"), &each.column);
        if each.column.is_empty() {
            findings.note(at("column"), "nothing", "a column's name");
        } else if let Some(first) = seen.insert(&each.column, index) {
            let found = format!("`{}`, as in {field}[{first}]", shown(&each.column));
            findings.note(at("column"), found, "each column once");
        }
        if !TYPES.contains(&each.r#type.as_str()) {
            let found = format!("`{}`", shown(&each.r#type));
            findings.note(at("type"), found, format!("one of {}", TYPES.join(", ")));
        }
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

//! The tables of an ingestion.

use std::collections::BTreeMap;

use super::{
    Findings, MAX_COLUMNS, MAX_MAPPINGS, MAX_PATH_CHARS, MAX_TABLES, findings::shown,
    schedule::schedule,
};
use crate::v1::Table;

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

/// Which table, or which tables, an entry means.
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

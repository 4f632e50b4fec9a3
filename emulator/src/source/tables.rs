//! Which tables there are, as data: one file for each kind of source.
//!
//! Adobe's documents name next to no table; these are what such systems keep. Beyond Oracle Service
//! Cloud each has a table whose columns are named as no XDM field may be, and between them they have
//! every type of column that the guide of XDM field types translates, with and without the XDM type
//! that exploring usually tells. Source: explore a tabular data source; XDM field constraints, read
//! 2026-11.

use serde::Deserialize;

use super::{Column, ColumnKind, EntryKind, Fill, Table, Told};

/// The tables by the name that a source has for them. The first ones are also those of connection
/// specs that somebody added.
pub(crate) const FAMILIES: &[(&str, &str)] = &[
    (
        "oracle-service-cloud",
        include_str!("tables/oracle-service-cloud.json"),
    ),
    ("salesforce", include_str!("tables/salesforce.json")),
    (
        "microsoft-dynamics",
        include_str!("tables/microsoft-dynamics.json"),
    ),
    ("crm", include_str!("tables/crm.json")),
    ("servicenow", include_str!("tables/servicenow.json")),
    ("databases", include_str!("tables/databases.json")),
    (
        "marketing-automation",
        include_str!("tables/marketing-automation.json"),
    ),
    ("payments", include_str!("tables/payments.json")),
    ("ecommerce", include_str!("tables/ecommerce.json")),
    ("protocols", include_str!("tables/protocols.json")),
    ("advertising", include_str!("tables/advertising.json")),
];

const ODD_COLUMNS: &str = include_str!("tables/odd_columns.json");

/// A table in a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    path: String,
    name: Option<String>,
    #[serde(default)]
    kind: EntryKind,
    primary_key: Option<String>,
    rows: usize,
    #[serde(default)]
    columns: Vec<Column>,
    #[serde(default)]
    odd_columns: bool,
}

/// The tables that a file of [`FAMILIES`] has.
pub(crate) fn read(family: &str) -> Vec<Table> {
    let written: Vec<Written> = parse(family);
    written
        .into_iter()
        .map(|table| Table {
            name: table.name.unwrap_or_else(|| table.path.clone()),
            path: table.path,
            kind: table.kind,
            primary_key: table.primary_key,
            columns: if table.odd_columns {
                parse(ODD_COLUMNS)
            } else {
                table.columns
            },
            row_count: table.rows,
        })
        .collect()
}

#[expect(clippy::expect_used, reason = "compiled in, and read by a test")]
fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    serde_json::from_str(text).expect("a file of tables is JSON of tables")
}

/// Tables whose names are hard on filters, paths and people.
pub(crate) fn awkward() -> Vec<Table> {
    const NAMES: &[&str] = &[
        "Sales, EMEA",
        "The \"big\" one",
        "R&D",
        "A+B",
        "100%",
        "a==b",
        "x#y?z/w",
        "Größe",
        "Kunden 🚀",
        "dotted.name",
        " padded ",
        "star*",
    ];
    NAMES.iter().map(|name| plain(name, 20)).collect()
}

/// One of many tables.
pub(crate) fn extra(number: usize, row_count: usize) -> Table {
    plain(&format!("Table{number:03}"), row_count)
}

fn plain(path: &str, row_count: usize) -> Table {
    let columns = [
        ("id", ColumnKind::Integer, Fill::Number(1)),
        (
            "label",
            ColumnKind::String,
            Fill::Pattern("row #".to_owned()),
        ),
        ("amount", ColumnKind::Double, Fill::Anything),
        ("createdTime", ColumnKind::DateTime, Fill::Anything),
        ("updatedTime", ColumnKind::DateTime, Fill::Anything),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, kind, fill)| Column {
            name: name.to_owned(),
            kind,
            fill,
            told: Told::Whole,
        })
        .collect();
    Table {
        path: path.to_owned(),
        name: path.to_owned(),
        kind: EntryKind::Table,
        primary_key: None,
        columns,
        row_count,
    }
}

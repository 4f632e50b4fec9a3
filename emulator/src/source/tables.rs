//! Which tables there are.
//!
//! Adobe's documents name no table of Oracle Service Cloud; these are what such a system keeps.

use super::{Column, ColumnKind, Fill, Table};

const FIRST_NAMES: &[&str] = &[
    "Ada", "Björn", "Chiara", "Dmitri", "Élise", "Farah", "Grace", "Hiro",
];
const LAST_NAMES: &[&str] = &[
    "Almeida", "Brandt", "Chen", "Dubois", "Ek", "Fischer", "O'Neill", "Şahin",
];
const INDUSTRIES: &[&str] = &["Retail", "Energy", "Banking", "Health", "Travel"];
const CITIES: &[&str] = &["Zürich", "Lisboa", "Austin", "Osaka", "Nairobi"];
const SUBJECTS: &[&str] = &[
    "Cannot sign in",
    "Invoice is wrong",
    "Delivery is late",
    "How do I export, please?",
];
const SEVERITIES: &[&str] = &["low", "normal", "high", "critical"];

/// The tables that are always there.
pub(crate) fn real() -> Vec<Table> {
    vec![
        table(
            "Contacts",
            50,
            &[
                ("id", ColumnKind::Integer, Fill::Number(1001)),
                ("firstName", ColumnKind::String, Fill::OneOf(FIRST_NAMES)),
                ("lastName", ColumnKind::String, Fill::OneOf(LAST_NAMES)),
                (
                    "emails.address",
                    ColumnKind::String,
                    Fill::Pattern("contact#@example.com"),
                ),
                (
                    "phones.number",
                    ColumnKind::String,
                    Fill::Pattern("+1 555 01#"),
                ),
                ("organization.id", ColumnKind::Integer, Fill::Anything),
                ("satisfaction", ColumnKind::Double, Fill::Score),
                ("disabled", ColumnKind::Boolean, Fill::Anything),
                ("birthday", ColumnKind::Date, Fill::Sometimes),
                ("createdTime", ColumnKind::DateTime, Fill::Anything),
                ("updatedTime", ColumnKind::DateTime, Fill::Anything),
            ],
        ),
        table(
            "Accounts",
            20,
            &[
                ("id", ColumnKind::Integer, Fill::Number(1)),
                ("name", ColumnKind::String, Fill::Pattern("Organization #")),
                ("industry", ColumnKind::String, Fill::OneOf(INDUSTRIES)),
                ("addresses.city", ColumnKind::String, Fill::OneOf(CITIES)),
                ("employees", ColumnKind::Long, Fill::Anything),
                ("annualRevenue", ColumnKind::Double, Fill::Anything),
                ("active", ColumnKind::Boolean, Fill::Anything),
                ("createdTime", ColumnKind::DateTime, Fill::Anything),
                ("updatedTime", ColumnKind::DateTime, Fill::Anything),
            ],
        ),
        table(
            "Incidents",
            40,
            &[
                ("id", ColumnKind::Long, Fill::Number(500_001)),
                (
                    "referenceNumber",
                    ColumnKind::String,
                    Fill::Pattern("241124-#"),
                ),
                ("subject", ColumnKind::String, Fill::OneOf(SUBJECTS)),
                ("severity", ColumnKind::String, Fill::OneOf(SEVERITIES)),
                ("primaryContact.id", ColumnKind::Integer, Fill::Anything),
                ("responseHours", ColumnKind::Double, Fill::Anything),
                ("resolved", ColumnKind::Boolean, Fill::Anything),
                ("closedTime", ColumnKind::DateTime, Fill::Sometimes),
                ("createdTime", ColumnKind::DateTime, Fill::Anything),
                ("updatedTime", ColumnKind::DateTime, Fill::Anything),
            ],
        ),
    ]
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
    NAMES.iter().map(|name| table(name, 20, PLAIN)).collect()
}

/// One of many tables.
pub(crate) fn extra(number: usize, row_count: usize) -> Table {
    table(&format!("Table{number:03}"), row_count, PLAIN)
}

const PLAIN: &[(&str, ColumnKind, Fill)] = &[
    ("id", ColumnKind::Integer, Fill::Number(1)),
    ("label", ColumnKind::String, Fill::Pattern("row #")),
    ("amount", ColumnKind::Double, Fill::Anything),
    ("createdTime", ColumnKind::DateTime, Fill::Anything),
    ("updatedTime", ColumnKind::DateTime, Fill::Anything),
];

fn table(path: &str, row_count: usize, columns: &[(&'static str, ColumnKind, Fill)]) -> Table {
    let columns = columns
        .iter()
        .map(|(name, kind, fill)| Column {
            name,
            kind: *kind,
            fill: *fill,
        })
        .collect();
    Table {
        path: path.to_owned(),
        name: path.to_owned(),
        columns,
        row_count,
    }
}

//! The tables of the sources, as data: one file for each set of tables.
//!
//! Adobe's documents name hardly any table, so these are typical tables of such systems. Every set
//! except that of Oracle Service Cloud has a table with column names that no XDM field may have.
//! Together the sets have every column type that the guide of XDM field types translates, with and
//! without the XDM type that exploring usually shows. Source: explore a tabular data source; XDM
//! field constraints, read 2026-11.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::table::{Column, ColumnKind, EntryKind, Fill, ShownType, Table};
use crate::config::SourceSettings;

/// The tables of all sources, by the name of the set.
#[derive(Debug)]
pub(crate) struct Tables {
    families: BTreeMap<&'static str, Vec<Table>>,
}

impl Tables {
    /// The tables that these settings ask for.
    pub(crate) fn new(settings: &SourceSettings) -> Self {
        let families = FAMILIES
            .iter()
            .map(|(name, text)| (*name, of_family(text, settings)))
            .collect();
        Self { families }
    }

    /// The tables of this set; those of Oracle Service Cloud if there is no such set.
    pub(crate) fn of(&self, family: &str) -> &[Table] {
        let (first, _) = FAMILIES[0];
        self.families
            .get(family)
            .or_else(|| self.families.get(first))
            .map_or(&[], Vec::as_slice)
    }
}

/// The sets of tables by name. Connection specs that a user adds get the first set.
const FAMILIES: &[(&str, &str)] = &[
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

fn of_family(text: &str, settings: &SourceSettings) -> Vec<Table> {
    if settings.no_tables {
        return Vec::new();
    }
    let mut all = read(text);
    if settings.awkward_tables {
        all.extend(awkward());
    }
    all.extend((1..=settings.extra_tables).map(|number| extra(number, settings.extra_table_rows)));
    all
}

/// A table in a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TableInFile {
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

/// The tables in a file of [`FAMILIES`].
fn read(family: &str) -> Vec<Table> {
    let tables: Vec<TableInFile> = parse(family);
    tables
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

/// Tables whose names are difficult for filters, paths and people, and one with other words for types.
fn awkward() -> Vec<Table> {
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
    let named = NAMES.iter().map(|name| plain(name, 20));
    named.chain([own_words()]).collect()
}

/// One of many extra tables.
fn extra(number: usize, row_count: usize) -> Table {
    plain(&format!("Table{number:03}"), row_count)
}

/// A table whose columns have types in the words of databases.
fn own_words() -> Table {
    let columns = [
        ("id", ColumnKind::Integer, "NUMBER(9)"),
        ("total", ColumnKind::Long, "NUMBER(38,0)"),
        ("isOpen", ColumnKind::Boolean, "BIT"),
        ("shape", ColumnKind::String, "geography"),
        ("placed", ColumnKind::DateTime, "varchar(40)"),
        (
            "changed",
            ColumnKind::DateTime,
            "TIMESTAMP(6) WITH TIME ZONE",
        ),
    ];
    let mut table = plain("own words", 20);
    table.columns = columns
        .into_iter()
        .map(|(name, kind, word)| Column {
            name: name.to_owned(),
            kind,
            fill: Fill::Anything,
            shown_type: ShownType::Whole,
            own_word: Some(word.to_owned()),
        })
        .collect();
    table
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
            shown_type: ShownType::Whole,
            own_word: None,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::rows::rows;
    use super::*;

    fn everything() -> SourceSettings {
        SourceSettings {
            extra_tables: 2,
            awkward_tables: true,
            ..SourceSettings::default()
        }
    }

    fn all(tables: &Tables) -> Vec<&Table> {
        tables.families.values().flatten().collect()
    }

    #[test]
    fn tables_are_the_same_at_every_start() {
        let (one, two) = (Tables::new(&everything()), Tables::new(&everything()));
        for (left, right) in all(&one).iter().zip(all(&two)) {
            assert!(rows(left).eq(rows(right)));
            assert_eq!(left.column_list(), right.column_list());
        }
        let oracle = one.of("oracle-service-cloud");
        let names: Vec<_> = oracle.iter().map(|table| table.path.as_str()).collect();
        assert_eq!(names[..3], ["Contacts", "Accounts", "Incidents"]);
        assert_eq!(oracle.last().unwrap().path, "Table002");
    }

    #[test]
    fn values_have_the_types_of_their_columns() {
        let tables = Tables::new(&everything());
        for table in all(&tables) {
            assert_eq!(rows(table).count(), table.row_count);
            for row in rows(table) {
                for column in &table.columns {
                    let value = &row[&column.name];
                    let fits = value.is_null()
                        || match column.kind {
                            ColumnKind::String
                            | ColumnKind::Date
                            | ColumnKind::DateTime
                            | ColumnKind::Binary
                            | ColumnKind::Uuid => value.is_string(),
                            ColumnKind::Integer | ColumnKind::Long => value.is_i64(),
                            ColumnKind::Double
                            | ColumnKind::Float
                            | ColumnKind::Decimal
                            | ColumnKind::Number => value.is_f64(),
                            ColumnKind::Boolean => value.is_boolean(),
                        };
                    assert!(fits, "{} of {}: {value}", column.name, table.path);
                }
            }
        }
    }

    #[test]
    fn every_type_of_column_occurs_with_and_without_xdm() {
        let tables = Tables::new(&SourceSettings::default());
        let shown: BTreeSet<String> = all(&tables)
            .iter()
            .flat_map(|table| table.column_list().as_array().unwrap().clone())
            .map(|mut column| {
                let column = column.as_object_mut().unwrap();
                column.remove("name");
                serde_json::to_string(column).unwrap()
            })
            .collect();
        for wanted in [
            json!({"type": "string"}),
            json!({"type": "string", "xdm": {"type": "string"}}),
            json!({"type": "string", "xdm": {"type": "String"}}),
            json!({"type": "string", "meta:xdmType": "date-time"}),
            json!({"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}}),
            json!({"type": "string", "meta:xdmType": "date", "xdm": {"type": "string", "format": "date"}}),
            json!({"type": "date"}),
            json!({"type": "double"}),
            json!({"type": "double", "xdm": {"type": "number"}}),
            json!({"type": "float"}),
            json!({"type": "float", "xdm": {"type": "number"}}),
            json!({"type": "decimal"}),
            json!({"type": "decimal", "xdm": {"type": "number"}}),
            json!({"type": "number"}),
            json!({"type": "number", "xdm": {"type": "number"}}),
            json!({"type": "integer"}),
            json!({"type": "long"}),
            json!({"type": "boolean"}),
            json!({"type": "boolean", "xdm": {"type": "boolean"}}),
            json!({"type": "binary"}),
            json!({"type": "uuid"}),
        ] {
            assert!(shown.contains(&wanted.to_string()), "{wanted}");
        }
    }

    #[test]
    fn odd_columns_have_names_that_no_field_may_have() {
        let tables = Tables::new(&SourceSettings::default());
        for (family, tables) in &tables.families {
            let odd = tables.iter().any(|table| {
                let has = |name: &str| table.columns.iter().any(|column| column.name == name);
                has("_id")
                    && has("First Name")
                    && has("emails.address")
                    && has("price[usd]")
                    && has("größe")
                    && has("2nd choice")
                    && has("order id")
                    && has("order_id")
            });
            // Recorded histories contain these tables, so they stay as they are.
            assert_eq!(odd, *family != "oracle-service-cloud", "{family}");
        }
    }
}

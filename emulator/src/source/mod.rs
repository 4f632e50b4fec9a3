//! The systems that the base connections lead to: who may log in, and tables with typed columns and
//! rows.
//!
//! Rows are made from their number, so each start has the same ones.

mod login;
mod row_filter;
mod rows;
mod tables;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use login::lets_in;
pub(crate) use row_filter::{RowFilter, RowFilterError};

use crate::config::{SourceSettings, title_case};

/// A table of a source.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What it is explored and read by.
    pub(crate) path: String,
    /// What people read.
    pub(crate) name: String,
    /// Whether it is a table or a view.
    pub(crate) kind: EntryKind,
    /// The column that exploring may be told to sort by, where the source has such.
    pub(crate) primary_key: Option<String>,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// How many rows it has.
    pub(crate) row_count: usize,
}

/// What an entry of the root is. Only Dynamics tells views apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EntryKind {
    #[default]
    Table,
    View,
}

/// A column of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: ColumnKind,
    #[serde(default)]
    pub(crate) fill: Fill,
    #[serde(default, rename = "xdm")]
    pub(crate) told: Told,
}

/// The types of columns, as exploring tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ColumnKind {
    String,
    Integer,
    Long,
    Double,
    Float,
    Decimal,
    Number,
    Boolean,
    Date,
    DateTime,
    /// A type that no guide translates. It never comes with an XDM type.
    Binary,
    /// Another such.
    Uuid,
}

/// How much of a column's type exploring tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Told {
    /// The source's type and the XDM type.
    #[default]
    Whole,
    /// No XDM type.
    LeftOut,
    /// The XDM type with a capital, as one tutorial prints it.
    Capital,
}

/// What a column is filled with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Fill {
    /// The row's number, from this one on.
    Number(i64),
    /// One of these words.
    OneOf(Vec<String>),
    /// A text in which `#` is the row's number.
    Pattern(String),
    /// Anything of the column's type.
    #[default]
    Anything,
    /// The same, and null in every third row.
    Sometimes,
    /// From 0 to 5 by quarters.
    Score,
}

impl Table {
    /// Its entry in the root of the source.
    pub(crate) fn entry(&self) -> Value {
        json!({
            "type": match self.kind {
                EntryKind::Table => "table",
                EntryKind::View => "view",
            },
            "name": self.name,
            "path": self.path,
            "canPreview": true,
            "canFetchSchema": true,
        })
    }

    /// Its columns as exploring tells them.
    pub(crate) fn column_list(&self) -> Value {
        self.columns.iter().map(Column::told).collect()
    }

    /// Its first rows that pass a filter.
    pub(crate) fn rows_passing(&self, filter: Option<&RowFilter>, count: usize) -> Value {
        self.passing(filter).take(count).collect()
    }

    /// How many of its rows pass a filter.
    pub(crate) fn count_passing(&self, filter: Option<&RowFilter>) -> usize {
        match filter {
            None => self.row_count,
            Some(_) => self.passing(filter).count(),
        }
    }

    fn passing(&self, filter: Option<&RowFilter>) -> impl Iterator<Item = Value> {
        (0..self.row_count)
            .map(|number| rows::row(self, number))
            .filter(move |row| filter.is_none_or(|filter| filter.accepts(self, row)))
    }

    /// Its first rows.
    #[cfg(test)]
    fn rows(&self, count: usize) -> Value {
        self.rows_passing(None, count)
    }
}

impl Column {
    /// Name, type and XDM type.
    fn told(&self) -> Value {
        let (kind, meta, xdm) = self.kind.told();
        let mut told = json!({"name": self.name, "type": kind});
        if self.told == Told::LeftOut || xdm.is_null() {
            match self.kind {
                ColumnKind::Date => told["type"] = Value::from("date"),
                ColumnKind::DateTime => told["meta:xdmType"] = Value::from(meta),
                _ => {}
            }
            return told;
        }
        if let Some(meta) = meta {
            told["meta:xdmType"] = Value::from(meta);
        }
        told["xdm"] = xdm;
        if self.told == Told::Capital
            && let Some(kind) = told["xdm"]["type"].as_str()
        {
            told["xdm"]["type"] = Value::from(title_case(kind));
        }
        told
    }
}

impl ColumnKind {
    /// The source's type, `meta:xdmType`, and the XDM type, null where there is none.
    fn told(self) -> (&'static str, Option<&'static str>, Value) {
        match self {
            Self::String => ("string", None, json!({"type": "string"})),
            Self::Integer => (
                "integer",
                Some("int"),
                json!({"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647_i64}),
            ),
            Self::Long => (
                "long",
                Some("long"),
                json!({
                    "type": "integer",
                    "minimum": -9_007_199_254_740_992_i64,
                    "maximum": 9_007_199_254_740_991_i64,
                }),
            ),
            Self::Double => ("double", None, json!({"type": "number"})),
            Self::Float => ("float", None, json!({"type": "number"})),
            Self::Decimal => ("decimal", None, json!({"type": "number"})),
            Self::Number => ("number", None, json!({"type": "number"})),
            Self::Boolean => ("boolean", None, json!({"type": "boolean"})),
            Self::Date => (
                "string",
                Some("date"),
                json!({"type": "string", "format": "date"}),
            ),
            Self::DateTime => (
                "string",
                Some("date-time"),
                json!({"type": "string", "format": "date-time"}),
            ),
            Self::Binary => ("binary", None, Value::Null),
            Self::Uuid => ("uuid", None, Value::Null),
        }
    }
}

/// The tables of all kinds of sources.
#[derive(Debug)]
pub(crate) struct Tables {
    families: BTreeMap<&'static str, Vec<Table>>,
}

impl Tables {
    /// The tables that these settings ask for.
    pub(crate) fn new(settings: &SourceSettings) -> Self {
        let families = tables::FAMILIES
            .iter()
            .map(|(name, text)| (*name, of_family(text, settings)))
            .collect();
        Self { families }
    }

    /// The tables of this name, those of Oracle Service Cloud if there is no such name.
    pub(crate) fn of(&self, family: &str) -> &[Table] {
        let (first, _) = tables::FAMILIES[0];
        self.families
            .get(family)
            .or_else(|| self.families.get(first))
            .map_or(&[], Vec::as_slice)
    }
}

fn of_family(text: &str, settings: &SourceSettings) -> Vec<Table> {
    if settings.no_tables {
        return Vec::new();
    }
    let mut all = tables::read(text);
    if settings.awkward_tables {
        all.extend(tables::awkward());
    }
    all.extend(
        (1..=settings.extra_tables).map(|number| tables::extra(number, settings.extra_table_rows)),
    );
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
            assert_eq!(left.rows(100), right.rows(100));
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
            let rows = table.rows(usize::MAX);
            assert_eq!(rows.as_array().unwrap().len(), table.row_count);
            for row in rows.as_array().unwrap() {
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
        let told: BTreeSet<String> = all(&tables)
            .iter()
            .flat_map(|table| table.columns.iter().map(Column::told))
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
            assert!(told.contains(&wanted.to_string()), "{wanted}");
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
            // Its tables are those of recorded histories.
            assert_eq!(odd, *family != "oracle-service-cloud", "{family}");
        }
    }
}

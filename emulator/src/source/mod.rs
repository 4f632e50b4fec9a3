//! The system that the base connections lead to: tables with typed columns and rows.
//!
//! The same for every source. Rows are made from their number, so each start has the same ones.

mod rows;
mod tables;

use serde_json::{Value, json};

use crate::config::SourceSettings;

/// A table of the source.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What it is explored and read by.
    pub(crate) path: String,
    /// What people read.
    pub(crate) name: String,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// How many rows it has.
    pub(crate) row_count: usize,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: ColumnKind,
    pub(crate) fill: Fill,
}

/// The types of columns, as exploring tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    String,
    Integer,
    Long,
    Double,
    Boolean,
    Date,
    DateTime,
}

/// What a column is filled with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    /// The row's number, from this one on.
    Number(i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A text in which `#` is the row's number.
    Pattern(&'static str),
    /// Anything of the column's type.
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
            "type": "table",
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

    /// Its first rows.
    pub(crate) fn rows(&self, count: usize) -> Value {
        (0..self.row_count.min(count))
            .map(|number| rows::row(self, number))
            .collect()
    }
}

impl Column {
    /// Name, type and XDM type.
    fn told(&self) -> Value {
        let name = self.name;
        match self.kind {
            ColumnKind::String => {
                json!({"name": name, "type": "string", "xdm": {"type": "string"}})
            }
            ColumnKind::Integer => json!({
                "name": name, "type": "integer", "meta:xdmType": "int",
                "xdm": {"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_647_i64},
            }),
            ColumnKind::Long => json!({
                "name": name, "type": "long", "meta:xdmType": "long",
                "xdm": {
                    "type": "integer",
                    "minimum": -9_007_199_254_740_992_i64,
                    "maximum": 9_007_199_254_740_991_i64,
                },
            }),
            ColumnKind::Double => {
                json!({"name": name, "type": "double", "xdm": {"type": "number"}})
            }
            ColumnKind::Boolean => {
                json!({"name": name, "type": "boolean", "xdm": {"type": "boolean"}})
            }
            ColumnKind::Date => json!({
                "name": name, "type": "string", "meta:xdmType": "date",
                "xdm": {"type": "string", "format": "date"},
            }),
            ColumnKind::DateTime => json!({
                "name": name, "type": "string", "meta:xdmType": "date-time",
                "xdm": {"type": "string", "format": "date-time"},
            }),
        }
    }
}

/// The tables that these settings ask for.
pub(crate) fn tables(settings: &SourceSettings) -> Vec<Table> {
    if settings.no_tables {
        return Vec::new();
    }
    let mut all = tables::real();
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
    use super::*;

    #[test]
    fn tables_are_the_same_at_every_start() {
        let settings = SourceSettings {
            extra_tables: 2,
            awkward_tables: true,
            ..SourceSettings::default()
        };
        let (one, two) = (tables(&settings), tables(&settings));
        for (left, right) in one.iter().zip(&two) {
            assert_eq!(left.rows(100), right.rows(100));
            assert_eq!(left.column_list(), right.column_list());
        }
        let names: Vec<_> = one
            .iter()
            .take(3)
            .map(|table| table.path.as_str())
            .collect();
        assert_eq!(names, ["Contacts", "Accounts", "Incidents"]);
        assert_eq!(one.last().unwrap().path, "Table002");
    }

    #[test]
    fn values_have_the_types_of_their_columns() {
        for table in tables(&SourceSettings {
            awkward_tables: true,
            ..SourceSettings::default()
        }) {
            let rows = table.rows(usize::MAX);
            assert_eq!(rows.as_array().unwrap().len(), table.row_count);
            for row in rows.as_array().unwrap() {
                for column in &table.columns {
                    let value = &row[column.name];
                    let fits = value.is_null()
                        || match column.kind {
                            ColumnKind::String | ColumnKind::Date | ColumnKind::DateTime => {
                                value.is_string()
                            }
                            ColumnKind::Integer | ColumnKind::Long => value.is_i64(),
                            ColumnKind::Double => value.is_f64(),
                            ColumnKind::Boolean => value.is_boolean(),
                        };
                    assert!(fits, "{} of {}: {value}", column.name, table.path);
                }
            }
        }
    }
}

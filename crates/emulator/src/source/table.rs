//! A table of a source, and how exploring shows it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::title_case;

/// A table of a source.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The path by which it is explored and read.
    pub(crate) path: String,
    /// Its display name.
    pub(crate) name: String,
    /// Whether it is a table or a view.
    pub(crate) kind: EntryKind,
    /// The column that an explore call may sort by, if the source has one.
    pub(crate) primary_key: Option<String>,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// How many rows it has.
    pub(crate) row_count: usize,
}

impl Table {
    /// Its entry in the list of tables.
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

    /// Its columns as exploring shows them.
    pub(crate) fn column_list(&self) -> Value {
        self.columns.iter().map(Column::shown).collect()
    }
}

/// What an entry in the list of tables is. Only Dynamics distinguishes views.
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
    pub(crate) shown_type: ShownType,
    /// The source's own word for its type, in place of everything that Adobe's guide translates.
    #[serde(default)]
    pub(crate) own_word: Option<String>,
}

impl Column {
    /// Name, type and XDM type.
    fn shown(&self) -> Value {
        if let Some(word) = &self.own_word {
            return json!({"name": self.name, "type": word});
        }
        let (kind, meta, xdm) = self.kind.types();
        let mut shown = json!({"name": self.name, "type": kind});
        if self.shown_type == ShownType::LeftOut || xdm.is_null() {
            match self.kind {
                ColumnKind::Date => shown["type"] = Value::from("date"),
                ColumnKind::DateTime => shown["meta:xdmType"] = Value::from(meta),
                _ => {}
            }
            return shown;
        }
        if let Some(meta) = meta {
            shown["meta:xdmType"] = Value::from(meta);
        }
        shown["xdm"] = xdm;
        if self.shown_type == ShownType::Capital
            && let Some(kind) = shown["xdm"]["type"].as_str()
        {
            shown["xdm"]["type"] = Value::from(title_case(kind));
        }
        shown
    }
}

/// The types of columns, as exploring shows them.
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
    /// A type that the guide does not translate. It never has an XDM type.
    Binary,
    /// Another such type.
    Uuid,
}

impl ColumnKind {
    /// The source's type, `meta:xdmType`, and the XDM type. The XDM type is null if there is none.
    fn types(self) -> (&'static str, Option<&'static str>, Value) {
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

/// How exploring shows the type of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ShownType {
    /// The source's type and the XDM type.
    #[default]
    Whole,
    /// No XDM type.
    LeftOut,
    /// The XDM type with a capital letter, as one tutorial prints it.
    Capital,
}

/// What the cells of a column contain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Fill {
    /// The row's number, counted from this one.
    Number(i64),
    /// One of these words.
    OneOf(Vec<String>),
    /// A text in which `#` is the row's number.
    Pattern(String),
    /// Any value of the column's type.
    #[default]
    Anything,
    /// Any value, but null in every third row.
    Sometimes,
    /// A number from 0 to 5 in steps of a quarter.
    Score,
}

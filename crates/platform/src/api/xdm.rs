//! From a source's columns to XDM fields: types, names, and the mapping between the two. Pure.
//!
//! Sources: "Field constraints" and the Schema Registry API guide (a name has letters, digits,
//! `-` and `_` and does not begin with `_`; custom fields live under the tenant's object), Data
//! Prep's "Data handling" (a dot in a name is escaped), read 2026-11.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::data_prep::FieldMapping;
use crate::fields;
use crate::ids::TenantId;
use crate::response::UnreadableResponse;

/// A column as explore gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the source.
    pub name: String,
    /// Its type in explore's words, such as `string` or `double`.
    pub type_: Option<String>,
    /// The XDM type that the platform suggests.
    pub xdm: Option<Value>,
    /// `meta:xdmType`, such as `date-time`.
    pub xdm_type: Option<String>,
    /// The whole object, to be copied into a source connection as it is.
    pub raw: Value,
}

impl Column {
    pub(crate) fn read(value: Value) -> Result<Self, UnreadableResponse> {
        Ok(Self {
            name: fields::text(&value, "/name")
                .filter(|name| !name.is_empty())
                .ok_or_else(|| UnreadableResponse::shape("a column has no name"))?,
            type_: fields::text(&value, "/type"),
            xdm: value.get("xdm").filter(|xdm| xdm.is_object()).cloned(),
            xdm_type: fields::text(&value, "/meta:xdmType"),
            raw: value,
        })
    }
}

/// A column whose field has another name, because its own is not a valid XDM name or another field
/// has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedColumn {
    /// The column's name.
    pub column: String,
    /// The field's name.
    pub field: String,
}

/// The fields for a table's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaFields {
    /// The fields by name, for the object under the tenant's namespace.
    pub properties: Map<String, Value>,
    /// One mapping per column, in the columns' order.
    pub mappings: Vec<FieldMapping>,
    /// Each column with the name of its field, in the columns' order.
    pub names: Vec<(String, String)>,
    /// The columns whose field is named otherwise, in the columns' order.
    pub renamed: Vec<RenamedColumn>,
}

/// The fields for these columns under the tenant's namespace, each column once.
///
/// The rule for names: a column whose name is an XDM name keeps it. In any other name each run of
/// characters that are not ASCII letters, digits, `-` or `_` becomes one `_` (`emails.address`
/// gives `emails_address`), then `_` at the beginning are dropped, and if nothing is left the name
/// is `field`. A name that another field has, also in another case, gets `_2`, `_3` and so on. The
/// columns that keep their names come first, then the others, both in the given order.
#[must_use]
pub fn schema_fields(tenant: &TenantId, columns: &[Column]) -> SchemaFields {
    let names = field_names(columns);
    let namespace = tenant.namespace();
    let mut fields = SchemaFields {
        properties: Map::new(),
        mappings: Vec::with_capacity(columns.len()),
        names: Vec::with_capacity(columns.len()),
        renamed: Vec::new(),
    };
    let mut seen = HashSet::new();
    for column in columns {
        if !seen.insert(column.name.as_str()) {
            continue;
        }
        let name = &names[column.name.as_str()];
        let mut definition = xdm_type(column);
        definition.insert("title".to_owned(), Value::String(column.name.clone()));
        fields
            .properties
            .insert(name.clone(), Value::Object(definition));
        fields.mappings.push(FieldMapping::attribute(
            source_path(&column.name),
            format!("{namespace}.{name}"),
        ));
        fields.names.push((column.name.clone(), name.clone()));
        if *name != column.name {
            fields.renamed.push(RenamedColumn {
                column: column.name.clone(),
                field: name.clone(),
            });
        }
    }
    fields
}

fn field_names(columns: &[Column]) -> HashMap<&str, String> {
    // Compared without case: some engines that read the lake's files ignore it.
    let mut taken = HashSet::new();
    let mut names = HashMap::new();
    let (keeping, changing): (Vec<&Column>, Vec<&Column>) = columns
        .iter()
        .partition(|column| field_name(&column.name) == column.name);
    for column in keeping.into_iter().chain(changing) {
        if names.contains_key(column.name.as_str()) {
            continue;
        }
        let wanted = field_name(&column.name);
        let mut name = wanted.clone();
        let mut number = 2_usize;
        while !taken.insert(name.to_ascii_lowercase()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        names.insert(column.name.as_str(), name);
    }
    names
}

fn field_name(column: &str) -> String {
    let mut name = String::with_capacity(column.len());
    let mut in_gap = false;
    for c in column.chars() {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            name.push(c);
            in_gap = false;
        } else if !in_gap {
            name.push('_');
            in_gap = true;
        }
    }
    let name = name.trim_start_matches('_');
    if name.is_empty() {
        "field".to_owned()
    } else {
        name.to_owned()
    }
}

/// A column's name as a path of Data Prep: a dot in a name is no step, so it is escaped. A name
/// that has the escaping character, or begins as a wrapped one, is wrapped whole.
#[must_use]
pub fn source_path(column: &str) -> String {
    if column.contains('\\') || column.starts_with("${") {
        format!("${{{column}}}")
    } else {
        column.replace('.', "\\.")
    }
}

/// The XDM type of a column: the platform's suggestion if it is a plain type, otherwise
/// `meta:xdmType`, otherwise explore's type, otherwise a string.
#[must_use]
pub fn xdm_type(column: &Column) -> Map<String, Value> {
    if let Some(Value::Object(xdm)) = &column.xdm
        && let Some(type_) = xdm.get("type").and_then(Value::as_str)
    {
        // One tutorial writes `String`.
        let type_ = type_.to_ascii_lowercase();
        if matches!(type_.as_str(), "string" | "number" | "integer" | "boolean") {
            // The registry sets other keywords itself, and refuses those that don't fit the type.
            let fitting = ["format", "minimum", "maximum"].into_iter();
            let mut definition: Map<String, Value> = fitting
                .filter_map(|key| Some((key, xdm.get(key)?)))
                .filter(|(key, value)| fits(&type_, key, value))
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect();
            definition.insert("type".to_owned(), Value::String(type_));
            return definition;
        }
        if let Some(definition) = named_type(&type_) {
            return definition;
        }
    }
    let named = |name: &Option<String>| named_type(&name.as_deref()?.to_ascii_lowercase());
    named(&column.xdm_type)
        .or_else(|| named(&column.type_))
        .unwrap_or_else(|| object(json!({"type": "string"})))
}

/// Whether a field of that type may have this beside its type.
fn fits(type_: &str, key: &str, value: &Value) -> bool {
    /// The formats of texts. Source: "Field constraints", read 2026-11.
    const FORMATS: [&str; 11] = [
        "date",
        "date-time",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "uri-template",
        "json-pointer",
        "time",
    ];
    match (type_, key) {
        ("string", "format") => value
            .as_str()
            .is_some_and(|format| FORMATS.contains(&format)),
        ("number" | "integer", "minimum" | "maximum") => value.is_number(),
        _ => false,
    }
}

/// The definition of a field whose XDM type is given in one word: `string`, `number`, `integer`,
/// `long`, `boolean`, `date` or `date-time`.
#[must_use]
pub fn field_type(word: &str) -> Option<Map<String, Value>> {
    let is_xdm = matches!(
        word,
        "string" | "number" | "integer" | "long" | "boolean" | "date" | "date-time"
    );
    named_type(word).filter(|_| is_xdm)
}

/// The fingerprint of every schema that exists depends on these words, so none is added or removed.
/// Whoever knows more words for a column's type writes one of these in its place.
fn named_type(name: &str) -> Option<Map<String, Value>> {
    Some(object(match name {
        "string" | "text" | "varchar" | "char" | "uuid" | "guid" => json!({"type": "string"}),
        "date-time" | "datetime" | "timestamp" => json!({"type": "string", "format": "date-time"}),
        "date" => json!({"type": "string", "format": "date"}),
        "double" | "float" | "decimal" | "number" | "single" => json!({"type": "number"}),
        "integer" | "int" | "int32" | "short" | "int16" | "byte" => {
            json!({"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_648_i64})
        }
        "long" | "int64" | "bigint" => json!({
            "type": "integer",
            "minimum": -9_007_199_254_740_992_i64,
            "maximum": 9_007_199_254_740_992_i64
        }),
        "boolean" | "bool" => json!({"type": "boolean"}),
        _ => return None,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(raw: Value) -> Column {
        Column::read(raw).unwrap()
    }

    fn named(name: &str) -> Column {
        column(json!({"name": name, "type": "string"}))
    }

    #[test]
    fn types_follow_the_table() {
        let cases = [
            (json!({"type": "string"}), json!({"type": "string"})),
            (
                json!({"type": "string", "xdm": {"type": "String"}}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "string", "meta:xdmType": "date-time"}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "date"}),
                json!({"type": "string", "format": "date"}),
            ),
            (
                json!({"type": "double", "xdm": {"type": "number"}}),
                json!({"type": "number"}),
            ),
            (json!({"type": "float"}), json!({"type": "number"})),
            (json!({"type": "decimal"}), json!({"type": "number"})),
            (json!({"type": "number"}), json!({"type": "number"})),
            (
                json!({"type": "string", "meta:xdmType": "date"}),
                json!({"type": "string", "format": "date"}),
            ),
            (
                json!({"type": "string", "xdm": {"type": "String", "format": "date-time"}}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "decimal", "xdm": {"type": "integer", "minimum": 0, "maximum": 9}}),
                json!({"type": "integer", "minimum": 0, "maximum": 9}),
            ),
            (
                json!({"type": "string", "xdm": {"type": "Date-Time"}}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "tinyint", "xdm": {"type": "Boolean"}}),
                json!({"type": "boolean"}),
            ),
            // What the type has no room for is left out.
            (
                json!({"type": "double", "xdm": {"type": "number", "format": "date-time", "minimum": "0"}}),
                json!({"type": "number"}),
            ),
            (
                json!({"type": "string", "xdm": {"type": "string", "format": "odd", "maximum": 9}}),
                json!({"type": "string"}),
            ),
            // A suggestion of no type says nothing.
            (
                json!({"type": "boolean", "xdm": {"format": "date"}}),
                json!({"type": "boolean"}),
            ),
            (
                json!({"type": "integer"}),
                json!({"type": "integer", "minimum": -2_147_483_648_i64, "maximum": 2_147_483_648_i64}),
            ),
            (
                json!({"type": "long"}),
                json!({"type": "integer", "minimum": -9_007_199_254_740_992_i64, "maximum": 9_007_199_254_740_992_i64}),
            ),
            (json!({"type": "boolean"}), json!({"type": "boolean"})),
            (json!({"type": "geometry"}), json!({"type": "string"})),
            (
                json!({"type": "array", "xdm": {"type": "array", "items": {}}}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": "string", "xdm": {"type": "string", "meta:xdmType": "string"}}),
                json!({"type": "string"}),
            ),
            (json!({}), json!({"type": "string"})),
        ];
        for (mut raw, expected) in cases {
            raw["name"] = json!("c");
            let shown = raw.to_string();
            assert_eq!(Value::Object(xdm_type(&column(raw))), expected, "{shown}");
        }
    }

    #[test]
    fn names_are_made_fit_and_reported() {
        let columns: Vec<Column> = [
            "emails.address",
            "id",
            "emails_address",
            "__hidden",
            "Größe",
            "ID",
            "+",
            "😀",
            "a-b",
            "2nd",
            "id",
        ]
        .into_iter()
        .map(named)
        .collect();
        let fields = schema_fields(&TenantId::parse("acme").unwrap(), &columns);
        let shown: Vec<String> = fields
            .mappings
            .iter()
            .map(|mapping| format!("{} -> {}", mapping.source, mapping.destination))
            .collect();
        assert_eq!(
            shown,
            [
                r"emails\.address -> _acme.emails_address_2",
                "id -> _acme.id",
                "emails_address -> _acme.emails_address",
                "__hidden -> _acme.hidden",
                "Größe -> _acme.Gr_e",
                "ID -> _acme.ID_2",
                "+ -> _acme.field",
                "😀 -> _acme.field_2",
                "a-b -> _acme.a-b",
                "2nd -> _acme.2nd",
            ]
        );
        assert_eq!(fields.properties.len(), 10);
        let names = ("emails.address".to_owned(), "emails_address_2".to_owned());
        assert_eq!((fields.names.len(), &fields.names[0]), (10, &names));
        assert_eq!(
            fields.properties["emails_address_2"]["title"],
            "emails.address"
        );
        let renamed: Vec<&str> = fields.renamed.iter().map(|r| r.column.as_str()).collect();
        assert_eq!(
            renamed,
            ["emails.address", "__hidden", "Größe", "ID", "+", "😀"]
        );
    }

    #[test]
    fn a_type_in_one_word_is_the_columns_of_that_type() {
        for word in [
            "string",
            "number",
            "integer",
            "long",
            "boolean",
            "date",
            "date-time",
        ] {
            let of_column = xdm_type(&column(json!({"name": "c", "type": word})));
            assert_eq!(field_type(word), Some(of_column), "{word}");
        }
        for word in ["", "varchar", "String", "object"] {
            assert_eq!(field_type(word), None, "{word}");
        }
    }

    #[test]
    fn long_names_stay_long_and_apart() {
        let long = "a".repeat(900);
        let columns =
            [format!("{long}."), long.clone(), format!("{long}_")].map(|name| named(&name));
        let fields = schema_fields(&TenantId::parse("acme").unwrap(), &columns);
        let names: Vec<&String> = fields.properties.keys().collect();
        assert_eq!(names.len(), 3);
        assert!(
            names.contains(&&long) && names.contains(&&format!("{long}__2")),
            "{names:?}"
        );
    }

    #[test]
    fn a_dot_and_a_backslash_in_a_name_are_no_steps() {
        assert_eq!(source_path("a.b"), r"a\.b");
        assert_eq!(source_path(r"a\b.c"), r"${a\b.c}");
        assert_eq!(source_path("${a}"), "${${a}}");
        assert_eq!(source_path("plain"), "plain");
    }
}

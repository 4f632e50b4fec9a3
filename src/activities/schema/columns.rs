//! The columns of an input, and what each one's type is.

use std::collections::BTreeMap;

use aep_flow_proto::{
    column_type::{self, ColumnType},
    json::Object,
    read::shown,
    v1::{EnsureSchemaInput, FieldMapping, SchemaSettings},
    validate::EVENT_FIELDS,
};
use aep_platform::{Column, xdm_type};
use serde_json::Value;

use super::super::failure::ActivityFailure;
use crate::catalog::Catalog;

/// The columns of an input.
#[derive(Debug)]
pub(super) struct Columns {
    /// Each with a type in words of XDM, where its own is known.
    pub(super) all: Vec<Column>,
    /// Why a column's field is text although its values may be something else, by its name.
    as_text: BTreeMap<String, String>,
}

impl Columns {
    /// The columns of `input`.
    ///
    /// An identity and the id of an event are text. A column of a type that earlier versions did
    /// not know was text to them, so it stays a text there.
    ///
    /// # Errors
    /// [`ActivityFailure`] for a column without a name.
    pub(super) fn read(
        input: &EnsureSchemaInput,
        settings: &SchemaSettings,
        catalog: &Catalog,
    ) -> Result<Self, ActivityFailure> {
        let spec = input.connection_spec.as_ref();
        let spec_id = spec.map_or("", |spec| spec.id.as_str());
        let mut columns = Self {
            all: Vec::with_capacity(input.columns.len()),
            as_text: BTreeMap::new(),
        };
        for (index, object) in input.columns.iter().enumerate() {
            let mut column = as_given(index, object)?;
            let own = column.type_.take().unwrap_or_default();
            let key = column_type::key(&own);
            let by_source = key.and_then(|key| catalog.column_type(spec_id, &key));
            let known = by_source.or_else(|| Some(ColumnType::read(&own)?.xdm()));
            let stays_text = is_id(&column.name, settings, &input.mapping)
                && known.is_some_and(|word| !matches!(word, "date" | "date-time"));
            column.type_ = match known {
                Some(word) if !stays_text => Some(word.to_owned()),
                Some(_) | None => Some(own.clone()),
            };
            if let Some(why) = why_text(object, &column, by_source.is_some()) {
                columns.as_text.insert(column.name.clone(), why);
            }
            columns.all.push(column);
        }
        Ok(columns)
    }

    /// The same columns as earlier versions read them, which knew fewer words for types. The
    /// fingerprints of the schemas that they created depend on it.
    pub(super) fn former(&self) -> Vec<Column> {
        self.all.iter().map(former).collect()
    }

    /// What the caller should know of the columns that go into a field of their own type.
    pub(super) fn warnings(&self, mapping: &[FieldMapping]) -> Vec<String> {
        let has_own_type = |name: &str| {
            let mut lines = mapping.iter().filter(|line| line.source == name);
            let is_own = |line: &FieldMapping| {
                line.r#type.is_empty() && !EVENT_FIELDS.contains(&line.destination.as_str())
            };
            mapping.is_empty() || lines.any(is_own)
        };
        let names = self.all.iter().map(|column| column.name.as_str());
        names
            .filter(|name| has_own_type(name))
            .filter_map(|name| Some((name, self.as_text.get(name)?)))
            .map(|(name, why)| {
                format!(
                    "column `{}` becomes text: {why}; `columnTypes` may give it another type",
                    shown(name)
                )
            })
            .collect()
    }
}

/// A column as earlier versions read it.
pub(super) fn former(column: &Column) -> Column {
    let own = column.raw.get("type").and_then(Value::as_str);
    Column {
        type_: own.map(str::to_owned),
        ..column.clone()
    }
}

fn as_given(index: usize, column: &Object) -> Result<Column, ActivityFailure> {
    let name = column.text("name").ok_or_else(|| {
        ActivityFailure::field(
            &format!("columns[{index}].name"),
            "nothing",
            "a column as ExploreTable gives it",
        )
    })?;
    Ok(Column {
        name: name.to_owned(),
        type_: column.text("type").map(str::to_owned),
        xdm: column.0.get("xdm").cloned(),
        xdm_type: column.text("meta:xdmType").map(str::to_owned),
        raw: Value::Object(column.0.clone()),
    })
}

/// Whether an identity or an event is known by that column.
fn is_id(column: &str, settings: &SchemaSettings, mapping: &[FieldMapping]) -> bool {
    let identity = settings.identity.as_ref();
    let [event_id, _] = EVENT_FIELDS;
    let mut lines = mapping.iter();
    identity.is_some_and(|identity| identity.column == column)
        || settings.event_id == column
        || lines.any(|line| line.destination == event_id && line.source == column)
}

/// Why the field of a column is text, unless its type says that it is one.
fn why_text(object: &Object, column: &Column, is_by_source: bool) -> Option<String> {
    let field = xdm_type(column);
    if field.get("type")?.as_str() != Some("string") || field.contains_key("format") {
        return None;
    }
    // The first one decides, as for the field.
    let suggested = object
        .0
        .get("xdm")
        .and_then(|xdm| xdm.get("type")?.as_str());
    let suggested = suggested.or_else(|| object.text("meta:xdmType"));
    let word = suggested.or_else(|| object.text("type"));
    let Some(word) = word.filter(|word| !word.trim().is_empty()) else {
        return Some("the source gives it no type".to_owned());
    };
    if suggested.is_none() && is_by_source {
        return None;
    }
    match ColumnType::read(word) {
        None => Some(format!("its type `{}` is not known", shown(word))),
        Some(type_) if type_.is_wide() => Some(format!(
            "the type `{}` has numbers with more digits than a number of XDM keeps",
            shown(word)
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aep_flow_proto::v1::ConnectionSpec;
    use serde_json::json;

    fn object(value: &Value) -> Object {
        Object(value.as_object().unwrap().clone())
    }

    fn read(columns: &[Value], spec_id: &str, settings: &str) -> Columns {
        let settings = aep_flow_proto::read::from_json(settings.as_bytes()).unwrap();
        let input = EnsureSchemaInput {
            columns: columns.iter().map(object).collect(),
            connection_spec: Some(ConnectionSpec {
                id: spec_id.to_owned(),
                ..ConnectionSpec::default()
            }),
            ..EnsureSchemaInput::default()
        };
        Columns::read(&input, &settings, &Catalog::built_in()).unwrap()
    }

    /// Type and format of the field of a column of that type, and whether somebody is warned.
    fn field(type_: &str, spec_id: &str) -> (String, bool) {
        let columns = read(&[json!({"name": "a", "type": type_})], spec_id, "{}");
        let field = xdm_type(&columns.all[0]);
        let shown = ["type", "format"].map(|key| field.get(key).and_then(Value::as_str));
        let shown: Vec<&str> = shown.into_iter().flatten().collect();
        (shown.join(" "), !columns.warnings(&[]).is_empty())
    }

    #[test]
    fn a_known_type_in_another_spelling_becomes_what_it_is() {
        for (type_, expected, is_warned) in [
            ("timestamptz", "string date-time", false),
            ("TIMESTAMP(6) WITH TIME ZONE", "string date-time", false),
            ("datetimeoffset", "string date-time", false),
            ("datetime2(7)", "string date-time", false),
            ("TIMESTAMP_NTZ(9)", "string date-time", false),
            ("NUMBER(9,0)", "integer", false),
            ("NUMBER(10,2)", "number", false),
            ("NUMBER(38,0)", "string", true),
            ("NUMBER(*,10)", "string", true),
            ("money", "string", true),
            ("real", "number", false),
            ("double precision", "number", false),
            ("tinyint", "integer", false),
            ("VARCHAR(255)", "string", false),
            ("time(3)", "string", false),
            ("BIT", "string", true),
            ("array", "string", true),
            ("object", "string", true),
            ("geography", "string", true),
            ("", "string", true),
        ] {
            let expected = (expected.to_owned(), is_warned);
            assert_eq!(field(type_, ""), expected, "{type_}");
        }
    }

    #[test]
    fn the_catalogue_says_what_a_word_means_to_one_source() {
        let spec = |name: &str| {
            let catalog = Catalog::built_in();
            let source = catalog.iter().find(|source| source.name == name);
            source.unwrap().connection_spec.id.clone()
        };
        for (source, type_, expected) in [
            ("microsoft-sql-server", "BIT", "boolean"),
            ("microsoft-sql-server", "timestamp", "string"),
            ("azure-synapse-analytics", "bit", "boolean"),
            ("postgresql", "bit(8)", "string"),
            ("hp-vertica", "int", "integer"),
        ] {
            let expected = (expected.to_owned(), false);
            assert_eq!(field(type_, &spec(source)), expected, "{source} {type_}");
        }
        assert_eq!(field("bit", &spec("mysql")), ("string".to_owned(), true));
    }

    #[test]
    fn nested_columns_and_columns_without_a_type_are_named() {
        let all = read(
            &[
                json!({"name": "a", "type": "string", "xdm": {"type": "array", "items": {}}}),
                json!({"name": "b", "type": "object"}),
                json!({"name": "c"}),
                json!({"name": "d", "type": "odd", "xdm": {"type": "string"}}),
                json!({"name": "e", "type": "odd", "meta:xdmType": "date-time"}),
            ],
            "",
            "{}",
        );
        assert_eq!(
            all.warnings(&[]),
            [
                "column `a` becomes text: its type `array` is not known; `columnTypes` may give \
                 it another type",
                "column `b` becomes text: its type `object` is not known; `columnTypes` may give \
                 it another type",
                "column `c` becomes text: the source gives it no type; `columnTypes` may give it \
                 another type",
            ]
        );
        // With a mapping, only of what goes into a field of the column's own type.
        let line = |source: &str, destination: &str, type_: &str| FieldMapping {
            source: source.to_owned(),
            destination: destination.to_owned(),
            r#type: type_.to_owned(),
            ..FieldMapping::default()
        };
        let mapping = [line("a", "_tenant.a", "string"), line("c", "_id", "")];
        assert_eq!(all.warnings(&mapping), [""; 0]);
        assert_eq!(all.warnings(&[line("b", "_tenant.b", "")]).len(), 1);
    }

    #[test]
    fn an_id_of_a_type_that_was_text_stays_text() {
        for settings in [
            r#"{"identity":{"column":"a","namespace":"Email"}}"#,
            r#"{"behavior":"EXPERIENCE_EVENT","eventId":"a"}"#,
        ] {
            for (type_, expected) in [("NUMBER(9)", "string"), ("integer", "integer")] {
                let columns = read(&[json!({"name": "a", "type": type_})], "", settings);
                assert_eq!(xdm_type(&columns.all[0])["type"], expected, "{type_}");
                assert_eq!(columns.warnings(&[]), [""; 0], "{type_}");
            }
        }
    }

    #[test]
    fn what_earlier_versions_knew_is_what_it_was() {
        for type_ in [
            "string",
            "text",
            "varchar",
            "char",
            "uuid",
            "guid",
            "date-time",
            "datetime",
            "timestamp",
            "date",
            "double",
            "float",
            "decimal",
            "number",
            "single",
            "integer",
            "int",
            "int32",
            "short",
            "int16",
            "byte",
            "long",
            "int64",
            "bigint",
            "boolean",
            "bool",
            "Boolean",
            "DECIMAL",
            "geography",
            "",
        ] {
            let columns = read(&[json!({"name": "a", "type": type_})], "", "{}");
            let former = &columns.former()[0];
            assert_eq!(xdm_type(&columns.all[0]), xdm_type(former), "{type_}");
        }
        let columns = read(&[json!({"name": "a", "type": "timestamptz"})], "", "{}");
        assert_eq!(xdm_type(&columns.former()[0]).len(), 1);
    }
}

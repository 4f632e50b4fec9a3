//! The fields of a schema that is created, and which column goes into which.

use std::collections::BTreeMap;

use aep_flow_proto::{
    v1::{FieldMapping, SchemaSettings},
    validate::EVENT_FIELDS,
};
use aep_platform::{Column, TenantId, field_type, schema_fields, source_path, xdm_type};
use serde_json::{Map, Value, json};

use super::super::failure::ActivityFailure;

/// What the fields of a schema are, and which column goes where.
#[derive(Debug)]
pub(super) struct Fields {
    /// Below the tenant's namespace.
    pub(super) properties: Map<String, Value>,
    pub(super) mapping: Vec<FieldMapping>,
    pub(super) warnings: Vec<String>,
    /// Where each column went, below the tenant's namespace; the first place, if there are more.
    paths: BTreeMap<String, String>,
}

impl Fields {
    /// The fields for `columns`: as the caller maps them, or one for each.
    pub(super) fn of(
        tenant: &TenantId,
        columns: &[Column],
        mapping: &[FieldMapping],
        settings: &SchemaSettings,
    ) -> Result<Self, ActivityFailure> {
        let mut fields = if mapping.is_empty() {
            one_per_column(tenant, columns)
        } else {
            as_mapped(tenant, columns, mapping)?
        };
        fields.add_event(columns, mapping, settings)?;
        Ok(fields)
    }

    /// The columns that say what an event is and when it happened go into the two fields of its
    /// class, too.
    fn add_event(
        &mut self,
        columns: &[Column],
        mapping: &[FieldMapping],
        settings: &SchemaSettings,
    ) -> Result<(), ActivityFailure> {
        let named = [
            ("eventId", &settings.event_id),
            ("eventTimestamp", &settings.event_timestamp),
        ];
        for ((part, column), destination) in named.into_iter().zip(EVENT_FIELDS) {
            let line = mapping
                .iter()
                .position(|line| line.destination == destination);
            let (at, column) = match line {
                // What an expression gives is the platform's to check.
                Some(line) if mapping[line].source.is_empty() => continue,
                Some(line) => (format!("mapping[{line}].source"), &mapping[line].source),
                None if column.is_empty() => continue,
                None => (format!("settings.{part}"), column),
            };
            let found = find(columns, column, &at)?;
            let type_ = xdm_type(found);
            check_event_field(&at, destination, &type_)?;
            if line.is_none() {
                self.mapping.push(FieldMapping {
                    source: source_path(column),
                    destination: destination.to_owned(),
                    ..FieldMapping::default()
                });
            }
        }
        Ok(())
    }

    /// The path with slashes of the field that the identity's column goes into.
    pub(super) fn identity_property(
        &self,
        tenant: &TenantId,
        column: &str,
    ) -> Result<String, ActivityFailure> {
        let at = "settings.identity.column";
        let Some(path) = self.paths.get(column) else {
            let found = format!("`{column}`");
            return Err(ActivityFailure::field(
                at,
                found,
                "a column that goes into a field",
            ));
        };
        let parts: Vec<&str> = path.split('.').collect();
        let type_ = leaf(&self.properties, &parts).and_then(|leaf| leaf.get("type")?.as_str());
        if type_ != Some("string") {
            let found = format!("a field of type {}", type_.unwrap_or("object"));
            return Err(ActivityFailure::field(
                at,
                found,
                "a column of text: an identity is one; a line of `mapping` with the type `string` \
                 makes a number one",
            ));
        }
        Ok(format!("/{}/{}", tenant.namespace(), parts.join("/")))
    }
}

fn check_event_field(
    at: &str,
    destination: &str,
    type_: &Map<String, Value>,
) -> Result<(), ActivityFailure> {
    let is = |key: &str, value: &str| type_.get(key).and_then(Value::as_str) == Some(value);
    let shown = ["type", "format"].map(|key| type_.get(key).and_then(Value::as_str));
    let [type_, format] = shown.map(Option::unwrap_or_default);
    let found = format!("a column of type {type_} {format}");
    let found = found.trim_end();
    if destination == "timestamp" && !is("format", "date-time") {
        return Err(ActivityFailure::field(
            at,
            found,
            "a column of type date-time",
        ));
    }
    if destination == "_id" && !is("type", "string") {
        return Err(ActivityFailure::field(
            at,
            found,
            "a column of text, or a line of `mapping` for `_id` with an expression such as \
             concat(\"\", id)",
        ));
    }
    Ok(())
}

fn find<'a>(columns: &'a [Column], name: &str, at: &str) -> Result<&'a Column, ActivityFailure> {
    let found = columns.iter().find(|column| column.name == name);
    found.ok_or_else(|| ActivityFailure::field(at, format!("`{name}`"), "one of the columns"))
}

fn one_per_column(tenant: &TenantId, columns: &[Column]) -> Fields {
    let fields = schema_fields(tenant, columns);
    Fields {
        paths: fields.names.into_iter().collect(),
        properties: fields.properties,
        mapping: fields
            .mappings
            .into_iter()
            .map(|each| FieldMapping {
                source: each.source,
                destination: each.destination,
                ..FieldMapping::default()
            })
            .collect(),
        warnings: fields
            .renamed
            .into_iter()
            .map(|each| {
                format!(
                    "column `{}` goes into field `{}`: XDM does not take the column's name",
                    each.column, each.field
                )
            })
            .collect(),
    }
}

/// Fields where the caller wants them, each of its column's type unless another is given.
fn as_mapped(
    tenant: &TenantId,
    columns: &[Column],
    mapping: &[FieldMapping],
) -> Result<Fields, ActivityFailure> {
    let namespace = tenant.namespace();
    let mut fields = Fields {
        properties: Map::new(),
        mapping: Vec::with_capacity(mapping.len()),
        warnings: Vec::new(),
        paths: BTreeMap::new(),
    };
    for (index, line) in mapping.iter().enumerate() {
        let at = |part: &str| format!("mapping[{index}].{part}");
        let (title, of_origin) = if line.source.is_empty() {
            let name = line.destination.rsplit('.').next().unwrap_or_default();
            (name, field_type("string"))
        } else {
            let column = find(columns, &line.source, &at("source"))?;
            (column.name.as_str(), Some(xdm_type(column)))
        };
        if EVENT_FIELDS.contains(&line.destination.as_str()) {
            fields
                .mapping
                .push(resolved(line, line.destination.clone()));
            continue;
        }
        let path = line
            .destination
            .strip_prefix("_tenant.")
            .or_else(|| line.destination.strip_prefix(&namespace)?.strip_prefix('.'))
            .ok_or_else(|| {
                ActivityFailure::field(
                    &at("destination"),
                    format!("`{}`", line.destination),
                    format!("a path that begins with `_tenant.` or `{namespace}.`"),
                )
            })?;
        let parts: Vec<&str> = path.split('.').collect();
        let mut leaf = field_type(&line.r#type).or(of_origin).unwrap_or_default();
        leaf.insert("title".to_owned(), Value::String(title.to_owned()));
        if !insert(&mut fields.properties, &parts, leaf) {
            return Err(ActivityFailure::field(
                &at("destination"),
                format!("`{}`", line.destination),
                "a path that is no part of another destination, nor has one as its part",
            ));
        }
        if !line.source.is_empty() {
            let paths = &mut fields.paths;
            paths
                .entry(line.source.clone())
                .or_insert_with(|| path.to_owned());
        }
        let destination = format!("{namespace}.{path}");
        fields.mapping.push(resolved(line, destination));
    }
    Ok(fields)
}

/// A line as CreateMappingSet takes it: real names, and the type left behind.
pub(super) fn resolved(line: &FieldMapping, destination: String) -> FieldMapping {
    FieldMapping {
        source: source_path(&line.source),
        destination,
        expression: line.expression.clone(),
        r#type: String::new(),
    }
}

/// Puts `leaf` at `path`, making objects on the way; false if something else is there.
fn insert(properties: &mut Map<String, Value>, path: &[&str], leaf: Map<String, Value>) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return properties
            .insert((*first).to_owned(), Value::Object(leaf))
            .is_none();
    }
    let object = properties
        .entry((*first).to_owned())
        .or_insert_with(|| json!({"title": first, "type": "object", "properties": {}}));
    match object.get_mut("properties").and_then(Value::as_object_mut) {
        Some(inner) => insert(inner, rest, leaf),
        None => false,
    }
}

fn leaf<'a>(properties: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Map<String, Value>> {
    let (first, rest) = path.split_first()?;
    let field = properties.get(*first)?.as_object()?;
    if rest.is_empty() {
        return Some(field);
    }
    leaf(field.get("properties")?.as_object()?, rest)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{columns, mapping, tenant};
    use super::*;
    use aep_flow_proto::{read, v1::Identity};

    fn settings(json: &str) -> SchemaSettings {
        read::from_json(json.as_bytes()).unwrap()
    }

    const EVENT: &str = r#"{"behavior":"EXPERIENCE_EVENT","eventId":"id","eventTimestamp":"at"}"#;

    /// What is told of it, with the field.
    fn told(failed: ActivityFailure) -> String {
        failed.into_failure(1, None).to_string()
    }

    #[test]
    fn destinations_become_nested_fields_of_the_columns_types() {
        let columns = columns(&[("id", "integer"), ("emails.address", "string")]);
        let wanted = mapping(&[
            ("id", "_tenant.contact.id"),
            ("emails.address", "_acme.contact.email"),
        ]);
        let fields = as_mapped(&tenant(), &columns, &wanted).unwrap();
        assert_eq!(
            fields.mapping,
            mapping(&[
                ("id", "_acme.contact.id"),
                (r"emails\.address", "_acme.contact.email")
            ])
        );
        let contact = &fields.properties["contact"];
        assert_eq!(contact["type"], "object");
        assert_eq!(contact["properties"]["id"]["type"], "integer");
        assert_eq!(contact["properties"]["email"]["type"], "string");
        assert_eq!(contact["properties"]["email"]["title"], "emails.address");
    }

    #[test]
    fn a_destination_that_cannot_be_is_named() {
        let columns = columns(&[("id", "integer"), ("name", "string")]);
        let cases = [
            (mapping(&[("id", "_other.id")]), "mapping[0].destination"),
            (mapping(&[("nope", "_acme.id")]), "mapping[0].source"),
            (
                mapping(&[("id", "_acme.a"), ("name", "_acme.a.b")]),
                "mapping[1].destination",
            ),
            (
                mapping(&[("id", "_acme.a.b"), ("name", "_acme.a")]),
                "mapping[1].destination",
            ),
        ];
        for (wanted, field) in cases {
            let told = told(as_mapped(&tenant(), &columns, &wanted).unwrap_err());
            assert!(told.contains(field), "{told}");
        }
    }

    #[test]
    fn an_expression_gets_a_field_of_its_type() {
        let lines = r#"[{"expression":"upper(name)","destination":"_tenant.name"},
                        {"expression":"to_integer(age)","destination":"_tenant.age","type":"integer"},
                        {"source":"born","destination":"_tenant.born","type":"date"}]"#;
        let lines: Vec<FieldMapping> = serde_json::from_str(lines).unwrap();
        let fields = as_mapped(&tenant(), &columns(&[("born", "string")]), &lines).unwrap();
        assert_eq!(
            fields.properties["name"],
            json!({"type": "string", "title": "name"})
        );
        assert_eq!(fields.properties["age"]["type"], "integer");
        assert_eq!(fields.properties["born"]["format"], "date");
        assert_eq!(fields.mapping[0].expression, "upper(name)");
        assert_eq!(fields.mapping[1].destination, "_acme.age");
        assert!(fields.mapping.iter().all(|line| line.r#type.is_empty()));
    }

    #[test]
    fn an_event_has_the_two_fields_of_its_class_beside_its_columns() {
        let columns = columns(&[("id", "string"), ("at", "date-time"), ("what", "string")]);
        let fields = Fields::of(&tenant(), &columns, &[], &settings(EVENT)).unwrap();
        assert_eq!(
            fields.mapping,
            mapping(&[
                ("id", "_acme.id"),
                ("at", "_acme.at"),
                ("what", "_acme.what"),
                ("id", "_id"),
                ("at", "timestamp"),
            ])
        );
        // What the class has is not made again.
        let names: Vec<&String> = fields.properties.keys().collect();
        assert_eq!(names, ["at", "id", "what"]);

        let by_lines = mapping(&[("id", "_id"), ("at", "timestamp"), ("what", "_tenant.what")]);
        let event = settings(r#"{"behavior":"EXPERIENCE_EVENT"}"#);
        let fields = Fields::of(&tenant(), &columns, &by_lines, &event).unwrap();
        assert_eq!(fields.mapping[2].destination, "_acme.what");
        assert_eq!(fields.mapping.len(), 3);
        assert_eq!(fields.properties.len(), 1);
    }

    #[test]
    fn an_event_needs_a_text_for_its_id_and_a_time() {
        let event = settings(EVENT);
        let by_line = settings(r#"{"behavior":"EXPERIENCE_EVENT","eventTimestamp":"at"}"#);
        /// Columns with their types, lines, settings, and the field that is wrong.
        type Case<'a> = (
            &'a [(&'a str, &'a str)],
            &'a [(&'a str, &'a str)],
            &'a SchemaSettings,
            &'a str,
        );
        let cases: [Case<'_>; 5] = [
            (
                &[("id", "integer"), ("at", "date-time")],
                &[],
                &event,
                "settings.eventId",
            ),
            (
                &[("id", "string"), ("at", "date")],
                &[],
                &event,
                "settings.eventTimestamp",
            ),
            (&[("at", "date-time")], &[], &event, "settings.eventId"),
            (
                &[("n", "long"), ("at", "date-time")],
                &[("n", "_id")],
                &by_line,
                "mapping[0].source",
            ),
            (
                &[("id", "string"), ("at", "string")],
                &[("id", "_id")],
                &by_line,
                "settings.eventTimestamp",
            ),
        ];
        for (given, lines, settings, field) in cases {
            let fields = Fields::of(&tenant(), &columns(given), &mapping(lines), settings);
            let told = told(fields.unwrap_err());
            assert!(told.contains(&format!("{field}: found")), "{told}");
        }
    }

    #[test]
    fn what_the_input_takes_for_a_time_may_be_none_but_not_the_reverse() {
        use aep_flow_proto::{json::Object, v1::Table, validate};
        let words = [
            "string",
            "date",
            "date-time",
            "timestamp",
            "timestamptz",
            "TIMESTAMP(6) WITH TIME ZONE",
            "DateTime",
            "long",
            "odd",
        ];
        let mut times = 0;
        for type_ in words {
            for xdm_type_word in words {
                for xdm in [
                    Value::Null,
                    json!({"type": "string"}),
                    json!({"type": "string", "format": "date-time"}),
                    json!({"type": xdm_type_word}),
                ] {
                    let column = json!({"name": "at", "type": type_,
                                        "meta:xdmType": xdm_type_word, "xdm": xdm});
                    let object = Object(column.as_object().unwrap().clone());
                    let read = super::super::samples::read(vec![object.clone()]);
                    if check_event_field("x", "timestamp", &xdm_type(&read[0])).is_ok() {
                        times += 1;
                        let table = Table {
                            schema: Some(settings(r#"{"eventTimestamp":"at"}"#)),
                            ..Table::default()
                        };
                        let checked = validate::against_columns(0, &table, &[object]);
                        assert!(checked.is_ok(), "{column}");
                    }
                }
            }
        }
        assert!(times > 20, "{times}");
    }

    #[test]
    fn an_identity_is_the_field_that_its_column_goes_into() {
        let columns = columns(&[("e.mail", "string"), ("n", "integer")]);
        let of = |lines: &[FieldMapping], column: &str| {
            let identity = Identity {
                column: column.to_owned(),
                ..Identity::default()
            };
            let settings = SchemaSettings {
                identity: Some(identity),
                ..SchemaSettings::default()
            };
            let fields = Fields::of(&tenant(), &columns, lines, &settings).unwrap();
            fields.identity_property(&tenant(), column)
        };
        assert_eq!(of(&[], "e.mail").unwrap(), "/_acme/e_mail");
        let nested = mapping(&[("e.mail", "_tenant.contact.email"), ("n", "_tenant.n")]);
        assert_eq!(of(&nested, "e.mail").unwrap(), "/_acme/contact/email");
        for (lines, column) in [(&[][..], "n"), (&nested, "n"), (&nested, "nope")] {
            let told = told(of(lines, column).unwrap_err());
            assert!(told.contains("settings.identity.column"), "{told}");
        }
        let mut as_text = mapping(&[("n", "_tenant.n")]);
        as_text[0].r#type = "string".to_owned();
        assert_eq!(of(&as_text, "n").unwrap(), "/_acme/n");
    }
}

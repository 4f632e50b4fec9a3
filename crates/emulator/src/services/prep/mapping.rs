//! Mappings, and what is wrong with them.
//!
//! A set is checked mapping by mapping. Only a flow requires that every required field is mapped:
//! the documents say that a row without one is refused, not that a set is.

use serde_json::Value;

use super::expression;
use crate::json::text;
use crate::services::registry::fields::Fields;

/// The largest length of an expression.
const LONGEST_EXPRESSION: usize = 4096;

/// Id and version of the target schema of a set.
pub(crate) fn output_schema(set: &Value) -> (&str, &str) {
    match text(set, "/outputSchema/schemaRef/id") {
        "" => (text(set, "/xdmSchema"), text(set, "/xdmVersion")),
        id => (id, text(set, "/outputSchema/schemaRef/contentType")),
    }
}

/// What is wrong with the mappings of a set: fields that the schema doesn't have, and columns that
/// the source doesn't have. `fields` is `None` if the schema doesn't exist.
pub(crate) fn faults(
    set: &Value,
    fields: Option<&Fields>,
    columns: Option<&[String]>,
) -> Vec<String> {
    let mappings: Vec<&Value> = set["mappings"].as_array().into_iter().flatten().collect();
    let mut faults: Vec<String> = mappings
        .iter()
        .filter_map(|mapping| fault(mapping, fields, columns))
        .collect();
    for required in fields.map(Fields::required).unwrap_or_default() {
        let is_mapped = mappings.iter().any(|mapping| {
            let rest = destination_of(mapping).strip_prefix(required.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if !is_mapped {
            faults.push(format!("required field {required} must be mapped"));
        }
    }
    faults
}

pub(super) fn fault(
    mapping: &Value,
    fields: Option<&Fields>,
    columns: Option<&[String]>,
) -> Option<String> {
    let (source, destination) = (source_of(mapping), destination_of(mapping));
    if destination.is_empty() {
        return Some(format!("mapping of {source} has no destination"));
    }
    let tenant_root = destination
        .split('.')
        .next()
        .filter(|root| root.starts_with('_'))
        .unwrap_or_default();
    let Some(fields) = fields else {
        return Some(format!(
            "the schema of destination {destination} is not found"
        ));
    };
    if !fields.has(destination, tenant_root) {
        return Some(format!("destination {destination} is not in the schema"));
    }
    match mapping["sourceType"].as_str() {
        None | Some("ATTRIBUTE" | "text/x.schema-path") => {}
        Some("EXPRESSION" | "text/x.aep-xl") => return expression_fault(source, destination),
        Some("STATIC") => return None,
        Some(other) => return Some(format!("sourceType {other} is not known")),
    }
    if source.is_empty() {
        return Some(format!("mapping to {destination} has no source"));
    }
    if !is_path(source) {
        return Some(format!("source {source} is not a path"));
    }
    let column = column_of(source);
    match columns {
        Some(columns)
            if column
                .as_ref()
                .is_none_or(|column| !columns.contains(column)) =>
        {
            Some(format!("source {source} is not a column"))
        }
        _ => None,
    }
}

fn expression_fault(expression: &str, destination: &str) -> Option<String> {
    if expression.chars().count() > LONGEST_EXPRESSION {
        return Some(format!(
            "expression of {destination} is longer than {LONGEST_EXPRESSION}"
        ));
    }
    let fault = expression::check(expression).err()?;
    Some(format!("expression of {destination} is not valid: {fault}"))
}

/// Whether a source is a path: names between dots, or one name in `${…}`.
fn is_path(source: &str) -> bool {
    if let Some(rest) = source.strip_prefix("${") {
        return rest.strip_suffix('}').is_some_and(|name| !name.is_empty());
    }
    let unescaped = source.replace("\\.", "\u{0}");
    unescaped.split('.').all(|name| !name.is_empty()) && !source.ends_with('\\')
}

/// The column that a source path names. `None` for a path into a column, because no table has one.
/// A dot in a name is escaped, or the name is written as `${…}`.
fn column_of(source: &str) -> Option<String> {
    if let Some(name) = source
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        return Some(name.to_owned());
    }
    let unescaped = source.replace("\\.", "\u{0}");
    (!unescaped.contains('.')).then(|| unescaped.replace('\u{0}', "."))
}

pub(super) fn source_of(mapping: &Value) -> &str {
    match text(mapping, "/source") {
        "" => text(mapping, "/sourceAttribute"),
        source => source,
    }
}

pub(super) fn destination_of(mapping: &Value) -> &str {
    match text(mapping, "/destination") {
        "" => text(mapping, "/destinationXdmPath"),
        destination => destination,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dot_in_a_column_is_escaped() {
        for (source, expected) in [
            ("id", Some("id")),
            ("emails\\.address", Some("emails.address")),
            ("${emails.address}", Some("emails.address")),
            ("emails.address", None),
        ] {
            assert_eq!(column_of(source).as_deref(), expected, "{source}");
        }
    }

    #[test]
    fn a_path_has_a_name_in_every_place() {
        for (source, expected) in [
            ("a.b", true),
            ("First Name", true),
            ("a\\.b", true),
            ("${a.b}", true),
            ("${a", false),
            ("${}", false),
            ("a..b", false),
            (".a", false),
            ("a.", false),
            ("a\\", false),
        ] {
            assert_eq!(is_path(source), expected, "{source}");
        }
    }

    #[test]
    fn both_forms_name_the_same_schema() {
        let tutorial = json!({"xdmSchema": "s", "xdmVersion": "1.0"});
        let reference = json!({"outputSchema": {"schemaRef": {"id": "s", "contentType": "c"}}});
        assert_eq!(output_schema(&tutorial), ("s", "1.0"));
        assert_eq!(output_schema(&reference), ("s", "c"));
    }
}

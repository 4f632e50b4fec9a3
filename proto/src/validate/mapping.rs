//! The lines of a mapping: what goes into which field.

use std::collections::BTreeMap;

use super::findings::Findings;
use crate::{v1::FieldMapping, wording::shown};

/// Longest expression, in characters. Source: Data Prep API guide ("Mapping sets"), read 2026-11.
const MAX_EXPRESSION_CHARS: usize = 4_096;

const MAX_DESTINATION_BYTES: usize = 1_000;

/// The fields of an event that its class has, and that must be mapped.
/// Source: "XDM ExperienceEvent class", read 2026-11.
pub const EVENT_FIELDS: [&str; 2] = ["_id", "timestamp"];

/// The XDM types that a field or a column may be given.
pub(super) const TYPES: [&str; 7] = [
    "string",
    "number",
    "integer",
    "long",
    "boolean",
    "date",
    "date-time",
];

/// Which fields a mapping may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// They are created, below the organisation's namespace.
    OfRecords,
    /// The same, and the two that the class of events has.
    OfEvents,
    /// They exist already, wherever the schema has them.
    Existing,
}

/// Checks `mapping` as far as possible without its columns and its schema.
pub fn mapping(findings: &mut Findings, field: &str, mapping: &[FieldMapping], fields: Fields) {
    for (index, line) in mapping.iter().enumerate() {
        let at = |part: &str| format!("{field}[{index}].{part}");
        origin(findings, &at, line);
        destination(findings, &at("destination"), &line.destination, fields);
        type_of_field(findings, &at("type"), line, fields);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, line) in mapping.iter().enumerate() {
        if let Some(first) = seen.insert(&line.destination, index) {
            findings.note(
                format!("{field}[{index}].destination"),
                format!("`{}`, as in mapping[{first}]", shown(&line.destination)),
                "each destination once",
            );
        }
    }
}

fn origin(findings: &mut Findings, at: &impl Fn(&str) -> String, line: &FieldMapping) {
    match (line.source.is_empty(), line.expression.is_empty()) {
        (false, true) => findings.path(&at("source"), &line.source),
        (true, true) => findings.note(
            at("source"),
            "nothing",
            "a column's name, or an `expression` in its place",
        ),
        (false, false) => findings.note(
            at("expression"),
            "an expression beside `source`",
            "one of the two",
        ),
        (true, false) => {
            let chars = line.expression.chars().count();
            if line.expression.trim().is_empty() {
                findings.note(at("expression"), "only spaces", "an expression");
            } else if chars > MAX_EXPRESSION_CHARS {
                findings.note(
                    at("expression"),
                    format!("{chars} characters"),
                    format!("at most {MAX_EXPRESSION_CHARS} characters"),
                );
            }
        }
    }
}

fn destination(findings: &mut Findings, field: &str, path: &str, fields: Fields) {
    let is_part = |part: &str| {
        let mut bytes = part.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
            && bytes.all(|each| each.is_ascii_alphanumeric() || matches!(each, b'_' | b'-'))
    };
    // Fields of our own are below the organisation's namespace. Adobe's registry refuses them
    // anywhere else (XDM-1020 to 1024).
    let is_below_namespace = path
        .strip_prefix('_')
        .and_then(|path| path.split_once('.'))
        .is_some_and(|(tenant, rest)| is_part(tenant) && rest.split('.').all(is_part));
    let (is_path, expected) = match fields {
        Fields::OfRecords => (
            is_below_namespace,
            "a path such as `_tenant.contactId`: below the organisation's namespace, \
             its parts of letters, digits, `-` and `_`",
        ),
        Fields::OfEvents => (
            is_below_namespace || EVENT_FIELDS.contains(&path),
            "`_id`, `timestamp`, or a path such as `_tenant.contactId`: below the \
             organisation's namespace, its parts of letters, digits, `-` and `_`",
        ),
        Fields::Existing => (
            path.split('.')
                .all(|part| is_part(part.trim_start_matches('_'))),
            "the path of a field of the schema, such as `_tenant.contactId` or `person.name.firstName`",
        ),
    };
    if !is_path || path.len() > MAX_DESTINATION_BYTES {
        findings.note(field, format!("`{}`", shown(path)), expected);
    }
}

fn type_of_field(findings: &mut Findings, field: &str, line: &FieldMapping, fields: Fields) {
    if line.r#type.is_empty() {
        return;
    }
    let found = format!("`{}`", shown(&line.r#type));
    if fields == Fields::Existing || EVENT_FIELDS.contains(&line.destination.as_str()) {
        findings.note(field, found, "nothing: the field exists and has its type");
    } else if !TYPES.contains(&line.r#type.as_str()) {
        findings.note(field, found, format!("one of {}", TYPES.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, fields: Fields) -> Vec<String> {
        let lines: Vec<FieldMapping> = serde_json::from_str(json).unwrap();
        let mut findings = Findings::default();
        mapping(&mut findings, "mapping", &lines, fields);
        let all = findings.into_result().err().unwrap_or_default();
        all.into_iter()
            .map(|each| format!("{}: {}", each.field, each.found))
            .collect()
    }

    #[test]
    fn a_line_has_a_column_or_an_expression() {
        let good = r#"[{"source":"id","destination":"_tenant.id"},
                       {"expression":"upper(name)","destination":"_tenant.name","type":"string"}]"#;
        assert_eq!(found(good, Fields::OfRecords), [""; 0]);
        let cases = [
            (r#"{}"#, "mapping[0].source: nothing"),
            (
                r#"{"source":"a","expression":"b"}"#,
                "mapping[0].expression: an expression beside `source`",
            ),
            (
                r#"{"expression":"  "}"#,
                "mapping[0].expression: only spaces",
            ),
        ];
        for (line, expected) in cases {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["destination"] = "_tenant.a".into();
            assert_eq!(found(&format!("[{line}]"), Fields::OfRecords), [expected]);
        }
        let long = |chars: usize| {
            let expression = "ä".repeat(chars);
            found(
                &format!(r#"[{{"expression":"{expression}","destination":"_tenant.a"}}]"#),
                Fields::OfRecords,
            )
        };
        assert_eq!(long(4_096), [""; 0]);
        assert_eq!(long(4_097), ["mapping[0].expression: 4097 characters"]);
    }

    #[test]
    fn where_a_field_may_stand_depends_on_who_made_it() {
        let cases = [
            ("_tenant.a", [true, true, true]),
            ("_acme.a-b.c_d", [true, true, true]),
            ("_id", [false, true, true]),
            ("timestamp", [false, true, true]),
            ("_id.x", [true, true, true]),
            ("eventType", [false, false, true]),
            ("person.name.firstName", [false, false, true]),
            ("_acme._a", [false, false, true]),
            ("_acme", [false, false, true]),
            ("a..b", [false; 3]),
            ("_", [false; 3]),
            ("a b", [false; 3]),
            ("", [false; 3]),
        ];
        for (path, expected) in cases {
            let all = [Fields::OfRecords, Fields::OfEvents, Fields::Existing];
            for (fields, is_good) in all.into_iter().zip(expected) {
                let line = format!(r#"[{{"source":"a","destination":"{path}"}}]"#);
                assert_eq!(
                    found(&line, fields).is_empty(),
                    is_good,
                    "{path}, {fields:?}"
                );
            }
        }
    }

    #[test]
    fn a_type_is_for_a_field_that_is_made() {
        let line = |destination: &str, type_: &str| {
            format!(r#"[{{"source":"a","destination":"{destination}","type":"{type_}"}}]"#)
        };
        for type_ in TYPES {
            assert_eq!(found(&line("_tenant.a", type_), Fields::OfEvents), [""; 0]);
        }
        for (destination, type_, fields) in [
            ("_tenant.a", "String", Fields::OfRecords),
            ("_tenant.a", "string", Fields::Existing),
            ("timestamp", "date-time", Fields::OfEvents),
        ] {
            let found = found(&line(destination, type_), fields);
            assert_eq!(
                found,
                [format!("mapping[0].type: `{type_}`")],
                "{destination}"
            );
        }
    }
}

//! The settings of a table's schema.

use super::{
    findings::Findings,
    mapping::{EVENT_FIELDS, Fields},
};
use crate::v1::{Behavior, Existing, FieldMapping, SchemaSettings};

/// Longest code of an identity namespace, in characters; Adobe documents no limit.
const MAX_NAMESPACE_CHARS: usize = 255;

/// Which fields a mapping may name under these settings.
#[must_use]
pub fn fields_under(settings: Option<&SchemaSettings>) -> Fields {
    match settings {
        Some(settings) if settings.existing.is_some() => Fields::Existing,
        Some(settings) if settings.behavior() == Behavior::ExperienceEvent => Fields::OfEvents,
        Some(_) | None => Fields::OfRecords,
    }
}

/// Checks `settings`, whose fields are named below `field`, beside the table's `mapping`.
pub fn schema_settings(
    findings: &mut Findings,
    field: &str,
    settings: &SchemaSettings,
    mapping: &[FieldMapping],
) {
    let at = |part: &str| format!("{field}.{part}");
    findings.known_word::<Behavior>(&at("behavior"), settings.behavior);
    if let Some(given) = &settings.existing {
        existing(findings, &at("existing"), given);
        for (part, is_given) in [
            ("behavior", settings.behavior() != Behavior::Unspecified),
            ("eventId", !settings.event_id.is_empty()),
            ("eventTimestamp", !settings.event_timestamp.is_empty()),
            ("identity", settings.identity.is_some()),
        ] {
            if is_given {
                let expected = "nothing beside `existing`: the schema stays as it is";
                findings.note(at(part), "a setting", expected);
            }
        }
        return;
    }
    event(findings, &at, settings, mapping);
    let Some(identity) = &settings.identity else {
        return;
    };
    let column = at("identity.column");
    let goes_into_a_field = mapping.is_empty()
        || mapping
            .iter()
            .any(|line| line.source == identity.column && line.destination.contains('.'));
    if identity.column.is_empty() {
        findings.note(column, "nothing", "a column's name");
    } else if !goes_into_a_field {
        findings.path(&column, &identity.column);
        let expected = "a column that a line of `mapping` puts below `_tenant`";
        findings.note(column, "another column", expected);
    }
    let namespace = &identity.namespace;
    let is_code = namespace
        .chars()
        .all(|each| !each.is_whitespace() && !each.is_control());
    if namespace.is_empty() || !is_code || namespace.chars().count() > MAX_NAMESPACE_CHARS {
        let found = if namespace.is_empty() {
            "nothing"
        } else {
            "something that is no code"
        };
        let expected = "the code of an identity namespace, such as `Email`";
        findings.note(at("identity.namespace"), found, expected);
    }
}

fn event(
    findings: &mut Findings,
    at: &impl Fn(&str) -> String,
    settings: &SchemaSettings,
    mapping: &[FieldMapping],
) {
    let columns = [
        ("eventId", &settings.event_id),
        ("eventTimestamp", &settings.event_timestamp),
    ];
    for ((part, column), destination) in columns.into_iter().zip(EVENT_FIELDS) {
        findings.path(&at(part), column);
        let is_mapped = mapping.iter().any(|line| line.destination == destination);
        if settings.behavior() != Behavior::ExperienceEvent {
            if !column.is_empty() {
                let expected = "nothing without the behavior EXPERIENCE_EVENT";
                findings.note(at(part), "a column", expected);
            }
        } else if column.is_empty() && !is_mapped {
            let expected = format!("a column, or a line of `mapping` for `{destination}`");
            findings.note(at(part), "nothing", expected);
        } else if !column.is_empty() && is_mapped {
            let found = format!("a column beside a line of `mapping` for `{destination}`");
            findings.note(at(part), found, "one of the two");
        }
    }
}

/// Checks that an existing resource is named either by its id or by its name.
pub fn existing(findings: &mut Findings, field: &str, existing: &Existing) {
    match (existing.id.is_empty(), existing.name.is_empty()) {
        (true, true) => findings.note(field, "nothing", "`id` or `name`"),
        (false, false) => findings.note(field, "both `id` and `name`", "one of the two"),
        (false, true) => findings.path(&format!("{field}.id"), &existing.id),
        (true, false) => findings.name(&format!("{field}.name"), &existing.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(settings: &str, mapping: &str) -> Vec<String> {
        let settings = crate::read::from_json(settings.as_bytes()).unwrap();
        let mapping: Vec<FieldMapping> = serde_json::from_str(mapping).unwrap();
        let mut findings = Findings::default();
        schema_settings(&mut findings, "schema", &settings, &mapping);
        let all = findings.into_result().err().unwrap_or_default();
        all.into_iter()
            .map(|each| format!("{}: {}", each.field, each.found))
            .collect()
    }

    #[test]
    fn an_event_says_what_it_is_and_when_it_happened() {
        let event = |more: &str| format!(r#"{{"behavior":"EXPERIENCE_EVENT"{more}}}"#);
        let mapped = r#"[{"source":"id","destination":"_id"},
                         {"source":"at","destination":"timestamp"}]"#;
        let half = r#"[{"source":"id","destination":"_id"}]"#;
        let columns = event(r#","eventId":"id","eventTimestamp":"at""#);
        assert_eq!(found(&columns, "[]"), [""; 0]);
        assert_eq!(found(&event(""), mapped), [""; 0]);
        assert_eq!(found(&event(r#","eventTimestamp":"at""#), half), [""; 0]);
        assert_eq!(
            found(&event(""), "[]"),
            ["schema.eventId: nothing", "schema.eventTimestamp: nothing"]
        );
        assert_eq!(found(&event(""), half), ["schema.eventTimestamp: nothing"]);
        assert_eq!(
            found(&columns, mapped),
            [
                "schema.eventId: a column beside a line of `mapping` for `_id`",
                "schema.eventTimestamp: a column beside a line of `mapping` for `timestamp`"
            ]
        );
        assert_eq!(
            found(r#"{"eventId":"id","behavior":"RECORD"}"#, "[]"),
            ["schema.eventId: a column"]
        );
    }

    #[test]
    fn an_identity_is_a_column_that_goes_into_a_field() {
        let identity = |column: &str, namespace: &str| {
            format!(r#"{{"identity":{{"column":"{column}","namespace":"{namespace}"}}}}"#)
        };
        let mapping = r#"[{"source":"email","destination":"_tenant.email"},
                          {"source":"id","destination":"_id"}]"#;
        assert_eq!(found(&identity("email", "Email"), "[]"), [""; 0]);
        assert_eq!(found(&identity("email", "Email"), mapping), [""; 0]);
        for column in ["id", "phone"] {
            assert_eq!(
                found(&identity(column, "Email"), mapping),
                ["schema.identity.column: another column"],
                "{column}"
            );
        }
        assert_eq!(
            found(&identity("", ""), "[]"),
            [
                "schema.identity.column: nothing",
                "schema.identity.namespace: nothing"
            ]
        );
        assert_eq!(
            found(&identity("email", "E mail"), "[]"),
            ["schema.identity.namespace: something that is no code"]
        );
    }

    #[test]
    fn what_exists_stays_as_it_is() {
        assert_eq!(found(r#"{"existing":{"name":"Contacts"}}"#, "[]"), [""; 0]);
        assert_eq!(
            found(r#"{"existing":{}}"#, "[]"),
            ["schema.existing: nothing"]
        );
        assert_eq!(
            found(r#"{"existing":{"id":"a","name":"b"}}"#, "[]"),
            ["schema.existing: both `id` and `name`"]
        );
        let all = r#"{"existing":{"id":"a"},"behavior":"RECORD","eventId":"a",
                      "eventTimestamp":"b","identity":{"column":"a","namespace":"b"}}"#;
        assert_eq!(
            found(all, "[]"),
            ["behavior", "eventId", "eventTimestamp", "identity"]
                .map(|part| format!("schema.{part}: a setting"))
        );
    }
}

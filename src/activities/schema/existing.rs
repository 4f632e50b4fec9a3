//! A schema that exists: nothing is created, and every column goes into a field that it has.

use aep_flow_proto::{
    v1::{EnsureSchemaInput, Existing, FieldMapping, Outcome, Schema, Violation},
    validate::EVENT_FIELDS,
};
use aep_platform::{
    Column, FieldFamily, Sandbox, Schema as Found, SchemaId, TenantId, schema_fields, source_path,
    xdm_type,
};

use super::{
    super::{
        existing::{adopts_no_other, found_once},
        failure::ActivityFailure,
        platform::Platform,
    },
    columns::former,
    fields::resolved,
};

const AT: &str = "settings.existing";

/// The schema that the input means, with a mapping into it.
pub(super) async fn use_existing(
    platform: &Platform,
    input: &EnsureSchemaInput,
    existing: &Existing,
    columns: &[Column],
) -> Result<Schema, ActivityFailure> {
    let sandbox = platform.sandbox(&input.sandbox).await?;
    let tenant = platform.tenant(&sandbox).await?;
    let schema = find(&sandbox, existing).await?;
    adopts_no_other(input.adopt.as_deref(), "schema", schema.id.as_str())?;
    let mapping = if input.mapping.is_empty() {
        by_name(&schema, &tenant, columns)
    } else {
        as_mapped(&schema, &tenant, columns, &input.mapping)
    };
    Ok(Schema {
        id: schema.id.to_string(),
        field_group_id: String::new(),
        outcome: Outcome::Adopted.into(),
        mapping: mapping.map_err(ActivityFailure::invalid)?,
        warnings: Vec::new(),
    })
}

async fn find(sandbox: &Sandbox, existing: &Existing) -> Result<Found, ActivityFailure> {
    let id: SchemaId = if existing.id.is_empty() {
        let titled = sandbox.find_schemas_titled(&existing.name).await?;
        let ids = titled.into_iter().map(|schema| schema.id).collect();
        found_once(AT, "schema", existing, ids)?
    } else {
        super::super::read_id(&format!("{AT}.id"), &existing.id)?
    };
    let schema = sandbox.get_resolved_schema(&id).await;
    schema.map_err(|error| ActivityFailure::from(error).of_field(&format!("{AT}.id")))
}

/// What a mapping must know of the schema that it leads into.
trait Target {
    fn title(&self) -> &str;
    /// The family of the field at this path; none if there is no such field.
    fn family(&self, path: &str) -> Option<FieldFamily>;
    fn is_of_events(&self) -> bool;
}

impl Target for Found {
    fn title(&self) -> &str {
        &self.title
    }

    fn family(&self, path: &str) -> Option<FieldFamily> {
        self.field(path).map(FieldFamily::of)
    }

    fn is_of_events(&self) -> bool {
        Found::is_of_events(self)
    }
}

/// Whether a column may go into a field of that family; otherwise the column's own. A type that
/// earlier versions did not know was text to them, and their mappings are still right.
fn fits(column: &Column, field: FieldFamily) -> Result<(), FieldFamily> {
    let ours = FieldFamily::of(&xdm_type(column));
    if ours == field || FieldFamily::of(&xdm_type(&former(column))) == field {
        Ok(())
    } else {
        Err(ours)
    }
}

/// Each column into the field of its own name, below the tenant's namespace.
fn by_name(
    schema: &impl Target,
    tenant: &TenantId,
    columns: &[Column],
) -> Result<Vec<FieldMapping>, Vec<Violation>> {
    let mut wrong = Vec::new();
    let mut mapping = Vec::with_capacity(columns.len());
    // The names are those that a schema of these columns would have if it were created.
    for (name, field) in schema_fields(tenant, columns).names {
        let Some(index) = columns.iter().position(|column| column.name == name) else {
            continue;
        };
        let column = &columns[index];
        let destination = format!("{}.{field}", tenant.namespace());
        let expected = |what: &str| {
            format!("{what}; leave the column out of `columns`, or say in `mapping` where it goes")
        };
        let mut note = |found: String, expected: String| {
            wrong.push(Violation {
                field: format!("columns[{index}]"),
                found,
                expected,
            });
        };
        match schema.family(&destination) {
            None => note(
                format!("`{}`", column.name),
                expected(&format!(
                    "a column for a field: the schema has no `{destination}`"
                )),
            ),
            Some(theirs) => {
                if let Err(ours) = fits(column, theirs) {
                    note(
                        format!("`{}` of type {}", column.name, ours.as_str()),
                        expected(&format!("{}, as `{destination}` has it", theirs.as_str())),
                    );
                }
            }
        }
        mapping.push(FieldMapping {
            source: source_path(&column.name),
            destination,
            ..FieldMapping::default()
        });
    }
    if schema.is_of_events() {
        let found = format!(
            "a schema of events, whose rows need {}",
            EVENT_FIELDS.join(" and ")
        );
        wrong.push(Violation {
            field: "mapping".to_owned(),
            found,
            expected: "lines for all that is to go into it, these two among them".to_owned(),
        });
    }
    if wrong.is_empty() {
        Ok(mapping)
    } else {
        Err(wrong)
    }
}

/// As the caller says, into fields that the schema has.
fn as_mapped(
    schema: &impl Target,
    tenant: &TenantId,
    columns: &[Column],
    given: &[FieldMapping],
) -> Result<Vec<FieldMapping>, Vec<Violation>> {
    let mut wrong = Vec::new();
    let mut mapping = Vec::with_capacity(given.len());
    for (index, line) in given.iter().enumerate() {
        let mut note = |part: &str, found: String, expected: String| {
            wrong.push(Violation {
                field: format!("mapping[{index}].{part}"),
                found,
                expected,
            });
        };
        let destination = match line.destination.strip_prefix("_tenant.") {
            Some(path) => format!("{}.{path}", tenant.namespace()),
            None => line.destination.clone(),
        };
        let column = columns.iter().find(|column| column.name == line.source);
        if !line.source.is_empty() && column.is_none() {
            let found = format!("`{}`", line.source);
            note("source", found, "one of the columns".to_owned());
        }
        match schema.family(&destination) {
            None => {
                let expected = format!("a field that the schema `{}` has", schema.title());
                note("destination", format!("`{destination}`"), expected);
            }
            Some(theirs) => {
                if let Some(Err(ours)) = column.map(|column| fits(column, theirs)) {
                    let found = format!("`{}` of type {}", line.source, ours.as_str());
                    let expected = format!(
                        "{}, as `{destination}` has it, or an `expression` that gives it",
                        theirs.as_str()
                    );
                    note("source", found, expected);
                }
            }
        }
        mapping.push(resolved(line, destination));
    }
    if schema.is_of_events() {
        for required in EVENT_FIELDS {
            if mapping.iter().all(|line| line.destination != required) {
                wrong.push(Violation {
                    field: "mapping".to_owned(),
                    found: format!("no line for `{required}`"),
                    expected: "one: the schema is of events".to_owned(),
                });
            }
        }
    }
    if wrong.is_empty() {
        Ok(mapping)
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{columns, mapping, tenant};
    use super::*;

    /// A schema of contacts, or of what happened to them.
    struct Contacts {
        is_of_events: bool,
    }

    impl Target for Contacts {
        fn title(&self) -> &str {
            "Contacts"
        }

        fn family(&self, path: &str) -> Option<FieldFamily> {
            Some(match path {
                "_id" | "timestamp" | "person.name" | "_acme.e_mail" => FieldFamily::Text,
                "_acme.id" => FieldFamily::Number,
                "_acme.isActive" => FieldFamily::Boolean,
                "_acme.tags" => FieldFamily::Nested,
                _ => return None,
            })
        }

        fn is_of_events(&self) -> bool {
            self.is_of_events
        }
    }

    const RECORDS: Contacts = Contacts {
        is_of_events: false,
    };
    const EVENTS: Contacts = Contacts { is_of_events: true };

    fn fields(wrong: Vec<Violation>) -> Vec<String> {
        wrong
            .into_iter()
            .map(|each| format!("{}: {}", each.field, each.found))
            .collect()
    }

    #[test]
    fn a_column_goes_into_the_field_of_its_name() {
        let columns = columns(&[
            ("id", "double"),
            ("e.mail", "date"),
            ("isActive", "boolean"),
        ]);
        assert_eq!(
            by_name(&RECORDS, &tenant(), &columns).unwrap(),
            mapping(&[
                ("id", "_acme.id"),
                (r"e\.mail", "_acme.e_mail"),
                ("isActive", "_acme.isActive")
            ])
        );
    }

    #[test]
    fn every_column_without_a_field_of_its_type_is_named() {
        let columns = columns(&[
            ("id", "string"),
            ("nope", "string"),
            ("isActive", "boolean"),
            ("tags", "string"),
            ("e_mail", "string"),
            ("e.mail", "string"),
        ]);
        let wrong = by_name(&RECORDS, &tenant(), &columns).unwrap_err();
        assert_eq!(
            fields(wrong),
            [
                "columns[0]: `id` of type text",
                "columns[1]: `nope`",
                "columns[3]: `tags` of type text",
                // Two columns never go into one field.
                "columns[5]: `e.mail`",
            ]
        );
    }

    #[test]
    fn lines_lead_to_fields_that_take_them() {
        let columns = columns(&[("id", "long"), ("mail", "string")]);
        let mut good = mapping(&[
            ("id", "_tenant.id"),
            ("mail", "person.name"),
            ("mail", "_acme.e_mail"),
            ("", "_acme.tags"),
        ]);
        good[3].expression = "split(mail, \",\")".to_owned();
        let made = as_mapped(&RECORDS, &tenant(), &columns, &good).unwrap();
        assert_eq!(made[0].destination, "_acme.id");
        assert_eq!(made[3].expression, good[3].expression);

        let bad = mapping(&[
            ("id", "_tenant.nope"),
            ("id", "_tenant.e_mail"),
            ("nope", "_tenant.id"),
            ("mail", "_tenant.tags"),
        ]);
        let wrong = as_mapped(&RECORDS, &tenant(), &columns, &bad).unwrap_err();
        assert_eq!(
            fields(wrong),
            [
                "mapping[0].destination: `_acme.nope`",
                "mapping[1].source: `id` of type number",
                "mapping[2].source: `nope`",
                "mapping[3].source: `mail` of type text",
            ]
        );
    }

    #[test]
    fn events_need_their_two_fields() {
        let columns = columns(&[("e_mail", "string"), ("at", "date-time")]);
        let wrong = by_name(&EVENTS, &tenant(), &columns[..1]).unwrap_err();
        assert_eq!(
            fields(wrong),
            ["mapping: a schema of events, whose rows need _id and timestamp"]
        );
        let half = mapping(&[("at", "timestamp")]);
        let wrong = as_mapped(&EVENTS, &tenant(), &columns, &half);
        assert_eq!(fields(wrong.unwrap_err()), ["mapping: no line for `_id`"]);
        let both = mapping(&[("at", "timestamp"), ("e_mail", "_id")]);
        assert!(as_mapped(&EVENTS, &tenant(), &columns, &both).is_ok());
    }
}

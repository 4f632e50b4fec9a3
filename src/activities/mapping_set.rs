//! The mapping set: which column goes into which field.
//!
//! The platform keeps no description of one, and nothing deletes it, so the hash of its key
//! is in its name, and its content is part of that key: another mapping is another set.
//! That an ingestion changed shows at the dataflow, which names its mapping set.

use aep_flow_ensure::{Existing, Intent, Marker, ResourceKind};
use aep_flow_proto::{
    v1::{CreateMappingSetInput, FieldMapping as Line, MappingSet, Violation},
    validate::{Findings, MAX_NAME_CHARS},
};
use aep_platform::{
    Created, FieldMapping, MappingSet as Found, MappingSetId, NewMappingSet, PlatformError, Sandbox,
};

use super::{
    attempt::Attempt,
    ensure::{Create, Creates, Ensurable, Listed, Stays},
    failure::ActivityFailure,
    platform::Platform,
    schema::schema_id,
};

const KIND: ResourceKind = ResourceKind::MappingSet;

/// What is put behind the name: ` - ` and the hash.
const HASH_CHARS: usize = 19;

/// Version of a mapping set that nobody changed.
const FIRST_VERSION: u32 = 0;

impl Creates for CreateMappingSetInput {
    const RESOURCE: ResourceKind = KIND;

    async fn create(
        self,
        platform: &Platform,
        attempt: &Attempt,
    ) -> Result<MappingSet, ActivityFailure> {
        super::check_named(&self)?;
        if self.name.chars().count() > MAX_NAME_CHARS - HASH_CHARS {
            let most = format!("at most {} characters", MAX_NAME_CHARS - HASH_CHARS);
            return Err(ActivityFailure::field(
                "name",
                "a name that is too long",
                most,
            ));
        }
        if self.mapping.is_empty() {
            return Err(ActivityFailure::field(
                "mapping",
                "nothing",
                "at least one mapping of a column",
            ));
        }
        check_origins(&self.mapping)?;
        let schema_id = schema_id(&self.schema_id)?;
        let create = Create::of(platform, attempt, &self).await?;
        let content: Vec<String> = self.mapping.iter().map(content).collect();
        let scope = format!("{schema_id}\n{}", content.join("\n"));
        let intent = create.intent(KIND, &scope, &self.name);
        let mut new = NewMappingSet {
            name: self.name,
            schema_id,
            mappings: self.mapping.into_iter().map(line).collect(),
        };
        // A dry run sends nothing, and its schema may not exist yet.
        if attempt.dry_run().is_none() {
            new.mark(&intent, "");
            check_expressions(&create.sandbox, &new).await?;
        }
        let ensured = create.run(intent, new).await?;
        Ok(MappingSet {
            id: ensured.id,
            version: FIRST_VERSION,
            outcome: ensured.outcome.into(),
        })
    }
}

/// Each line has a column or an expression.
fn check_origins(mapping: &[Line]) -> Result<(), ActivityFailure> {
    let mut findings = Findings::default();
    for (index, line) in mapping.iter().enumerate() {
        let (part, found) = match (line.source.is_empty(), line.expression.is_empty()) {
            (true, true) => ("source", "nothing"),
            (false, false) => ("expression", "an expression beside `source`"),
            (true, false) | (false, true) => continue,
        };
        let expected = "a column's path, or an expression in its place";
        findings.note(format!("mapping[{index}].{part}"), found, expected);
    }
    findings.into_result().map_err(ActivityFailure::invalid)
}

/// What of a line is part of the key.
fn content(line: &Line) -> String {
    if line.expression.is_empty() {
        return format!("{}\t{}", line.source, line.destination);
    }
    // As JSON it has neither tabs nor ends of lines: no other mapping reads the same.
    let expression = serde_json::Value::String(line.expression.clone());
    format!("\t{}\t{expression}", line.destination)
}

fn line(line: Line) -> FieldMapping {
    if line.expression.is_empty() {
        FieldMapping::attribute(line.source, line.destination)
    } else {
        FieldMapping::expression(line.expression, line.destination)
    }
}

/// Has Data Prep check a mapping that has expressions: a set with a bad one is created, and
/// only its flow fails. No other mapping is sent: its columns and fields are known to exist.
async fn check_expressions(sandbox: &Sandbox, new: &NewMappingSet) -> Result<(), ActivityFailure> {
    if !new.mappings.iter().any(|line| line.is_expression) {
        return Ok(());
    }
    let faults = sandbox.validate_mapping_set(new).await?;
    let violations: Vec<Violation> = faults
        .into_iter()
        .map(|fault| {
            let line = new.mappings.get(fault.index);
            let part = match line {
                Some(line) if !line.is_expression => "source",
                Some(_) | None => "expression",
            };
            Violation {
                field: format!("mapping[{}].{part}", fault.index),
                found: format!("what Data Prep refuses: {}", fault.reason),
                expected: "what it can calculate".to_owned(),
            }
        })
        .collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(ActivityFailure::invalid(violations))
    }
}

impl Ensurable for NewMappingSet {
    const KIND: ResourceKind = KIND;
    const DRY_RUN_ID: &'static str = "00000000000000000000000000000000";
    type Id = MappingSetId;
    type Found = Found;
    // Nothing deletes one.
    type Duplicate = Stays;

    fn mark(&mut self, intent: &Intent, _: &str) {
        self.name = format!("{} - {}", intent.name(), intent.marker().key());
    }

    async fn find(&self, sandbox: &Sandbox) -> Result<Vec<Found>, PlatformError> {
        sandbox.find_mapping_sets_named(&self.name).await
    }

    async fn create(&self, sandbox: &Sandbox) -> Result<Created<Self::Id>, PlatformError> {
        sandbox.create_mapping_set(self).await
    }

    async fn get(sandbox: &Sandbox, id: &Self::Id) -> Result<Found, PlatformError> {
        sandbox.get_mapping_set(id).await
    }

    fn differs(&self, found: &Found) -> Option<String> {
        let schema = found.schema_ref.as_ref().map(|schema| &schema.id);
        schema
            .is_some_and(|schema| *schema != self.schema_id)
            .then(|| "it maps into another schema".to_owned())
    }
}

impl Listed for Found {
    fn existing(self) -> Existing {
        Existing {
            id: self.id.to_string(),
            etag: String::new(),
            created_at: self.created_at_ms.unwrap_or_default(),
            marker: self.name.rsplit(' ').next().and_then(Marker::of_key),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_column_or_an_expression() {
        let line = |source: &str, expression: &str| Line {
            source: source.to_owned(),
            expression: expression.to_owned(),
            ..Line::default()
        };
        let good = [line("a", ""), line("", "b")];
        assert!(check_origins(&good).is_ok());
        for (bad, field) in [
            (line("", ""), "mapping[1].source"),
            (line("a", "b"), "mapping[1].expression"),
        ] {
            let failed = check_origins(&[line("a", ""), bad]).unwrap_err();
            assert_eq!(failed.details().field, field);
        }
    }

    #[test]
    fn no_two_mappings_have_one_key() {
        let column = |source: &str| Line {
            source: source.to_owned(),
            destination: "_acme.a".to_owned(),
            ..Line::default()
        };
        let expression = |expression: &str| Line {
            expression: expression.to_owned(),
            destination: "_acme.a".to_owned(),
            ..Line::default()
        };
        // As before there were expressions, or every set would be created again.
        assert_eq!(content(&column("id")), "id\t_acme.a");
        assert_eq!(content(&expression("upper(a)")), "\t_acme.a\t\"upper(a)\"");
        let all = [
            column("a"),
            expression("a"),
            expression("a\n\t_acme.b\tc"),
            expression("a\\n"),
            column(""),
        ];
        let keys: std::collections::BTreeSet<String> = all.iter().map(content).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.iter().all(|key| !key.contains('\n')), "{keys:?}");
    }
}

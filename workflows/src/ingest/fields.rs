//! Translates field names of an activity's input to those of the ingestion's, which callers know.

use aep_flow_proto::v1::Table;

use crate::step_error::StepError;

/// `error`, with the caller's fields named as in `table`, number `index` of the input.
pub(super) fn as_given(error: StepError, index: usize, table: &Table) -> StepError {
    match error {
        StepError::Failed(failed) => StepError::Failed(Box::new(
            failed.renamed(|field| as_written(field, index, table)),
        )),
        other => other,
    }
}

/// The caller's name for a field of an activity for `table`, number `index` of the input; none
/// for a field that is not the caller's.
#[must_use]
pub fn as_written(field: &str, index: usize, table: &Table) -> Option<String> {
    let split = field.find(['.', '[']).unwrap_or(field.len());
    let (root, rest) = field.split_at(split);
    let given = match root {
        // The caller did not ask for the schema of an existing dataset.
        "settings" if table.existing_dataset.is_some() => "existingDataset".to_owned(),
        "settings" => format!("schema{rest}"),
        "existing" => format!("existingDataset{rest}"),
        // All explored columns.
        "columns" if table.columns.is_empty() => "columns".to_owned(),
        "columns" | "mapping" | "filter" => field.to_owned(),
        _ => return None,
    };
    Some(format!("tables[{index}].{given}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aep_flow_proto::{
        names::FailureType,
        v1::{Existing, FailureDetails, Violation},
    };

    #[test]
    fn a_field_is_named_as_the_caller_wrote_it() {
        let chosen = Table {
            columns: vec!["id".to_owned()],
            ..Table::default()
        };
        let into_existing = Table {
            existing_dataset: Some(Existing::default()),
            ..Table::default()
        };
        let all = Table::default();
        let cases = [
            ("settings.eventId", &all, Some("tables[2].schema.eventId")),
            (
                "settings.existing.name",
                &all,
                Some("tables[2].schema.existing.name"),
            ),
            (
                "settings.existing.id",
                &into_existing,
                Some("tables[2].existingDataset"),
            ),
            (
                "existing.name",
                &into_existing,
                Some("tables[2].existingDataset.name"),
            ),
            (
                "mapping[3].expression",
                &all,
                Some("tables[2].mapping[3].expression"),
            ),
            ("columns[7]", &all, Some("tables[2].columns")),
            ("columns[7]", &chosen, Some("tables[2].columns[7]")),
            ("filter", &all, Some("tables[2].filter")),
            (
                "filter.all[0].column",
                &all,
                Some("tables[2].filter.all[0].column"),
            ),
            ("sandbox", &all, None),
            ("filters", &all, None),
        ];
        for (field, table, expected) in cases {
            assert_eq!(as_written(field, 2, table).as_deref(), expected, "{field}");
        }
    }

    #[test]
    fn every_violation_is_renamed_and_other_failures_say_their_field() {
        let violation = |field: &str| Violation {
            field: field.to_owned(),
            found: "a".to_owned(),
            expected: "b".to_owned(),
        };
        let table = Table::default();
        let invalid = StepError::invalid(
            "CreateMappingSet",
            vec![violation("mapping[0].source"), violation("sandbox")],
        );
        let StepError::Failed(failed) = as_given(invalid, 0, &table) else {
            panic!("it failed")
        };
        let fields = failed.details.violations.iter().map(|each| &each.field);
        assert_eq!(
            fields.collect::<Vec<_>>(),
            ["tables[0].mapping[0].source", "sandbox"]
        );
        assert_eq!(failed.details.field, "tables[0].mapping[0].source");
        assert!(
            failed
                .message
                .contains("tables[0].mapping[0].source: found a")
        );

        let details = FailureDetails {
            field: "settings.identity".to_owned(),
            ..FailureDetails::default()
        };
        let kind = FailureType::Conflict;
        let conflict = StepError::failed("EnsureSchema", kind, "no".to_owned(), details);
        let StepError::Failed(failed) = as_given(conflict, 0, &table) else {
            panic!("it failed")
        };
        assert_eq!(failed.details.field, "tables[0].schema.identity");
        assert_eq!(failed.message, "no");
    }
}

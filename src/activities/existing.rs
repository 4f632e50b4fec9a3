//! What a caller names as existing: there must be exactly one of it.

use std::fmt::Display;

use aep_flow_proto::v1::Existing;

use super::failure::ActivityFailure;

/// The one of those `found` under the name that `existing`, the input's `field`, gives.
pub(super) fn found_once<I: Display>(
    field: &str,
    kind: &str,
    existing: &Existing,
    mut found: Vec<I>,
) -> Result<I, ActivityFailure> {
    let name = &existing.name;
    match (found.pop(), found.len()) {
        (Some(id), 0) => Ok(id),
        (None, _) => Err(ActivityFailure::not_found(format!(
            "there is no {kind} called `{name}` in this sandbox"
        ))
        .of_field(&format!("{field}.name"))),
        (Some(last), more) => {
            let ids: Vec<String> = found.iter().chain([&last]).map(I::to_string).collect();
            let message = format!(
                "{} {kind}s are called `{name}`: {}",
                more + 1,
                ids.join(", ")
            );
            let next_step = "name the one that is meant by its `id`";
            Err(ActivityFailure::in_the_way(
                message,
                &format!("{field}.name"),
                next_step,
            ))
        }
    }
}

/// Refuses a person's decision to adopt another one than `id`, the one that the caller names.
pub(super) fn adopts_no_other(
    adopt: Option<&str>,
    kind: &str,
    id: &str,
) -> Result<(), ActivityFailure> {
    match adopt {
        Some(other) if other != id => {
            let expected = format!("{id}, the {kind} that is named");
            Err(ActivityFailure::field(
                "adopt",
                format!("`{other}`"),
                expected,
            ))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_taken_and_none_or_several_are_told() {
        let existing = Existing {
            name: "Contacts".to_owned(),
            ..Existing::default()
        };
        let found =
            |ids: &[&'static str]| found_once("existing", "schema", &existing, ids.to_vec());
        assert_eq!(found(&["a"]).unwrap(), "a");
        let none = found(&[]).unwrap_err();
        assert!(none.to_string().starts_with("NotFound: "), "{none}");
        let several = found(&["a", "b"]).unwrap_err();
        assert!(
            several.to_string().starts_with("Conflict: 2 schemas"),
            "{several}"
        );
        for failed in [none, several] {
            assert_eq!(failed.details().field, "existing.name");
            assert!(failed.to_string().contains("`Contacts`"), "{failed}");
        }
    }
}

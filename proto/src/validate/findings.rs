//! Collects everything that is wrong with an input.

use super::limits::{MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_PATH_CHARS};
use crate::{v1::Violation, wording::shown};

/// The violations found so far, in the order of the input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
    /// Records that `field` holds `found` instead of `expected`. `found` must never be the value
    /// of a secret.
    pub fn note(
        &mut self,
        field: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.violations.push(Violation {
            field: field.into(),
            found: found.into(),
            expected: expected.into(),
        });
    }

    /// The findings as an error, or nothing if the input is valid.
    ///
    /// # Errors
    /// All violations, at least one.
    pub fn into_result(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.violations)
        }
    }

    /// A name that becomes a resource's name on the platform.
    pub fn name(&mut self, field: &str, name: &str) {
        let expected = format!("a name of 1 to {} characters", MAX_NAME_CHARS);
        let chars = name.chars().count();
        if chars == 0 {
            self.note(field, "nothing", expected);
        } else if name.trim().is_empty() {
            self.note(field, "only spaces", expected);
        } else if chars > MAX_NAME_CHARS {
            self.note(field, format!("{chars} characters"), expected);
        } else if name.chars().any(char::is_control) {
            self.note(
                field,
                "a control character",
                "a name without control characters",
            );
        } else if name.trim() != name {
            // Whether the platform keeps them is not documented; a name that comes
            // back trimmed would never be found again.
            self.note(
                field,
                "spaces at an end",
                "a name without spaces at its ends",
            );
        }
    }

    /// Free text that goes with a resource.
    pub fn description(&mut self, field: &str, description: &str) {
        let chars = description.chars().count();
        if chars > MAX_DESCRIPTION_CHARS {
            self.note(
                field,
                format!("{chars} characters"),
                format!("at most {} characters", MAX_DESCRIPTION_CHARS),
            );
        }
        if description
            .chars()
            .any(|each| each.is_control() && !matches!(each, '\n' | '\t'))
        {
            self.note(
                field,
                "a control character",
                "text without control characters",
            );
        }
    }

    pub(super) fn sandbox(&mut self, field: &str, sandbox: &str) {
        let is_good = sandbox
            .bytes()
            .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == b'-');
        if !is_good || sandbox.len() > 256 {
            self.note(
                field,
                format!("`{}`", shown(sandbox)),
                "a sandbox's name: lower-case letters, digits and `-`",
            );
        }
    }

    /// `value` as one of an enum's numbers; a caller in JSON cannot get this wrong.
    pub(super) fn known_word<E: TryFrom<i32>>(&mut self, field: &str, value: i32) {
        if E::try_from(value).is_err() {
            self.note(
                field,
                format!("the number {value}"),
                "one of the documented words",
            );
        }
    }

    pub(super) fn at_most(&mut self, field: &str, count: usize, most: usize, of: &str) {
        if count > most {
            self.note(
                field,
                format!("{count} {of}"),
                format!("at most {most} {of}"),
            );
        }
    }

    /// A name within the source or the schema.
    pub(super) fn path(&mut self, field: &str, path: &str) {
        let chars = path.chars().count();
        if chars > MAX_PATH_CHARS {
            self.note(
                field,
                format!("{chars} characters"),
                format!("at most {} characters", MAX_PATH_CHARS),
            );
        }
    }

    pub(super) fn within(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if value != 0 && !(least..=most).contains(&value) {
            self.note(field, value.to_string(), format!("{least} to {most}"));
        }
    }
}

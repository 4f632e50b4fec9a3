//! Reads a message from JSON strictly, and says what is wrong without repeating it.
//!
//! An input may hold a password in place of a reference, so no error shows a value. It names
//! the field by its path, the kind of thing found there, and what was expected.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use crate::{v1::Violation, wording::SECRET_REFERENCE};

pub use crate::wording::{nearest, shown};

/// Most characters of a field's path that are shown; those of the contract are far shorter.
const LONGEST_PATH: usize = 200;

/// An input that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: found {found}, expected {expected}", if field.is_empty() { "the input" } else { field })]
pub struct ReadError {
    /// Path of the field, empty for the input as a whole. Example: `tables[0].schedule`.
    pub field: String,
    /// The kind of thing that was found, never its value.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// Whether it is a field or a word that this version does not have. A later one may have it.
    pub may_be_newer: bool,
}

impl From<ReadError> for Violation {
    fn from(error: ReadError) -> Self {
        Self {
            field: error.field,
            found: error.found,
            expected: error.expected,
        }
    }
}

/// Reads `json` by the canonical proto3 mapping; a field that the message lacks is an error.
///
/// # Errors
/// [`ReadError`] for text that is not JSON, a field of the wrong type, an unknown
/// word of an enum, an unknown field or one given twice.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let error = match as_written(json) {
        Err(error) if error.field == LONE => error,
        read => return read,
    };
    match in_a_list(json) {
        Some(json) => as_written(&json),
        None => Err(error),
    }
}

/// Reads `json` as [`from_json`] does, without what this version does not know: for what a worker
/// of a later version wrote.
///
/// # Errors
/// [`ReadError`] for text that is not JSON, and for a field of the wrong type.
pub fn known_from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let mut known: Value = serde_json::from_slice(json).map_err(|error| not_json(&error))?;
    loop {
        let error = match serde_path_to_error::deserialize(&known) {
            Ok(message) => return Ok(message),
            Err(error) => error,
        };
        let explained = explain(json, &error);
        if !(explained.may_be_newer && remove(&mut known, error.path())) {
            return Err(explained);
        }
    }
}

/// Takes what `path` leads to out of `json`; false if nothing is there.
fn remove(json: &mut Value, path: &Path) -> bool {
    let mut steps = path.iter();
    let Some(last) = steps.next_back() else {
        return false;
    };
    let parent = steps.try_fold(json, |at, step| match step {
        Segment::Map { key } => at.get_mut(key),
        Segment::Seq { index } => at.get_mut(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    match (parent, last) {
        (Some(Value::Object(fields)), Segment::Map { key }) => fields.remove(key).is_some(),
        (Some(Value::Array(entries)), Segment::Seq { index }) if *index < entries.len() => {
            entries.remove(*index);
            true
        }
        _ => false,
    }
}

/// The list that may be a single entry: most ingestions by a pattern have no second one.
const LONE: &str = "tables";

/// The same with a list around a single entry, if there is one.
fn in_a_list(json: &[u8]) -> Option<Vec<u8>> {
    let mut input: Map<String, Value> = serde_json::from_slice(json).ok()?;
    let lone = input.get_mut(LONE).filter(|lone| lone.is_object())?;
    *lone = Value::Array(vec![lone.take()]);
    serde_json::to_vec(&input).ok()
}

fn as_written<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let message = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| explain(json, &error))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(message)
}

fn not_json(error: &serde_json::Error) -> ReadError {
    ReadError {
        field: String::new(),
        found: format!(
            "text that is not JSON at line {} column {}",
            error.line(),
            error.column()
        ),
        expected: "one JSON object".to_owned(),
        may_be_newer: false,
    }
}

fn explain(json: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> ReadError {
    let cause = error.inner();
    if cause.is_syntax() || cause.is_eof() {
        return not_json(cause);
    }
    let path = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let text = cause.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(head, _)| head);

    if let Some(rest) = text.strip_prefix("unknown field `") {
        let (name, known) = split_words(rest);
        let names = backticked(known);
        return ReadError {
            field: shown_path(&join(&path, name)),
            found: "an unknown field".to_owned(),
            expected: suggestion(name, &names),
            may_be_newer: true,
        };
    }
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        let (word, known) = split_words(rest);
        let words: Vec<&str> = backticked(known)
            .into_iter()
            .filter(|each| !each.ends_with("_UNSPECIFIED"))
            .collect();
        return ReadError {
            field: shown_path(&path),
            found: format!("the word `{}`", shown(word)),
            expected: format!("one of {}", words.join(", ")),
            may_be_newer: true,
        };
    }
    if let Some(rest) = text.strip_prefix("duplicate field `") {
        let name = rest.trim_end_matches('`');
        return ReadError {
            field: shown_path(&join(&path, name)),
            found: "the field twice".to_owned(),
            expected: "it once".to_owned(),
            may_be_newer: false,
        };
    }
    // The found half of such a text shows the value. Only the expected half, which comes from
    // code, is kept.
    let expected = text
        .rsplit_once(", expected ")
        .map_or("a value of the documented type", |(_, expected)| expected);
    ReadError {
        found: kind_at(json, &path),
        field: shown_path(&path),
        expected: in_plain_words(expected).to_owned(),
        may_be_newer: false,
    }
}

/// The caller's word, and the known words for its place. The caller's may hold backticks and
/// whole sentences of such an error, so the known words begin at the last separator.
fn split_words(rest: &str) -> (&str, &str) {
    rest.rsplit_once("`, expected ")
        .or_else(|| rest.rsplit_once("`, there are no "))
        .unwrap_or((rest, ""))
}

/// A path that may contain a caller's own words, since an unknown field can have any name.
fn shown_path(path: &str) -> String {
    path.chars()
        .take(LONGEST_PATH)
        .flat_map(|each| {
            // Brackets and quotes are a path's own.
            let escaped = each.is_control().then(|| each.escape_default());
            let kept = escaped.is_none().then_some(each);
            escaped.into_iter().flatten().chain(kept)
        })
        .collect()
}

fn join(path: &str, name: &str) -> String {
    // The path may already end in the name, when the key itself was being read.
    if path == name || path.ends_with(&format!(".{name}")) {
        path.to_owned()
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn backticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// "`tables`" for a near miss, else all names.
fn suggestion(name: &str, known: &[&str]) -> String {
    // Every multi-word name is listed in both spellings; the canonical one is enough.
    let known: Vec<&str> = known
        .iter()
        .copied()
        .filter(|each| !each.contains('_'))
        .collect();
    match nearest(name, known.iter().copied()).first() {
        Some(near) => format!("`{near}`"),
        None if known.is_empty() => "no field at all".to_owned(),
        None => format!("one of {}", known.join(", ")),
    }
}

fn in_plain_words(expected: &str) -> &str {
    match expected {
        "struct aep.flow.v1.SecretReference" => SECRET_REFERENCE,
        "struct aep.flow.v1.VaultSecret" => r#"{"path": "…", "key": "…"}"#,
        "struct aep.flow.v1.Schedule" => {
            r#"an object such as {"frequency": "HOUR", "interval": 1}"#
        }
        "struct aep.flow.v1.OracleServiceCloudConnection" | "struct aep.flow.v1.Connection" => {
            "an object that describes a connection"
        }
        other if other.starts_with("struct ") => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other => other,
    }
}

fn kind_at(json: &[u8], path: &str) -> String {
    let Ok(root) = serde_json::from_slice::<Value>(json) else {
        return "something else".to_owned();
    };
    match lookup(&root, path) {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(_)) => "true or false".to_owned(),
        Some(Value::Number(_)) => "a number".to_owned(),
        Some(Value::String(_)) => "a text".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
    }
}

fn lookup<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = root;
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        at = match part.strip_suffix(']') {
            Some(index) => at.get(index.parse::<usize>().ok()?)?,
            None => at.get(part)?,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{
        IngestOracleServiceCloudInput, IngestResult, IngestSourceInput,
        OracleServiceCloudConnection,
    };

    fn error<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        from_json::<T>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_path() {
        let text = error::<IngestOracleServiceCloudInput>(
            r#"{"tables":[{"table":"A"},{"table":"B","deltaColum":"x"}]}"#,
        );
        assert_eq!(
            text,
            "tables[1].deltaColum: found an unknown field, expected `deltaColumn`"
        );
        let text = error::<IngestOracleServiceCloudInput>(r#"{"zzz":1}"#);
        assert!(
            text.starts_with("zzz: found an unknown field, expected one of connection, tables"),
            "{text}"
        );
        let text = error::<OracleServiceCloudConnection>(r#"{"password":{"keyring":"x"}}"#);
        assert_eq!(
            text,
            "password.keyring: found an unknown field, expected one of env, file, vault"
        );
        let text = error::<OracleServiceCloudConnection>(r#"{"password":{"vault":"x"}}"#);
        assert_eq!(
            text,
            r#"password.vault: found a text, expected {"path": "…", "key": "…"}"#
        );
    }

    #[test]
    fn a_literal_password_is_refused_without_being_repeated() {
        let text = error::<IngestOracleServiceCloudInput>(
            r#"{"connection":{"password":"hunter2, expected at line 3"}}"#,
        );
        assert_eq!(
            text,
            r#"connection.password: found a text, expected {"env": "NAME"}, {"file": "path"} or {"vault": {"path": "…", "key": "…"}}"#
        );
    }

    #[test]
    fn a_wrong_type_shows_kinds_only() {
        let cases = [
            (r#"{"tables":"A"}"#, "tables: found a text, expected a list"),
            (
                r#"{"tables":[{"table":7}]}"#,
                "tables[0].table: found a number, expected a string",
            ),
            (
                r#"{"waitForFirstRun":"maybe"}"#,
                "waitForFirstRun: found a text, expected true or false",
            ),
            (r#"[1]"#, "the input: found a list, expected an object"),
        ];
        for (json, expected) in cases {
            assert_eq!(
                error::<IngestOracleServiceCloudInput>(json),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn one_table_may_stand_alone() {
        let json = r#"{"tables":{"match":"crm_*","except":["crm_old"]}}"#;
        let input: IngestOracleServiceCloudInput = from_json(json.as_bytes()).unwrap();
        assert_eq!(input.tables.len(), 1);
        assert_eq!(input.tables[0].r#match, "crm_*");
        assert_eq!(
            error::<IngestOracleServiceCloudInput>(r#"{"tables":{"matches":"crm_*"}}"#),
            "tables[0].matches: found an unknown field, expected `match`"
        );
    }

    #[test]
    fn an_unknown_word_lists_the_known_ones() {
        let text = error::<IngestOracleServiceCloudInput>(
            r#"{"tables":[{"schedule":{"frequency":"HOURLY"}}]}"#,
        );
        assert_eq!(
            text,
            "tables[0].schedule.frequency: found the word `HOURLY`, expected one of ONCE, MINUTE, HOUR, DAY, WEEK"
        );
    }

    #[test]
    fn what_a_later_version_added_is_left_out() {
        let json = r#"{
            "baseConnectionId": "b", "news": {"a": [1]},
            "tables": [{"table": "A", "flowId": "f", "more": null}, {"firstRun": {"errors": ["e"], "x": 1}}]
        }"#;
        let error = from_json::<IngestResult>(json.as_bytes()).unwrap_err();
        assert_eq!((error.field.as_str(), error.may_be_newer), ("news", true));
        let known: IngestResult = known_from_json(json.as_bytes()).unwrap();
        assert_eq!(known.base_connection_id, "b");
        assert_eq!(known.tables[0].flow_id, "f");
        let run = known.tables[1].first_run.as_ref();
        assert_eq!(run.unwrap().errors, ["e"]);

        let json = br#"{"connection":{"onExisting":"ADOPT_SOME","name":"n"}}"#;
        let known: IngestSourceInput = known_from_json(json).unwrap();
        let connection = known.connection.unwrap();
        assert_eq!((connection.name.as_str(), connection.on_existing), ("n", 0));

        let error = known_from_json::<IngestResult>(br#"{"tables":7,"news":1}"#).unwrap_err();
        assert_eq!(
            (error.field.as_str(), error.may_be_newer),
            ("tables", false)
        );
    }

    #[test]
    fn an_error_does_not_grow_with_its_input() {
        let long = "n".repeat(100_000);
        for json in [
            format!(r#"{{"{long}":1}}"#),
            format!(r#"{{"connection":{{"{long}":1}}}}"#),
            format!(r#"{{"tables":[{{"schedule":{{"frequency":"{long}"}}}}]}}"#),
            format!(r#"{{"connection":{{"onExisting":"{long}"}}}}"#),
        ] {
            let text = error::<IngestOracleServiceCloudInput>(&json);
            assert!(text.len() < 1000, "{} bytes", text.len());
        }
        let text =
            error::<IngestOracleServiceCloudInput>(r#"{"x`, expected one of `password`, `y":1}"#);
        assert!(
            text.ends_with("maxParallelTables") || text.contains("one of connection"),
            "{text}"
        );
        let text = error::<IngestOracleServiceCloudInput>("{\"a\u{7f}b\":1}");
        assert!(
            text.starts_with("a\\u{7f}b: found an unknown field"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_json_is_placed() {
        let text = error::<OracleServiceCloudConnection>(r#"{"name": "x","#);
        assert_eq!(
            text,
            "the input: found text that is not JSON at line 1 column 13, expected one JSON object"
        );
        let text = error::<OracleServiceCloudConnection>(r#"{} {}"#);
        assert!(
            text.starts_with("the input: found text that is not JSON"),
            "{text}"
        );
        let text = error::<OracleServiceCloudConnection>(r#"{"name":"a","name":"b"}"#);
        assert_eq!(text, "name: found the field twice, expected it once");
    }
}

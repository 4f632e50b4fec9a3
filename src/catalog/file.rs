//! Reads one file of the catalogue, and reports which of its fields is wrong.
//!
//! `build.rs` reads the compiled-in files with it, and the program those of a folder at run time. It
//! knows the text and the name of one file, and no folder.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::entry::{
    Auth, ConnectionSpec, DeltaColumn, Deprecation, FlowSpec, Literal, Param, Source,
    SourceConnection, SourceKind, Tabular, ValueType,
};

/// The endings of names of secret parameters. A secret that is not marked would be stored in
/// histories.
const SECRET_ENDINGS: [&str; 8] = [
    "password",
    "secret",
    "token",
    "passphrase",
    "privatekey",
    "principalkey",
    "accesskey",
    "connectionstring",
];

/// The XDM types that a word for a column's type can stand for.
const XDM_TYPES: [&str; 7] = [
    "string",
    "number",
    "integer",
    "long",
    "boolean",
    "date",
    "date-time",
];

/// A field of a file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", if field.is_empty() { "the file" } else { field })]
pub struct WrongField {
    /// Path of the field, empty for the file as a whole. Example: `auth[0].params[2].type`.
    pub field: String,
    /// What is wrong with it, or what is expected.
    pub problem: String,
}

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> WrongField {
    WrongField {
        field: field.into(),
        problem: problem.into(),
    }
}

/// A file as it is written: flat, whatever the kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    kind: SourceKind,
    category: String,
    document: String,
    in_current_catalog: Option<bool>,
    remarks: Option<String>,
    doubt: Option<String>,
    deprecation: Option<Deprecation>,
    connection_spec: ConnectionSpec,
    flow_spec: Option<FlowSpec>,
    source_connection: Option<SourceConnection>,
    delta_column: Option<DeltaColumn>,
    #[serde(default)]
    column_types: BTreeMap<String, String>,
    #[serde(default)]
    auth: Vec<Auth>,
}

/// Reads the text of `<name>.toml`.
///
/// # Errors
/// [`WrongField`] for the first field that is unknown, missing, of another type, or that
/// contradicts another.
pub(super) fn read(name: &str, text: &str) -> Result<Source, WrongField> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| malformed(text, &error))?;
    let file: File = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        wrong(field, error.inner().message())
    })?;
    check(name, &file)?;
    let tabular = match (file.kind, file.source_connection) {
        (SourceKind::Tabular, Some(source_connection)) => Some(Tabular {
            auth: file.auth,
            source_connection,
            delta_column: file.delta_column,
            column_types: file.column_types,
        }),
        (SourceKind::Tabular, None) => {
            return Err(wrong(
                "source_connection",
                "a source with tables must have it",
            ));
        }
        (SourceKind::File | SourceKind::Streaming | SourceKind::Other, _) => None,
    };
    Ok(Source {
        name: file.name,
        title: file.title,
        kind: file.kind,
        category: file.category,
        document: file.document,
        in_current_catalog: file.in_current_catalog,
        remarks: file.remarks,
        doubt: file.doubt,
        deprecation: file.deprecation,
        connection_spec: file.connection_spec,
        flow_spec: file.flow_spec,
        tabular,
    })
}

fn malformed(text: &str, error: &toml::de::Error) -> WrongField {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or(1, |before| before.matches('\n').count() + 1);
    wrong("", format!("not TOML at line {line}: {}", error.message()))
}

fn check(name: &str, file: &File) -> Result<(), WrongField> {
    if file.name != name {
        return Err(wrong(
            "name",
            format!("expected `{name}`, like the name of the file"),
        ));
    }
    slug("name", &file.name)?;
    slug("category", &file.category)?;
    line("title", &file.title)?;
    line("document", &file.document)?;
    for (field, text) in [("remarks", &file.remarks), ("doubt", &file.doubt)] {
        text.as_deref().map_or(Ok(()), |text| line(field, text))?;
    }
    deprecation("deprecation", file.deprecation.as_ref())?;
    uuid("connection_spec.id", &file.connection_spec.id)?;
    line("connection_spec.version", &file.connection_spec.version)?;
    if let Some(flow_spec) = &file.flow_spec {
        uuid("flow_spec.id", &flow_spec.id)?;
        let name = flow_spec.name.as_deref();
        name.map_or(Ok(()), |name| line("flow_spec.name", name))?;
    }
    match file.kind {
        SourceKind::Tabular => tabular(file),
        SourceKind::File | SourceKind::Streaming | SourceKind::Other => not_tabular(file),
    }
}

fn tabular(file: &File) -> Result<(), WrongField> {
    if let Some(connection) = &file.source_connection {
        line("source_connection.data_format", &connection.data_format)?;
        line("source_connection.table_param", &connection.table_param)?;
        line("source_connection.columns_param", &connection.columns_param)?;
    }
    if let Some(column) = &file.delta_column {
        let date_format = column.date_format.as_deref();
        if !column.supported && date_format.is_some() {
            return Err(wrong(
                "delta_column.date_format",
                "expected none, since `supported` is false",
            ));
        }
        date_format.map_or(Ok(()), |text| line("delta_column.date_format", text))?;
    }
    for (word, type_) in &file.column_types {
        let field = format!("column_types.{word}");
        let is_plain = |each: char| each.is_ascii_lowercase() || each.is_ascii_digit();
        if word.is_empty() || !word.chars().all(is_plain) {
            return Err(wrong(
                field,
                "expected a type's word in lower-case letters and digits, without its size",
            ));
        }
        if !XDM_TYPES.contains(&type_.as_str()) {
            let expected = format!("expected one of {}", XDM_TYPES.join(", "));
            return Err(wrong(field, expected));
        }
    }
    if file.auth.is_empty() {
        return Err(wrong(
            "auth",
            "a source with tables must have at least one way of authentication, `[[auth]]`",
        ));
    }
    let mut names = BTreeSet::new();
    for (index, auth) in file.auth.iter().enumerate() {
        let path = format!("auth[{index}]");
        check_auth(&path, auth)?;
        if !names.insert(&auth.spec_name) {
            return Err(twice(format!("{path}.spec_name"), &auth.spec_name));
        }
    }
    Ok(())
}

/// Refuses details in the file of another kind: nobody uses them, so nobody would keep them right.
fn not_tabular(file: &File) -> Result<(), WrongField> {
    let given = [
        ("auth", !file.auth.is_empty()),
        ("source_connection", file.source_connection.is_some()),
        ("delta_column", file.delta_column.is_some()),
        ("column_types", !file.column_types.is_empty()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((field, _)) => Err(wrong(field, "expected none, since `kind` is not `tabular`")),
        None => Ok(()),
    }
}

fn check_auth(path: &str, auth: &Auth) -> Result<(), WrongField> {
    line(&format!("{path}.spec_name"), &auth.spec_name)?;
    if let Some(description) = &auth.description {
        line(&format!("{path}.description"), description)?;
    }
    deprecation(&format!("{path}.deprecation"), auth.deprecation.as_ref())?;
    for (key, value) in &auth.extra {
        let field = format!("{path}.extra.{key}");
        if key == "specName" || key == "params" {
            return Err(wrong(field, "is generated from the other fields"));
        }
        line(&field, value)?;
    }
    let mut names = BTreeSet::new();
    for (index, param) in auth.params.iter().enumerate() {
        let path = format!("{path}.params[{index}]");
        check_param(&path, param)?;
        if !names.insert(&param.name) {
            return Err(twice(format!("{path}.name"), &param.name));
        }
    }
    Ok(())
}

fn check_param(path: &str, param: &Param) -> Result<(), WrongField> {
    let is_name = |each: char| each.is_ascii_alphanumeric() || "._-".contains(each);
    if param.name.is_empty() || !param.name.chars().all(is_name) {
        return Err(wrong(
            format!("{path}.name"),
            "expected letters, digits, `.`, `_` and `-`",
        ));
    }
    line(&format!("{path}.description"), &param.description)?;
    let name = param.name.to_ascii_lowercase();
    if !param.secret && SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Err(wrong(
            format!("{path}.secret"),
            format!("expected true: `{}` is a secret", param.name),
        ));
    }
    if param.secret && param.value_type != ValueType::String {
        return Err(wrong(
            format!("{path}.type"),
            "expected `string`, the type of every secret",
        ));
    }
    match &param.example {
        Some(_) if param.secret => Err(wrong(
            format!("{path}.example"),
            "expected none: a secret has no example",
        )),
        Some(example) if example.value_type() != param.value_type => Err(wrong(
            format!("{path}.example"),
            format!("expected {}", in_words(param.value_type)),
        )),
        Some(Literal::String(text)) => line(&format!("{path}.example"), text),
        Some(Literal::Boolean(_) | Literal::Integer(_)) | None => Ok(()),
    }
}

fn deprecation(path: &str, deprecation: Option<&Deprecation>) -> Result<(), WrongField> {
    let Some(deprecation) = deprecation else {
        return Ok(());
    };
    line(&format!("{path}.said"), &deprecation.said)?;
    if let Some(since) = &deprecation.since {
        let is_month = match since.as_bytes() {
            [year @ .., b'-', tens, ones] if year.len() == 4 => {
                year.iter().all(u8::is_ascii_digit)
                    && matches!((tens, ones), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'))
            }
            _ => false,
        };
        if !is_month {
            return Err(wrong(
                format!("{path}.since"),
                "expected a month such as `2025-06`",
            ));
        }
    }
    let instead = deprecation.instead.as_deref();
    instead.map_or(Ok(()), |text| line(&format!("{path}.instead"), text))
}

fn in_words(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::String => "a text in quotes",
        ValueType::Integer => "a whole number without quotes",
        ValueType::Boolean => "true or false without quotes",
    }
}

fn twice(field: String, name: &str) -> WrongField {
    wrong(field, format!("`{name}` occurs twice"))
}

/// Checks a text that a terminal shows as one line.
fn line(field: &str, text: &str) -> Result<(), WrongField> {
    if text.trim().is_empty() {
        return Err(wrong(field, "expected a text that is not empty"));
    }
    if text != text.trim() || text.chars().any(char::is_control) {
        return Err(wrong(
            field,
            "expected one line, without surrounding spaces",
        ));
    }
    Ok(())
}

fn slug(field: &str, text: &str) -> Result<(), WrongField> {
    let is_word = |word: &str| {
        let is_plain = |each: char| each.is_ascii_lowercase() || each.is_ascii_digit();
        !word.is_empty() && word.chars().all(is_plain)
    };
    if text.split('-').all(is_word) {
        Ok(())
    } else {
        Err(wrong(
            field,
            "expected lower-case letters and digits, in words separated by `-`",
        ))
    }
}

fn uuid(field: &str, text: &str) -> Result<(), WrongField> {
    let lengths = text.split('-').map(str::len);
    let is_hex = |each: char| matches!(each, '0'..='9' | 'a'..='f' | '-');
    if lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(is_hex) {
        Ok(())
    } else {
        Err(wrong(field, "expected a UUID in lower case"))
    }
}

#[cfg(test)]
// The path is explicit because `build.rs` includes this file at another place.
#[path = "file/tests.rs"]
mod tests;

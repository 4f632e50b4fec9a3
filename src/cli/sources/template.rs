//! A specification of an ingestion to fill in: YAML, its explanations as comments.
//!
//! Unchanged, it is valid YAML in the form that `aep-flow ingest -f` takes. A value without a
//! default is an empty text, so that a forgotten one is refused.

use std::fmt::Write as _;

use crate::catalog::entry::{Auth, Literal, Param, Source, Tabular, ValueType};

/// Longest line, including comment sign and indent.
const WIDTH: usize = 100;

/// The way of authentication to show by default: the first that Adobe does not remove.
pub(super) fn preferred(tabular: &Tabular) -> &Auth {
    tabular
        .auth
        .iter()
        .find(|auth| auth.deprecation.is_none())
        .unwrap_or(&tabular.auth[0])
}

/// The specification for `source`, logged in to by `auth`.
pub(super) fn of(source: &Source, tabular: &Tabular, auth: &Auth) -> String {
    let mut yaml = Yaml::default();
    head(&mut yaml, source, tabular, auth);
    yaml.line(0, "connection:");
    connection(&mut yaml, source, auth);
    yaml.line(0, "tables:");
    table(&mut yaml, tabular);
    yaml.text
}

fn head(yaml: &mut Yaml, source: &Source, tabular: &Tabular, auth: &Auth) {
    yaml.comment(
        0,
        &format!(
            "{}: fill in, then `aep-flow ingest -f FILE`. Lines that are commented out are optional.",
            source.title
        ),
    );
    for note in [
        source.remarks.clone(),
        source
            .doubt
            .as_ref()
            .map(|doubt| format!("Doubtful: {doubt}")),
        source.deprecation_notice(),
        source.auth_deprecation_notice(auth),
    ]
    .into_iter()
    .flatten()
    {
        yaml.comment(0, &note);
    }
    if tabular.auth.len() > 1 {
        yaml.comment(0, "Ways of authentication; `--auth WAY` shows another:");
        for way in &tabular.auth {
            let here = if way == auth { " (this one)" } else { "" };
            let deprecated = if way.deprecation.is_some() {
                " (deprecated)"
            } else {
                ""
            };
            let description = way
                .description
                .as_deref()
                .map_or_else(String::new, |text| format!(": {text}"));
            let spec_name = &way.spec_name;
            yaml.comment(0, &format!("- {spec_name}{here}{deprecated}{description}"));
        }
    }
}

fn connection(yaml: &mut Yaml, source: &Source, auth: &Auth) {
    yaml.field(1, "source", &source.name);
    yaml.field(1, "auth", &auth.spec_name);
    yaml.comment(
        1,
        "A later run uses this name to find what an earlier one created.",
    );
    yaml.field(1, "name", &source.title);
    yaml.comment(1, "sandbox: prod");
    if source.deprecation.is_some() || auth.deprecation.is_some() {
        yaml.comment(1, "Adobe removes it, see above. To use it anyway:");
        yaml.comment(1, "acknowledgeDeprecation: true");
    }
    if auth.params.is_empty() {
        return;
    }
    if auth.params.iter().any(|param| param.secret) {
        yaml.comment(
            1,
            "A secret is a reference, which the worker's owner must allow: {env: NAME}, \
             {file: path} or {vault: {path: …, key: …}}.",
        );
    }
    // A line of YAML without a value below it would be null.
    let is_all_optional = auth.params.iter().all(|param| param.optional);
    let params = if is_all_optional {
        "params: {}"
    } else {
        "params:"
    };
    yaml.line(1, params);
    for param in &auth.params {
        parameter(yaml, source, param);
    }
}

fn parameter(yaml: &mut Yaml, source: &Source, param: &Param) {
    yaml.comment(2, &param.description);
    let value = match &param.example {
        _ if param.secret => format!("{{env: {}}}", variable(&source.name, &param.name)),
        Some(Literal::String(text)) => scalar(text),
        Some(Literal::Integer(number)) => number.to_string(),
        Some(Literal::Boolean(is_so)) => is_so.to_string(),
        None => match param.value_type {
            ValueType::String => scalar(""),
            ValueType::Integer => "0".to_owned(),
            ValueType::Boolean => "false".to_owned(),
        },
    };
    let name = &param.name;
    if param.optional {
        yaml.line(2, &format!("# {name}: {value}"));
    } else {
        yaml.line(2, &format!("{name}: {value}"));
    }
}

fn table(yaml: &mut Yaml, tabular: &Tabular) {
    yaml.comment(
        1,
        "Path of a table, as `aep-flow explore tables` lists it; one entry per table.",
    );
    yaml.line(1, "- table: \"\"");
    yaml.comment(2, "Without it, every column:");
    yaml.comment(2, "columns: [id, updatedTime]");
    if tabular.source_connection.row_filter == Some(true) {
        yaml.comment(2, "Without it, every row:");
        yaml.comment(2, "filter: {column: city, operator: \"=\", value: Basel}");
    }
    let delta = tabular.delta_column.as_ref();
    if delta.is_some_and(|column| !column.supported) {
        yaml.comment(
            2,
            "The source has no delta column, so the table is copied once, now.",
        );
        return;
    }
    yaml.comment(2, "Without it, one run, now:");
    yaml.comment(2, "schedule: {frequency: HOUR, interval: 1}");
    let format = delta.and_then(|column| column.date_format.as_deref());
    let format = format.map_or_else(String::new, |format| {
        format!("; the format of its dates is {format}")
    });
    let what = format!("With a schedule, the column that shows which rows are new{format}:");
    yaml.comment(2, &what);
    yaml.comment(2, "deltaColumn: updatedTime");
}

/// Name of a variable for a secret. Example: `SALESFORCE_CLIENT_SECRET`.
fn variable(source: &str, param: &str) -> String {
    let mut name = format!("{}_", source.replace('-', "_"));
    let mut was_small = false;
    for each in param.chars() {
        // `clientSecret` reads as two words.
        if each.is_ascii_uppercase() && was_small {
            name.push('_');
        }
        was_small = each.is_ascii_lowercase() || each.is_ascii_digit();
        name.push(if each.is_ascii_alphanumeric() {
            each
        } else {
            '_'
        });
    }
    name.to_ascii_uppercase()
}

/// A text as YAML, in quotes if YAML would read it as something else.
fn scalar(text: &str) -> String {
    serde_saphyr::to_string(&text).map_or_else(
        |_| serde_json::Value::from(text).to_string(),
        |yaml| yaml.trim_end().to_owned(),
    )
}

/// The text so far.
#[derive(Default)]
struct Yaml {
    text: String,
}

impl Yaml {
    fn line(&mut self, level: usize, line: &str) {
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = level * 2);
    }

    fn field(&mut self, level: usize, name: &str, value: &str) {
        self.line(level, &format!("{name}: {}", scalar(value)));
    }

    /// A comment, broken between words.
    fn comment(&mut self, level: usize, text: &str) {
        let room = WIDTH - level * 2 - "# ".len();
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                self.line(level, &format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(level, &format!("# {line}"));
    }
}

#[cfg(test)]
mod tests;

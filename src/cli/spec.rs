//! Reads the specification of an ingestion, and reports everything that is wrong with it.

use std::io::Read as _;
use std::path::Path;

use aep_flow_proto::v1::{IngestOracleServiceCloudInput, IngestSourceInput, Table, Violation};
use aep_flow_proto::{names::workflow, read, validate};

use super::command_error::CommandError;
use super::exit::ExitStatus;
use crate::catalog::Catalog;
use crate::connection;

// A thousand tables with their mappings have some hundred kilobytes; a Temporal server accepts
// two megabytes. Anything longer is the wrong file.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

const STDIN: &str = "-";

/// The input of one of the workflows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spec {
    /// The input of `IngestOracleServiceCloud`.
    OracleServiceCloud(IngestOracleServiceCloudInput),
    /// The input of `IngestSource`: its connection names a source.
    Source(IngestSourceInput),
}

impl Spec {
    /// Reads the input of a workflow of that type; nothing if the type is not an ingestion.
    pub(super) fn of_type(workflow_type: &str, json: &[u8]) -> Option<Self> {
        match workflow_type {
            workflow::INGEST_ORACLE_SERVICE_CLOUD => {
                read::from_json(json).ok().map(Self::OracleServiceCloud)
            }
            workflow::INGEST_SOURCE => read::from_json(json).ok().map(Self::Source),
            _ => None,
        }
    }

    /// Name of the sandbox; empty for the worker's.
    pub(super) fn sandbox(&self) -> &str {
        match self {
            Self::OracleServiceCloud(input) => input.connection.as_ref().map(|it| &it.sandbox),
            Self::Source(input) => input.connection.as_ref().map(|it| &it.sandbox),
        }
        .map_or("", String::as_str)
    }

    /// Name of the base connection.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::OracleServiceCloud(input) => input.connection.as_ref().map(|it| &it.name),
            Self::Source(input) => input.connection.as_ref().map(|it| &it.name),
        }
        .map_or("", String::as_str)
    }

    /// Which tables of which source, in one line.
    pub(super) fn summary(&self) -> String {
        let (of, tables) = match self {
            Self::OracleServiceCloud(input) => {
                (input.connection.as_ref().map(|it| &it.host), &input.tables)
            }
            Self::Source(input) => (
                input.connection.as_ref().map(|it| &it.source),
                &input.tables,
            ),
        };
        let of = of.map_or("", String::as_str);
        let what = |table: &Table| match table.r#match.as_str() {
            "" => table.table.clone(),
            pattern => pattern.to_owned(),
        };
        match tables.as_slice() {
            [only] => format!("{} of {of}", what(only)),
            tables if validate::has_pattern(tables) => {
                let shown: Vec<String> = tables.iter().take(3).map(what).collect();
                let more = if tables.len() > 3 { ", …" } else { "" };
                format!("{}{more} of {of}", shown.join(", "))
            }
            tables => format!("{} tables of {of}", tables.len()),
        }
    }
}

/// Reads the specification in a file, YAML or JSON, or on stdin for `-`, and checks it against
/// `catalog`.
pub(super) fn read(path: &Path, catalog: &Catalog) -> Result<Spec, CommandError> {
    let shown = if path == Path::new(STDIN) {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    };
    let text = text(path).map_err(|error| {
        CommandError::new(
            ExitStatus::Usage,
            anyhow::Error::new(error).context(format!("the specification `{shown}` can't be read")),
        )
        .hint("name a file of YAML or JSON with `-f FILE`, or `-f -` for stdin")
    })?;
    parse(&text, &shown, catalog)
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if path == Path::new(STDIN) {
        std::io::stdin()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)?;
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!(
            "it is longer than {MAX_BYTES} bytes"
        )));
    }
    Ok(text)
}

fn parse(text: &str, shown: &str, catalog: &Catalog) -> Result<Spec, CommandError> {
    // Every JSON text is YAML too. The parser's message shows the line, which may contain a
    // password that should have been a reference; the position is enough.
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(String::new, |location| {
            format!(" at line {} column {}", location.line(), location.column())
        });
        CommandError::text(
            ExitStatus::Refused,
            format!("the specification `{shown}` is neither YAML nor JSON{place}"),
        )
        .hint("texts with `: `, ` #` or a first character such as `*`, `&`, `{` or `@` need quotes")
    })?;
    let json = value.to_string();
    let unreadable = |error: read::ReadError| invalid(shown, vec![error.into()]);
    // Only the worker knows whether local hosts are allowed, and whether a start time in the
    // past is that of a dataflow that exists.
    let rules = validate::Rules {
        allow_local_hosts: true,
    };
    if value.pointer("/connection/source").is_some() {
        let input: IngestSourceInput = read::from_json(json.as_bytes()).map_err(unreadable)?;
        validate::ingest_source(&input)
            .and_then(|()| known(catalog, &input, rules))
            .map_err(|violations| invalid(shown, violations))?;
        return Ok(Spec::Source(input));
    }
    let input: IngestOracleServiceCloudInput =
        read::from_json(json.as_bytes()).map_err(unreadable)?;
    validate::ingest(&input, rules).map_err(|violations| invalid(shown, violations))?;
    Ok(Spec::OracleServiceCloud(input))
}

/// Checks the connection against the catalogue, so that a literal secret never leaves this
/// process.
fn known(
    catalog: &Catalog,
    input: &IngestSourceInput,
    rules: validate::Rules,
) -> Result<(), Vec<Violation>> {
    let Some(given) = &input.connection else {
        return Ok(());
    };
    let violations = match connection::check(catalog, given, rules) {
        // The platform may know a parameter that the catalogue does not, but its value could be a
        // secret under a misspelt name.
        Ok(checked) => checked.found_by_catalogue(),
        Err(violations) => violations,
    };
    if violations.is_empty() {
        return Ok(());
    }
    Err(violations
        .into_iter()
        .map(|each| Violation {
            field: format!("connection.{}", each.field),
            ..each
        })
        .collect())
}

fn invalid(shown: &str, violations: Vec<Violation>) -> CommandError {
    let details = violations.into_iter().map(|violation| {
        let field = if violation.field.is_empty() {
            "the specification"
        } else {
            &violation.field
        };
        format!(
            "{field}: found {}, expected {}",
            violation.found, violation.expected
        )
    });
    CommandError::text(
        ExitStatus::Refused,
        format!("the specification `{shown}` is not valid"),
    )
    .details(details)
    .hint("correct the named fields and run it again; nothing was sent")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
connection:
  name: "Oracle Service Cloud, EMEA"
  host: acme.custhelp.com
  username: svc_aep
  password: {env: OSC_PASSWORD}
tables:
  - table: Contacts
    deltaColumn: updatedTime
    schedule: {startTime: 2026-12-01T00:00:00Z, frequency: HOUR, interval: 1}
  - table: Accounts
"#;

    fn check(text: &str) -> String {
        match parse(text, "spec.yaml", &Catalog::built_in()) {
            Ok(Spec::OracleServiceCloud(input)) => format!("{} tables", input.tables.len()),
            Ok(Spec::Source(input)) => format!("{} entries", input.tables.len()),
            Err(failure) => format!("{failure:?}"),
        }
    }

    #[test]
    fn yaml_and_json_are_read() {
        assert_eq!(check(GOOD), "2 tables");
        let json: serde_json::Value = serde_saphyr::from_str(GOOD).unwrap();
        assert_eq!(check(&json.to_string()), "2 tables");
        assert_eq!(
            check(&serde_json::to_string_pretty(&json).unwrap()),
            "2 tables"
        );
    }

    #[test]
    fn a_literal_password_is_refused_without_being_repeated() {
        for literal in [
            "hunter2",
            "*hunter2",
            "{hunter2",
            "\"hunter2",
            "[hunter2]",
            "{env2: hunter2}",
        ] {
            let shown = check(&GOOD.replace("{env: OSC_PASSWORD}", literal));
            assert!(!shown.contains("tables"), "{literal}: {shown}");
            assert!(!shown.contains("hunter2"), "{literal}: {shown}");
        }
    }

    #[test]
    fn every_finding_is_reported_with_its_path() {
        let bad = GOOD
            .replace("acme.custhelp.com", "ftp://acme")
            .replace("interval: 1", "interval: 0")
            .replace("table: Accounts", "table: Contacts");
        let shown = check(&bad);
        for path in [
            "connection.host",
            "tables[0].schedule.interval",
            "tables[1].table",
        ] {
            assert!(shown.contains(path), "{path} in {shown}");
        }
        let shown = check(&GOOD.replace("deltaColumn", "deltaColum"));
        assert!(shown.contains("tables[0].deltaColum"), "{shown}");
    }

    const SALESFORCE: &str = r#"
connection:
  name: SFSC
  source: salesforce-service-cloud
  auth: OAuth2 Client Credential
  params:
    environmentUrl: https://acme.my.salesforce.example.com
    clientId: 3MVG9
    clientSecret: {env: SFSC_SECRET}
    apiVersion: "60.0"
tables:
  match: "crm_*"
  except: [crm_tmp_*]
"#;

    #[test]
    fn a_source_by_name_is_held_against_the_catalogue() {
        assert_eq!(check(SALESFORCE), "1 entries");
        for (from, to, field) in [
            (
                "{env: SFSC_SECRET}",
                "hunter2",
                "connection.params.clientSecret",
            ),
            (
                "clientSecret:",
                "clientSecrt:",
                "connection.params.clientSecret",
            ),
            (
                "clientId: 3MVG9",
                "clientId: 3MVG9\n    passwort: hunter2",
                "connection.params.passwort",
            ),
            (
                "clientId: 3MVG9",
                "clientId: 3MVG9\n    x: {env: X}",
                "connection.params.x",
            ),
            (
                "clientId: 3MVG9",
                "clientId: {env: SFSC_SECRET}",
                "connection.params.clientId",
            ),
            (
                "salesforce-service-cloud",
                "salesforc-crm",
                "connection.source",
            ),
            ("\"60.0\"", "60.0", "connection.params.apiVersion"),
            ("OAuth2 Client Credential", "OAuth", "connection.auth"),
        ] {
            let shown = check(&SALESFORCE.replace(from, to));
            assert!(shown.contains(field), "{field} in {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_summary_says_what_is_taken_from_where() {
        let spec = |text: &str| parse(text, "spec.yaml", &Catalog::built_in()).unwrap();
        assert_eq!(spec(GOOD).summary(), "2 tables of acme.custhelp.com");
        assert_eq!(
            spec(SALESFORCE).summary(),
            "crm_* of salesforce-service-cloud"
        );
    }

    #[test]
    fn an_empty_file_is_reported() {
        let shown = check("");
        assert!(
            shown.contains("found") && !shown.contains("panicked"),
            "{shown}"
        );
    }
}

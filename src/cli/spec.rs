//! Reads the specification of an ingestion, and says everything that is wrong with it.

use std::io::Read as _;
use std::path::Path;

use aep_flow_proto::v1::{IngestOracleServiceCloudInput, Violation};
use aep_flow_proto::{read, validate};

use super::exit::ExitStatus;
use super::failure::Failure;

// A thousand tables with their mappings have some hundred kilobytes; a Temporal server takes
// two megabytes. Anything longer is another file.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

const STDIN: &str = "-";

/// The specification in a file, YAML or JSON, or on stdin for `-`.
pub(super) fn read(path: &Path) -> Result<IngestOracleServiceCloudInput, Failure> {
    let shown = if path == Path::new(STDIN) {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    };
    let text = text(path).map_err(|error| {
        Failure::new(
            ExitStatus::Usage,
            anyhow::Error::new(error).context(format!("the specification `{shown}` can't be read")),
        )
        .hint("name a file of YAML or JSON with `-f FILE`, or `-f -` for stdin")
    })?;
    parse(&text, &shown)
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

fn parse(text: &str, shown: &str) -> Result<IngestOracleServiceCloudInput, Failure> {
    // Every JSON text is YAML too. The parser's own words show the line, where a password
    // may stand that should have been a reference; the place is enough.
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(String::new, |location| {
            format!(" at line {} column {}", location.line(), location.column())
        });
        Failure::text(
            ExitStatus::Refused,
            format!("the specification `{shown}` is neither YAML nor JSON{place}"),
        )
        .hint("texts with `: `, ` #` or a first character such as `*`, `&`, `{` or `@` need quotes")
    })?;
    let input: IngestOracleServiceCloudInput = read::from_json(value.to_string().as_bytes())
        .map_err(|error| invalid(shown, vec![error.into()]))?;
    // Whether local hosts are allowed, and whether a start time that has passed is that of
    // a dataflow made before, is for the worker to say.
    let rules = validate::Rules {
        allow_local_hosts: true,
    };
    validate::ingest(&input, rules).map_err(|violations| invalid(shown, violations))?;
    Ok(input)
}

fn invalid(shown: &str, violations: Vec<Violation>) -> Failure {
    let details = violations.into_iter().map(|violation| {
        let field = if violation.field.is_empty() {
            "the whole"
        } else {
            &violation.field
        };
        format!(
            "{field}: found {}, expected {}",
            violation.found, violation.expected
        )
    });
    Failure::text(
        ExitStatus::Refused,
        format!("the specification `{shown}` is not valid"),
    )
    .details(details)
    .hint("correct what is named and run it again; nothing was sent")
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
        match parse(text, "spec.yaml") {
            Ok(input) => format!("{} tables", input.tables.len()),
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
    fn every_finding_is_told_with_its_path() {
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

    #[test]
    fn an_empty_file_is_told() {
        let shown = check("");
        assert!(
            shown.contains("found") && !shown.contains("panicked"),
            "{shown}"
        );
    }
}

//! `aep-flow sources`: what is listed, what is shown, and a source that a folder adds.

use super::{Ran, command, folder, run};

const ACME: &str = r#"
name = "acme"
title = "Acme"
kind = "tabular"
category = "databases"
document = "our own wiki"

[connection_spec]
id = "00000000-0000-0000-0000-000000000001"
version = "1.0"

[source_connection]
data_format = "tabular"
table_param = "tableName"
columns_param = "columns"

[delta_column]
supported = false

[[auth]]
spec_name = "Basic Authentication"

[[auth.params]]
name = "host"
description = "Host of the Acme server."
format = "host"
example = "acme.example.com"

[[auth.params]]
name = "apiKeyToken"
description = "Key of the user."
secret = true
"#;

#[test]
fn a_line_is_a_source() {
    let folder = folder();
    let ran = run(folder.path(), &["sources"]);
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert_eq!(ran.stdout.lines().count(), 38);
    let all = run(folder.path(), &["sources", "--all"]);
    assert_eq!(all.stdout.lines().count(), 73);
    // The header is no source.
    assert!(ran.stderr.starts_with("NAME "), "{}", ran.shown());
    let line = |start: &str| {
        let found = all.stdout.lines().find(|line| line.starts_with(start));
        let words: Vec<&str> = found.unwrap().split("  ").collect();
        let words = words
            .into_iter()
            .map(str::trim)
            .filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" | ")
    };
    insta::assert_snapshot!(
        ["oracle-service-cloud", "salesforce-service-cloud", "amazon-s3"].map(line).join("\n"),
        @r###"
        oracle-service-cloud | customer-success | Basic Authentication | since 2025-06
        salesforce-service-cloud | customer-success | OAuth2 Client Credential, Basic Authentication (deprecated)
        amazon-s3 | cloud-storage | not served: files
        "###
    );
}

#[test]
fn the_list_as_json_says_what_is_served() {
    let folder = folder();
    let answer = run(folder.path(), &["sources", "--all", "--output", "json"]).json();
    let sources = answer["sources"].as_array().unwrap();
    let find = |name: &str| {
        sources
            .iter()
            .find(|source| source["name"] == name)
            .unwrap()
    };
    insta::assert_snapshot!(
        format!(
            "{:#}\n{:#}",
            find("oracle-service-cloud"),
            find("amazon-s3")
        ),
        @r###"
        {
          "auth": [
            "Basic Authentication"
          ],
          "category": "customer-success",
          "deprecation": {
            "instead": "the Data Landing Zone",
            "said": "Adobe announced its removal for the end of June 2025",
            "since": "2025-06"
          },
          "kind": "tabular",
          "name": "oracle-service-cloud",
          "served": true,
          "title": "Oracle Service Cloud"
        }
        {
          "auth": [],
          "category": "cloud-storage",
          "deprecation": null,
          "kind": "file",
          "name": "amazon-s3",
          "served": false,
          "title": "Amazon S3",
          "whyNotServed": "it has files in a storage, which need a file format, a path and another kind of dataflow; only sources with tables are served"
        }
        "###
    );
}

#[test]
fn a_source_is_shown_as_a_specification_to_fill_in() {
    let ran = run(
        folder().path(),
        &["sources", "show", "salesforce-service-cloud"],
    );
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 0
    --- stdout
    # Salesforce Service Cloud: fill in, then `aep-flow ingest -f FILE`. Lines that are commented out
    # are optional.
    # Ways of authentication; `--auth WAY` shows another:
    # - OAuth2 Client Credential (this one)
    # - Basic Authentication (deprecated)
    connection:
      source: salesforce-service-cloud
      auth: OAuth2 Client Credential
      # A later run uses this name to find what an earlier one created.
      name: Salesforce Service Cloud
      # sandbox: prod
      # A secret is a reference, which the worker's owner must allow: {env: NAME}, {file: path} or
      # {vault: {path: …, key: …}}.
      params:
        # Address of the Salesforce Service Cloud instance.
        environmentUrl: https://acme.my.salesforce.example.com
        # Client id of the connected app.
        clientId: example-client-id
        # Client secret that belongs to the client id.
        clientSecret: {env: SALESFORCE_SERVICE_CLOUD_CLIENT_SECRET}
        # Version of the instance's REST API, with a decimal.
        apiVersion: "60.0"
    tables:
      # Path of a table, as `aep-flow explore tables` lists it; one entry per table.
      - table: ""
        # Without it, every column:
        # columns: [id, updatedTime]
        # Without it, one run, now:
        # schedule: {frequency: HOUR, interval: 1}
        # With a schedule, the column that shows which rows are new; the format of its dates is
        # yyyy-MM-dd HH:mm:ss:
        # deltaColumn: updatedTime
    --- stderr
    "###);
}

#[test]
fn a_dropped_source_is_shown_with_what_adobe_said() {
    let ran = run(
        folder().path(),
        &["sources", "show", "oracle-service-cloud"],
    );
    let head: Vec<&str> = ran.stdout.lines().take(11).collect();
    insta::assert_snapshot!(head.join("\n"), @r###"
    # Oracle Service Cloud: fill in, then `aep-flow ingest -f FILE`. Lines that are commented out are
    # optional.
    # Oracle Service Cloud is deprecated since 2025-06: Adobe announced its removal for the end of June
    # 2025 and names the Data Landing Zone as the replacement
    connection:
      source: oracle-service-cloud
      auth: Basic Authentication
      # A later run uses this name to find what an earlier one created.
      name: Oracle Service Cloud
      # sandbox: prod
      # Adobe removes it, see above. To use it anyway:
    "###);
}

#[test]
fn another_way_of_authentication_is_shown_where_it_is_named() {
    let folder = folder();
    let show = |way: &str| {
        run(
            folder.path(),
            &["sources", "show", "postgresql", "--auth", way],
        )
    };
    let ran = show("Basic Authentication");
    assert!(
        ran.stdout.contains("  auth: Basic Authentication\n"),
        "{}",
        ran.shown()
    );
    assert!(
        ran.stdout.contains("    port: \"5432\"\n"),
        "{}",
        ran.shown()
    );
    insta::assert_snapshot!(show("basic authentication").shown(), @r###"
    exit 1
    --- stdout
    --- stderr
    error: no way of authentication is called `basic authentication`; this source has `Connection String Based Authentication` or `Basic Authentication`

    hint: name one of them exactly, such as `--auth 'Basic Authentication'`
    "###);
}

#[test]
fn what_can_not_be_shown_is_told_apart() {
    let folder = folder();
    let show = |name: &str| run(folder.path(), &["sources", "show", name]).shown();
    insta::assert_snapshot!(
        format!("{}{}", show("amazon-s3"), show("salesforce-service-clod")),
        @r###"
        exit 1
        --- stdout
        --- stderr
        error: Amazon S3 (`amazon-s3`) is not served yet: it has files in a storage, which need a file format, a path and another kind of dataflow; only sources with tables are served

        hint: `aep-flow sources` lists those that are served
        exit 1
        --- stdout
        --- stderr
        error: no source is called `salesforce-service-clod`; did you mean `salesforce-service-cloud`, `salesforce-marketing-cloud` or `salesforce`?

        hint: `aep-flow sources --all` lists every name
        "###
    );
}

#[test]
fn a_source_as_json_has_its_parameters() {
    let ran = run(
        folder().path(),
        &["sources", "show", "phoenix", "--output", "json"],
    );
    let answer = ran.json();
    insta::assert_snapshot!(format!("{:#}", answer["auth"][0]["params"][3]), @r###"
    {
      "description": "TCP port of the server; 8765 by default, 443 for Azure HDInsights.",
      "example": 8765,
      "format": null,
      "name": "port",
      "optional": true,
      "secret": false,
      "type": "integer"
    }
    "###);
    assert_eq!(
        answer["connectionSpec"]["id"],
        "102706fb-a5cd-42ee-afe0-bc42f017ff43"
    );
    assert_eq!(answer["deltaColumn"]["dateFormat"], "yyyy-MM-dd HH:mm:ss");
}

#[test]
fn a_folder_adds_a_source_by_flag_and_by_variable() {
    let folder = folder();
    let sources = folder.path().join("own");
    std::fs::create_dir(&sources).unwrap();
    std::fs::write(sources.join("acme.toml"), ACME).unwrap();
    let by_flag = run(
        folder.path(),
        &["--catalog", "own", "sources", "show", "acme"],
    );
    insta::assert_snapshot!(by_flag.shown(), @r###"
    exit 0
    --- stdout
    # Acme: fill in, then `aep-flow ingest -f FILE`. Lines that are commented out are optional.
    connection:
      source: acme
      auth: Basic Authentication
      # A later run uses this name to find what an earlier one created.
      name: Acme
      # sandbox: prod
      # A secret is a reference, which the worker's owner must allow: {env: NAME}, {file: path} or
      # {vault: {path: …, key: …}}.
      params:
        # Host of the Acme server.
        host: acme.example.com
        # Key of the user.
        apiKeyToken: {env: ACME_API_KEY_TOKEN}
    tables:
      # Path of a table, as `aep-flow explore tables` lists it; one entry per table.
      - table: ""
        # Without it, every column:
        # columns: [id, updatedTime]
        # The source has no delta column, so the table is copied once, now.
    --- stderr
    "###);
    let by_variable = Ran::from(
        command(folder.path())
            .env("AEP_FLOW_CATALOG_DIR", &sources)
            .args(["sources"])
            .output()
            .unwrap(),
    );
    assert_eq!(by_variable.stdout.lines().count(), 39);
}

#[test]
fn a_wrong_file_is_named_by_every_command_that_reads_it() {
    let folder = folder();
    let sources = folder.path().join("own");
    std::fs::create_dir(&sources).unwrap();
    std::fs::write(sources.join("acme.toml"), ACME.replace("secret = true", "")).unwrap();
    let list = run(folder.path(), &["sources", "--catalog", "own"]);
    insta::assert_snapshot!(list.shown(), @r###"
    exit 2
    --- stdout
    --- stderr
    error: the file of a source `own/acme.toml` is not valid
      caused by: auth[0].params[1].secret: expected true: `apiKeyToken` is a secret

    hint: docs/sources.md shows such a file and explains each field
    "###);
    let worker = run(folder.path(), &["worker", "--catalog", "own"]);
    assert_eq!(worker.code, 2, "{}", worker.shown());
    assert!(
        worker.stderr.contains("auth[0].params[1].secret"),
        "{}",
        worker.shown()
    );
    let check = run(folder.path(), &["check", "--catalog", "own"]);
    assert_eq!(check.code, 1, "{}", check.shown());
    let line = check.stdout.lines().find(|line| line.contains(" sources "));
    let line = line.unwrap();
    assert!(
        line.starts_with("fail") && line.contains("auth[0].params[1].secret"),
        "{line}"
    );
    let missing = run(folder.path(), &["sources", "--catalog", "nowhere"]);
    assert_eq!(missing.code, 2, "{}", missing.shown());
    assert!(
        missing.stderr.contains("`nowhere` can't be read"),
        "{}",
        missing.shown()
    );
}

//! Each way in which a file can be wrong, and the field that is named for it.

use super::*;

const GOOD: &str = r#"
name = "acme"
title = "Acme"
kind = "tabular"
category = "databases"
document = "our own wiki"
doubt = "Made up."

[deprecation]
since = "2025-06"
said = "Adobe announced something"
instead = "Something else"

[connection_spec]
id = "00000000-0000-0000-0000-000000000001"
version = "1.0"

[flow_spec]
id = "00000000-0000-0000-0000-000000000002"

[source_connection]
data_format = "tabular"
table_param = "tableName"
columns_param = "columns"
row_filter = true

[delta_column]
supported = true
date_format = "yyyy-MM-dd"

[[auth]]
spec_name = "Basic Authentication"
description = "The usual one."
extra = { type = "OAuth2.0" }

[[auth.params]]
name = "port"
description = "Port of the server."
type = "integer"
example = 1234

[[auth.params]]
name = "password"
description = "Password."
secret = true

[[auth]]
spec_name = "Another"
"#;

fn problem(text: &str) -> String {
    match read("acme", text) {
        Ok(source) => panic!("it was taken: {source:?}"),
        Err(wrong) => wrong.to_string(),
    }
}

#[test]
fn a_good_file_is_taken_whole() {
    let source = read("acme", GOOD).unwrap();
    let tabular = source.tabular.as_ref().unwrap();
    let port = &tabular.auth[0].params[0];
    assert_eq!(port.value_type, ValueType::Integer);
    assert_eq!(port.example, Some(Literal::Integer(1234)));
    assert!(!port.secret && !port.optional);
    assert!(tabular.auth[0].params[1].secret);
    assert_eq!(source.flow_spec.unwrap().name, None);
    assert_eq!(source.in_current_catalog, None);
}

#[test]
fn a_wrong_field_is_named_with_what_would_be_right() {
    let another_way = "[[auth]]\nspec_name = \"Another\"\n";
    let ways = GOOD.find("[[auth]]").unwrap();
    for (from, to, expected) in [
        (
            "title",
            "titel",
            "titel: unknown field `titel`, expected one of",
        ),
        ("title = \"Acme\"", "", "the file: missing field `title`"),
        (
            "\"Acme\"",
            "7",
            "title: invalid type: integer `7`, expected a string",
        ),
        ("\"Acme\"", "\"Ac\\u001bme\"", "title: expected one line"),
        (
            "\"Acme\"",
            "\"\"",
            "title: expected a text that is not empty",
        ),
        (
            "\"acme\"",
            "\"other\"",
            "name: expected `acme`, like the name of the file",
        ),
        (
            "\"tabular\"\ncat",
            "\"table\"\ncat",
            "kind: unknown variant `table`, expected one of",
        ),
        (
            "\"databases\"",
            "\"Data bases\"",
            "category: expected lower-case letters",
        ),
        ("Made up.", " ", "doubt: expected a text that is not empty"),
        (
            "2025-06",
            "2025-13",
            "deprecation.since: expected a month such as `2025-06`",
        ),
        (
            "2025-06",
            "June 2025",
            "deprecation.since: expected a month",
        ),
        (
            "Adobe announced something",
            "",
            "deprecation.said: expected a text",
        ),
        (
            "Something else",
            " x",
            "deprecation.instead: expected one line",
        ),
        (
            "0000000001",
            "000000001",
            "connection_spec.id: expected a UUID",
        ),
        (
            "0000000001",
            "000000000A",
            "connection_spec.id: expected a UUID in lower case",
        ),
        (
            "\"1.0\"",
            "\"\"",
            "connection_spec.version: expected a text",
        ),
        ("0000000002", "0", "flow_spec.id: expected a UUID"),
        (
            "supported = true",
            "supported = false",
            "delta_column.date_format: expected none",
        ),
        (
            "type = \"OAuth2.0\"",
            "params = \"x\"",
            "auth[0].extra.params: is generated from",
        ),
        (
            "\"port\"",
            "\"a b\"",
            "auth[0].params[0].name: expected letters",
        ),
        (
            "Port of the server.",
            "",
            "auth[0].params[0].description: expected a text",
        ),
        (
            "\"integer\"",
            "\"number\"",
            "auth[0].params[0].type: unknown variant `number`",
        ),
        (
            "1234",
            "\"1234\"",
            "auth[0].params[0].example: expected a whole number",
        ),
        (
            "1234",
            "1.5",
            "auth[0].params[0].example: a text, a whole number, true or false",
        ),
        (
            "secret = true",
            "",
            "auth[0].params[1].secret: expected true: `password` is a secret",
        ),
        (
            "secret = true",
            "secret = true\nexample = \"x\"",
            "auth[0].params[1].example: expected none",
        ),
        (
            "secret = true",
            "secret = true\ntype = \"integer\"",
            "auth[0].params[1].type: expected `string`",
        ),
        (
            "\"password\"",
            "\"port\"",
            "auth[0].params[1].name: `port` occurs twice",
        ),
        (
            "\"Another\"",
            "\"Basic Authentication\"",
            "auth[1].spec_name: `Basic Authentication` occurs",
        ),
        ("\"Another\"", "\"\"", "auth[1].spec_name: expected a text"),
        (
            another_way,
            "[[auth]]\n",
            "auth[1]: missing field `spec_name`",
        ),
        (another_way, "[[auth]\n", "the file: not TOML at line"),
        (
            &GOOD[ways..],
            "",
            "auth: a source with tables must have at least one way",
        ),
        (
            "\"tabular\"\ncat",
            "\"file\"\ncat",
            "auth: expected none, since `kind` is not",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let reported = problem(&GOOD.replacen(from, to, 1));
        assert!(reported.starts_with(expected), "{expected}\n{reported}");
    }
}

#[test]
fn a_source_of_tables_says_how_its_connections_look() {
    let start = GOOD.find("[source_connection]").unwrap();
    let end = GOOD.find("[delta_column]").unwrap();
    let without = format!("{}{}", &GOOD[..start], &GOOD[end..]);
    assert_eq!(
        problem(&without),
        "source_connection: a source with tables must have it"
    );
}

#[test]
fn what_opens_something_is_a_secret_whatever_its_case() {
    for name in [
        "password",
        "clientSecret",
        "accessToken",
        "connectionString",
        "privateKey",
        "servicePrincipalKey",
        "privateKeyPassphrase",
        "API_TOKEN",
    ] {
        let text = GOOD.replacen("\"port\"", &format!("\"{name}\""), 1);
        assert!(
            problem(&text).starts_with("auth[0].params[0].secret: expected true"),
            "{name}"
        );
    }
}

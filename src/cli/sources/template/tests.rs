//! Every specification is YAML, and says what the catalogue says.

use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;

fn read(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// A line of YAML that was commented out, put in.
fn uncommented(yaml: &str, name: &str) -> String {
    let line = format!("# {name}: ");
    assert!(yaml.contains(&line), "{name}\n{yaml}");
    yaml.replace(&line, &format!("{name}: "))
}

/// Every way of every source.
fn each(mut test: impl FnMut(&Source, &Tabular, &Auth, String)) {
    for source in Catalog::built_in().iter() {
        let Ok(tabular) = source.served() else {
            continue;
        };
        for auth in &tabular.auth {
            test(source, tabular, auth, of(source, tabular, auth));
        }
    }
}

#[test]
fn every_specification_is_yaml_with_what_is_required() {
    each(|source, _, auth, yaml| {
        let spec = read(&yaml);
        assert_eq!(spec["connection"]["source"], json!(source.name), "{yaml}");
        assert_eq!(spec["connection"]["auth"], json!(auth.spec_name), "{yaml}");
        assert_eq!(spec["tables"], json!([{"table": ""}]), "{yaml}");
        let params = spec["connection"]["params"].as_object().unwrap();
        let given: Vec<&str> = params.keys().map(String::as_str).collect();
        let mut required: Vec<&str> = auth
            .params
            .iter()
            .filter(|param| !param.optional)
            .map(|param| param.name.as_str())
            .collect();
        required.sort_unstable();
        assert_eq!(given, required, "{yaml}");
    });
}

#[test]
fn every_value_has_the_type_of_the_body_and_every_secret_is_a_reference() {
    each(|source, _, auth, yaml| {
        let mut yaml = yaml;
        for param in auth.params.iter().filter(|param| param.optional) {
            yaml = uncommented(&yaml, &param.name);
        }
        let spec = read(&yaml.replace("params: {}", "params:"));
        for param in &auth.params {
            let value = &spec["connection"]["params"][&param.name];
            let is_right = match param.value_type {
                _ if param.secret => value["env"].is_string(),
                ValueType::String => value.is_string(),
                ValueType::Integer => value.is_i64(),
                ValueType::Boolean => value.is_boolean(),
            };
            assert!(is_right, "{} {}: {value}", source.name, param.name);
        }
    });
}

#[test]
fn what_is_commented_out_can_be_put_in() {
    each(|source, tabular, auth, yaml| {
        let mut yaml = uncommented(&yaml, "sandbox");
        for name in ["columns", "schedule", "deltaColumn"] {
            yaml = uncommented(&yaml, name);
        }
        if tabular.source_connection.row_filter == Some(true) {
            yaml = uncommented(&yaml, "filter");
        }
        let is_dropped = source.deprecation.is_some() || auth.deprecation.is_some();
        if is_dropped {
            yaml = uncommented(&yaml, "acknowledgeDeprecation");
        }
        let spec = read(&yaml);
        assert_eq!(
            spec["connection"]["acknowledgeDeprecation"] == true,
            is_dropped
        );
        assert_eq!(spec["connection"]["sandbox"], "prod");
        assert_eq!(spec["tables"][0]["schedule"]["frequency"], "HOUR");
    });
}

#[test]
fn no_line_is_longer_than_a_screen() {
    each(|_, _, _, yaml| {
        for line in yaml.lines() {
            // A pattern of a connection string is one word.
            let is_word = !line.trim_start_matches([' ', '#']).contains(' ');
            assert!(is_word || line.chars().count() <= WIDTH, "{line}");
        }
    });
}

#[test]
fn the_way_to_prefer_is_the_first_that_adobe_keeps() {
    let catalog = Catalog::built_in();
    let name = |source: &str| {
        let tabular = catalog.source(source).unwrap().served().unwrap();
        preferred(tabular).spec_name.clone()
    };
    assert_eq!(name("salesforce-service-cloud"), "OAuth2 Client Credential");
    assert_eq!(name("snowflake"), "KeyPair Authentication");
    let mut dropped = catalog
        .source("salesforce")
        .unwrap()
        .tabular
        .clone()
        .unwrap();
    let last = dropped.auth.pop().unwrap();
    dropped.auth.insert(0, last);
    assert_eq!(preferred(&dropped).spec_name, "OAuth2 Client Credential");
    dropped.auth.truncate(1);
    assert_eq!(preferred(&dropped).spec_name, "Basic Authentication");
}

#[test]
fn a_variable_for_a_secret_is_read_as_words() {
    for (source, param, expected) in [
        ("salesforce", "clientSecret", "SALESFORCE_CLIENT_SECRET"),
        ("oracle-db", "password", "ORACLE_DB_PASSWORD"),
        ("own", "API.key2URL", "OWN_API_KEY2_URL"),
    ] {
        assert_eq!(variable(source, param), expected);
    }
}

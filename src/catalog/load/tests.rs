//! The catalogue that is compiled in as a whole, and what a folder changes of it.

use super::*;
use crate::catalog::entry::{SourceKind, ValueType};
use crate::catalog::{AuthError, NotServed};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

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

[[auth]]
spec_name = "Basic Authentication"

[[auth.params]]
name = "password"
description = "Password."
secret = true
"#;

#[test]
fn every_source_that_the_documents_name_is_there() {
    let catalog = Catalog::built_in();
    let count = |kind: SourceKind| catalog.iter().filter(|source| source.kind == kind).count();
    assert_eq!(
        [
            SourceKind::Tabular,
            SourceKind::Other,
            SourceKind::File,
            SourceKind::Streaming
        ]
        .map(count),
        [38, 14, 10, 11]
    );
    for source in catalog.iter() {
        assert_eq!(
            source.served().is_ok(),
            source.kind == SourceKind::Tabular,
            "{}",
            source.name
        );
    }
    let names: Vec<&str> = catalog.iter().map(|source| source.name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn what_is_compiled_in_is_what_the_files_say() {
    let built_in = Catalog::built_in();
    for path in files(Path::new("catalog")).unwrap() {
        let source = read(&path).unwrap();
        assert_eq!(built_in.source(&source.name), Ok(&source));
    }
}

#[test]
fn a_way_of_authentication_is_found_by_its_exact_name() {
    let catalog = Catalog::built_in();
    let tabular = |name: &str| catalog.source(name).unwrap().served().unwrap().clone();
    assert_eq!(
        tabular("oracle-service-cloud").auth("").unwrap().spec_name,
        "Basic Authentication"
    );
    let salesforce = tabular("salesforce");
    let way = salesforce.auth("OAuth2 Client Credential").unwrap();
    assert_eq!(way.params[2].name, "clientSecret");
    assert!(way.params[2].secret);
    let error = salesforce.auth("oauth2 client credential").unwrap_err();
    assert!(matches!(error, AuthError::NoSuchWay { .. }), "{error}");
    assert_eq!(
        salesforce.auth("").unwrap_err().to_string(),
        "no way of authentication is named; this source has `OAuth2 Client Credential`, \
         `OAuth2 JWT Token Credential` or `Basic Authentication`"
    );
}

#[test]
fn a_body_has_the_types_and_the_extra_fields_of_the_documents() {
    let catalog = Catalog::built_in();
    let way = |source: &str, name: &str| {
        let tabular = catalog.source(source).unwrap().served().unwrap();
        tabular.auth(name).unwrap().clone()
    };
    let phoenix = way("phoenix", "");
    let types: Vec<ValueType> = phoenix.params.iter().map(|each| each.value_type).collect();
    let string = ValueType::String;
    assert_eq!(
        types,
        [
            string,
            string,
            string,
            ValueType::Integer,
            string,
            ValueType::Boolean
        ]
    );
    let deleted = &way("salesforce", "OAuth2 Client Credential").params[4];
    assert_eq!(
        (deleted.name.as_str(), deleted.value_type),
        ("includeDeletedObjects", ValueType::Boolean)
    );
    let extra = way("google-bigquery", "Basic Authentication").extra;
    assert_eq!(extra["type"], "OAuth2.0");
    assert!(
        way("google-bigquery", "Service Authentication")
            .extra
            .is_empty()
    );
}

#[test]
fn an_unknown_name_differs_from_a_source_without_tables() {
    let catalog = Catalog::built_in();
    assert_eq!(
        catalog
            .source("salesforce-servicecloud")
            .unwrap_err()
            .to_string(),
        "no source is called `salesforce-servicecloud`; did you mean `salesforce-service-cloud`, \
         `salesforce-marketing-cloud` or `salesforce`?"
    );
    let NotServed { title, kind, .. } = catalog.source("amazon-s3").unwrap().served().unwrap_err();
    assert_eq!((title.as_str(), kind), ("Amazon S3", SourceKind::File));
}

#[test]
fn a_folder_replaces_a_source_and_adds_one() {
    let replaced = ACME.replace("acme", "mysql");
    let folder = folder(&[
        ("acme.toml", ACME),
        ("mysql.toml", &replaced),
        ("README.md", "not a source"),
    ]);
    let catalog = Catalog::load(Some(folder.path())).unwrap();
    assert_eq!(
        catalog.iter().count(),
        Catalog::built_in().iter().count() + 1
    );
    let acme = catalog.source("acme").unwrap().served().unwrap();
    assert!(acme.auth("").unwrap().params[0].secret);
    assert_eq!(acme.source_connection.row_filter, None);
    assert_eq!(catalog.source("mysql").unwrap().title, "Acme");
    assert_eq!(Catalog::built_in().source("mysql").unwrap().title, "MySQL");
}

#[test]
fn a_wrong_folder_or_file_is_named() {
    let missing = Catalog::load(Some(Path::new("/nowhere/at/all"))).unwrap_err();
    assert!(matches!(missing, CatalogError::FolderUnreadable { .. }));
    let folder = folder(&[("acme.toml", &ACME.replace("tableName", ""))]);
    let error = Catalog::load(Some(folder.path())).unwrap_err();
    let CatalogError::Wrong { file, cause } = &error else {
        panic!("{error:?}");
    };
    assert!(file.ends_with("acme.toml"));
    assert_eq!(cause.field, "source_connection.table_param");
}

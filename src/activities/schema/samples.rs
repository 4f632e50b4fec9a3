//! What the tests of schemas start from.

use aep_flow_proto::{
    json::Object,
    v1::{EnsureSchemaInput, FieldMapping, SchemaSettings},
};
use aep_platform::{Column, TenantId};
use serde_json::json;

use super::columns::Columns;
use crate::catalog::Catalog;

/// Columns by name and type.
pub(super) fn columns(all: &[(&str, &str)]) -> Vec<Column> {
    let objects = all.iter().map(|(name, type_)| {
        let object = json!({"name": name, "type": type_});
        Object(object.as_object().unwrap().clone())
    });
    read(objects.collect())
}

/// Columns as exploring gives them.
pub(super) fn read(columns: Vec<Object>) -> Vec<Column> {
    let input = EnsureSchemaInput {
        columns,
        ..EnsureSchemaInput::default()
    };
    let catalog = Catalog::built_in();
    let columns = Columns::read(&input, &SchemaSettings::default(), &catalog);
    columns.unwrap().all
}

/// A mapping by source and destination.
pub(super) fn mapping(lines: &[(&str, &str)]) -> Vec<FieldMapping> {
    let lines = lines.iter().map(|(source, destination)| FieldMapping {
        source: (*source).to_owned(),
        destination: (*destination).to_owned(),
        ..FieldMapping::default()
    });
    lines.collect()
}

pub(super) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

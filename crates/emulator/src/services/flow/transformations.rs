//! `Copy` and `Mapping` of a flow, and whether they fit its source and its target.
//!
//! Source: the flow spec `CRMToAEP` and the error catalogues (1328, 1329, 1367, 1369, 1412, 1419,
//! 1425), read 2026-11.

use serde_json::Value;

use super::schedule::{Schedule, integer};
use crate::json::text;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::services::prep::mapping;
use crate::services::registry::fields::fields_of;
use crate::store::{Entity, Kind};

/// Checks the transformations of a flow.
pub(crate) fn check(
    scene: &Scene<'_>,
    transformations: &Value,
    schedule: &Schedule,
    source: &Entity,
    target: &Entity,
) -> Result<(), Problem> {
    check_copy(transformations, schedule)?;
    check_mapping(scene, transformations, source, target)
}

fn named<'v>(transformations: &'v Value, name: &str) -> Option<&'v Value> {
    transformations
        .as_array()?
        .iter()
        .find(|transformation| transformation["name"] == name)
}

fn check_copy(transformations: &Value, schedule: &Schedule) -> Result<(), Problem> {
    let copy = named(transformations, "Copy");
    let delta = copy.map_or("", |copy| text(copy, "/params/deltaColumn/name"));
    match (schedule.every_ms, copy) {
        (Some(_), _) if delta.is_empty() => Err(Problem::flow(
            1367,
            400,
            "Delta column is required in transformation Copy.",
        )),
        (None, Some(copy))
            if copy
                .pointer("/params/deltaColumn")
                .is_some_and(|delta| !delta.is_null()) =>
        {
            Err(Problem::flow(
                1369,
                400,
                "Delta column is not allowed with frequency once.",
            ))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

fn check_mapping(
    scene: &Scene<'_>,
    transformations: &Value,
    source: &Entity,
    target: &Entity,
) -> Result<(), Problem> {
    let Some(mapping) = named(transformations, "Mapping") else {
        return Err(Problem::flow(
            1328,
            400,
            "Transformation Mapping is missing.",
        ));
    };
    let id = text(mapping, "/params/mappingId");
    if id.is_empty() {
        return Err(Problem::flow(
            1329,
            400,
            "Parameter mappingId of transformation Mapping is empty.",
        ));
    }
    let Some(set) = scene.get(Kind::MappingSets, id) else {
        return Err(Problem::flow(
            1419,
            400,
            format!("Mapping {id} didn't validate: it doesn't exist."),
        ));
    };
    let newest = set.body["version"].as_i64().unwrap_or_default();
    let version = mapping.pointer("/params/mappingVersion").and_then(integer);
    if !version.is_some_and(|version| (0..=newest).contains(&version)) {
        return Err(Problem::flow(
            1412,
            400,
            format!("Mapping version of mapping {id} is wrong."),
        ));
    }
    check_schema(scene, set, target)?;
    let schema = text(&target.body, "/data/schema/id");
    let fields = fields_of(scene, schema);
    let faults = mapping::faults(&set.body, fields.as_ref(), Some(&columns_of(source)));
    match faults.first() {
        None => Ok(()),
        Some(fault) => Err(Problem::flow(
            1419,
            400,
            format!("Mapping {id} didn't validate: {fault}."),
        )),
    }
}

/// Checks that mapping, target and dataset have the same schema in the same version.
fn check_schema(scene: &Scene<'_>, set: &Entity, target: &Entity) -> Result<(), Problem> {
    let dataset = text(&target.body, "/params/dataSetId");
    let dataset = scene.get(Kind::DataSets, dataset);
    let wanted = (
        text(&target.body, "/data/schema/id"),
        version_of(text(&target.body, "/data/schema/version")),
    );
    let mapped = mapping::output_schema(&set.body);
    let mapped = (mapped.0, version_of(mapped.1));
    let stored = dataset.map(|dataset| {
        (
            dataset.text("/schemaRef/id"),
            version_of(dataset.text("/schemaRef/contentType")),
        )
    });
    if mapped == wanted && stored.is_none_or(|stored| stored == wanted) {
        return Ok(());
    }
    let message = format!(
        "Schema of the target dataset and of the mapping differ: dataset {}, target {}, mapping {}.",
        stored.map_or("none", |stored| stored.0),
        wanted.0,
        mapped.0,
    );
    Err(Problem::flow(1425, 400, message))
}

/// The major version in a content type or in a bare version: 1 in `…;version=1`, `…; version=1.0`
/// and `1.0`. The minor version doesn't matter, because the newest one always applies.
fn version_of(text: &str) -> &str {
    let version = text.rsplit("version=").next().unwrap_or_default();
    version.split('.').next().unwrap_or_default().trim()
}

fn columns_of(source: &Entity) -> Vec<String> {
    let columns = source
        .body
        .pointer("/params/columns")
        .and_then(Value::as_array);
    columns
        .into_iter()
        .flatten()
        .map(|column| text(column, "/name").to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_every_form() {
        for form in [
            "application/vnd.adobe.xed-full+json;version=1",
            "application/vnd.adobe.xed+json; version=1",
            "application/vnd.adobe.xed-full+json;version=1.0",
            "1.0",
            "1",
        ] {
            assert_eq!(version_of(form), "1", "{form}");
        }
        assert_eq!(version_of("application/vnd.adobe.xed+json;version=2"), "2");
    }
}

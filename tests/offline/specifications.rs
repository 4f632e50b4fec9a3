//! Every specification that the documents show is one that an ingestion takes: by the schema
//! that editors use, by the strict reader, and by the catalogue.

use std::path::{Path, PathBuf};

use aep_flow::catalog::Catalog;
use aep_flow_proto::v1::{IngestOracleServiceCloudInput, IngestSourceInput};
use aep_flow_proto::{read, schema, validate};
use anyhow::{Context as _, ensure};
use serde_json::Value;

/// A specification, and the place that shows it.
struct Shown {
    place: String,
    text: String,
}

#[test]
fn every_specification_in_the_documents_is_good() -> anyhow::Result<()> {
    let mut schema = schema::ingestion();
    Catalog::built_in().refine(&mut schema);
    let schema = jsonschema::validator_for(&schema)?;
    let shown = shown()?;
    for Shown { place, text } in &shown {
        let value: Value =
            serde_saphyr::from_str(text).with_context(|| format!("{place}: read the YAML"))?;
        let wrong: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        ensure!(wrong.is_empty(), "{place}: {}", wrong.join("; "));
        let json = value.to_string();
        let findings = if value["connection"]["source"].is_string() {
            let input: IngestSourceInput =
                read::from_json(json.as_bytes()).context(place.clone())?;
            validate::ingest_source(&input)
        } else {
            let input: IngestOracleServiceCloudInput =
                read::from_json(json.as_bytes()).context(place.clone())?;
            validate::ingest(&input, validate::Rules::default())
        };
        ensure!(findings.is_ok(), "{place}: {findings:?}");
    }
    // Those of the examples: were none found, nothing would have been tried.
    ensure!(shown.len() >= 2, "only {} were found", shown.len());
    Ok(())
}

#[test]
fn the_way_from_one_source_to_another_is_that_between_the_examples() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/sources.md"))?;
    let diff = page.split("```diff\n").nth(1).context("find the fence")?;
    let diff = diff.split("```").next().unwrap_or_default();
    for (sign, name) in [
        ('-', "oracle-service-cloud"),
        ('+', "salesforce-service-cloud"),
    ] {
        let of_it = diff
            .lines()
            .filter(|line| line.starts_with([' ', sign]))
            .map(|line| format!("{}\n", &line[1..]));
        let example = format!("examples/specifications/{name}.yaml");
        let text = std::fs::read_to_string(root.join(&example))?;
        ensure!(
            of_it.collect::<String>() == text,
            "{example} says something else"
        );
    }
    Ok(())
}

/// Whatever is in a fence for YAML, or in a file of its own, and has both parts.
fn shown() -> anyhow::Result<Vec<Shown>> {
    let mut all = Vec::new();
    for path in documents()? {
        let text = std::fs::read_to_string(&path)?;
        let place = path.display().to_string();
        if path.extension().is_some_and(|extension| extension == "md") {
            for (number, fence) in text.split("```yaml\n").enumerate().skip(1) {
                let text = fence.split("```").next().unwrap_or_default();
                all.push(Shown {
                    place: format!("{place}, fence {number}"),
                    text: text.to_owned(),
                });
            }
        } else {
            all.push(Shown { place, text });
        }
    }
    let has_both = |shown: &Shown| {
        let starts = |with: &str| shown.text.lines().any(|line| line.starts_with(with));
        starts("connection:") && starts("tables:")
    };
    all.retain(has_both);
    Ok(all)
}

fn documents() -> anyhow::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs"), root.join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                // What a caller's own tools put there is not ours.
                if name != "node_modules" && name != "target" {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == "md" || extension == "yaml")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

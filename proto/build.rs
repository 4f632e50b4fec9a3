//! Compiles `aep/flow/v1/*.proto` with `protox`, so that no `protoc` need be installed.

#[path = "build/inputs.rs"]
mod inputs;
#[path = "build/json_schema.rs"]
mod json_schema;

use std::{env, fs, path::Path};

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

const FILES: [&str; 7] = [
    "aep/flow/v1/common.proto",
    "aep/flow/v1/failure.proto",
    "aep/flow/v1/connection.proto",
    "aep/flow/v1/explore.proto",
    "aep/flow/v1/chain.proto",
    "aep/flow/v1/ingest.proto",
    "aep/flow/v1/settle.proto",
];

/// What the full names of the contract's messages begin with.
const PACKAGE: &str = ".aep.flow.v1.";

/// What a person writes in a file: the inputs of workflows.
const WRITTEN_BY_HAND: [&str; 2] = ["IngestSourceInput", "IngestOracleServiceCloudInput"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    println!("cargo:rerun-if-changed=build");
    let descriptors = protox::compile(FILES, ["."])?;
    let encoded = descriptors.encode_to_vec();
    let schema = json_schema::of(&descriptors, &WRITTEN_BY_HAND);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one way in which cargo names the folder of a build"
    )]
    let folder = env::var("OUT_DIR")?;
    let place = Path::new(&folder).join("inputs.schema.json");
    fs::write(place, schema.to_string())?;

    let inputs = inputs::of(&descriptors);
    prost_build::Config::new()
        .enable_type_names()
        .compile_well_known_types()
        .extern_path(".google.protobuf.Struct", "crate::json::Object")
        .extern_path(".google.protobuf.Value", "crate::json::Anything")
        .compile_fds(descriptors)?;

    let of_memory = |_: &_| Ok(Vec::new());
    // In a result, fields at their default are written too: a caller without our stubs then reads
    // `warnings` without asking first whether it is there.
    let of_results = pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .emit_fields()
        .exclude(&inputs)
        .generate(&[".aep.flow.v1"], of_memory)?;
    // In an input they are left out: a worker of the version before does not know a new field, and
    // refuses an input that has it.
    let of_inputs = pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .generate(&Vec::from_iter(&inputs), of_memory)?;
    let json = of_results.into_iter().chain(of_inputs);
    let json: Vec<u8> = json.flat_map(|(_, code)| code).collect();
    fs::write(Path::new(&folder).join("aep.flow.v1.serde.rs"), json)?;
    Ok(())
}

/// The contract's own files, without those of Google that they import.
fn own_files(descriptors: &FileDescriptorSet) -> impl Iterator<Item = &FileDescriptorProto> {
    let files = descriptors.file.iter();
    files.filter(|file| format!(".{}.", file.package()) == PACKAGE)
}

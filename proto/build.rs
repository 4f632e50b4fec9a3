//! Compiles `aep/flow/v1/*.proto` with `protox`, so that no `protoc` need be installed.

#[path = "build/json_schema.rs"]
mod json_schema;

use std::{env, fs, path::Path};

use prost::Message as _;

const FILES: [&str; 7] = [
    "aep/flow/v1/common.proto",
    "aep/flow/v1/failure.proto",
    "aep/flow/v1/connection.proto",
    "aep/flow/v1/explore.proto",
    "aep/flow/v1/chain.proto",
    "aep/flow/v1/ingest.proto",
    "aep/flow/v1/settle.proto",
];

/// What a person writes in a file: the inputs of workflows.
const INPUTS: [&str; 2] = ["IngestSourceInput", "IngestOracleServiceCloudInput"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    println!("cargo:rerun-if-changed=build");
    let descriptors = protox::compile(FILES, ["."])?;
    let encoded = descriptors.encode_to_vec();
    let schema = json_schema::of(&descriptors, &INPUTS);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one way in which cargo names the folder of a build"
    )]
    let folder = env::var("OUT_DIR")?;
    let place = Path::new(&folder).join("inputs.schema.json");
    fs::write(place, schema.to_string())?;

    prost_build::Config::new()
        .enable_type_names()
        .compile_well_known_types()
        .extern_path(".google.protobuf.Struct", "crate::json::Object")
        .extern_path(".google.protobuf.Value", "crate::json::Anything")
        .compile_fds(descriptors)?;

    // Fields at their default are written too: a caller without our stubs then
    // reads `warnings` of a result without asking first whether it is there.
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .emit_fields()
        .build(&[".aep.flow.v1"])?;
    Ok(())
}

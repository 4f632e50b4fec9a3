//! Inputs and outputs of aep-flow's workflows and activities.
//!
//! `aep/flow/v1/*.proto` define the messages, with every field's unit and default. This crate
//! holds the Rust types generated from them, the names that callers use, and the rules for a
//! valid input. It knows neither Temporal nor HTTP.

pub mod column_type;
pub mod create;
pub mod json;
pub mod names;
pub mod read;
pub mod schema;
pub mod validate;

mod wording;

/// The messages of version 1 of the contract.
#[expect(
    missing_docs,
    clippy::allow_attributes_without_reason,
    reason = "generated from the .proto files, whose comments are the documentation"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/aep.flow.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/aep.flow.v1.serde.rs"));
}

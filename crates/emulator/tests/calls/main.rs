//! What a client sees of the emulator, over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test end it when it can't go on"
)]

mod support;

mod chain;
mod control;
mod datasets;
mod descriptors;
mod dial;
mod dial_lists;
mod dial_responses;
mod dial_wire;
mod flow_rules;
mod gateway;
mod lists;
mod mapping_sets;
mod program;
mod registry;
mod resources;
mod runs;
mod sources;
mod state;

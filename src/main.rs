//! The `aep-flow` command.

fn main() {}

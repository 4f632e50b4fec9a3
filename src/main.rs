//! The `aep-flow` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    aep_flow::cli::main()
}

//! `aep-flow completions`: scripts by which shells complete our commands.

use clap::{Args, Command};
use clap_complete::Shell;

use super::command_error::CommandError;
use super::exit::ExitStatus;
use super::out;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  aep-flow completions bash > ~/.local/share/bash-completion/completions/aep-flow
  aep-flow completions zsh > ~/.zfunc/_aep-flow
  aep-flow completions fish > ~/.config/fish/completions/aep-flow.fish")]
pub(super) struct Arguments {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script that completes `command`.
pub(super) fn run(mut command: Command, arguments: &Arguments) -> Result<ExitStatus, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "aep-flow", &mut script);
    out::answer(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitStatus::Done)
}

//! `aep-flow completions`: what a shell needs to complete our commands.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::exit::ExitStatus;
use super::failure::Failure;
use super::{Cli, out};

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

pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "aep-flow",
        &mut script,
    );
    out::answer(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitStatus::Done)
}

//! `inq completions`: what a shell completes.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Failure, output};

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq completions bash > /etc/bash_completion.d/inq
  inq completions zsh > ~/.zfunc/_inq")]
pub struct Args {
    /// Which one.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "inq", &mut text);
    output::print(&String::from_utf8_lossy(&text))
}

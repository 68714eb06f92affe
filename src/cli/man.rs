//! `inq man`: the manual page.

use clap::CommandFactory as _;

use super::{Cli, Failure, output};

/// Print the manual page, or that of a command, in roff.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq man | man -l -
  inq man retry > /usr/share/man/man1/inq-retry.1")]
pub struct Args {
    /// The command; without one, the page of inq itself.
    pub command: Option<String>,
}

/// Prints the page.
///
/// # Errors
/// If there is no such command, or standard output cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut all = Cli::command();
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => all
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::Usage(format!("there is no command {name}; `inq help` names them")))?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|fault| Failure::Failed(format!("the page cannot be written: {fault}")))?;
    output::print(&String::from_utf8_lossy(&page))
}

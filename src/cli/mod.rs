//! The command line: what each command takes, one file a command, and how it ends.
//!
//! A command is an `Args` struct and `pub async fn run(args, settings) -> Result<(), Failure>` in its file.
//! To add one, name it in [`Command`] and in [`dispatch`].

pub mod check;
pub mod claims;
pub mod config_show;
pub mod dev;
mod failure;
pub mod migrate;
pub mod output;
pub mod preview;
pub mod run;
pub mod show;
pub mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

use crate::config::Effective;

/// Notifies users of their incentives: Kafka in, MySQL between, Kafka out, exactly once.
#[derive(Debug, Parser)]
#[command(name = "inq", version, subcommand_required = true, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// The settings file (TOML); without it `inq.toml` in the current directory, where it exists.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Settings, the later over the earlier: built-in defaults, the settings file, DATABASE_URL and \
KAFKA_BROKERS, INQ_SECTION__KEY (INQ_DISPATCH__BATCH_ROWS=500). `inq config show` prints them all, and \
where each comes from.

Exit status: 0 done, 1 failed, 2 wrong usage or settings.";

/// The commands; what is said of an `Args` is its command's help.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// What can be done with the settings.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum ConfigCommand {
    Show(config_show::Args),
}

/// Reads the command line, does what it says, and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run_to_end(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn run_to_end(cli: Cli) -> Result<(), Failure> {
    let effective = Effective::load(cli.config.as_deref())?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?
        .block_on(dispatch(cli.command, effective))
}

/// Most commands take `effective.settings`; only `config show` wants to know where they come from.
async fn dispatch(command: Command, effective: Effective) -> Result<(), Failure> {
    match command {
        Command::Config(ConfigCommand::Show(args)) => config_show::run(args, effective).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, CommandFactory};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        for augment in [
            check::Args::augment_args,
            dev::Args::augment_args,
            migrate::Args::augment_args,
            preview::Args::augment_args,
            run::Args::augment_args,
            show::Args::augment_args,
            status::Args::augment_args,
            claims::Args::augment_args,
        ] {
            let command = augment(clap::Command::new("inq"));
            assert!(command.get_about().is_some(), "{command:?}");
            command.debug_assert();
        }
    }
}

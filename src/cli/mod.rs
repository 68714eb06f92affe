//! The command line: what each command takes, one file a command, and how it ends.
//!
//! A command is an `Args` struct and `pub async fn run(args, settings) -> Result<(), Failure>` in its file.
//! To add one, name it in [`Command`] and in `dispatch`.

pub mod bench;
pub mod broadcast;
pub mod cancel;
pub mod catalogue;
pub mod change;
pub mod check;
mod check_kafka;
pub mod choose;
pub mod claims;
pub mod completions;
pub mod config_show;
pub mod confirm;
pub mod dead_letters;
pub mod dev;
mod failure;
pub mod forget;
pub mod man;
pub mod migrate;
pub mod output;
pub mod preview;
pub mod progress;
pub mod purge;
pub mod retry;
pub mod run;
pub mod show;
mod signals;
pub mod status;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

pub use failure::Failure;

use crate::bus::ClusterSettings;
use crate::config::{Effective, Settings};
use crate::ingest::{Forecast, Planner, Together};
use crate::localize::Words;
use crate::store::{self, Store};

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
    Dev(dev::Args),
    Run(run::Args),
    Migrate(migrate::Args),
    Check(check::Args),
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    Preview(preview::Args),
    Catalogue(catalogue::Args),
    Status(status::Args),
    Show(show::Args),
    Retry(retry::Args),
    Cancel(cancel::Args),
    Broadcast(broadcast::Args),
    Claims(claims::Args),
    Purge(purge::Args),
    Forget(forget::Args),
    DeadLetters(dead_letters::Args),
    Bench(bench::Args),
    Completions(completions::Args),
    Man(man::Args),
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
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(dispatch(cli, effective));
    // A commit that no broker answers has no end of its own; recovery decides it.
    runtime.shutdown_background();
    ended
}

/// Most commands take `effective.settings`; only `config show` wants to know where they come from.
async fn dispatch(cli: Cli, effective: Effective) -> Result<(), Failure> {
    match cli.command {
        Command::Dev(args) => dev::run(args, effective.settings).await,
        Command::Run(args) => run::run(args, effective.settings).await,
        Command::Migrate(args) => migrate::run(args, effective.settings).await,
        Command::Check(args) => check::run(args, effective.settings).await,
        Command::Config(ConfigCommand::Show(args)) => config_show::run(args, effective).await,
        Command::Preview(args) => preview::run(args, effective.settings).await,
        Command::Catalogue(args) => catalogue::run(&args, &effective.settings),
        Command::Status(args) => status::run(args, effective.settings).await,
        Command::Show(args) => show::run(args, effective.settings).await,
        Command::Retry(args) => retry::run(args, effective.settings).await,
        Command::Cancel(args) => cancel::run(args, effective.settings).await,
        Command::Broadcast(args) => broadcast::run(args, effective.settings).await,
        Command::Claims(args) => claims::run(args, effective.settings).await,
        Command::Purge(args) => purge::run(args, effective.settings).await,
        Command::Forget(args) => forget::run(args, effective.settings).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::DeadLetters(args) => dead_letters::run(args, effective.settings).await,
        Command::Bench(args) => bench::run(args, cli.config, effective.settings).await,
    }
}

/// How to reach the brokers, by the settings.
fn cluster_settings(settings: &Settings) -> ClusterSettings {
    ClusterSettings {
        brokers: settings.kafka.brokers.clone(),
        properties: settings
            .kafka
            .properties
            .expose()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        oauthbearer_token_file: settings.kafka.oauthbearer_token_file.clone(),
    }
}

/// The words, by the settings.
fn words(settings: &Settings) -> Result<Arc<Words>, Failure> {
    let localization = &settings.localization;
    Words::open(localization.dir.clone(), &localization.fallback)
        .map(Arc::new)
        .map_err(|faults| Failure::Usage(faults.to_string()))
}

/// Plans rows, by the settings.
fn planner(settings: &Settings) -> Result<Planner, Failure> {
    Ok(Planner {
        words: words(settings)?,
        max_event_bytes: usize::try_from(settings.ingest.max_event_bytes).unwrap_or(usize::MAX),
        defaults: settings.defaults.clone(),
        quiet: (&settings.quiet).into(),
        half_life: settings.best_time.half_life,
    })
}

/// Foretells rows, by the settings.
fn forecast(settings: &Settings) -> Result<Forecast, Failure> {
    Ok(Forecast {
        planner: planner(settings)?,
        together: Arc::new(Together::from(settings)),
    })
}

/// Reads a message that is given by hand; of one that is too long, enough to see that it is.
fn read_message(input: impl Read, name: &str, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut message = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    input
        .take(limit)
        .read_to_end(&mut message)
        .map_err(|fault| Failure::Failed(format!("cannot read {name}: {fault}")))?;
    Ok(message)
}

/// Connections of a command: it asks a few things at once at most.
const CONNECTIONS: u32 = 4;

/// The database with a schema that this program can read, for commands that look once and do not wait.
async fn store(settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    let database = &settings.database;
    let store = store::open_existing(database.url.expose(), CONNECTIONS)?;
    // Says which server does not answer; a pool only says that it waited in vain.
    store.server().await?;
    crate::service::require_current_schema(store.as_ref()).await?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{command:?}");
        }
    }
}

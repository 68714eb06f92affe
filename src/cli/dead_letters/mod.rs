//! `inq dead-letters`: what was put aside, to be looked at and put back.

mod list;
mod replay;
mod tally;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Subcommand, ValueEnum};

use super::{Failure, cluster_settings};
use crate::bus::{Cluster, DeadLetterTopic};
use crate::config::Settings;
use crate::contract::Reason;

/// Look at what could not be used, correct it and put it back.
///
/// Dead letters stay in their topic, whatever is done here, until Kafka's retention takes them away.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq dead-letters list
  inq dead-letters replay --topic events --partition 0 --offset 17 --payload corrected.json

Settings: kafka.brokers (KAFKA_BROKERS), topics.*. The database is not needed.")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    List(list::Args),
    Replay(replay::Args),
}

/// Whose dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Events that did not become rows (`topics.events_dlq`).
    Events,
    /// Results that could not be used (`topics.results_dlq`).
    Results,
    /// Preferences that could not be used (`topics.preferences_dlq`).
    Preferences,
}

impl Topic {
    fn open(self, settings: &Settings) -> DeadLetterTopic {
        let name = match self {
            Self::Events => &settings.topics.events_dlq,
            Self::Results => &settings.topics.results_dlq,
            Self::Preferences => &settings.topics.preferences_dlq,
        };
        DeadLetterTopic::new(
            Cluster::new(cluster_settings(settings)),
            name.clone(),
            settings.kafka.group_id.clone(),
        )
    }
}

/// A reason by its code.
fn reason_parser() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::as_str))
        .try_map(|code| Reason::from_code(&code).ok_or("is no reason of this version"))
}

/// Lists dead letters, or puts them back.
///
/// # Errors
/// If the brokers cannot be reached, or a letter is not put back.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    match args.command {
        Command::List(args) => list::run(args, &settings).await,
        Command::Replay(args) => replay::run(args, &settings).await,
    }
}

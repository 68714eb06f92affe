//! `inq claims`: claims in doubt, and an operator's decision on them.

use std::fmt::Write as _;

use clap::Subcommand;

use super::{Failure, output, store};
use crate::claims::{self, Decision, DecisionError, ShownClaim};
use crate::config::Settings;
use crate::store::Store;

/// Look at open claims, and decide those that recovery could not.
///
/// A claim is in doubt if nothing can say whether its notifications were published: the broker is another
/// one, or its ledger is gone. Look into the deliveries topic for the notification ids, then decide.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq claims list
  inq claims settle 17     its notifications were published: they become sent
  inq claims release 17    they were not: they become pending and go out again

Setting: database.url (DATABASE_URL).")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with claims.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the open claims, those in doubt with the reason.
    List {
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Say that a claim was published: its notifications become sent.
    Settle {
        /// The claim.
        #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
    },
    /// Say that a claim was not published: its notifications become pending, the attempt not counted.
    Release {
        /// The claim.
        #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
    },
}

/// The most claims that are printed.
const LIST_AT_MOST: u32 = 1000;

/// Lists open claims, or carries out an operator's decision on one.
///
/// # Errors
/// If the database cannot be reached, or there is no such claim in doubt.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let done = match args.command {
        Command::List { json } => list(store.as_ref(), json).await,
        Command::Settle { id } => decide(store.as_ref(), id, Decision::MarkPublished).await,
        Command::Release { id } => decide(store.as_ref(), id, Decision::Release).await,
    };
    store.close().await;
    done
}

async fn list(store: &dyn Store, json: bool) -> Result<(), Failure> {
    let claims: Vec<ShownClaim> = store
        .open_claims(LIST_AT_MOST)
        .await?
        .into_iter()
        .map(ShownClaim::from)
        .collect();
    if json {
        return output::print_json(&claims);
    }
    if claims.is_empty() {
        return output::print("no open claims\n");
    }
    let mut text = String::new();
    for claim in claims {
        let doubt = claim.doubt.unwrap_or_else(|| "under way".to_owned());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "claim {}  {} rows  made {}  lease until {}  {doubt}",
            claim.id, claim.rows, claim.claimed_at, claim.lease_until
        );
    }
    output::print(&text)
}

async fn decide(store: &dyn Store, id: i64, decision: Decision) -> Result<(), Failure> {
    let decided = match claims::decide(store, id, decision, "command").await {
        Err(error @ DecisionError::Unknown(_)) => {
            return Err(Failure::Failed(format!("{error}; see `inq claims list`")));
        }
        other => other.map_err(|error| Failure::Failed(error.to_string()))?,
    };
    output::print(&format!(
        "claim {id}: {} notifications are {}\n",
        decided.rows, decided.status
    ))
}

//! `inq claims`: claims in doubt, and an operator's decision on them.

use std::fmt::Write as _;

use clap::Subcommand;
use serde::Serialize;

use super::{Failure, output, store};
use crate::config::Settings;
use crate::contract::time;
use crate::store::{Claimant, Ended, OpenClaim, Store};

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

#[derive(Serialize)]
struct Shown {
    id: i64,
    rows: usize,
    claimed_at: String,
    lease_until: String,
    transactional_id: Option<String>,
    cluster_id: Option<String>,
    doubt: Option<String>,
    notification_ids: Vec<i64>,
}

impl From<OpenClaim> for Shown {
    fn from(claim: OpenClaim) -> Self {
        let (transactional_id, cluster_id) = match claim.claimant {
            Claimant::Transactional {
                transactional_id,
                cluster_id,
            } => (Some(transactional_id), Some(cluster_id)),
            Claimant::Plain => (None, None),
        };
        Self {
            id: claim.id,
            rows: claim.notification_ids.len(),
            claimed_at: time::format(&claim.claimed_at),
            lease_until: time::format(&claim.lease_until),
            transactional_id,
            cluster_id,
            doubt: claim.doubt,
            notification_ids: claim.notification_ids,
        }
    }
}

/// Lists open claims, or carries out an operator's decision on one.
///
/// # Errors
/// If the database cannot be reached, or there is no such claim in doubt.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let done = match args.command {
        Command::List { json } => list(store.as_ref(), json).await,
        Command::Settle { id } => decide(store.as_ref(), id, true).await,
        Command::Release { id } => decide(store.as_ref(), id, false).await,
    };
    store.close().await;
    done
}

async fn list(store: &dyn Store, json: bool) -> Result<(), Failure> {
    let claims: Vec<Shown> = store
        .open_claims(LIST_AT_MOST)
        .await?
        .into_iter()
        .map(Shown::from)
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

/// Only a claim in doubt is an operator's to decide: any other is still its publisher's or recovery's.
async fn decide(store: &dyn Store, id: i64, published: bool) -> Result<(), Failure> {
    let claim = store
        .open_claim(id)
        .await?
        .ok_or_else(|| Failure::Failed(format!("there is no open claim {id}: see `inq claims list`")))?;
    if claim.doubt.is_none() {
        return Err(Failure::Failed(format!(
            "claim {id} is not in doubt: its publisher or recovery ends it by itself"
        )));
    }
    let rows = &claim.notification_ids;
    let (ended, word) = if published {
        (store.settle(id, rows, true).await?, "sent")
    } else {
        (store.release(id, rows, true).await?, "pending")
    };
    match ended {
        Ended::Done => output::print(&format!("claim {id}: {} notifications are {word}\n", rows.len())),
        Ended::Gone => Err(Failure::Failed(format!(
            "claim {id} has just been ended by somebody else"
        ))),
        Ended::Short { expected, found } => Err(Failure::Failed(format!(
            "claim {id}: only {found} of its {expected} rows still belong to it; nothing was changed: the database has \
             lost a commit, see the guarantees in the README"
        ))),
    }
}

//! `inq broadcast show`: how one stands, once or until it no longer runs.

use std::time::Duration;

use super::super::{Failure, progress};
use super::{found, say};
use crate::store::{Broadcast, BroadcastState, Store};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// Show how a broadcast stands.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its id.
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub id: i64,

    /// Wait, with a progress bar, until it no longer runs.
    #[arg(long)]
    pub watch: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Prints how it stands.
///
/// # Errors
/// If the database cannot be reached, or there is no such broadcast.
pub async fn run(args: &Args, store: &dyn Store) -> Result<(), Failure> {
    let mut broadcast = found(store, args.id).await?;
    if args.watch {
        broadcast = until_it_rests(broadcast, store).await?;
    }
    say(&broadcast, args.json)
}

async fn until_it_rests(mut broadcast: Broadcast, store: &dyn Store) -> Result<Broadcast, Failure> {
    let bar = match broadcast.expected {
        Some(expected) => progress::bar(expected),
        None => progress::spinner("events made"),
    };
    while broadcast.state == BroadcastState::Running {
        bar.set_position(broadcast.produced);
        tokio::time::sleep(INTERVAL).await;
        broadcast = found(store, broadcast.id).await?;
    }
    Ok(broadcast)
}

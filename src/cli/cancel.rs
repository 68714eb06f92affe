//! `inq cancel`: what is pending does not leave.

use super::{Failure, change};
use crate::config::Settings;
use crate::store::Change;

/// Call off notifications that are pending.
///
/// What is being published or was sent cannot be called back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq cancel 1234
  inq cancel --user 42 --dry-run
  inq cancel --type bonus_opportunity --before 2026-01-31T00:00:00Z --yes

Setting: database.url (DATABASE_URL). Exit status: 0 done, 1 not reached or not possible, 2 wrong usage.")]
pub struct Args {
    /// Which ones, and how.
    #[command(flatten)]
    pub change: change::ChangeArgs,
}

/// Calls notifications off.
///
/// # Errors
/// As [`change::run`].
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    change::run(args.change, Change::Cancel, settings).await
}

//! `inq retry`: what has failed leaves again.

use super::{Failure, change};
use crate::config::Settings;
use crate::store::Change;

/// Make notifications due now that have failed, were cancelled, or wait for another attempt.
///
/// The attempts that they have had stay counted: one that is out of attempts gets one more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq retry 1234
  inq retry --status failed --type streak_reward --since 2026-01-31T00:00:00Z --dry-run
  inq retry --user 42 --yes

Setting: database.url (DATABASE_URL). Exit status: 0 done, 1 not reached or not possible, 2 wrong usage.")]
pub struct Args {
    /// Which ones, and how.
    #[command(flatten)]
    pub change: change::ChangeArgs,
}

/// Makes notifications due again.
///
/// # Errors
/// As [`change::run`].
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    change::run(args.change, Change::Retry, settings).await
}

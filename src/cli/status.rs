//! `inq status`: how full the queue is.

/// Print how many notifications wait, by status and priority, and how long the oldest has been due.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq status
  inq status --json | jq .oldest_due_seconds

Setting: database.url (DATABASE_URL).")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

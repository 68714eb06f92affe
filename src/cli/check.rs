//! `inq check`: is everything reached and right?

/// Try everything the service needs: settings, catalogues, database, broker, topics.
///
/// Changes nothing. Says of each what it found, and what to do where something is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq check
  inq --config /etc/inq.toml check --json

Exit status: 0 all is well, 1 something is not, 2 wrong usage or settings.")]
pub struct Args {
    /// Print one JSON object: each check with its outcome.
    #[arg(long)]
    pub json: bool,
}

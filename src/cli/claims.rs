//! `inq claims`: claims in doubt, and an operator's decision on them.

use clap::Subcommand;

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

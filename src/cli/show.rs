//! `inq show`: one notification and its history.

/// Which notification: by its id, or by its event.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The notification's id.
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub id: Option<i64>,

    /// The id of the event that it came from.
    #[arg(long, value_name = "EVENT_ID")]
    pub event: Option<String>,
}

/// Print one notification and everything that happened to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq show 1234
  inq show --event order-77-points --json

Setting: database.url (DATABASE_URL). Exit status: 0 found, 1 not found or not reached.")]
pub struct Args {
    /// Which one.
    #[command(flatten)]
    pub which: Which,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

//! `inq migrate`: the schema.

/// Bring the database's schema up to date.
///
/// Safe to run again and while the service runs; `inq run` does it at start unless told --no-migrate.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  DATABASE_URL=mysql://inq:secret@db/inq inq migrate
  inq migrate --json

Setting: database.url (DATABASE_URL).")]
pub struct Args {
    /// Print one JSON object: the migrations that were applied.
    #[arg(long)]
    pub json: bool,
}

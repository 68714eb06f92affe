//! `inq migrate`: the schema.

use serde::Serialize;

use super::{CONNECTIONS, Failure, output};
use crate::config::Settings;
use crate::service::require_current_schema;
use crate::store;

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

#[derive(Serialize)]
struct Report {
    server: String,
    /// The versions that were run, in order.
    applied: Vec<i64>,
}

/// Brings the schema up to date.
///
/// # Errors
/// If the database cannot be reached, refuses, or was migrated by a newer program.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let database = &settings.database;
    let store = store::open(database.url.expose(), CONNECTIONS)?;
    let report = Report {
        server: store.server().await?,
        applied: store.migrate().await?,
    };
    // A newer schema is left as it is, which does not make it one that this program can use.
    require_current_schema(store.as_ref()).await?;
    store.close().await;
    if args.json {
        return output::print_json(&report);
    }
    let Report { server, applied } = report;
    if applied.is_empty() {
        return output::print(&format!("{server}: the schema is up to date\n"));
    }
    let versions: Vec<_> = applied.iter().map(ToString::to_string).collect();
    output::print(&format!("{server}: ran migration {}\n", versions.join(", ")))
}

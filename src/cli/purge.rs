//! `inq purge`: the retention, now.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Failure, confirm, output, progress, store};
use crate::config::Settings;
use crate::maintain::{Maintenance, Retention, Step};
use crate::store::Store;

/// Remove notifications that were kept for as long as the settings say.
///
/// The service does this by itself; this command does it now. Where retention.archive is set, they are archived first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq purge --dry-run
  INQ_RETENTION__SENT=7d inq purge --yes

Settings: database.url (DATABASE_URL), retention.sent, retention.failed, retention.archive.")]
pub struct Args {
    /// Only say how many it would be.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// More than this is "at least so many".
const COUNT_AT_MOST: u32 = 10_000_000;
/// How long another instance's maintenance is waited for, and how often it is looked at.
const ELSEWHERE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Report {
    /// Notifications past their retention, by status.
    outlived: BTreeMap<&'static str, u64>,
    removed: u64,
    dry_run: bool,
}

/// Removes what has been kept long enough.
///
/// # Errors
/// If the database cannot be reached, the archive cannot be written, another instance is at it for minutes, or nobody
/// said yes.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let done = purge(&args, &Retention::from(&settings.retention), &store).await;
    store.close().await;
    let report = done?;
    if args.json {
        return output::print_json(&report);
    }
    let mut text = String::new();
    for (status, rows) in &report.outlived {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{status:<12} {rows:>10} past their retention");
    }
    if !report.dry_run {
        let _ = writeln!(text, "{} removed", report.removed);
    } else if report.outlived.is_empty() {
        text.push_str("nothing is past its retention\n");
    }
    output::print(&text)
}

async fn purge(args: &Args, retention: &Retention, store: &Arc<dyn Store>) -> Result<Report, Failure> {
    let mut outlived = BTreeMap::new();
    for (status, kept) in retention.kept() {
        let rows = store.outlived(status, kept, COUNT_AT_MOST).await?.len() as u64;
        if rows > 0 {
            outlived.insert(status.as_str(), rows);
        }
    }
    let total: u64 = outlived.values().sum();
    let mut report = Report {
        outlived,
        removed: 0,
        dry_run: args.dry_run,
    };
    if args.dry_run || total == 0 {
        return Ok(report);
    }
    if !args.yes {
        let first = if retention.archive.is_some() {
            "archived and then removed"
        } else {
            "removed, and not archived"
        };
        confirm::require(&format!("{total} notifications will be {first}."))?;
    }
    let bar = progress::bar(total);
    let mut maintenance = Maintenance::new(Arc::clone(store), retention.clone());
    let mut waited = Instant::now();
    while report.removed < total {
        let begun = Instant::now();
        match maintenance
            .step()
            .await
            .map_err(|error| Failure::Failed(error.to_string()))?
        {
            Step::Removed(rows) => {
                report.removed += rows;
                bar.inc(rows);
                waited = Instant::now();
                tokio::time::sleep(Maintenance::pause_after(begun.elapsed())).await;
            }
            Step::Forgot(_) | Step::Tidied => {
                tokio::time::sleep(Maintenance::pause_after(begun.elapsed())).await;
            }
            Step::Nothing => break,
            Step::Elsewhere if waited.elapsed() < ELSEWHERE => tokio::time::sleep(LOOK_EVERY).await,
            Step::Elsewhere => {
                return Err(Failure::Failed(
                    "another instance is doing the maintenance; what is past its retention goes with that"
                        .to_owned(),
                ));
            }
        }
    }
    maintenance.hand_over().await?;
    Ok(report)
}

//! `inq status`: how full the queue is.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use super::{Failure, cluster_settings, output, store};
use crate::bus::{BusError, Cluster};
use crate::config::Settings;
use crate::status::{QueueStatus, lag};

/// Print how many notifications wait, by status and priority, and how long the oldest has been due.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq status
  inq status --watch
  inq status --json | jq .oldest_due_ms

\"In the last minute\" counts offsets: records, and the markers that end transactions; `inq dev` does not know it, and says 0.

Settings: database.url (DATABASE_URL), kafka.brokers (KAFKA_BROKERS).")]
pub struct Args {
    /// Print one JSON object; with --watch one a line.
    #[arg(long)]
    pub json: bool,

    /// Print it again and again, so many seconds apart (2), until Ctrl-C.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub watch: Option<u64>,
}

const LOOK: Duration = Duration::from_secs(10);
/// An empty screen, the cursor at its beginning.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Prints how the queue stands.
///
/// # Errors
/// If the database cannot be reached; if the brokers cannot, once the rest is printed. While it is watched, what is away
/// is told instead.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let Some(seconds) = args.watch else {
        let (queue, lag) = look(&settings).await?;
        if args.json {
            output::print_json(&queue)?;
        } else {
            output::print(&text(&queue))?;
        }
        return Ok(lag?);
    };
    let clears = std::io::stdout().is_terminal() && !args.json;
    loop {
        let told = match look(&settings).await {
            Ok((queue, _)) if args.json => serde_json::to_string(&queue)
                .map_err(|error| Failure::Failed(format!("cannot write it as JSON: {error}")))?,
            Ok((queue, _)) => text(&queue),
            Err(failure) if args.json => serde_json::json!({ "error": failure.to_string() }).to_string(),
            Err(failure) => format!("{failure}\n"),
        };
        let before = if clears { CLEAR } else { "" };
        if !output::print_on(&format!("{before}{told}\n"))? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// How the queue stands, and whether the brokers have told their part.
async fn look(settings: &Settings) -> Result<(QueueStatus, Result<(), BusError>), Failure> {
    let store = store(settings).await?;
    let queue = QueueStatus::of(store.as_ref()).await?;
    store.close().await;
    let cluster = Cluster::new(cluster_settings(settings));
    let lag = lag(&cluster, &settings.kafka.group_id, &settings.topics, LOOK).await;
    Ok((queue.with_topics(&lag), lag.map(drop)))
}

fn text(report: &QueueStatus) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (status, rows) in report.by_status.iter().filter(|(_, rows)| **rows > 0) {
        let _ = writeln!(text, "{status:<18} {rows:>10}");
    }
    if report.by_status.values().all(|rows| *rows == 0) {
        text.push_str("no notifications yet\n");
    }
    for (priority, rows) in report.pending_by_priority.iter().rev() {
        let _ = writeln!(text, "pending priority {priority} {rows:>10}");
    }
    let _ = writeln!(text, "due now            {:>10}", report.due);
    let _ = writeln!(text, "scheduled ahead    {:>10}", report.ahead);
    if let Some(oldest) = report.oldest_due_ms {
        let oldest = humantime::format_duration(Duration::from_millis(oldest));
        let _ = writeln!(text, "oldest due since   {oldest}");
    }
    let _ = writeln!(text, "claims in doubt    {:>10}", report.claims_in_doubt);
    for lag in &report.topics {
        let _ = write!(text, "{}: {} in the last minute", lag.topic, lag.last_minute);
        if let Some(behind) = lag.behind {
            let _ = write!(text, ", {behind} behind");
            let held_back = lag.behind_high_watermark.unwrap_or(behind) - behind;
            if held_back > 0 {
                let _ = write!(text, ", {held_back} more behind an open transaction");
            }
        }
        text.push('\n');
    }
    text
}

//! `inq status`: how full the queue is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;

use super::{Failure, cluster_settings, output, store};
use crate::bus::{Cluster, Lag};
use crate::config::Settings;
use crate::store::{Depth, Status};

/// Print how many notifications wait, by status and priority, and how long the oldest has been due.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq status
  inq status --json | jq .oldest_due_ms

Settings: database.url (DATABASE_URL), kafka.brokers (KAFKA_BROKERS).")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

const LOOK: Duration = Duration::from_secs(10);
/// The most claims in doubt that are looked for.
const CLAIMS_AT_MOST: u32 = 1000;

#[derive(Serialize)]
struct Report {
    /// Rows by status; every status is there.
    by_status: BTreeMap<&'static str, u64>,
    /// Pending rows by priority.
    pending_by_priority: BTreeMap<u8, u64>,
    due: u64,
    ahead: u64,
    oldest_due_ms: Option<u64>,
    claims_in_doubt: usize,
    /// What came into each topic, and how far the consumer group is behind; none where the brokers are away.
    topics: Vec<Lag>,
}

/// Prints how the queue stands.
///
/// # Errors
/// If the database cannot be reached; if the brokers cannot, once the rest is printed.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let depth = store.depth().await?;
    let claims = store.open_claims(CLAIMS_AT_MOST).await?;
    store.close().await;
    let topics = &settings.topics;
    let lag = Cluster::new(cluster_settings(&settings))
        .lag(
            settings.kafka.group_id.clone(),
            vec![
                topics.events.clone(),
                topics.deliveries.clone(),
                topics.results.clone(),
            ],
            Utc::now(),
            LOOK,
        )
        .await;
    // What the database knows is shown even so.
    let (topics_seen, away) = match lag {
        Ok(topics) => (topics, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    // Nobody of ours reads the deliveries: only what came into the topic is known here.
    let report = Report {
        by_status: by_status(&depth),
        pending_by_priority: pending_by_priority(&depth),
        due: depth.due,
        ahead: depth.ahead,
        oldest_due_ms: depth.oldest_due_ms,
        claims_in_doubt: claims.iter().filter(|claim| claim.doubt.is_some()).count(),
        topics: topics_seen,
    };
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, &topics.deliveries))?;
    }
    Ok(away?)
}

fn by_status(depth: &Depth) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> = Status::ALL.iter().map(|status| (status.as_str(), 0)).collect();
    for row in &depth.rows {
        *counts.entry(row.status.as_str()).or_default() += row.rows;
    }
    counts
}

fn pending_by_priority(depth: &Depth) -> BTreeMap<u8, u64> {
    depth
        .rows
        .iter()
        .filter(|row| row.status == Status::Pending)
        .map(|row| (row.priority.get(), row.rows))
        .collect()
}

fn text(report: &Report, deliveries: &str) -> String {
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
        if lag.topic != deliveries {
            let _ = write!(text, ", {} behind", lag.behind);
        }
        text.push('\n');
    }
    text
}

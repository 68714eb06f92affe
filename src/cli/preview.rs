//! `inq preview`: what an event would become.

use chrono::Utc;

use super::{Failure, output, planner, read_message};
use crate::bus::Record;
use crate::config::Settings;
use crate::contract::time;
use crate::ingest::Plan;

/// Read an event from standard input and print the notification it would become; nothing is written.
///
/// Needs neither a database nor a broker.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq preview < event.json
  echo '{\"event_id\":\"e-1\",\"user_id\":42,\"incentive_type\":\"streak_reward\",\"language\":\"de\",
    \"incentive_data\":{\"streak_count\":7}}' | inq preview --json

Settings: defaults.* (INQ_DEFAULTS__STREAK_REWARD__PRIORITY, ...), localization.* (INQ_LOCALIZATION__DIR, ...).
Exit status: 0 it would become a notification, 1 it would become a dead letter (and why).")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Prints what the event on standard input would become.
///
/// # Errors
/// If it would become a dead letter, with the reason.
#[allow(clippy::unused_async)] // every command is called in the same way
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let planner = planner(&settings)?;
    let payload = read_message(std::io::stdin().lock(), "standard input", planner.max_event_bytes)?;
    let record = record_of(payload);
    let Plan { row, fell_back } = planner.plan(&record, Utc::now()).map_err(|rejection| {
        Failure::Failed(format!(
            "this event would become a dead letter: {}: {}",
            rejection.reason, rejection.detail
        ))
    })?;
    if args.json {
        return output::print_json(&row);
    }
    let due = row
        .scheduled_at
        .map_or_else(|| "at once".to_owned(), |at| time::format(&at));
    let fallback = if fell_back {
        " (no catalogue for the language that was asked for)"
    } else {
        ""
    };
    output::print(&format!(
        "title     {}\nbody      {}\nlanguage  {}{fallback}\ntype      {} (notification_type {})\npriority  {}\ndue       \
         {due}\nuser      {}\nevent     {}\n",
        row.message_title,
        row.message_body.replace('\n', "\n          "),
        row.language,
        row.incentive_type,
        row.notification_type,
        row.priority.get(),
        row.user_id,
        row.event_id,
    ))
}

/// The event as if it had come from the topic just now.
fn record_of(payload: Vec<u8>) -> Record {
    Record {
        topic: String::new(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(payload),
        headers: Vec::new(),
        timestamp: Some(Utc::now()),
    }
}

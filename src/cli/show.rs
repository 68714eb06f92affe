//! `inq show`: one notification and its history.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Failure, output, store};
use crate::config::Settings;
use crate::contract::time;
use crate::store::{HistoryEntry, HistoryKind, Notification, Status, Story};

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

/// Prints one notification and its story.
///
/// # Errors
/// If the database cannot be reached, or there is no such notification.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let (found, name) = match (args.which.id, &args.which.event) {
        (Some(id), _) => (Story::of(store.as_ref(), id).await?, format!("notification {id}")),
        (None, Some(event)) => (
            Story::of_event(store.as_ref(), event).await?,
            format!("notification of the event {event}"),
        ),
        (None, None) => return Err(Failure::Usage("name a notification or an event".to_owned())),
    };
    let shown = found.ok_or_else(|| Failure::Failed(format!("there is no {name}")))?;
    store.close().await;
    if args.json {
        return output::print_json(&shown);
    }
    output::print(&text(&shown.notification, &shown.history))
}

fn text(row: &Notification, history: &[HistoryEntry]) -> String {
    let mut lines = vec![
        format!(
            "notification {}  {}  {} for user {}, priority {}",
            row.id,
            row.status,
            row.incentive_type,
            row.user_id,
            row.priority.get()
        ),
        format!("event         {}", row.event_id),
        format!("title         {}", row.message_title),
    ];
    for (number, line) in row.message_body.lines().enumerate() {
        let label = if number == 0 { "body" } else { "" };
        lines.push(format!("{label:<13} {line}"));
    }
    lines.push(format!("language      {}", row.language));
    if let Some(variant) = &row.variant {
        lines.push(format!("variant       {variant}"));
    }
    lines.push(format!("attempts      {}", row.attempts));
    if let Some(error) = &row.last_error {
        lines.push(format!("last error    {error}"));
    }
    lines.push(String::new());
    let mut story = story(row, history);
    story.sort_by_key(|(at, _)| *at);
    lines.extend(
        story
            .iter()
            .map(|(at, text)| format!("{}  {text}", time::format(at))),
    );
    lines.push(format!("{:24}  {}", "now", standing(row)));
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n") + "\n"
}

/// What happened, with its time. What the row itself knows has no entry in the history.
fn story(row: &Notification, history: &[HistoryEntry]) -> Vec<(DateTime<Utc>, String)> {
    let mut story = vec![
        (row.occurred_at, "the event occurred".to_owned()),
        (row.created_at, "stored".to_owned()),
    ];
    for entry in history {
        if let Some(at) = moment(&entry.detail, "published_at")
            && is_first_of_attempt(entry, history)
        {
            story.push((at, format!("attempt {} was published", entry.attempt)));
        }
        story.push((entry.at, told(entry)));
    }
    let told_already = history
        .iter()
        .any(|entry| entry.attempt == row.attempts && moment(&entry.detail, "published_at").is_some());
    if let Some(at) = row.sent_at
        && !told_already
        && row.attempts > 0
        && row.status == Status::Sent
    {
        story.push((at, format!("attempt {} was published", row.attempts)));
    }
    story
}

/// Whether no entry before tells of the same attempt's publishing.
fn is_first_of_attempt(entry: &HistoryEntry, history: &[HistoryEntry]) -> bool {
    history
        .iter()
        .find(|other| other.attempt == entry.attempt && moment(&other.detail, "published_at").is_some())
        .is_some_and(|first| std::ptr::eq(first, entry))
}

fn moment(detail: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    let text = detail.get(name)?.as_str()?;
    DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}

fn told(entry: &HistoryEntry) -> String {
    let attempt = entry.attempt;
    let detail = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let why = || {
        let words = [detail("error_code"), detail("error_message"), detail("error")];
        let said: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if said.is_empty() {
            "no reason given".to_owned()
        } else {
            said.join(": ")
        }
    };
    match entry.kind {
        HistoryKind::Delivered => format!("attempt {attempt} was delivered"),
        HistoryKind::Opened => "the user opened it".to_owned(),
        HistoryKind::Clicked => "the user followed it".to_owned(),
        HistoryKind::Dismissed => "the user dismissed it".to_owned(),
        HistoryKind::DeliveryFailed => format!(
            "attempt {attempt} failed ({}); the next one is due at {}{}",
            why(),
            detail("retry_at"),
            match entry.detail.get("held").and_then(Value::as_object) {
                Some(held) => format!(", {}", kept_quiet(held)),
                None => String::new(),
            }
        ),
        HistoryKind::DeliveryFailedFinally => format!(
            "attempt {attempt} failed for good ({}): {}",
            why(),
            detail("final_because")
        ),
        HistoryKind::PublishFailed => format!(
            "attempt {attempt} was refused by the broker ({}); the next one is due at {}",
            why(),
            detail("retry_at")
        ),
        HistoryKind::PublishFailedFinally => format!(
            "attempt {attempt} was refused by the broker ({}), and attempts are used up",
            why()
        ),
        HistoryKind::RecoveredAsSent => {
            format!("attempt {attempt} was found to be published after its publisher had died")
        }
        HistoryKind::RecoveredAsPending => {
            format!("attempt {attempt} was not published before its publisher died; it goes out again")
        }
        HistoryKind::Expired => "expired before it left".to_owned(),
        HistoryKind::Held => kept_quiet(&entry.detail),
        HistoryKind::Suppressed => format!(
            "not to be sent: the user has opted out of such notifications (preferences of {})",
            detail("since")
        ),
        HistoryKind::Retried => format!("made due again by {}", detail("by")),
        HistoryKind::Cancelled => format!("cancelled by {}", detail("by")),
    }
}

/// Which quiet hours held it back, and until when.
pub(super) fn kept_quiet(held: &Map<String, Value>) -> String {
    let said = |name: &str| held.get(name).and_then(Value::as_str).unwrap_or_default();
    let days: Vec<_> = held
        .get("days")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let days = match days.len() {
        7 => String::new(),
        _ => format!(" of {}", days.join(", ")),
    };
    format!(
        "held from {} until {}: {} to {}{days} are quiet hours {} in {}",
        said("due_at"),
        said("held_until"),
        said("from"),
        said("to"),
        match said("of") {
            "user" => "of the user".to_owned(),
            "segment" => format!("of the segment {}", said("segment")),
            _ => "of the settings".to_owned(),
        },
        said("timezone"),
    )
}

fn standing(row: &Notification) -> String {
    match row.status {
        Status::Pending => format!("waits until {}", time::format(&row.scheduled_at)),
        Status::Processing => format!("is being published as attempt {}", row.attempts),
        Status::Sent if row.delivered_at.is_some() => "delivered".to_owned(),
        Status::Sent => "published; the notification service has not reported yet".to_owned(),
        other => other.to_string(),
    }
}

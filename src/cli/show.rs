//! `inq show`: one notification and its history.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Failure, output, store};
use crate::config::Settings;
use crate::contract::{Digest, time};
use crate::schedule::{BEST_TIME, DIGEST};
use crate::store::{HistoryEntry, HistoryKind, NOBODY, Notification, Status, Story};

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
    let digest = match &shown.notification.digest_event_id {
        Some(event) => store.notification_of_event(event).await?,
        None => None,
    };
    store.close().await;
    if args.json {
        return output::print_json(&shown);
    }
    output::print(&text(&shown.notification, &shown.history, digest.as_ref()))
}

fn text(row: &Notification, history: &[HistoryEntry], digest: Option<&Notification>) -> String {
    let mut lines = vec![
        format!(
            "notification {}  {}  {} for {}, priority {}",
            row.id,
            row.status,
            row.incentive_type,
            match row.user_id {
                NOBODY => "a user who was forgotten".to_owned(),
                user_id => format!("user {user_id}"),
            },
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
    if let Some(digest) = &row.digest_event_id {
        lines.push(format!("digest        {digest}"));
    }
    if let Ok(digest) = Digest::read(row.incentive_data.get()) {
        lines.extend(parts(&digest));
    }
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
    lines.push(format!("{:24}  {}", "now", standing(row, digest)));
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n") + "\n"
}

/// What a digest tells of.
fn parts(digest: &Digest) -> impl Iterator<Item = String> {
    let labels = std::iter::once("parts").chain(std::iter::repeat(""));
    digest.parts().iter().zip(labels).map(|(part, label)| {
        let points = part.points.map(|points| format!(", {points} points"));
        format!("{label:<13} {}{}", part.event_id, points.unwrap_or_default())
    })
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
        let told = match row.user_id {
            NOBODY => told_in_short(entry),
            _ => told(entry),
        };
        story.push((entry.at, told));
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

/// What is left of an entry when its particulars are gone.
fn told_in_short(entry: &HistoryEntry) -> String {
    format!(
        "{}, attempt {}",
        entry.kind.as_str().replace('_', " "),
        entry.attempt
    )
}

fn told(entry: &HistoryEntry) -> String {
    let attempt = entry.attempt;
    let detail = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let why = || why(&entry.detail);
    match entry.kind {
        HistoryKind::Delivered => format!("attempt {attempt} was delivered"),
        HistoryKind::Opened => "the user opened it".to_owned(),
        HistoryKind::Clicked => "the user followed it".to_owned(),
        HistoryKind::Dismissed => "the user dismissed it".to_owned(),
        HistoryKind::DeliveryFailed => format!(
            "attempt {attempt} failed ({}); the next one {} at {}{}",
            why(),
            match detail("expires_at") {
                "" => "is due".to_owned(),
                expires_at => format!("would come too late, for it expires at {expires_at}: it would be due"),
            },
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
        HistoryKind::Expired => expired(&entry.detail),
        HistoryKind::Held if detail("rule") == BEST_TIME => best_time(&entry.detail),
        HistoryKind::Held if detail("rule") == "cap" => format!(
            "held from {} until {} ({} in {}): {}",
            detail("due_at"),
            detail("held_until"),
            detail("held_until_local"),
            detail("timezone"),
            over_cap(&entry.detail)
        ),
        HistoryKind::Held if detail("rule") == DIGEST => gathered(&entry.detail),
        HistoryKind::Held => kept_quiet(&entry.detail),
        HistoryKind::Digested => {
            let over = entry.detail.get("over").and_then(Value::as_object);
            let why = over.map(|over| format!(", for {}", over_cap(over)));
            format!(
                "told of by the digest {}{}",
                detail("digest"),
                why.unwrap_or_default()
            )
        }
        HistoryKind::Suppressed if detail("rule") == "cap" => format!(
            "not to be sent: at {} {}",
            detail("due_at"),
            over_cap(&entry.detail)
        ),
        HistoryKind::Suppressed if detail("rule") == DIGEST => {
            "not to be sent: events have cancelled all that it told of".to_owned()
        }
        HistoryKind::Suppressed => format!(
            "not to be sent: the user has opted out of such notifications (preferences of {})",
            detail("since")
        ),
        HistoryKind::Retried => format!("made due again by {}", detail("by")),
        HistoryKind::Cancelled => called_off(entry),
        HistoryKind::CancelTooLate => format!(
            "an event cancelled it{}, too late: {}",
            in_parentheses(detail("reason")),
            match detail("was") {
                "processing" => format!("attempt {attempt} was being published; no other follows it"),
                "sent" => format!("attempt {attempt} had been published; no other follows it"),
                "digested" => "its digest had left, or was over".to_owned(),
                was => format!("it was {was} already"),
            }
        ),
    }
}

/// Which of its times ended it.
fn expired(detail: &Map<String, Value>) -> String {
    let (Some(expires_at), Some(due_at)) = (moment(detail, "expires_at"), moment(detail, "due_at")) else {
        return "expired before it left".to_owned();
    };
    let due = if due_at < expires_at {
        format!("it had been due since {}", time::format(&due_at))
    } else {
        "it was not due before".to_owned()
    };
    format!("expired at {} before it left: {due}", time::format(&expires_at))
}

/// Who has cancelled it, and what it was spared.
fn called_off(entry: &HistoryEntry) -> String {
    let detail = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default();
    if detail("requested_at").is_empty() {
        return format!("cancelled by {}", detail("by"));
    }
    let by = format!("cancelled by an event{}", in_parentheses(detail("reason")));
    match detail("was") {
        "processing" => format!("{by}: the attempt in hand was not published, and none follows"),
        "sent" => format!(
            "{by}: attempt {} failed ({}), and none follows",
            entry.attempt,
            why(&entry.detail)
        ),
        _ => by,
    }
}

/// What was said, if anything was.
fn in_parentheses(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

/// What the broker or the service says of a failure.
fn why(detail: &Map<String, Value>) -> String {
    let words = ["error_code", "error_message", "error"];
    let said: Vec<_> = words
        .iter()
        .filter_map(|name| detail.get(*name)?.as_str())
        .filter(|word| !word.is_empty())
        .collect();
    if said.is_empty() {
        "no reason given".to_owned()
    } else {
        said.join(": ")
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

/// Which moment of its window was chosen, and why.
fn best_time(chosen: &Map<String, Value>) -> String {
    let said = |name: &str| chosen.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| chosen.get(name).and_then(Value::as_f64).unwrap_or_default();
    let window = format!("its window, {} to {}", said("from"), said("to"));
    let most = |who: &str| {
        format!(
            "due at {}, in the hour from {:02}:00 in {}, for of {window}, it is when {who} most ({:.1} of {:.1} \
             openings within three hours)",
            said("held_until"),
            number("hour"),
            said("timezone"),
            number("openings"),
            number("of_openings"),
        )
    };
    match said("of") {
        "own" => most("this reader opens"),
        "everybody" => most("readers open"),
        "late" => format!("too late to choose a moment: {window}"),
        "quiet" => format!("no moment to choose: all of {window}, is in quiet hours"),
        _ => format!(
            "due at {}, the first moment that is allowed: no openings tell a better one; {window}",
            said("held_until")
        ),
    }
}

/// What waits for others, and until when.
fn gathered(held: &Map<String, Value>) -> String {
    let said = |name: &str| held.get(name).and_then(Value::as_str).unwrap_or_default();
    if !said("first").is_empty() {
        return format!(
            "begun with the event {} and a second one: more is gathered until {}",
            said("first"),
            said("held_until")
        );
    }
    format!(
        "held from {} until {} ({} in {}): others of its type are gathered with it for {}",
        said("due_at"),
        said("held_until"),
        said("held_until_local"),
        said("timezone"),
        said("window")
    )
}

/// Which cap it is over.
fn over_cap(capped: &Map<String, Value>) -> String {
    let said = |name: &str| capped.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| capped.get(name).and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{} of at most {} {} {} were taken, a cap of the {}",
        number("taken"),
        number("limit"),
        match said("scope") {
            "all" => "notifications".to_owned(),
            kind => format!("{kind} notifications"),
        },
        match said("per") {
            "day" => format!("of the day in {}", said("timezone")),
            window => format!("within {window}"),
        },
        match said("of") {
            "user" => "user".to_owned(),
            "segment" => format!("segment {}", said("segment")),
            _ => "settings".to_owned(),
        },
    )
}

/// How it stands; of what a digest tells, how that stands.
fn standing(row: &Notification, digest: Option<&Notification>) -> String {
    match row.status {
        Status::Pending if row.expires_at.is_some_and(|at| at <= row.scheduled_at) => format!(
            "will not leave any more: it expires at {}, before it may",
            time::format(&row.scheduled_at)
        ),
        Status::Pending => format!("waits until {}", time::format(&row.scheduled_at)),
        Status::Processing => format!("is being published as attempt {}", row.attempts),
        Status::Sent if row.delivered_at.is_some() => "delivered".to_owned(),
        Status::Sent => "published; the notification service has not reported yet".to_owned(),
        Status::Digested => match &row.digest_event_id {
            Some(told_by) => {
                let how = digest.map(|digest| format!(" ({})", standing(digest, None)));
                format!(
                    "digested: the digest {told_by} tells of it{}",
                    how.unwrap_or_default()
                )
            }
            None => Status::Digested.to_string(),
        },
        other => other.to_string(),
    }
}

//! How a notification stands, in words, and why it has not arrived. "It" goes before them.

use chrono::{DateTime, Utc};

use super::clock::{Clock, text};
use crate::schedule::{DIGEST, ERASURE};
use crate::store::{HistoryEntry, HistoryKind, Notification, Status};

/// As the row alone tells it: who lists many reads neither their histories nor their digests.
pub(super) fn standing(row: &Notification, clock: Clock, now: DateTime<Utc>) -> String {
    let attempts = match row.attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    };
    let why = row
        .last_error
        .as_deref()
        .map_or_else(String::new, |error| format!(": {error}"));
    match row.status {
        Status::Pending => pending(row, clock, now),
        Status::Processing => format!("is being published as attempt {}", row.attempts),
        Status::Sent => match row.delivered_at {
            Some(at) => format!("was delivered at {}", clock.time(at)),
            None if was_seen(row) => "was delivered: the user has seen it".to_owned(),
            None => "was published; the notification service has not reported yet".to_owned(),
        },
        Status::Failed => format!("has failed after {attempts}, and no other follows{why}"),
        Status::Cancelled if row.attempts > 0 => "was called off: no other attempt follows".to_owned(),
        Status::Cancelled => "was called off before it left".to_owned(),
        Status::Expired => "expired before it left".to_owned(),
        Status::Suppressed => "is not to be sent".to_owned(),
        Status::Digested => match &row.digest_event_id {
            Some(event) => format!("is told of by the digest {event}"),
            None => "is told of by a digest".to_owned(),
        },
    }
}

/// Whether the notification service has told what the user did with it.
fn was_seen(row: &Notification) -> bool {
    [row.opened_at, row.clicked_at, row.dismissed_at]
        .iter()
        .any(Option::is_some)
}

/// As the history tells it too, and the digest that tells of it, if there is one.
pub(super) fn standing_in_full(
    row: &Notification,
    history: &[HistoryEntry],
    digest: Option<&Notification>,
    clock: Clock,
    now: DateTime<Utc>,
) -> String {
    let stands = standing(row, clock, now);
    match (row.status, digest) {
        (Status::Suppressed, _) => match rule_against(history) {
            None => stands,
            Some("cap") => format!("{stands}: the user gets enough notifications without it"),
            Some(ERASURE) => format!("{stands}: the user has asked for erasure"),
            Some(DIGEST) => format!("{stands}: events have cancelled all that it told of"),
            Some(_) => format!("{stands}: the user has opted out of such notifications"),
        },
        (Status::Digested, Some(digest)) => format!(
            "{stands} (notification {}), which {}",
            digest.id,
            standing(digest, clock, now)
        ),
        _ => stands,
    }
}

fn pending(row: &Notification, clock: Clock, now: DateTime<Utc>) -> String {
    if let Some(expires_at) = row.expires_at.filter(|at| *at <= row.scheduled_at) {
        return format!(
            "will not leave any more: it expires at {}, before it may",
            clock.time(expires_at)
        );
    }
    let waits = if row.scheduled_at > now {
        format!("waits until {}", clock.time(row.scheduled_at))
    } else {
        "is due, and leaves when its turn comes".to_owned()
    };
    if row.attempts == 0 {
        return waits;
    }
    let why = row.last_error.as_deref().unwrap_or("no reason given");
    format!("{waits}: attempt {} failed ({why})", row.attempts)
}

/// The rule by which it is not to be sent.
fn rule_against(history: &[HistoryEntry]) -> Option<&str> {
    let entry = history
        .iter()
        .rfind(|entry| entry.kind == HistoryKind::Suppressed)?;
    Some(text(&entry.detail, "rule")).filter(|rule| !rule.is_empty())
}

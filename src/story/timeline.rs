//! What happened to a notification, in its order.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::clock::{Clock, moment};
use super::words::{told, told_in_short};
use crate::contract::time;
use crate::store::{HistoryEntry, HistoryKind, NOBODY, Notification, Status, Story};

/// Something that happened, in words.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Moment {
    /// When.
    #[serde(serialize_with = "time::serialize")]
    pub at: DateTime<Utc>,
    /// The same by the clock on the reader's wall; null where no time zone is known.
    pub at_local: Option<String>,
    /// What: an entry of the history, or what the row itself knows.
    pub told: String,
}

/// All of it, the oldest first. `first` is the first part of a digest: its time is the digest's, and so is what moved it.
pub(super) fn timeline(
    row: &Notification,
    history: &[HistoryEntry],
    first: Option<&Story>,
    clock: Clock,
) -> Vec<Moment> {
    let mut happened = vec![
        (row.occurred_at, "the event occurred".to_owned()),
        (row.created_at, "stored".to_owned()),
    ];
    for (first, entry) in first.into_iter().flat_map(what_moved) {
        let event = &first.notification.event_id;
        happened.push((
            entry.at,
            format!("its first part, {event}: {}", told(entry, clock)),
        ));
    }
    for entry in history {
        if let Some(at) = moment(&entry.detail, "published_at")
            && is_first_of_attempt(entry, history)
        {
            happened.push((at, format!("attempt {} was published", entry.attempt)));
        }
        let told = match row.user_id {
            NOBODY => told_in_short(entry),
            _ => told(entry, clock),
        };
        happened.push((entry.at, told));
    }
    let told_already = history
        .iter()
        .any(|entry| entry.attempt == row.attempts && moment(&entry.detail, "published_at").is_some());
    if let Some(at) = row.sent_at
        && !told_already
        && row.attempts > 0
        && row.status == Status::Sent
    {
        happened.push((at, format!("attempt {} was published", row.attempts)));
    }
    happened.sort_by_key(|(at, _)| *at);
    let moment = |(at, told)| Moment {
        at,
        at_local: clock.local(at),
        told,
    };
    happened.into_iter().map(moment).collect()
}

/// What a first part was held back by, before it was a part.
fn what_moved(first: &Story) -> impl Iterator<Item = (&Story, &HistoryEntry)> {
    let held = first
        .history
        .iter()
        .filter(|entry| entry.kind == HistoryKind::Held);
    held.map(move |entry| (first, entry))
}

/// Whether no entry before tells of the same attempt's publishing.
fn is_first_of_attempt(entry: &HistoryEntry, history: &[HistoryEntry]) -> bool {
    history
        .iter()
        .find(|other| other.attempt == entry.attempt && moment(&other.detail, "published_at").is_some())
        .is_some_and(|first| std::ptr::eq(first, entry))
}

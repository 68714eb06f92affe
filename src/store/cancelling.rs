//! What a cancel does to its notification: decided without I/O, the same on every database.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::notification::HistoryKind;
use super::{Result, Status, columns};
use crate::contract::{Cancellation, time};
use crate::measures;

/// What became of a cancel when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The notification had not left, and does not.
    Cancelled,
    /// It had left, was about to, or had ended otherwise. The history says so, and it does not leave again by itself.
    TooLate,
    /// There is no such notification yet: once its event comes it is cancelled.
    Remembered,
    /// The same cancel has come before, or the notification was cancelled already. Nothing changed.
    Repeat,
    /// The notification is another user's. Nothing changed, and nothing is remembered.
    NotTheirs,
}

impl CancelOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Cancelled,
        Self::TooLate,
        Self::Remembered,
        Self::Repeat,
        Self::NotTheirs,
    ];

    /// Its name in metrics and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TooLate => "too_late",
            Self::Remembered => "remembered",
            Self::Repeat => "repeat",
            Self::NotTheirs => "not_theirs",
        }
    }

    /// So many more came out so.
    pub(crate) fn count(self, more: u64) {
        metrics::counter!(measures::CANCELLATIONS.name, "outcome" => self.as_str()).increment(more);
    }
}

/// A cancel that has not met its notification.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waiting {
    pub event_id: String,
    pub user_id: i64,
    came_at: DateTime<Utc>,
    occurred_at: Option<DateTime<Utc>>,
    reason: Option<String>,
}

/// The columns that [`waiting`] reads.
pub(super) const WAITING: &str = "event_id, user_id, came_at, occurred_at, reason";

pub(super) fn waiting(row: &impl Columns) -> Result<Waiting> {
    Ok(Waiting {
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        came_at: row.time("came_at")?,
        occurred_at: row.time_or_null("occurred_at")?,
        reason: row.text_or_null("reason")?,
    })
}

/// A notification as far as cancels are concerned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub id: i64,
    pub event_id: String,
    user_id: i64,
    status: Status,
    attempts: u32,
}

/// The columns that [`target`] reads.
pub(super) const TARGET: &str = "id, event_id, user_id, status, attempts";

pub(super) fn target(row: &impl Columns) -> Result<Target> {
    Ok(Target {
        id: row.int("id")?,
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        status: columns::status(row)?,
        attempts: columns::small(row, "attempts")?,
    })
}

/// An entry for the history of a notification.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub id: i64,
    pub kind: HistoryKind,
    pub attempt: u32,
    pub detail: String,
}

/// What is to be written of cancels and their notifications.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Orders {
    /// Of each cancel, in their order.
    pub outcomes: Vec<CancelOutcome>,
    /// Notifications that become `cancelled`.
    pub cancel: Vec<i64>,
    /// Notifications that are not to leave again.
    pub mark: Vec<i64>,
    /// For the histories.
    pub told: Vec<Told>,
    /// Events whose cancels have met their notifications.
    pub met: Vec<String>,
}

impl Orders {
    /// How many cancels came out so.
    pub(super) fn count(&self, outcome: CancelOutcome) -> u64 {
        let found = self.outcomes.iter().filter(|each| **each == outcome).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    }
}

/// Decides what these cancels do to those of their notifications that there are.
pub(super) fn orders(waiting: &[Waiting], targets: &[Target]) -> Orders {
    let mut orders = Orders::default();
    let targets: HashMap<&str, &Target> = targets
        .iter()
        .map(|target| (target.event_id.as_str(), target))
        .collect();
    for cancel in waiting {
        let Some(target) = targets.get(cancel.event_id.as_str()) else {
            orders.outcomes.push(CancelOutcome::Remembered);
            continue;
        };
        if target.user_id != cancel.user_id {
            orders.outcomes.push(CancelOutcome::NotTheirs);
            continue;
        }
        orders.met.push(cancel.event_id.clone());
        let (outcome, kind) = match target.status {
            Status::Pending => (CancelOutcome::Cancelled, HistoryKind::Cancelled),
            Status::Cancelled => {
                orders.outcomes.push(CancelOutcome::Repeat);
                continue;
            }
            _ => (CancelOutcome::TooLate, HistoryKind::CancelTooLate),
        };
        orders.outcomes.push(outcome);
        match target.status {
            Status::Pending => orders.cancel.push(target.id),
            // What can come back by itself.
            Status::Processing | Status::Sent => orders.mark.push(target.id),
            _ => {}
        }
        orders.told.push(Told {
            id: target.id,
            kind,
            attempt: target.attempts,
            detail: Value::Object(detail(cancel, target.status)).to_string(),
        });
    }
    orders.cancel.sort_unstable();
    orders.mark.sort_unstable();
    orders.told.sort_by_key(|told| told.id);
    orders
}

/// For the history: how the notification stood, when the cancel came, and what it said.
fn detail(cancel: &Waiting, was: Status) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("by".to_owned(), BY_EVENT.into());
    detail.insert("was".to_owned(), was.as_str().into());
    detail.insert("requested_at".to_owned(), time::format(&cancel.came_at).into());
    if let Some(occurred_at) = &cancel.occurred_at {
        detail.insert("occurred_at".to_owned(), time::format(occurred_at).into());
    }
    if let Some(reason) = &cancel.reason {
        detail.insert("reason".to_owned(), reason.as_str().into());
    }
    detail
}

/// Who has cancelled, where no person has.
pub(crate) const BY_EVENT: &str = "event";

/// Each cancel once, in an order in which two who write them do not wait for each other. Of several of one event by one
/// user the first counts.
pub(super) fn distinct(cancellations: &[Cancellation]) -> Vec<&Cancellation> {
    let mut distinct: BTreeMap<(&str, i64), &Cancellation> = BTreeMap::new();
    for cancel in cancellations {
        distinct
            .entry((&cancel.event_id, cancel.user_id))
            .or_insert(cancel);
    }
    distinct.into_values().collect()
}

/// What became of each of these, some of which have not been there before.
pub(super) fn each(
    cancellations: &[Cancellation],
    waiting: &[Waiting],
    outcomes: &[CancelOutcome],
) -> Vec<CancelOutcome> {
    let mut news: HashMap<(&str, i64), CancelOutcome> = waiting
        .iter()
        .zip(outcomes)
        .map(|(cancel, outcome)| ((cancel.event_id.as_str(), cancel.user_id), *outcome))
        .collect();
    cancellations
        .iter()
        .map(|cancel| {
            let found = news.get_mut(&(cancel.event_id.as_str(), cancel.user_id));
            found.map_or(CancelOutcome::Repeat, |outcome| match *outcome {
                // What is refused is refused each time.
                CancelOutcome::NotTheirs => CancelOutcome::NotTheirs,
                _ => std::mem::replace(outcome, CancelOutcome::Repeat),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;

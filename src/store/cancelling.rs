//! What a cancel does to its notification: decided without I/O, the same on every database.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::notification::HistoryKind;
use super::{NewNotification, Result, Retelling, Status, columns};
use crate::contract::{Cancellation, time};
use crate::measures;
use crate::schedule::DIGEST;

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
    digest_event_id: Option<String>,
}

/// The columns that [`target`] reads.
pub(super) const TARGET: &str = "id, event_id, user_id, status, attempts, digest_event_id";

pub(super) fn target(row: &impl Columns) -> Result<Target> {
    Ok(Target {
        id: row.int("id")?,
        event_id: row.text("event_id")?,
        user_id: row.int("user_id")?,
        status: columns::status(row)?,
        attempts: columns::small(row, "attempts")?,
        digest_event_id: row.text_or_null("digest_event_id")?,
    })
}

/// The events of the digests that tell of some of these.
pub(super) fn digests_of(targets: &[Target]) -> Vec<&str> {
    let told = targets.iter().filter(|target| target.status == Status::Digested);
    let mut digests: Vec<&str> = told
        .filter_map(|target| target.digest_event_id.as_deref())
        .collect();
    digests.sort_unstable();
    digests.dedup();
    digests
}

/// Digests that have not left, and do not meanwhile.
pub(super) struct Digests<'r> {
    retelling: &'r dyn Retelling,
    /// By their events.
    open: BTreeMap<String, (i64, NewNotification)>,
    /// Events of the parts that were taken out, by those of their digests.
    taken_out: BTreeMap<String, Vec<String>>,
}

impl<'r> Digests<'r> {
    pub(super) fn new(open: Vec<(i64, NewNotification)>, retelling: &'r dyn Retelling) -> Self {
        let by_event = |(id, row): (i64, NewNotification)| (row.event_id.clone(), (id, row));
        Self {
            retelling,
            open: open.into_iter().map(by_event).collect(),
            taken_out: BTreeMap::new(),
        }
    }

    /// Takes a part out of its digest, if that has not left. A digest of nothing is not to be sent, whoever asks for it.
    fn take_out(&mut self, part: &Target) -> bool {
        let digest = part.digest_event_id.as_ref();
        let found = digest.and_then(|event| Some((event, self.open.get_mut(event)?)));
        let Some((event, (_, row))) = found else {
            return false;
        };
        *row = self
            .retelling
            .without(row.clone(), &part.event_id)
            .unwrap_or_else(|| NewNotification {
                status: Status::Suppressed,
                incentive_data: "{}".to_owned(),
                ..row.clone()
            });
        let taken_out = self.taken_out.entry(event.clone()).or_default();
        taken_out.push(part.event_id.clone());
        true
    }

    /// Those of which something was taken out, each with the events of that.
    fn changed(self) -> impl Iterator<Item = (i64, NewNotification, Vec<String>)> {
        let Self {
            open, mut taken_out, ..
        } = self;
        open.into_iter()
            .filter_map(move |(event, (id, row))| Some((id, row, taken_out.remove(&event)?)))
    }
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
    /// Digests that tell of fewer, with their ids.
    pub rewrite: Vec<(i64, NewNotification)>,
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
pub(super) fn orders(waiting: &[Waiting], targets: &[Target], mut digests: Option<Digests<'_>>) -> Orders {
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
        let taken_out = target.status == Status::Digested
            && digests.as_mut().is_some_and(|digests| digests.take_out(target));
        let (outcome, kind) = match target.status {
            _ if taken_out || target.status == Status::Pending => {
                (CancelOutcome::Cancelled, HistoryKind::Cancelled)
            }
            Status::Cancelled => {
                orders.outcomes.push(CancelOutcome::Repeat);
                continue;
            }
            _ => (CancelOutcome::TooLate, HistoryKind::CancelTooLate),
        };
        orders.outcomes.push(outcome);
        match target.status {
            _ if outcome == CancelOutcome::Cancelled => orders.cancel.push(target.id),
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
    for (id, row, parts) in digests.into_iter().flat_map(Digests::changed) {
        orders.told.push(Told {
            id,
            kind: match row.status {
                Status::Suppressed => HistoryKind::Suppressed,
                _ => HistoryKind::PartCancelled,
            },
            attempt: 0,
            detail: serde_json::json!({ "by": BY_EVENT, "rule": DIGEST, "parts": parts }).to_string(),
        });
        orders.rewrite.push((id, row));
    }
    orders.rewrite.sort_by_key(|(id, _)| *id);
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

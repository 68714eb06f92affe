//! Which notifications a person means, and what a person can do with them.

use std::fmt;

use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::{Database, Encode, Type};

use super::bounds;
use super::forget::NOBODY;
use super::notification::{HistoryKind, Notification, Status};
use crate::contract::{IncentiveType, Priority, time};

/// Which notifications: those that everything said here applies to; where nothing is said, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these; empty: any.
    pub ids: Vec<i64>,
    /// The one of this event.
    pub event_id: Option<String>,
    /// Those of this user.
    pub user_id: Option<i64>,
    /// Those that reward this.
    pub incentive_type: Option<IncentiveType>,
    /// Those that stand so.
    pub status: Option<Status>,
    /// Those that are so urgent.
    pub priority: Option<Priority>,
    /// Stored then or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Stored before then.
    pub created_to: Option<DateTime<Utc>>,
}

impl Filter {
    /// The notification of that id.
    #[must_use]
    pub fn id(id: i64) -> Self {
        Self {
            ids: vec![id],
            ..Self::default()
        }
    }

    /// Whether it says nothing, and so means every notification.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// As conditions by the names that the API has for them: `user_id=42 status=failed`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| format!("{text:?}");
        let ids: Vec<String> = self.ids.iter().map(i64::to_string).collect();
        let said = [
            ("ids", (!ids.is_empty()).then(|| ids.join(","))),
            ("event_id", self.event_id.as_deref().map(text)),
            ("user_id", self.user_id.map(|id| id.to_string())),
            ("incentive_type", self.incentive_type.map(|kind| kind.to_string())),
            ("status", self.status.map(|status| status.to_string())),
            (
                "priority",
                self.priority.map(|priority| priority.get().to_string()),
            ),
            ("created_from", self.created_from.as_ref().map(time::format)),
            ("created_to", self.created_to.as_ref().map(time::format)),
        ];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        f.write_str(&said.collect::<Vec<_>>().join(" "))
    }
}

/// What a person does with notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// What has failed, was cancelled or waits for another attempt becomes due now.
    Retry,
    /// What is pending does not leave.
    Cancel,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
        })
    }
}

impl Change {
    /// What the history calls it.
    pub(super) const fn kind(self) -> HistoryKind {
        match self {
            Self::Retry => HistoryKind::Retried,
            Self::Cancel => HistoryKind::Cancelled,
        }
    }

    /// Why it does not apply to a notification, for people, and what to do instead. `digest` is the notification that tells of
    /// this one.
    #[must_use]
    pub fn refusal(self, row: &Notification, digest: Option<i64>) -> String {
        let (id, status) = (row.id, row.status);
        if status == Status::Digested
            && let (Some(event), Some(digest)) = (&row.digest_event_id, digest)
        {
            let told = format!(
                "notification {id} is digested: the digest {event} (notification {digest}) tells of it"
            );
            return match self {
                Self::Retry => {
                    format!("{told}; retry notification {digest} once it has failed or was cancelled")
                }
                Self::Cancel => format!(
                    "{told}; cancel notification {digest} for all that it tells of, or send an event with action \"cancel\" and \
                     event_id {:?} for this one alone",
                    row.event_id
                ),
            };
        }
        match (self, status) {
            (Self::Retry, _) if row.user_id == NOBODY => {
                format!("notification {id} is of a user who was forgotten: there is nobody to send it to")
            }
            (Self::Cancel, Status::Processing) => {
                format!("notification {id} is being published: it cannot be called back")
            }
            (Self::Cancel, Status::Sent) => {
                format!("notification {id} was sent: it cannot be called back")
            }
            (Self::Retry, Status::Pending) if row.attempts == 0 => {
                format!("notification {id} is pending and leaves by itself")
            }
            (_, Status::Pending) | (Self::Retry, Status::Failed | Status::Cancelled) => {
                format!("notification {id} was in other hands a moment ago: try again")
            }
            (Self::Cancel, _) => format!("notification {id} is {status} already"),
            (Self::Retry, _) => format!(
                "notification {id} is {status}: only one that has failed, was cancelled or waits for another attempt \
                 is retried"
            ),
        }
    }

    /// What a row must be for it.
    pub(super) const fn applies_where(self) -> &'static str {
        match self {
            // What was made anonymous has nobody to go to.
            Self::Retry => {
                "user_id > 0 AND (status IN ('failed', 'cancelled') OR (status = 'pending' AND attempts > 0))"
            }
            Self::Cancel => "status = 'pending'",
        }
    }
}

/// What [`super::Store::change`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Rows that were changed.
    pub changed: u64,
    /// The highest id that was looked at, to go on after it; `None`: nothing was left.
    pub last: Option<i64>,
}

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Int(i64),
    Text(String),
}

/// A statement of a database, to which values are bound.
type Statement<'q, DB> = Query<'q, DB, <DB as Database>::Arguments>;

/// A condition with its values, as both databases read it.
#[derive(Debug)]
pub(super) struct Condition {
    parts: Vec<String>,
    values: Vec<Bound>,
}

impl Condition {
    pub(super) fn new(filter: &Filter) -> Self {
        let mut condition = Self {
            parts: Vec::new(),
            values: Vec::new(),
        };
        if !filter.ids.is_empty() {
            condition.parts.push(super::ids::id_in(filter.ids.len()));
            condition
                .values
                .extend(super::ids::bound(&filter.ids).map(Bound::Int));
        }
        if let Some(event_id) = &filter.event_id {
            condition.and("event_id = ?", Bound::Text(event_id.clone()));
        }
        if let Some(user_id) = filter.user_id {
            condition.and("user_id = ?", Bound::Int(user_id));
        }
        if let Some(kind) = filter.incentive_type {
            condition.and("incentive_type = ?", Bound::Text(kind.to_string()));
        }
        if let Some(status) = filter.status {
            condition.and("status = ?", Bound::Text(status.to_string()));
        }
        if let Some(priority) = filter.priority {
            condition.and("priority = ?", Bound::Int(priority.get().into()));
        }
        if let Some(from) = filter.created_from {
            condition.and("created_at >= ?", Bound::Text(time_text(from)));
        }
        if let Some(to) = filter.created_to {
            condition.and("created_at < ?", Bound::Text(time_text(to)));
        }
        condition
    }

    /// One more part, with its value.
    pub(super) fn and(&mut self, part: &str, value: Bound) {
        self.parts.push(part.to_owned());
        self.values.push(value);
    }

    /// Only rows to which the change applies.
    pub(super) fn and_applies(&mut self, change: Option<Change>) {
        self.parts
            .extend(change.map(|change| change.applies_where().to_owned()));
    }

    /// The statement for [`super::Store::notifications`]; the limit is bound last.
    pub(super) fn page(filter: &Filter, before: Option<i64>) -> (Self, String) {
        let mut condition = Self::new(filter);
        if let Some(before) = before {
            condition.and("id < ?", Bound::Int(before));
        }
        let text = format!(
            "SELECT * FROM incentive_notify_queue WHERE {} ORDER BY id DESC LIMIT ?",
            condition.text()
        );
        (condition, text)
    }

    /// The statement for [`super::Store::count`].
    pub(super) fn counted(filter: &Filter, change: Option<Change>) -> (Self, String) {
        let mut condition = Self::new(filter);
        condition.and_applies(change);
        let text = format!(
            "SELECT COUNT(*) AS found FROM incentive_notify_queue WHERE {}",
            condition.text()
        );
        (condition, text)
    }

    /// The ids of the rows that [`super::Store::change`] looks at; the limit is bound last.
    pub(super) fn candidates(filter: &Filter, change: Change, after: i64) -> (Self, String) {
        let mut condition = Self::new(filter);
        condition.and_applies(Some(change));
        condition.and("id > ?", Bound::Int(after));
        let text = format!(
            "SELECT id FROM incentive_notify_queue WHERE {} ORDER BY id LIMIT ?",
            condition.text()
        );
        (condition, text)
    }

    /// The query with the values bound, in the order of their places in [`Self::text`].
    pub(super) fn bind_to<'q, DB: Database>(&self, mut query: Statement<'q, DB>) -> Statement<'q, DB>
    where
        i64: Encode<'q, DB> + Type<DB>,
        String: Encode<'q, DB> + Type<DB>,
    {
        for value in &self.values {
            query = match value {
                Bound::Int(number) => query.bind(*number),
                Bound::Text(text) => query.bind(text.clone()),
            };
        }
        query
    }

    /// For behind `WHERE`.
    pub(super) fn text(&self) -> String {
        if self.parts.is_empty() {
            "TRUE".to_owned()
        } else {
            self.parts.join(" AND ")
        }
    }
}

/// A time as both databases compare it.
pub(super) fn time_text(time: DateTime<Utc>) -> String {
    bounds::cut(time).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_no_condition() {
        assert_eq!(Condition::new(&Filter::default()).text(), "TRUE");
        assert!(Filter::default().is_empty());
        assert!(!Filter::id(1).is_empty());
    }

    #[test]
    fn a_filter_is_told_in_the_words_of_the_api() {
        let moment = DateTime::from_timestamp_millis(1_775_000_000_123);
        let filter = Filter {
            ids: vec![3, 4],
            event_id: Some("a \"b\"\n".to_owned()),
            user_id: Some(7),
            incentive_type: Some(IncentiveType::PointEarning),
            status: Some(Status::Failed),
            priority: Priority::new(4).ok(),
            created_from: moment,
            created_to: moment,
        };
        assert_eq!(
            filter.to_string(),
            "ids=3,4 event_id=\"a \\\"b\\\"\\n\" user_id=7 incentive_type=point_earning status=failed priority=4 \
             created_from=2026-03-31T23:33:20.123Z created_to=2026-03-31T23:33:20.123Z"
        );
    }

    #[test]
    fn everything_that_is_said_must_hold() {
        let filter = Filter {
            user_id: Some(7),
            status: Some(Status::Failed),
            ..Filter::id(3)
        };
        let mut condition = Condition::new(&filter);
        condition.and_applies(Some(Change::Cancel));
        assert_eq!(
            condition.text(),
            "id IN (?) AND user_id = ? AND status = ? AND status = 'pending'"
        );
        assert_eq!(
            condition.values,
            [Bound::Int(3), Bound::Int(7), Bound::Text("failed".to_owned())]
        );
    }
}

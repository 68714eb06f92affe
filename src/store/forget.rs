//! Forgetting a user: what is asked, how far it is, and what every database does about it.
//!
//! A row is made anonymous, not removed: the figures count it as before, and nothing in it tells whose it was. What stays
//! is what `/v1/engagement` counts by (type, language, variant, priority, device, times), the channel, and the row's id.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::columns::{Columns, count};
use super::{Preferences, Result, ids};
use crate::contract::time;

/// Whose the anonymous rows are: no user of the contract has this id.
pub const NOBODY: i64 = 0;

/// That somebody is to be forgotten, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forgetting {
    /// Who.
    pub user_id: i64,
    /// What occurred or was stored until then goes, and is not stored when it comes again.
    #[serde(serialize_with = "time::serialize")]
    pub as_of: DateTime<Utc>,
    /// When it was asked for.
    #[serde(serialize_with = "time::serialize")]
    pub requested_at: DateTime<Utc>,
    /// By whom.
    pub requested_by: String,
    /// When nothing was left in the database; null while something is.
    #[serde(serialize_with = "time::serialize_option")]
    pub erased_at: Option<DateTime<Utc>>,
    /// When nothing was left in the archive either; null before.
    #[serde(serialize_with = "time::serialize_option")]
    pub done_at: Option<DateTime<Utc>>,
}

/// Which of a user's rows are made anonymous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that would leave: they are cancelled.
    Pending,
    /// Those and all others, but for those that a claim holds.
    Free,
}

/// Who waits to be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingToBeForgotten {
    /// Users with something left in the database.
    pub rows: u64,
    /// How long the first of them has waited.
    pub rows_for: Duration,
    /// Users with nothing left but, perhaps, lines of the archive.
    pub archive: u64,
    /// How long the first of them has waited.
    pub archive_for: Duration,
}

impl WaitingToBeForgotten {
    /// Whether anybody waits.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.rows > 0 || self.archive > 0
    }
}

/// What is known of the readers of a batch of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readers {
    /// What they want.
    pub preferences: Preferences,
    /// Those who were forgotten, as of when.
    pub forgotten: BTreeMap<i64, DateTime<Utc>>,
}

/// The part of [`super::Store`] that forgets.
#[async_trait]
pub trait Forget: Send + Sync {
    /// Writes down that this user is to be forgotten as of now, and takes their preferences away, in one transaction. Who
    /// has asked before is asked for anew.
    async fn request_forgetting(&self, user_id: i64, by: &str) -> Result<Forgetting>;

    /// Of each of these users the earliest moment of which anything is known: a row, preferences, a cancel, or an erasure. Of whom
    /// nothing is known is not there.
    async fn known_since(&self, users: &[i64]) -> Result<BTreeMap<i64, DateTime<Utc>>>;

    /// How far it is with this user; `None` where nobody has asked, or it was so long ago that this is forgotten too.
    async fn forgetting(&self, user_id: i64) -> Result<Option<Forgetting>>;

    /// The next user, in the order of their ids and beyond `after`, of whom something may be left in the database.
    async fn next_to_forget(&self, after: i64) -> Result<Option<Forgetting>>;

    /// Makes at most `limit` of the user's rows anonymous, in one transaction, with their histories; returns how many.
    async fn anonymise(&self, of: &Forgetting, which: Which, limit: u32) -> Result<u64>;

    /// Notes that nothing of the user is left in the database, and with `done` that nothing is left at all, if that is so
    /// and the request is older than `grace`, in which those who store events may not have heard of it. Returns whether it
    /// is noted.
    async fn note_erased(&self, of: &Forgetting, grace: Duration, done: bool) -> Result<bool>;

    /// Those of whom nothing is left in the database and something may be in the archive; at most `limit`.
    async fn erased(&self, limit: u32) -> Result<Vec<Forgetting>>;

    /// Notes that nothing of them is left at all; returns of how many, for who has asked anew meanwhile is not among them.
    async fn note_forgotten(&self, of: &[Forgetting]) -> Result<u64>;

    /// Looks once more at those who were forgotten, in the order of their ids and beyond `after`, at most `limit`: whose
    /// rows have slipped in is to be forgotten again. Returns the last id that was looked at; `None`: there was none.
    async fn look_again(&self, after: i64, limit: u32) -> Result<Option<i64>>;

    /// Removes the requests, and what is left of preferences, of those who were forgotten longer ago than `kept`: at most
    /// `limit`. Returns how many.
    async fn let_go(&self, kept: Duration, limit: u32) -> Result<u64>;

    /// Who waits.
    async fn waiting_to_be_forgotten(&self) -> Result<WaitingToBeForgotten>;
}

/// What else is kept of a user, by `user_id`: of the cancels those that came until then.
pub(super) const BESIDE: [&str; 3] = [
    "DELETE FROM incentive_notify_cancellations WHERE user_id = ? AND came_at <= ?",
    "DELETE FROM incentive_notify_readers WHERE user_id = ? AND ? IS NOT NULL",
    "DELETE FROM user_habits WHERE user_id = ? AND ? IS NOT NULL",
];

/// The earliest moment of which anything is known of so many users, each of them bound four times; `earlier` is the function that
/// tells the earlier of two times.
pub(super) fn known_since_text(users: usize, earlier: &str) -> String {
    let these = ids::column_in("user_id", users);
    format!(
        "SELECT user_id, MIN(known) AS known_since FROM (\
         SELECT user_id, {earlier}(occurred_at, created_at) AS known FROM incentive_notify_queue WHERE {these} \
         UNION ALL SELECT user_id, updated_at FROM user_preferences WHERE {these} \
         UNION ALL SELECT user_id, came_at FROM incentive_notify_cancellations WHERE {these} \
         UNION ALL SELECT user_id, as_of FROM incentive_notify_forgotten WHERE {these}) AS all_known GROUP BY user_id"
    )
}

/// The columns that [`forgetting`] reads.
pub(super) const FORGETTING: &str = "user_id, as_of, requested_at, requested_by, erased_at, done_at";

/// A request.
pub(super) fn forgetting(row: &impl Columns) -> Result<Forgetting> {
    Ok(Forgetting {
        user_id: row.int("user_id")?,
        as_of: row.time("as_of")?,
        requested_at: row.time("requested_at")?,
        requested_by: row.text("requested_by")?,
        erased_at: row.time_or_null("erased_at")?,
        done_at: row.time_or_null("done_at")?,
    })
}

/// The statement for [`Forget::waiting_to_be_forgotten`]; `milliseconds` makes an age of the earliest time of a kind.
pub(super) fn waiting_text(milliseconds: impl Fn(&str) -> String) -> String {
    let age = |condition: &str| {
        milliseconds(&format!(
            "MIN(CASE WHEN erased_at IS {condition} THEN requested_at END)"
        ))
    };
    format!(
        "SELECT COUNT(CASE WHEN erased_at IS NULL THEN 1 END) AS in_rows, {} AS rows_for, \
         COUNT(erased_at) AS in_archive, {} AS archive_for \
         FROM incentive_notify_forgotten WHERE done_at IS NULL",
        age("NULL"),
        age("NOT NULL")
    )
}

/// A row of [`waiting_text`].
pub(super) fn waiting(row: &impl Columns) -> Result<WaitingToBeForgotten> {
    let age = |column| -> Result<Duration> {
        let milliseconds = row.int_or_null(column)?.unwrap_or(0);
        Ok(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)))
    };
    Ok(WaitingToBeForgotten {
        rows: count(row, "in_rows")?,
        rows_for: age("rows_for")?,
        archive: count(row, "in_archive")?,
        archive_for: age("archive_for")?,
    })
}

/// Which rows of a user go, `as_of` being bound twice.
pub(super) const OF_BEFORE: &str = "user_id = ? AND (occurred_at <= ? OR created_at <= ?)";

impl Which {
    /// The statuses that it means, as a condition.
    pub(super) const fn condition(self) -> &'static str {
        match self {
            Self::Pending => "status = 'pending'",
            Self::Free => "status <> 'processing'",
        }
    }
}

/// Who asks, as far as the column holds it.
pub(super) fn requester(by: &str) -> String {
    by.chars().take(255).collect()
}

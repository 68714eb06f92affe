//! What became of notifications, counted by groups.

use serde::Serialize;
use utoipa::ToSchema;

use super::Result;
use super::columns::{Columns, count};

/// By what notifications are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum GroupBy {
    /// What is rewarded.
    #[schema(rename = "type")]
    IncentiveType,
    /// The language of the texts.
    Language,
    /// The message and the wording of its texts, as `streak_reward--short`, where the message has several.
    Variant,
    /// How urgent they are.
    Priority,
    /// What they were read on, as the notification service or else the event tells.
    Device,
    /// The hour of the day in which they were sent, in UTC.
    Hour,
}

impl GroupBy {
    /// Every way to group.
    pub const ALL: [Self; 6] = [
        Self::IncentiveType,
        Self::Language,
        Self::Variant,
        Self::Priority,
        Self::Device,
        Self::Hour,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncentiveType => "type",
            Self::Language => "language",
            Self::Variant => "variant",
            Self::Priority => "priority",
            Self::Device => "device",
            Self::Hour => "hour",
        }
    }

    /// The one of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// What became of a group of notifications.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EngagementRow {
    /// Which group; "unknown" where a notification has no such thing.
    pub group: String,
    /// Notifications that were stored to leave on their own, digests among them, and not what those tell of: what leaves
    /// counts once.
    pub stored: u64,
    /// Those that a digest tells of instead. They are in none of the other figures.
    pub digested: u64,
    /// Those that have left at least once.
    pub sent: u64,
    /// Those that reached their reader.
    pub delivered: u64,
    /// Those that were opened.
    pub opened: u64,
    /// Those that were followed.
    pub clicked: u64,
    /// Those that were put away.
    pub dismissed: u64,
    /// Those that have failed for good.
    pub failed: u64,
    /// Seconds from stored to delivered that half of the delivered ones took at most; `None` where none was delivered.
    pub delivery_p50_s: Option<f64>,
    /// The same for 95 of 100.
    pub delivery_p95_s: Option<f64>,
    /// The same for 99 of 100.
    pub delivery_p99_s: Option<f64>,
}

/// The counts by group. `group` and `milliseconds` (from stored to delivered) are expressions of the database at hand;
/// `range` is the condition on which rows count.
pub(super) fn statement(group: &str, milliseconds: &str, range: &str) -> String {
    format!(
        "WITH seen AS (SELECT {group} AS grouped, CASE WHEN delivered_at IS NULL THEN NULL ELSE {milliseconds} END AS took, \
         status, sent_at, delivered_at, opened_at, clicked_at, dismissed_at FROM incentive_notify_queue WHERE {range}), \
         ranked AS (SELECT grouped, took, ROW_NUMBER() OVER (PARTITION BY grouped ORDER BY took) AS place, \
         COUNT(*) OVER (PARTITION BY grouped) AS of_all FROM seen WHERE took IS NOT NULL), \
         percentiles AS (SELECT grouped, MIN(CASE WHEN place * 100 >= of_all * 50 THEN took END) AS p50, \
         MIN(CASE WHEN place * 100 >= of_all * 95 THEN took END) AS p95, \
         MIN(CASE WHEN place * 100 >= of_all * 99 THEN took END) AS p99 FROM ranked GROUP BY grouped), \
         counts AS (SELECT grouped, COUNT(CASE WHEN status = 'digested' THEN NULL ELSE 1 END) AS found, \
         COUNT(CASE WHEN status = 'digested' THEN 1 END) AS digested, \
         COUNT(sent_at) AS sent, COUNT(delivered_at) AS delivered, \
         COUNT(opened_at) AS opened, COUNT(clicked_at) AS clicked, COUNT(dismissed_at) AS dismissed, \
         COUNT(CASE WHEN status = 'failed' THEN 1 END) AS failed FROM seen GROUP BY grouped) \
         SELECT counts.grouped, found, digested, sent, delivered, opened, clicked, dismissed, failed, p50, p95, p99 \
         FROM counts LEFT JOIN percentiles ON percentiles.grouped = counts.grouped ORDER BY counts.grouped"
    )
}

/// A row of [`statement`].
pub(super) fn row(row: &impl Columns) -> Result<EngagementRow> {
    let seconds = |column| -> Result<Option<f64>> {
        #[allow(clippy::cast_precision_loss)] // milliseconds between two times of this millennium
        Ok(row.int_or_null(column)?.map(|took| took.max(0) as f64 / 1000.0))
    };
    Ok(EngagementRow {
        group: row.text("grouped")?,
        stored: count(row, "found")?,
        digested: count(row, "digested")?,
        sent: count(row, "sent")?,
        delivered: count(row, "delivered")?,
        opened: count(row, "opened")?,
        clicked: count(row, "clicked")?,
        dismissed: count(row, "dismissed")?,
        failed: count(row, "failed")?,
        delivery_p50_s: seconds("p50")?,
        delivery_p95_s: seconds("p95")?,
        delivery_p99_s: seconds("p99")?,
    })
}

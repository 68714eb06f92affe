//! What is only read.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqlitePool;

use super::super::columns::{self, Columns, OPEN_CLAIM};
use super::super::{
    Backlog, Depth, DepthRow, Glance, HistoryEntry, Notification, OpenClaim, PendingRow, Result, Status,
};
use super::{NOW, sorted};
use crate::contract::Priority;

/// See [`super::super::Store::lapsed_claims`].
pub(super) async fn lapsed_claims(pool: &SqlitePool, limit: u32) -> Result<Vec<OpenClaim>> {
    let text = format!(
        "SELECT {OPEN_CLAIM} FROM incentive_notify_claims WHERE lease_until <= {NOW} \
         ORDER BY lease_until LIMIT ?"
    );
    claims(pool, text, i64::from(limit)).await
}

/// See [`super::super::Store::glance_at_claims`].
pub(super) async fn glance_at_claims(pool: &SqlitePool) -> Result<Glance> {
    let row = sqlx::query(
        "SELECT CAST((julianday(MIN(lease_until)) - julianday('now')) * 86400000 AS INTEGER) AS lapse_in, \
         COUNT(doubt) AS in_doubt FROM incentive_notify_claims",
    )
    .fetch_one(pool)
    .await
    .map_err(sorted)?;
    Ok(Glance {
        lapse_in: row
            .int_or_null("lapse_in")?
            .map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0))),
        in_doubt: columns::count(&row, "in_doubt")?,
    })
}

/// See [`super::super::Store::open_claims`].
pub(super) async fn open_claims(pool: &SqlitePool, limit: u32) -> Result<Vec<OpenClaim>> {
    let text = format!("SELECT {OPEN_CLAIM} FROM incentive_notify_claims ORDER BY id LIMIT ?");
    claims(pool, text, i64::from(limit)).await
}

/// See [`super::super::Store::open_claim`].
pub(super) async fn open_claim(pool: &SqlitePool, claim: i64) -> Result<Option<OpenClaim>> {
    let text = format!("SELECT {OPEN_CLAIM} FROM incentive_notify_claims WHERE id = ?");
    Ok(claims(pool, text, claim).await?.pop())
}

async fn claims(pool: &SqlitePool, text: String, argument: i64) -> Result<Vec<OpenClaim>> {
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(argument)
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    rows.iter().map(columns::open_claim).collect()
}

/// See [`super::super::Store::notification`].
pub(super) async fn notification(pool: &SqlitePool, id: i64) -> Result<Option<Notification>> {
    let row = sqlx::query("SELECT * FROM incentive_notify_queue WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await
        .map_err(sorted)?;
    row.as_ref().map(columns::notification).transpose()
}

/// See [`super::super::Store::notification_of_event`].
pub(super) async fn notification_of_event(pool: &SqlitePool, event_id: &str) -> Result<Option<Notification>> {
    let row = sqlx::query("SELECT * FROM incentive_notify_queue WHERE event_id = ?")
        .bind(event_id)
        .fetch_optional(pool)
        .await
        .map_err(sorted)?;
    row.as_ref().map(columns::notification).transpose()
}

/// See [`super::super::Store::history`].
pub(super) async fn history(pool: &SqlitePool, notification_id: i64) -> Result<Vec<HistoryEntry>> {
    let rows = sqlx::query(
        "SELECT at, kind, attempt, detail FROM incentive_notify_history WHERE notification_id = ? ORDER BY id",
    )
    .bind(notification_id)
    .fetch_all(pool)
    .await
    .map_err(sorted)?;
    rows.iter().map(columns::history_entry).collect()
}

/// See [`super::super::Store::depth`].
pub(super) async fn depth(pool: &SqlitePool) -> Result<Depth> {
    let counts = sqlx::query(
        "SELECT status, priority, COUNT(*) AS found FROM incentive_notify_queue GROUP BY status, priority",
    )
    .fetch_all(pool)
    .await
    .map_err(sorted)?;
    let rows = counts
        .iter()
        .map(columns::depth_row)
        .collect::<Result<Vec<_>>>()?;
    let text = format!(
        "SELECT COUNT(*) AS due, \
         CAST((julianday('now') - julianday(MIN(scheduled_at))) * 86400000 AS INTEGER) AS oldest \
         FROM incentive_notify_queue WHERE status = 'pending' AND scheduled_at <= {NOW}"
    );
    let due = sqlx::query(AssertSqlSafe(text))
        .fetch_one(pool)
        .await
        .map_err(sorted)?;
    let oldest = due
        .int_or_null("oldest")?
        .map(|wait| u64::try_from(wait).unwrap_or(0));
    Ok(Depth::new(rows, columns::count(&due, "due")?, oldest))
}

/// See [`super::super::Store::pending_by_type`].
pub(super) async fn pending_by_type(pool: &SqlitePool, most: u32) -> Result<Vec<PendingRow>> {
    let counts: Vec<_> = Priority::urgent_first()
        .map(|priority| {
            let priority = priority.get();
            format!(
                "SELECT {priority} AS priority, incentive_type, COUNT(*) AS found FROM \
                 (SELECT incentive_type FROM incentive_notify_queue WHERE status = 'pending' AND priority = {priority} \
                 ORDER BY scheduled_at, id LIMIT {most}) GROUP BY incentive_type"
            )
        })
        .collect();
    let rows = sqlx::query(AssertSqlSafe(counts.join(" UNION ALL ")))
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    rows.iter().map(columns::pending_row).collect()
}

/// See [`super::super::Store::backlog`].
pub(super) async fn backlog(pool: &SqlitePool) -> Result<Backlog> {
    let counted = depth(pool).await?.rows;
    let text = format!(
        "SELECT priority, CAST((julianday('now') - julianday(MIN(scheduled_at))) * 86400000 AS INTEGER) AS found \
         FROM incentive_notify_queue WHERE status = 'pending' AND scheduled_at <= {NOW} GROUP BY priority"
    );
    let waits = sqlx::query(AssertSqlSafe(text))
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    let mut oldest_due: BTreeMap<_, _> = Priority::urgent_first()
        .map(|priority| (priority, Duration::ZERO))
        .collect();
    for wait in &waits {
        let age = u64::try_from(wait.int("found")?).unwrap_or(0);
        oldest_due.insert(columns::priority(wait)?, Duration::from_millis(age));
    }
    let rows = Status::ALL
        .into_iter()
        .flat_map(|status| Priority::urgent_first().map(move |priority| (status, priority)))
        .map(|(status, priority)| {
            let found = counted
                .iter()
                .find(|row| (row.status, row.priority) == (status, priority));
            DepthRow {
                status,
                priority,
                rows: found.map_or(0, |row| row.rows),
            }
        })
        .collect();
    Ok(Backlog { rows, oldest_due })
}

//! Rows that have been kept long enough.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::columns::{self, Columns};
use super::super::{HistoryEntry, Status, Story, ids, micros};
use super::error::Answer;
use crate::contract::Priority;

/// The outlived rows of one priority. What ended before it was due is kept from when it would have been:
/// so the index finds them.
pub(super) const OUTLIVED: &str = "SELECT id FROM incentive_notify_queue FORCE INDEX (claim_order) \
     WHERE status = ? AND priority = ? AND scheduled_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND \
     AND updated_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND ORDER BY scheduled_at, id LIMIT ?";

/// See [`super::super::Store::outlived`].
pub(super) async fn outlived(
    pool: &MySqlPool,
    status: Status,
    kept: Duration,
    limit: u32,
) -> Result<Vec<i64>, Answer> {
    let mut found = Vec::new();
    for priority in Priority::urgent_first() {
        let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let rows = sqlx::query(OUTLIVED)
            .bind(status.as_str())
            .bind(priority.get())
            .bind(micros(kept))
            .bind(micros(kept))
            .bind(left)
            .fetch_all(pool)
            .await?;
        for row in rows {
            found.push(row.try_get("id")?);
        }
    }
    Ok(found)
}

/// See [`super::super::Store::stories`].
pub(super) async fn stories(pool: &MySqlPool, rows: &[i64]) -> Result<Vec<Story>, Answer> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let condition = ids::id_in(rows.len());
    let text = format!("SELECT * FROM incentive_notify_queue WHERE {condition} ORDER BY id");
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let found = query.fetch_all(pool).await?;
    let text = format!(
        "SELECT notification_id, at, kind, attempt, detail FROM incentive_notify_history \
         WHERE notification_{condition} ORDER BY notification_id, id"
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let mut histories: HashMap<i64, Vec<HistoryEntry>> = HashMap::new();
    for entry in query.fetch_all(pool).await? {
        let notification = entry.int("notification_id")?;
        histories
            .entry(notification)
            .or_default()
            .push(columns::history_entry(&entry)?);
    }
    let mut stories = Vec::with_capacity(found.len());
    for row in &found {
        let notification = columns::notification(row)?;
        let history = histories.remove(&notification.id).unwrap_or_default();
        stories.push(Story {
            notification,
            history,
        });
    }
    Ok(stories)
}

/// See [`super::super::Store::remove`].
pub(super) async fn remove(
    pool: &MySqlPool,
    status: Status,
    kept: Duration,
    rows: &[i64],
) -> Result<u64, Answer> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut transaction = pool.begin().await?;
    let held = lock(&mut transaction, status, kept, rows).await?;
    if held.is_empty() {
        transaction.rollback().await?;
        return Ok(0);
    }
    for statement in [
        "DELETE FROM incentive_notify_history WHERE notification_",
        "DELETE FROM incentive_notify_queue WHERE ",
    ] {
        let text = format!("{statement}{}", ids::id_in(held.len()));
        let mut query = sqlx::query(AssertSqlSafe(text));
        for id in ids::bound(&held) {
            query = query.bind(id);
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(u64::try_from(held.len()).unwrap_or(u64::MAX))
}

async fn lock(
    connection: &mut MySqlConnection,
    status: Status,
    kept: Duration,
    rows: &[i64],
) -> sqlx::Result<Vec<i64>> {
    let text = format!(
        "SELECT id FROM incentive_notify_queue FORCE INDEX (PRIMARY) WHERE {} AND status = ? \
         AND updated_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND ORDER BY id FOR UPDATE",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let found = query
        .bind(status.as_str())
        .bind(micros(kept))
        .fetch_all(connection)
        .await?;
    found.iter().map(|row| row.try_get("id")).collect()
}

/// See [`super::super::Store::lead_maintenance`].
pub(super) async fn lead(pool: &MySqlPool, holder: &str, lease: Duration) -> Result<bool, Answer> {
    let mut transaction = pool.begin().await?;
    let free = sqlx::query(
        "SELECT id FROM incentive_notify_maintenance \
         WHERE id = 1 AND (holder = ? OR lease_until <= UTC_TIMESTAMP(3)) FOR UPDATE",
    )
    .bind(holder)
    .fetch_optional(&mut *transaction)
    .await?;
    // An update alone would not tell a lease that is prolonged within a millisecond from one that is not there.
    if free.is_some() {
        sqlx::query(
            "UPDATE incentive_notify_maintenance \
             SET holder = ?, lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE id = 1",
        )
        .bind(holder)
        .bind(micros(lease))
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(free.is_some())
}

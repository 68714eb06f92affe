//! Rows that have been kept long enough.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row};

use super::super::columns::{self, Columns};
use super::super::{HistoryEntry, Result, Status, Story, ids};
use super::{IMMEDIATE, NOW, from_now, sorted};

/// So long ago, as a modifier of SQLite's date functions.
pub(super) fn ago(duration: Duration) -> String {
    format!("-{:.3} seconds", duration.as_secs_f64())
}

/// See [`super::super::Store::outlived`].
pub(super) async fn outlived(
    pool: &SqlitePool,
    status: Status,
    kept: Duration,
    limit: u32,
) -> Result<Vec<i64>> {
    let rows = sqlx::query(
        "SELECT id FROM incentive_notify_queue WHERE status = ?1 \
         AND scheduled_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?2) \
         AND updated_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?2) ORDER BY priority DESC, scheduled_at, id LIMIT ?3",
    )
    .bind(status.as_str())
    .bind(ago(kept))
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(sorted)?;
    rows.iter().map(|row| row.try_get("id").map_err(sorted)).collect()
}

/// See [`super::super::Store::stories`].
pub(super) async fn stories(pool: &SqlitePool, rows: &[i64]) -> Result<Vec<Story>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let condition = ids::id_in(rows.len());
    let text = format!("SELECT * FROM incentive_notify_queue WHERE {condition} ORDER BY id");
    let mut notifications = sqlx::query(AssertSqlSafe(text));
    let text = format!(
        "SELECT notification_id, at, kind, attempt, detail FROM incentive_notify_history \
         WHERE notification_{condition} ORDER BY notification_id, id"
    );
    let mut entries = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        notifications = notifications.bind(id);
        entries = entries.bind(id);
    }
    let found = notifications.fetch_all(pool).await.map_err(sorted)?;
    let mut histories: HashMap<i64, Vec<HistoryEntry>> = HashMap::new();
    for entry in entries.fetch_all(pool).await.map_err(sorted)? {
        let notification = entry.int("notification_id")?;
        histories
            .entry(notification)
            .or_default()
            .push(columns::history_entry(&entry)?);
    }
    found
        .iter()
        .map(|row| {
            let notification = columns::notification(row)?;
            let history = histories.remove(&notification.id).unwrap_or_default();
            Ok(Story {
                notification,
                history,
            })
        })
        .collect()
}

/// See [`super::super::Store::remove`].
pub(super) async fn remove(pool: &SqlitePool, status: Status, kept: Duration, rows: &[i64]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let these = ids::id_in(rows.len());
    let outlived = format!(
        "DELETE FROM incentive_notify_queue WHERE {these} AND status = ? \
         AND updated_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?)"
    );
    let mut delete = sqlx::query(AssertSqlSafe(outlived));
    // What is gone from the queue needs no history any more.
    let orphans = format!(
        "DELETE FROM incentive_notify_history WHERE notification_{these} \
         AND notification_id NOT IN (SELECT id FROM incentive_notify_queue)"
    );
    let mut clear = sqlx::query(AssertSqlSafe(orphans));
    for id in ids::bound(rows) {
        delete = delete.bind(id);
        clear = clear.bind(id);
    }
    let removed = delete
        .bind(status.as_str())
        .bind(ago(kept))
        .execute(&mut *transaction)
        .await
        .map_err(sorted)?;
    clear.execute(&mut *transaction).await.map_err(sorted)?;
    transaction.commit().await.map_err(sorted)?;
    Ok(removed.rows_affected())
}

/// See [`super::super::Store::lead_maintenance`].
pub(super) async fn lead(pool: &SqlitePool, holder: &str, lease: Duration) -> Result<bool> {
    let text = format!(
        "UPDATE incentive_notify_maintenance \
         SET holder = ?1, lease_until = strftime('%Y-%m-%d %H:%M:%f', 'now', ?2) \
         WHERE id = 1 AND (holder = ?1 OR lease_until <= {NOW})"
    );
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let led = sqlx::query(AssertSqlSafe(text))
        .bind(holder.to_owned())
        .bind(from_now(lease))
        .execute(&mut *transaction)
        .await
        .map_err(sorted)?;
    transaction.commit().await.map_err(sorted)?;
    Ok(led.rows_affected() == 1)
}

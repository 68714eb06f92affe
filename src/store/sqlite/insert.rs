//! Storing a batch.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::{Inserted, NewNotification, Result, bounds};
use super::{IMMEDIATE, NOW, cancel, sorted, stored};

/// See [`super::super::Store::insert`].
pub(super) async fn insert(pool: &SqlitePool, batch: &[NewNotification]) -> Result<Inserted> {
    bounds::check_bounds(batch)?;
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let mut inserted = 0;
    for row in batch {
        inserted += u64::from(store(&mut transaction, row).await?);
    }
    let inserted = meet(&mut transaction, inserted, batch).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(inserted)
}

/// Lets a batch, of which so many were new, meet the cancels that came before it.
pub(super) async fn meet(
    connection: &mut SqliteConnection,
    inserted: u64,
    batch: &[NewNotification],
) -> Result<Inserted> {
    let events: Vec<&str> = batch.iter().map(|row| row.event_id.as_str()).collect();
    let (cancelled, foreign_cancels) = cancel::meet(connection, &events).await?;
    let all = u64::try_from(batch.len()).unwrap_or(u64::MAX);
    Ok(Inserted {
        inserted,
        duplicates: all - inserted,
        cancelled,
        foreign_cancels,
    })
}

/// Stores a row with its history, and returns whether its event had none.
pub(super) async fn store(connection: &mut SqliteConnection, row: &NewNotification) -> Result<bool> {
    let text = format!(
        "INSERT INTO incentive_notify_queue (event_id, user_id, incentive_type, notification_type, priority, \
         message_title, message_body, incentive_data, occurred_at, scheduled_at, expires_at, language, variant, \
         timezone, device_type, metrics_data, traceparent, status) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, {NOW}), ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING"
    );
    let done = sqlx::query(AssertSqlSafe(text))
        .bind(&row.event_id)
        .bind(row.user_id)
        .bind(row.incentive_type.as_str())
        .bind(row.notification_type)
        .bind(row.priority.get())
        .bind(&row.message_title)
        .bind(&row.message_body)
        .bind(&row.incentive_data)
        .bind(stored(row.occurred_at))
        .bind(row.scheduled_at.map(stored))
        .bind(row.expires_at.map(stored))
        .bind(&row.language)
        .bind(&row.variant)
        .bind(&row.timezone)
        .bind(&row.device_type)
        .bind(row.metrics_data())
        .bind(&row.traceparent)
        .bind(row.status.as_str())
        .execute(&mut *connection)
        .await
        .map_err(sorted)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let tell = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         VALUES (?, {NOW}, ?, 0, ?)"
    );
    for beginning in &row.beginning {
        sqlx::query(AssertSqlSafe(tell.as_str()))
            .bind(done.last_insert_rowid())
            .bind(beginning.kind.as_str())
            .bind(beginning.detail_text())
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    Ok(true)
}

//! Storing a batch.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::{Beginning, Inserted, NewNotification, Result, Retelling, bounds};
use super::{IMMEDIATE, NOW, cancel, sorted, stored};

/// See [`super::super::Store::insert`].
pub(super) async fn insert(pool: &SqlitePool, batch: &[NewNotification]) -> Result<Inserted> {
    bounds::check_bounds(batch)?;
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let mut inserted = 0;
    for row in batch {
        inserted += u64::from(store(&mut transaction, row).await?);
    }
    let inserted = meet(&mut transaction, inserted, batch, None).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(inserted)
}

/// Lets a batch, of which so many were new, meet the cancels that came before it; `retelling` where some may be parts of
/// digests.
pub(super) async fn meet(
    connection: &mut SqliteConnection,
    inserted: u64,
    batch: &[NewNotification],
    retelling: Option<&dyn Retelling>,
) -> Result<Inserted> {
    let events: Vec<&str> = batch.iter().map(|row| row.event_id.as_str()).collect();
    let (cancelled, foreign_cancels) = cancel::meet(connection, &events, retelling).await?;
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
         timezone, device_type, metrics_data, traceparent, status, digest_event_id, rules_evaluated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, {NOW}), ?, ?, ?, ?, ?, ?, ?, ?, ?, {NOW}) ON CONFLICT (event_id) DO NOTHING"
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
        .bind(&row.digest_event_id)
        .execute(&mut *connection)
        .await
        .map_err(sorted)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    write_history(connection, done.last_insert_rowid(), &row.beginning).await?;
    Ok(true)
}

/// Writes entries for the history of a row that no attempt was made of.
pub(super) async fn write_history(
    connection: &mut SqliteConnection,
    id: i64,
    entries: &[Beginning],
) -> Result<()> {
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         VALUES (?, {NOW}, ?, 0, ?)"
    );
    for entry in entries {
        sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(id)
            .bind(entry.kind.as_str())
            .bind(entry.detail_text())
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    Ok(())
}

/// Writes over a stored row what may change of one that has not left.
pub(super) async fn rewrite(connection: &mut SqliteConnection, id: i64, row: &NewNotification) -> Result<()> {
    let text = format!(
        "UPDATE incentive_notify_queue SET message_title = ?, message_body = ?, incentive_data = ?, priority = ?, \
         language = ?, variant = ?, timezone = ?, device_type = ?, metrics_data = ?, status = ?, digest_event_id = ?, \
         updated_at = {NOW} WHERE id = ?"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(&row.message_title)
        .bind(&row.message_body)
        .bind(&row.incentive_data)
        .bind(row.priority.get())
        .bind(&row.language)
        .bind(&row.variant)
        .bind(&row.timezone)
        .bind(&row.device_type)
        .bind(row.metrics_data())
        .bind(row.status.as_str())
        .bind(&row.digest_event_id)
        .bind(id)
        .execute(connection)
        .await
        .map_err(sorted)?;
    Ok(())
}

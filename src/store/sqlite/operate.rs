//! What a person asks of the queue: lists, counts, changes by hand, and engagement.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row};

use super::super::columns;
use super::super::filter::Condition;
use super::super::{
    Change, Changed, EngagementRow, Filter, GroupBy, Notification, Result, engagement as counts, ids,
};
use super::{IMMEDIATE, NOW, sorted, stored};

/// See [`super::super::Store::notifications`].
pub(super) async fn notifications(
    pool: &SqlitePool,
    filter: &Filter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Notification>> {
    let (condition, text) = Condition::page(filter, before);
    let rows = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    rows.iter().map(columns::notification).collect()
}

/// See [`super::super::Store::count`].
pub(super) async fn count(pool: &SqlitePool, filter: &Filter, change: Option<Change>) -> Result<u64> {
    let (condition, text) = Condition::counted(filter, change);
    let row = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .fetch_one(pool)
        .await
        .map_err(sorted)?;
    columns::count(&row, "found")
}

/// See [`super::super::Store::change`].
pub(super) async fn change(
    pool: &SqlitePool,
    filter: &Filter,
    change: Change,
    by: &str,
    after: i64,
    limit: u32,
) -> Result<Changed> {
    // Nobody else writes meanwhile: what is found is what is changed.
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let (condition, text) = Condition::candidates(filter, change, after);
    let rows = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await
        .map_err(sorted)?;
    let held: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get("id").map_err(sorted))
        .collect::<Result<_>>()?;
    let Some(last) = held.last().copied() else {
        transaction.rollback().await.map_err(sorted)?;
        return Ok(Changed::default());
    };
    let set = match change {
        Change::Retry => format!("status = 'pending', scheduled_at = {NOW}, cancel_requested_at = NULL"),
        Change::Cancel => "status = 'cancelled'".to_owned(),
    };
    let these = ids::id_in(held.len());
    let noted = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, ?, attempts, json_object('by', ?, 'was', status) FROM incentive_notify_queue \
         WHERE {these} ORDER BY id"
    );
    let mut note = sqlx::query(AssertSqlSafe(noted))
        .bind(change.kind().as_str())
        .bind(by.to_owned());
    let changed = format!("UPDATE incentive_notify_queue SET {set}, updated_at = {NOW} WHERE {these}");
    let mut write = sqlx::query(AssertSqlSafe(changed));
    for id in ids::bound(&held) {
        note = note.bind(id);
        write = write.bind(id);
    }
    note.execute(&mut *transaction).await.map_err(sorted)?;
    write.execute(&mut *transaction).await.map_err(sorted)?;
    transaction.commit().await.map_err(sorted)?;
    Ok(Changed {
        changed: u64::try_from(held.len()).unwrap_or(u64::MAX),
        last: Some(last),
    })
}

/// See [`super::super::Store::engagement`].
pub(super) async fn engagement(
    pool: &SqlitePool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    by: GroupBy,
) -> Result<Vec<EngagementRow>> {
    let group = match by {
        GroupBy::IncentiveType => "incentive_type",
        GroupBy::Language => "language",
        GroupBy::Variant => "COALESCE(incentive_type || '--' || variant, 'unknown')",
        GroupBy::Priority => "CAST(priority AS TEXT)",
        GroupBy::Device => "COALESCE(json_extract(metrics_data, '$.device_type'), device_type, 'unknown')",
        GroupBy::Hour => "COALESCE(strftime('%H', sent_at), 'unknown')",
    };
    let text = counts::statement(
        group,
        "CAST(round((julianday(delivered_at) - julianday(created_at)) * 86400000) AS INTEGER)",
        "created_at >= ? AND created_at < ?",
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(stored(from))
        .bind(stored(to))
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    rows.iter().map(counts::row).collect()
}

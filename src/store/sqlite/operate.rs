//! What a person asks of the queue: lists, counts, changes by hand, and engagement.

use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{AssertSqlSafe, Row, Sqlite};

use super::super::columns;
use super::super::filter::{Bound, Condition};
use super::super::{
    Change, Changed, EngagementRow, Filter, GroupBy, Notification, Result, engagement as counts, ids,
};
use super::{IMMEDIATE, NOW, sorted, stored};

type Statement<'a> = Query<'a, Sqlite, SqliteArguments>;

fn bind_all<'a>(mut statement: Statement<'a>, values: &[Bound]) -> Statement<'a> {
    for value in values {
        statement = match value {
            Bound::Int(number) => statement.bind(*number),
            Bound::Text(text) => statement.bind(text.clone()),
        };
    }
    statement
}

/// See [`super::super::Store::notifications`].
pub(super) async fn notifications(
    pool: &SqlitePool,
    filter: &Filter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Notification>> {
    let mut condition = Condition::new(filter);
    if let Some(before) = before {
        condition.and("id < ?", Bound::Int(before));
    }
    let text = format!(
        "SELECT * FROM incentive_notify_queue WHERE {} ORDER BY id DESC LIMIT ?",
        condition.text()
    );
    let rows = bind_all(sqlx::query(AssertSqlSafe(text)), &condition.values)
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(sorted)?;
    rows.iter().map(columns::notification).collect()
}

/// See [`super::super::Store::count`].
pub(super) async fn count(pool: &SqlitePool, filter: &Filter, change: Option<Change>) -> Result<u64> {
    let mut condition = Condition::new(filter);
    condition.and_applies(change);
    let text = format!(
        "SELECT COUNT(*) AS found FROM incentive_notify_queue WHERE {}",
        condition.text()
    );
    let row = bind_all(sqlx::query(AssertSqlSafe(text)), &condition.values)
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
    let mut condition = Condition::new(filter);
    condition.and_applies(Some(change));
    condition.and("id > ?", Bound::Int(after));
    let text = format!(
        "SELECT id FROM incentive_notify_queue WHERE {} ORDER BY id LIMIT ?",
        condition.text()
    );
    let rows = bind_all(sqlx::query(AssertSqlSafe(text)), &condition.values)
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
        Change::Retry => format!("status = 'pending', scheduled_at = {NOW}"),
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

//! What a person asks of the queue: lists, counts, and changes by hand.

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::columns;
use super::super::filter::Condition;
use super::super::{Change, Changed, Filter, Notification, ids};
use super::error::Answer;

/// See [`super::super::Store::notifications`].
pub(super) async fn notifications(
    pool: &MySqlPool,
    filter: &Filter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Notification>, Answer> {
    let (condition, text) = Condition::page(filter, before);
    let rows = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    let found: Result<Vec<_>, _> = rows.iter().map(columns::notification).collect();
    Ok(found?)
}

/// See [`super::super::Store::count`].
pub(super) async fn count(pool: &MySqlPool, filter: &Filter, change: Option<Change>) -> Result<u64, Answer> {
    let (condition, text) = Condition::counted(filter, change);
    let row = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .fetch_one(pool)
        .await?;
    Ok(columns::count(&row, "found")?)
}

/// See [`super::super::Store::change`].
pub(super) async fn change(
    pool: &MySqlPool,
    filter: &Filter,
    change: Change,
    by: &str,
    after: i64,
    limit: u32,
) -> Result<Changed, Answer> {
    let mut transaction = pool.begin().await?;
    let looked_at = candidates(&mut transaction, filter, change, after, limit).await?;
    let Some(last) = looked_at.last().copied() else {
        transaction.rollback().await?;
        return Ok(Changed::default());
    };
    let held = lock(&mut transaction, &looked_at, change).await?;
    if !held.is_empty() {
        tell(&mut transaction, &held, change, by).await?;
        write(&mut transaction, &held, change).await?;
    }
    transaction.commit().await?;
    Ok(Changed {
        changed: u64::try_from(held.len()).unwrap_or(u64::MAX),
        last: Some(last),
    })
}

async fn candidates(
    connection: &mut MySqlConnection,
    filter: &Filter,
    change: Change,
    after: i64,
    limit: u32,
) -> sqlx::Result<Vec<i64>> {
    let (condition, text) = Condition::candidates(filter, change, after);
    let rows = condition
        .bind_to(sqlx::query(AssertSqlSafe(text)))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// Those rows of the list that the change still applies to, locked in id order.
async fn lock(connection: &mut MySqlConnection, rows: &[i64], change: Change) -> sqlx::Result<Vec<i64>> {
    let text = format!(
        "SELECT id FROM incentive_notify_queue FORCE INDEX (PRIMARY) WHERE {} AND {} ORDER BY id FOR UPDATE",
        ids::id_in(rows.len()),
        change.applies_where()
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

async fn tell(connection: &mut MySqlConnection, rows: &[i64], change: Change, by: &str) -> sqlx::Result<()> {
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), ?, attempts, JSON_OBJECT('by', ?, 'was', status) FROM incentive_notify_queue \
         WHERE {} ORDER BY id",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text))
        .bind(change.kind().as_str())
        .bind(by);
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.execute(connection).await.map(drop)
}

async fn write(connection: &mut MySqlConnection, rows: &[i64], change: Change) -> sqlx::Result<()> {
    let set = match change {
        Change::Retry => "status = 'pending', scheduled_at = UTC_TIMESTAMP(3), cancel_requested_at = NULL",
        Change::Cancel => "status = 'cancelled'",
    };
    let text = format!(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET {set} WHERE {}",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.execute(connection).await.map(drop)
}

//! Claiming, and when there is something to claim.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::columns::{Columns, DUE};
use super::super::pick::Pick;
use super::super::{Claimant, Claimed, Result, ids};
use super::{IMMEDIATE, NOW, from_now, preferences, sorted, stored, told_time};
use crate::contract::Priority;
use crate::schedule::SendTimePolicy;

/// One transaction: find, mark what has expired, write what rules withhold, write the claim, mark its rows.
pub(super) async fn claim(
    pool: &SqlitePool,
    limit: u32,
    lease: Duration,
    claimant: &Claimant,
    rules: Option<&SendTimePolicy>,
) -> Result<Claimed> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let mut pick = Pick::new(limit, rules);
    for priority in Priority::urgent_first() {
        pick.next_priority();
        pick_from(&mut transaction, priority, &mut pick).await?;
    }
    if pick.is_empty() {
        let next_due = next_due(&mut transaction).await?;
        transaction.rollback().await.map_err(sorted)?;
        return Ok(Claimed {
            next_due,
            ..Claimed::default()
        });
    }
    withhold(&mut transaction, &mut pick).await?;
    let claim = match pick.to_claim() {
        Some((rows, now)) => Some(write_claim(&mut transaction, &rows, now, lease, claimant).await?),
        None => None,
    };
    transaction.commit().await.map_err(sorted)?;
    Ok(pick.claimed_as(claim))
}

async fn pick_from(connection: &mut SqliteConnection, priority: Priority, pick: &mut Pick<'_>) -> Result<()> {
    let text = format!(
        "SELECT {DUE}, {NOW} AS db_now FROM incentive_notify_queue INDEXED BY claim_order \
         WHERE status = 'pending' AND priority = ? AND scheduled_at <= {NOW} ORDER BY scheduled_at, id LIMIT ?"
    );
    while let Some(look_at) = pick.look_at() {
        let found = sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(priority.get())
            .bind(look_at)
            .fetch_all(&mut *connection)
            .await
            .map_err(sorted)?;
        let expired = pick.take(&found)?;
        if expired.is_empty() {
            break;
        }
        mark_expired(connection, &expired).await?;
    }
    Ok(())
}

/// As on MySQL.
async fn withhold(connection: &mut SqliteConnection, pick: &mut Pick<'_>) -> Result<()> {
    let users = pick.users_to_look_up();
    if users.is_empty() {
        return Ok(());
    }
    let readers = preferences::look_up(connection, &users).await?;
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) VALUES (?, {NOW}, ?, ?, ?)"
    );
    let row_text = format!(
        "UPDATE incentive_notify_queue SET status = ?, scheduled_at = ?, updated_at = {NOW} WHERE id = ?"
    );
    for row in pick.withhold(&readers) {
        sqlx::query(AssertSqlSafe(history.as_str()))
            .bind(row.id)
            .bind(row.kind.as_str())
            .bind(row.attempts)
            .bind(Value::Object(row.detail.clone()).to_string())
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
        sqlx::query(AssertSqlSafe(row_text.as_str()))
            .bind(row.status.as_str())
            .bind(stored(row.scheduled_at))
            .bind(row.id)
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    Ok(())
}

async fn mark_expired(connection: &mut SqliteConnection, rows: &[i64]) -> Result<()> {
    let places = ids::id_in(rows.len());
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, 'expired', attempts, json_object('rule', 'expires_at', 'expires_at', {}, 'due_at', {}) \
         FROM incentive_notify_queue WHERE {places} ORDER BY id",
        told_time("expires_at"),
        told_time("scheduled_at")
    );
    let mark =
        format!("UPDATE incentive_notify_queue SET status = 'expired', updated_at = {NOW} WHERE {places}");
    for text in [history, mark] {
        let mut query = sqlx::query(AssertSqlSafe(text));
        for id in ids::bound(rows) {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await.map_err(sorted)?;
    }
    Ok(())
}

async fn write_claim(
    connection: &mut SqliteConnection,
    rows: &[i64],
    now: DateTime<Utc>,
    lease: Duration,
    claimant: &Claimant,
) -> Result<i64> {
    let (transactional_id, cluster_id) = match claimant {
        Claimant::Transactional {
            transactional_id,
            cluster_id,
        } => (Some(transactional_id), Some(cluster_id)),
        Claimant::Plain => (None, None),
    };
    let written = sqlx::query(
        "INSERT INTO incentive_notify_claims \
         (transactional_id, cluster_id, notification_ids, claimed_at, lease_until) \
         VALUES (?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now', ?))",
    )
    .bind(transactional_id)
    .bind(cluster_id)
    .bind(ids::to_json(rows))
    .bind(stored(now))
    .bind(from_now(lease))
    .execute(&mut *connection)
    .await
    .map_err(sorted)?;
    let claim = written.last_insert_rowid();
    let text = format!(
        "UPDATE incentive_notify_queue SET status = 'processing', claim_id = ?, attempts = attempts + 1, \
         updated_at = {NOW} WHERE {}",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(claim);
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.execute(connection).await.map_err(sorted)?;
    Ok(claim)
}

/// See [`super::super::Store::next_claim_number`].
pub(super) async fn next_number(pool: &SqlitePool) -> Result<i64> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let written = sqlx::query(
        "INSERT INTO incentive_notify_claims (notification_ids, claimed_at, lease_until) VALUES ('[]', '', '')",
    )
    .execute(&mut *transaction)
    .await
    .map_err(sorted)?;
    transaction.rollback().await.map_err(sorted)?;
    Ok(written.last_insert_rowid())
}

/// The time to the earliest due time.
async fn next_due(connection: &mut SqliteConnection) -> Result<Option<Duration>> {
    // Days since day 0 (Julian), which a REAL holds to less than a tenth of a millisecond.
    const NEXT: &str = "SELECT CAST(ROUND((julianday(MIN(scheduled_at)) - julianday('now')) * 86400000) AS INTEGER) \
         AS wait FROM (SELECT MIN(scheduled_at) AS scheduled_at FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 4 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 3 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 2 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 1 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 0)";
    let row = sqlx::query(NEXT).fetch_one(connection).await.map_err(sorted)?;
    Ok(row
        .int_or_null("wait")?
        .map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0))))
}

//! Claiming, and when there is something to claim.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::columns::{self, CLAIMED, Columns};
use super::super::{Claim, Claimant, Claimed, ClaimedRow, Result, ids};
use super::{IMMEDIATE, NOW, from_now, sorted};
use crate::contract::Priority;

/// One transaction: find, mark what has expired, write the claim, mark its rows.
pub(super) async fn claim(
    pool: &SqlitePool,
    limit: u32,
    lease: Duration,
    claimant: &Claimant,
) -> Result<Claimed> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let claimed = claim_within(&mut transaction, limit, lease, claimant).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(claimed)
}

async fn claim_within(
    connection: &mut SqliteConnection,
    limit: u32,
    lease: Duration,
    claimant: &Claimant,
) -> Result<Claimed> {
    let text = format!(
        "SELECT {CLAIMED}, expires_at <= {NOW} AS has_expired, {NOW} AS db_now FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = ? AND scheduled_at <= {NOW} ORDER BY scheduled_at, id LIMIT ?"
    );
    let mut now = None;
    let mut rows: Vec<ClaimedRow> = Vec::new();
    let mut expired: Vec<i64> = Vec::new();
    for priority in Priority::urgent_first() {
        let room = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if room == 0 {
            break;
        }
        let found = sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(priority.get())
            .bind(room)
            .fetch_all(&mut *connection)
            .await
            .map_err(sorted)?;
        for row in &found {
            now = now.or(Some(row.time("db_now")?));
            if row.int_or_null("has_expired")? == Some(1) {
                expired.push(row.int("id")?);
            } else {
                rows.push(columns::claimed_row(row)?);
            }
        }
    }
    let Some(now) = now else {
        return Ok(Claimed::default());
    };
    if !expired.is_empty() {
        mark_expired(connection, &expired).await?;
    }
    let claim = if rows.is_empty() {
        None
    } else {
        let mut claimed: Vec<i64> = rows.iter().map(|row| row.id).collect();
        claimed.sort_unstable();
        let id = write_claim(connection, &claimed, lease, claimant).await?;
        Some(Claim { id, now, rows })
    };
    Ok(Claimed {
        claim,
        expired: expired.len().try_into().unwrap_or(u64::MAX),
    })
}

async fn mark_expired(connection: &mut SqliteConnection, rows: &[i64]) -> Result<()> {
    let places = ids::id_in(rows.len());
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, 'expired', attempts, '{{}}' FROM incentive_notify_queue WHERE {places} ORDER BY id"
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
    let text = format!(
        "INSERT INTO incentive_notify_claims \
         (transactional_id, cluster_id, notification_ids, claimed_at, lease_until) \
         VALUES (?, ?, ?, {NOW}, strftime('%Y-%m-%d %H:%M:%f', 'now', ?))"
    );
    let written = sqlx::query(AssertSqlSafe(text))
        .bind(transactional_id)
        .bind(cluster_id)
        .bind(ids::to_json(rows))
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

/// See [`super::super::Store::next_due`].
pub(super) async fn next_due(pool: &SqlitePool) -> Result<Option<Duration>> {
    // Milliseconds since midnight of day 0 (Julian), which REAL holds exactly enough for.
    const NEXT: &str = "SELECT CAST(ROUND((julianday(MIN(scheduled_at)) - julianday('now')) * 86400000) AS INTEGER) \
         AS wait FROM (SELECT MIN(scheduled_at) AS scheduled_at FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 4 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 3 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 2 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 1 UNION ALL SELECT MIN(scheduled_at) FROM incentive_notify_queue \
         WHERE status = 'pending' AND priority = 0)";
    let row = sqlx::query(NEXT).fetch_one(pool).await.map_err(sorted)?;
    Ok(row
        .int_or_null("wait")?
        .map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0))))
}

//! Claiming, and when there is something to claim.

use std::time::Duration;

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::super::columns::{self, CLAIMED, Columns};
use super::super::{Claim, Claimant, Claimed, ClaimedRow, Result, StoreError, ids, micros};
use super::error::{Answer, sorted};
use crate::contract::Priority;

/// The due rows of one priority: a range of `claim_order`, in its order, but for rows that another claim has locked.
/// [`claim_text`] puts the columns in.
#[doc(hidden)]
pub const CLAIM: &str = "SELECT {columns}, expires_at <= UTC_TIMESTAMP(3) AS has_expired, UTC_TIMESTAMP(3) AS db_now \
     FROM incentive_notify_queue FORCE INDEX (claim_order) \
     WHERE status = 'pending' AND priority = ? AND scheduled_at <= UTC_TIMESTAMP(3) \
     ORDER BY scheduled_at, id LIMIT ? FOR UPDATE SKIP LOCKED";

/// The due time of the next row of each priority, in microseconds from now: five dives into `claim_order`.
#[doc(hidden)]
pub const NEXT_DUE: &str = "SELECT MIN(wait) AS wait FROM ( \
     (SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) AS wait FROM incentive_notify_queue \
      FORCE INDEX (claim_order) WHERE status = 'pending' AND priority = 4 ORDER BY scheduled_at LIMIT 1) UNION ALL \
     (SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) FROM incentive_notify_queue \
      FORCE INDEX (claim_order) WHERE status = 'pending' AND priority = 3 ORDER BY scheduled_at LIMIT 1) UNION ALL \
     (SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) FROM incentive_notify_queue \
      FORCE INDEX (claim_order) WHERE status = 'pending' AND priority = 2 ORDER BY scheduled_at LIMIT 1) UNION ALL \
     (SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) FROM incentive_notify_queue \
      FORCE INDEX (claim_order) WHERE status = 'pending' AND priority = 1 ORDER BY scheduled_at LIMIT 1) UNION ALL \
     (SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) FROM incentive_notify_queue \
      FORCE INDEX (claim_order) WHERE status = 'pending' AND priority = 0 ORDER BY scheduled_at LIMIT 1)) AS earliest";

/// One transaction: lock, mark what has expired, write the claim, mark its rows.
pub(super) async fn claim(
    pool: &MySqlPool,
    limit: u32,
    lease: Duration,
    claimant: &Claimant,
) -> std::result::Result<Claimed, Answer> {
    let text = CLAIM.replace("{columns}", CLAIMED);
    let mut transaction = pool.begin().await?;
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
            .fetch_all(&mut *transaction)
            .await?;
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
        transaction.rollback().await?;
        return Ok(Claimed::default());
    };
    if !expired.is_empty() {
        mark_expired(&mut transaction, &expired).await?;
    }
    let claim = if rows.is_empty() {
        None
    } else {
        let mut claimed: Vec<i64> = rows.iter().map(|row| row.id).collect();
        claimed.sort_unstable();
        let id = write_claim(&mut transaction, &claimed, lease, claimant).await?;
        Some(Claim { id, now, rows })
    };
    transaction.commit().await?;
    Ok(Claimed {
        claim,
        expired: expired.len().try_into().unwrap_or(u64::MAX),
    })
}

async fn mark_expired(connection: &mut MySqlConnection, rows: &[i64]) -> sqlx::Result<()> {
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), 'expired', attempts, '{{}}' FROM incentive_notify_queue WHERE {} ORDER BY id",
        ids::id_in(rows.len())
    );
    let mark = format!(
        "UPDATE incentive_notify_queue SET status = 'expired' WHERE {}",
        ids::id_in(rows.len())
    );
    for text in [history, mark] {
        let mut query = sqlx::query(AssertSqlSafe(text));
        for id in ids::bound(rows) {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_claim(
    connection: &mut MySqlConnection,
    rows: &[i64],
    lease: Duration,
    claimant: &Claimant,
) -> sqlx::Result<i64> {
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
         VALUES (?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)",
    )
    .bind(transactional_id)
    .bind(cluster_id)
    .bind(ids::to_json(rows))
    .bind(micros(lease))
    .execute(&mut *connection)
    .await?;
    let claim = i64::try_from(written.last_insert_id()).unwrap_or(i64::MAX);
    let text = format!(
        "UPDATE incentive_notify_queue SET status = 'processing', claim_id = ?, attempts = attempts + 1 WHERE {}",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(claim);
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.execute(connection).await?;
    Ok(claim)
}

/// See [`super::super::Store::next_due`].
pub(super) async fn next_due(pool: &MySqlPool) -> Result<Option<Duration>> {
    let row = sqlx::query(NEXT_DUE).fetch_one(pool).await.map_err(sorted)?;
    Ok(row
        .int_or_null("wait")?
        .map(|wait| Duration::from_micros(u64::try_from(wait).unwrap_or(0))))
}

/// Two connections contend for one row.
pub(super) async fn prove_exclusion(pool: &MySqlPool) -> Result<()> {
    const CONTEND: &str = "SELECT id FROM incentive_notify_lock_probe WHERE id = 1 FOR UPDATE SKIP LOCKED";
    let mut first = pool.acquire().await.map_err(sorted)?;
    let mut second = pool.acquire().await.map_err(sorted)?;
    let mut holder = first.begin().await.map_err(sorted)?;
    let held = sqlx::query(CONTEND)
        .fetch_optional(&mut *holder)
        .await
        .map_err(sorted)?;
    let mut contender = second.begin().await.map_err(sorted)?;
    let taken = sqlx::query(CONTEND)
        .fetch_optional(&mut *contender)
        .await
        .map_err(sorted)?;
    contender.rollback().await.map_err(sorted)?;
    holder.rollback().await.map_err(sorted)?;
    match (held, taken) {
        // Not held: another instance proves the same at this moment, which is a proof as well.
        (Some(_) | None, None) => Ok(()),
        (_, Some(_)) => Err(StoreError::Refused(
            "this server accepts FOR UPDATE SKIP LOCKED and does not lock: two instances would send the same \
             notification; use MySQL 8.0+ or MariaDB 10.6+"
                .to_owned(),
        )),
    }
}

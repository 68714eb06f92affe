//! Ending a claim. The claim row goes first: of two who end the same claim only one finds it.

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, MySqlTransaction};

use super::super::{Ended, HistoryKind, PublishFailure, ids, micros, short};
use super::error::Answer;

const SENT: &str = "status = 'sent', sent_at = UTC_TIMESTAMP(3), claim_id = NULL, last_error = NULL";
const RELEASED: &str = "status = 'pending', attempts = attempts - 1, claim_id = NULL";

/// See [`super::super::Store::settle`].
pub(super) async fn settle(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    recovered: bool,
) -> Result<Ended, Answer> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsSent);
    end(pool, claim, rows, SENT, kind).await
}

/// See [`super::super::Store::release`].
pub(super) async fn release(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    recovered: bool,
) -> Result<Ended, Answer> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsPending);
    end(pool, claim, rows, RELEASED, kind).await
}

async fn end(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    change: &str,
    history: Option<HistoryKind>,
) -> Result<Ended, Answer> {
    let mut transaction = pool.begin().await?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await?;
        return Ok(Ended::Gone);
    }
    if let Some(kind) = history {
        // Before the change, which may count the attempt back.
        tell(&mut transaction, claim, rows, kind).await?;
    }
    let found = change_rows(&mut transaction, claim, rows, change).await?;
    conclude(transaction, rows.len(), found).await
}

/// See [`super::super::Store::give_back`].
pub(super) async fn give_back(
    pool: &MySqlPool,
    claim: i64,
    sent: &[i64],
    failed: &[PublishFailure],
    released: &[i64],
) -> Result<Ended, Answer> {
    let mut transaction = pool.begin().await?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await?;
        return Ok(Ended::Gone);
    }
    let mut found = 0;
    for (rows, change) in [(sent, SENT), (released, RELEASED)] {
        found += change_rows(&mut transaction, claim, rows, change).await?;
    }
    for failure in failed {
        found += fail(&mut transaction, claim, failure).await?;
    }
    conclude(transaction, sent.len() + failed.len() + released.len(), found).await
}

/// Commits if exactly the expected rows have changed.
async fn conclude(transaction: MySqlTransaction<'_>, expected: usize, found: u64) -> Result<Ended, Answer> {
    let expected = u64::try_from(expected).unwrap_or(u64::MAX);
    if found == expected {
        transaction.commit().await?;
        Ok(Ended::Done)
    } else {
        transaction.rollback().await?;
        Ok(Ended::Short { expected, found })
    }
}

async fn delete_claim(connection: &mut MySqlConnection, claim: i64) -> sqlx::Result<bool> {
    let deleted = sqlx::query("DELETE FROM incentive_notify_claims WHERE id = ?")
        .bind(claim)
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

async fn change_rows(
    connection: &mut MySqlConnection,
    claim: i64,
    rows: &[i64],
    change: &str,
) -> sqlx::Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let text = format!(
        "UPDATE incentive_notify_queue SET {change} WHERE {} AND claim_id = ? AND status = 'processing'",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    Ok(query.bind(claim).execute(connection).await?.rows_affected())
}

async fn tell(
    connection: &mut MySqlConnection,
    claim: i64,
    rows: &[i64],
    kind: HistoryKind,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), ?, attempts, JSON_OBJECT('claim', claim_id) FROM incentive_notify_queue \
         WHERE {} AND claim_id = ? ORDER BY id",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(kind.as_str());
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.bind(claim).execute(connection).await.map(drop)
}

async fn fail(connection: &mut MySqlConnection, claim: i64, failure: &PublishFailure) -> sqlx::Result<u64> {
    let error = short(&failure.error);
    let (status, kind) = match failure.retry_in {
        Some(_) => ("pending", HistoryKind::PublishFailed),
        None => ("failed", HistoryKind::PublishFailedFinally),
    };
    let wait = micros(failure.retry_in.unwrap_or_default());
    sqlx::query(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), ?, attempts, JSON_OBJECT('error', ?, 'retry_at', \
         DATE_FORMAT(UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, '%Y-%m-%dT%H:%i:%s.%fZ')) \
         FROM incentive_notify_queue WHERE id = ? AND claim_id = ?",
    )
    .bind(kind.as_str())
    .bind(&error)
    .bind(wait)
    .bind(failure.notification_id)
    .bind(claim)
    .execute(&mut *connection)
    .await?;
    let changed = sqlx::query(
        "UPDATE incentive_notify_queue SET status = ?, last_error = ?, claim_id = NULL, \
         scheduled_at = IF(? > 0, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, scheduled_at) \
         WHERE id = ? AND claim_id = ? AND status = 'processing'",
    )
    .bind(status)
    .bind(&error)
    .bind(wait)
    .bind(wait)
    .bind(failure.notification_id)
    .bind(claim)
    .execute(connection)
    .await?;
    Ok(changed.rows_affected())
}

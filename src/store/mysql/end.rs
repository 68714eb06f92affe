//! Ending a claim. The claim row goes first: of two who end the same claim only one finds it.

use std::time::Duration;

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, MySqlTransaction};

use super::super::ended_claims::{PARTIAL, RELEASED as ENDED_RELEASED, SETTLED};
use super::super::{BY_EVENT, CancelOutcome, Ended, HistoryKind, PublishFailure, ids, micros, short};
use super::error::Answer;
use super::{ended_claims, told_time};

pub(super) const SENT: &str =
    "status = 'sent', sent_at = UTC_TIMESTAMP(3), claim_id = NULL, last_error = NULL";
pub(super) const RELEASED: &str = "status = IF(cancel_requested_at IS NULL, 'pending', 'cancelled'), \
     attempts = attempts - 1, claim_id = NULL";

/// See [`super::super::Store::settle`].
pub(super) async fn settle(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    recovered: bool,
) -> Result<Ended, Answer> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsSent);
    end(pool, claim, rows, false, kind).await
}

/// See [`super::super::Store::release`].
pub(super) async fn release(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    recovered: bool,
) -> Result<Ended, Answer> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsPending);
    end(pool, claim, rows, true, kind).await
}

async fn end(
    pool: &MySqlPool,
    claim: i64,
    rows: &[i64],
    returns: bool,
    history: Option<HistoryKind>,
) -> Result<Ended, Answer> {
    let mut transaction = pool.begin().await?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await?;
        return Ok(Ended::Gone);
    }
    if let Some(kind) = history {
        let outcome = if returns { ENDED_RELEASED } else { SETTLED };
        ended_claims::write(&mut transaction, claim, outcome).await?;
        // Before the change, which may count the attempt back.
        tell(&mut transaction, claim, rows, kind).await?;
    }
    let change = if returns { RELEASED } else { SENT };
    let found = change_rows(&mut transaction, claim, rows, change).await?;
    if returns {
        tell_called_off(&mut transaction, rows).await?;
    }
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
    let tried_again = failed.iter().filter(|failure| failure.retry_in.is_some());
    let returned: Vec<i64> = released
        .iter()
        .copied()
        .chain(tried_again.map(|failure| failure.notification_id))
        .collect();
    tell_called_off(&mut transaction, &returned).await?;
    conclude(transaction, sent.len() + failed.len() + released.len(), found).await
}

/// See [`super::super::EndedClaims::recover_partly`].
pub(super) async fn recover_partly(
    pool: &MySqlPool,
    claim: i64,
    sent: &[i64],
    released: &[i64],
) -> Result<Ended, Answer> {
    let mut transaction = pool.begin().await?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await?;
        return Ok(Ended::Gone);
    }
    ended_claims::write(&mut transaction, claim, PARTIAL).await?;
    let mut found = 0;
    for (rows, kind, change) in [
        (sent, HistoryKind::RecoveredAsSent, SENT),
        (released, HistoryKind::RecoveredAsPending, RELEASED),
    ] {
        tell(&mut transaction, claim, rows, kind).await?;
        found += change_rows(&mut transaction, claim, rows, change).await?;
    }
    tell_called_off(&mut transaction, released).await?;
    conclude(transaction, sent.len() + released.len(), found).await
}

/// Commits if exactly the expected rows have changed.
async fn conclude(transaction: MySqlTransaction<'_>, expected: usize, found: u64) -> Result<Ended, Answer> {
    let expected = u64::try_from(expected).unwrap_or(u64::MAX);
    if found == expected {
        failpoint!("store::end_uncommitted");
        transaction.commit().await?;
        failpoint!("store::end_unheard", Err(sqlx::Error::PoolTimedOut.into()));
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

/// So many rows, where they still belong to their claim.
pub(super) fn change_text(change: &str, rows: usize) -> String {
    format!(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET {change} WHERE {} AND claim_id = ? AND status = 'processing'",
        ids::id_in(rows)
    )
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
    let mut query = sqlx::query(AssertSqlSafe(change_text(change, rows.len())));
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

/// Tells of those rows that have just come back and were called off meanwhile.
async fn tell_called_off(connection: &mut MySqlConnection, rows: &[i64]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), ?, attempts, \
         JSON_OBJECT('by', ?, 'was', 'processing', 'requested_at', {}) FROM incentive_notify_queue \
         WHERE {} AND status = 'cancelled' AND cancel_requested_at IS NOT NULL ORDER BY id",
        told_time("cancel_requested_at"),
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text))
        .bind(HistoryKind::Cancelled.as_str())
        .bind(BY_EVENT);
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let told = query.execute(connection).await?.rows_affected();
    CancelOutcome::Cancelled.count(told);
    Ok(())
}

async fn fail(connection: &mut MySqlConnection, claim: i64, failure: &PublishFailure) -> sqlx::Result<u64> {
    let error = short(&failure.error);
    let (status, kind, detail) = match failure.retry_in {
        Some(_) => (
            "pending",
            HistoryKind::PublishFailed,
            format!(
                "JSON_OBJECT('error', ?, 'retry_at', {})",
                told_time("scheduled_at")
            ),
        ),
        None => (
            "failed",
            HistoryKind::PublishFailedFinally,
            "JSON_OBJECT('error', ?)".to_owned(),
        ),
    };
    let delay = micros(failure.retry_in.unwrap_or_default());
    // What has expired before its next attempt ends when it expires.
    let changed = sqlx::query(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) \
         SET status = IF(? AND cancel_requested_at IS NOT NULL, 'cancelled', ?), last_error = ?, claim_id = NULL, \
         scheduled_at = IF(?, IF(expires_at < UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, expires_at, \
         UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND), scheduled_at) \
         WHERE id = ? AND claim_id = ? AND status = 'processing'",
    )
    .bind(failure.retry_in.is_some())
    .bind(status)
    .bind(&error)
    .bind(failure.retry_in.is_some())
    .bind(delay)
    .bind(delay)
    .bind(failure.notification_id)
    .bind(claim)
    .execute(&mut *connection)
    .await?;
    // After the change, which has set when the next attempt is due.
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), ?, attempts, {detail} FROM incentive_notify_queue WHERE id = ?"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(kind.as_str())
        .bind(&error)
        .bind(failure.notification_id)
        .execute(connection)
        .await?;
    Ok(changed.rows_affected())
}

/// See [`super::super::Store::doubt`].
pub(super) async fn doubt(pool: &MySqlPool, claim: i64, why: &str, retry_in: Duration) -> sqlx::Result<bool> {
    let doubted = sqlx::query(
        "UPDATE incentive_notify_claims \
         SET doubt = ?, lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE id = ?",
    )
    .bind(short(why))
    .bind(micros(retry_in))
    .bind(claim)
    .execute(pool)
    .await?;
    Ok(doubted.rows_affected() == 1)
}

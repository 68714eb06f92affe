//! Ending a claim. The claim row goes first: of two who end the same claim only one finds it.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, SqliteTransaction};

use super::super::ended_claims::{PARTIAL, RELEASED as ENDED_RELEASED, SETTLED};
use super::super::{BY_EVENT, CancelOutcome, Ended, HistoryKind, PublishFailure, Result, ids, short};
use super::{IMMEDIATE, NOW, ended_claims, from_now, sorted, told_time};

/// What a row becomes that was published; `{now}` is the database's clock.
const SENT: &str = "status = 'sent', sent_at = {now}, claim_id = NULL, last_error = NULL";
/// What a row becomes that was not.
const RELEASED: &str = "status = iif(cancel_requested_at IS NULL, 'pending', 'cancelled'), \
     attempts = attempts - 1, claim_id = NULL";

/// See [`super::super::Store::settle`].
pub(super) async fn settle(pool: &SqlitePool, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsSent);
    end(pool, claim, rows, false, kind).await
}

/// See [`super::super::Store::release`].
pub(super) async fn release(pool: &SqlitePool, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
    let kind = recovered.then_some(HistoryKind::RecoveredAsPending);
    end(pool, claim, rows, true, kind).await
}

async fn end(
    pool: &SqlitePool,
    claim: i64,
    rows: &[i64],
    returns: bool,
    history: Option<HistoryKind>,
) -> Result<Ended> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await.map_err(sorted)?;
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
    pool: &SqlitePool,
    claim: i64,
    sent: &[i64],
    failed: &[PublishFailure],
    released: &[i64],
) -> Result<Ended> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await.map_err(sorted)?;
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
    pool: &SqlitePool,
    claim: i64,
    sent: &[i64],
    released: &[i64],
) -> Result<Ended> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    if !delete_claim(&mut transaction, claim).await? {
        transaction.rollback().await.map_err(sorted)?;
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
async fn conclude(transaction: SqliteTransaction<'_>, expected: usize, found: u64) -> Result<Ended> {
    let expected = u64::try_from(expected).unwrap_or(u64::MAX);
    if found == expected {
        transaction.commit().await.map_err(sorted)?;
        Ok(Ended::Done)
    } else {
        transaction.rollback().await.map_err(sorted)?;
        Ok(Ended::Short { expected, found })
    }
}

async fn delete_claim(connection: &mut SqliteConnection, claim: i64) -> Result<bool> {
    let deleted = sqlx::query("DELETE FROM incentive_notify_claims WHERE id = ?")
        .bind(claim)
        .execute(connection)
        .await
        .map_err(sorted)?;
    Ok(deleted.rows_affected() == 1)
}

async fn change_rows(
    connection: &mut SqliteConnection,
    claim: i64,
    rows: &[i64],
    change: &str,
) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let text = format!(
        "UPDATE incentive_notify_queue SET {}, updated_at = {NOW} WHERE {} AND claim_id = ? AND status = 'processing'",
        change.replace("{now}", NOW),
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let changed = query.bind(claim).execute(connection).await.map_err(sorted)?;
    Ok(changed.rows_affected())
}

async fn tell(connection: &mut SqliteConnection, claim: i64, rows: &[i64], kind: HistoryKind) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, ?, attempts, json_object('claim', claim_id) FROM incentive_notify_queue \
         WHERE {} AND claim_id = ? ORDER BY id",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(kind.as_str());
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query
        .bind(claim)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sorted)
}

/// Tells of those rows that have just come back and were called off meanwhile.
async fn tell_called_off(connection: &mut SqliteConnection, rows: &[i64]) -> Result<()> {
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, ?, attempts, json_object('by', ?, 'was', 'processing', 'requested_at', {}) \
         FROM incentive_notify_queue \
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
    let told = query.execute(connection).await.map_err(sorted)?.rows_affected();
    CancelOutcome::Cancelled.count(told);
    Ok(())
}

async fn fail(connection: &mut SqliteConnection, claim: i64, failure: &PublishFailure) -> Result<u64> {
    let error = short(&failure.error);
    let (status, kind, detail) = match failure.retry_in {
        Some(_) => (
            "pending",
            HistoryKind::PublishFailed,
            format!(
                "json_object('error', ?, 'retry_at', {})",
                told_time("scheduled_at")
            ),
        ),
        None => (
            "failed",
            HistoryKind::PublishFailedFinally,
            "json_object('error', ?)".to_owned(),
        ),
    };
    // What has expired before its next attempt ends when it expires.
    let text = format!(
        "UPDATE incentive_notify_queue SET status = iif(?1 AND cancel_requested_at IS NOT NULL, 'cancelled', ?2), \
         last_error = ?3, claim_id = NULL, updated_at = {NOW}, \
         scheduled_at = iif(?1, iif(expires_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?4), expires_at, \
         strftime('%Y-%m-%d %H:%M:%f', 'now', ?4)), scheduled_at) \
         WHERE id = ?5 AND claim_id = ?6 AND status = 'processing'"
    );
    let changed = sqlx::query(AssertSqlSafe(text))
        .bind(failure.retry_in.is_some())
        .bind(status)
        .bind(&error)
        .bind(from_now(failure.retry_in.unwrap_or_default()))
        .bind(failure.notification_id)
        .bind(claim)
        .execute(&mut *connection)
        .await
        .map_err(sorted)?;
    // After the change, which has set when the next attempt is due.
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, ?, attempts, {detail} FROM incentive_notify_queue WHERE id = ?"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(kind.as_str())
        .bind(&error)
        .bind(failure.notification_id)
        .execute(connection)
        .await
        .map_err(sorted)?;
    Ok(changed.rows_affected())
}

/// See [`super::super::Store::doubt`].
pub(super) async fn doubt(pool: &SqlitePool, claim: i64, why: &str, retry_in: Duration) -> Result<bool> {
    let doubted = sqlx::query(
        "UPDATE incentive_notify_claims \
         SET doubt = ?, lease_until = strftime('%Y-%m-%d %H:%M:%f', 'now', ?) WHERE id = ?",
    )
    .bind(short(why))
    .bind(from_now(retry_in))
    .bind(claim)
    .execute(pool)
    .await
    .map_err(sorted)?;
    Ok(doubted.rows_affected() == 1)
}

//! Forgetting users.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};
use uuid::Uuid;

use super::super::columns::Columns;
use super::super::forget::{
    BESIDE, FORGETTING, NOBODY, OF_BEFORE, forgetting, known_since_text, requester, waiting, waiting_text,
};
use super::super::{
    Forget, Forgetting, Result, Status, StoreError, WaitingToBeForgotten, Which, ids, micros,
};
use super::error::{Answer, sorted};
use super::{MySqlStore, stored};

/// A user's rows that go, in the order of their ids.
pub(super) fn candidates_text(which: Which) -> String {
    format!(
        "SELECT id FROM incentive_notify_queue FORCE INDEX (of_user) WHERE {OF_BEFORE} AND {} ORDER BY id LIMIT ?",
        which.condition()
    )
}

/// Whether a user has rows that go.
pub(super) fn left_text() -> String {
    format!(
        "SELECT id FROM incentive_notify_queue FORCE INDEX (of_user) WHERE {OF_BEFORE} ORDER BY id LIMIT 1"
    )
}

/// So many rows, locked in id order, as far as they are still as they were found.
pub(super) fn lock_text(rows: usize, which: Which) -> String {
    format!(
        "SELECT id, status FROM incentive_notify_queue FORCE INDEX (PRIMARY) \
         WHERE {} AND {OF_BEFORE} AND {} ORDER BY id FOR UPDATE",
        ids::id_in(rows),
        which.condition()
    )
}

/// So many histories, reduced to what happened, when, and to which attempt.
pub(super) fn reduce_text(rows: usize) -> String {
    format!(
        "UPDATE incentive_notify_history FORCE INDEX (of_notification) SET detail = '{{}}' WHERE notification_{}",
        ids::id_in(rows)
    )
}

/// So many rows, made anonymous. In this order: an assignment sees what those before it have set.
fn anonymise_text(rows: usize) -> String {
    format!(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET user_id = {NOBODY}, \
         event_id = CONCAT('forgotten-', id, '-', ?), message_title = '', message_body = '', incentive_data = '{{}}', \
         updated_at = IF(status = 'pending', UTC_TIMESTAMP(3), updated_at), \
         status = IF(status = 'pending', 'cancelled', status), \
         metrics_data = JSON_REMOVE(metrics_data, '$.user_timezone'), occurred_at = created_at, expires_at = NULL, \
         timezone = NULL, traceparent = NULL, last_error = NULL, digest_event_id = NULL WHERE {}",
        ids::id_in(rows)
    )
}

/// The request of users beyond one, of whom something may be left in the database.
pub(super) const NEXT: &str = "SELECT user_id, as_of, requested_at, requested_by, erased_at, done_at \
     FROM incentive_notify_forgotten FORCE INDEX (by_end) \
     WHERE done_at IS NULL AND erased_at IS NULL AND user_id > ? ORDER BY user_id LIMIT 1";

/// Writes down that users are to be forgotten: `as_of` is cut to now, for a record of the future would keep events out
/// for ever.
pub(super) async fn request(
    connection: &mut MySqlConnection,
    user_id: i64,
    as_of: DateTime<Utc>,
    by: &str,
) -> sqlx::Result<()> {
    // What was asked before, as of the same time or a later one, stays as it is, and who has asked first while it is not
    // done. An assignment sees what those before it have set.
    sqlx::query(
        "INSERT INTO incentive_notify_forgotten (user_id, as_of, requested_at, requested_by) \
         VALUES (?, LEAST(?, UTC_TIMESTAMP(3)), UTC_TIMESTAMP(3), ?) ON DUPLICATE KEY UPDATE \
         requested_at = IF(VALUES(as_of) > as_of AND done_at IS NOT NULL, VALUES(requested_at), requested_at), \
         requested_by = IF(VALUES(as_of) > as_of AND done_at IS NOT NULL, VALUES(requested_by), requested_by), \
         erased_at = IF(VALUES(as_of) > as_of, NULL, erased_at), \
         done_at = IF(VALUES(as_of) > as_of, NULL, done_at), \
         as_of = GREATEST(as_of, VALUES(as_of))",
    )
    .bind(user_id)
    .bind(stored(as_of))
    .bind(requester(by))
    .execute(connection)
    .await
    .map(drop)
}

async fn request_now(pool: &MySqlPool, user_id: i64, by: &str) -> std::result::Result<Forgetting, Answer> {
    let mut transaction = pool.begin().await?;
    // Whatever their time: what a clock that is ahead has said goes as well.
    sqlx::query(
        "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES (?, UTC_TIMESTAMP(3), NULL) \
         ON DUPLICATE KEY UPDATE preference = NULL, updated_at = GREATEST(updated_at, VALUES(updated_at))",
    )
    .bind(user_id)
    .execute(&mut *transaction)
    .await?;
    let row = sqlx::query("SELECT UTC_TIMESTAMP(3) AS db_now")
        .fetch_one(&mut *transaction)
        .await?;
    request(&mut transaction, user_id, row.time("db_now")?, by).await?;
    let text = format!("SELECT {FORGETTING} FROM incentive_notify_forgotten WHERE user_id = ?");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(user_id)
        .fetch_one(&mut *transaction)
        .await?;
    let asked = forgetting(&row)?;
    transaction.commit().await?;
    Ok(asked)
}

async fn anonymise(
    pool: &MySqlPool,
    of: &Forgetting,
    which: Which,
    limit: u32,
) -> std::result::Result<u64, Answer> {
    let mut transaction = pool.begin().await?;
    let mut candidates: Vec<i64> = Vec::new();
    let found = sqlx::query(AssertSqlSafe(candidates_text(which)))
        .bind(of.user_id)
        .bind(stored(of.as_of))
        .bind(stored(of.as_of))
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
    for row in found {
        candidates.push(row.try_get("id")?);
    }
    if candidates.is_empty() {
        transaction.rollback().await?;
        return Ok(0);
    }
    let mut lock = sqlx::query(AssertSqlSafe(lock_text(candidates.len(), which)));
    for id in ids::bound(&candidates) {
        lock = lock.bind(id);
    }
    let found = lock
        .bind(of.user_id)
        .bind(stored(of.as_of))
        .bind(stored(of.as_of))
        .fetch_all(&mut *transaction)
        .await?;
    let (mut held, mut pending) = (Vec::new(), Vec::new());
    for row in found {
        let id: i64 = row.try_get("id")?;
        held.push(id);
        if row.text("status")? == Status::Pending.as_str() {
            pending.push(id);
        }
    }
    if !held.is_empty() {
        write(&mut transaction, &held, &pending).await?;
    }
    failpoint!("store::anonymise_uncommitted");
    transaction.commit().await?;
    // What was found and is not held any more changes of itself: it is met again.
    Ok(u64::try_from(candidates.len()).unwrap_or(u64::MAX))
}

async fn write(connection: &mut MySqlConnection, held: &[i64], pending: &[i64]) -> sqlx::Result<()> {
    if !pending.is_empty() {
        let cancelled = format!(
            "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
             SELECT id, UTC_TIMESTAMP(3), 'cancelled', attempts, '{{}}' FROM incentive_notify_queue WHERE {} ORDER BY id",
            ids::id_in(pending.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(cancelled));
        for id in ids::bound(pending) {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await?;
    }
    let mut reduce = sqlx::query(AssertSqlSafe(reduce_text(held.len())));
    let mut anonymise =
        sqlx::query(AssertSqlSafe(anonymise_text(held.len()))).bind(Uuid::new_v4().simple().to_string());
    for id in ids::bound(held) {
        reduce = reduce.bind(id);
        anonymise = anonymise.bind(id);
    }
    reduce.execute(&mut *connection).await?;
    anonymise.execute(connection).await.map(drop)
}

async fn anything_left(pool: &MySqlPool, user_id: i64, as_of: DateTime<Utc>) -> Result<bool> {
    let found = sqlx::query(AssertSqlSafe(left_text()))
        .bind(user_id)
        .bind(stored(as_of))
        .bind(stored(as_of))
        .fetch_optional(pool)
        .await
        .map_err(sorted)?;
    Ok(found.is_some())
}

async fn let_go(pool: &MySqlPool, kept: Duration, limit: u32) -> std::result::Result<u64, Answer> {
    let mut transaction = pool.begin().await?;
    let found = sqlx::query(
        "SELECT user_id FROM incentive_notify_forgotten FORCE INDEX (by_end) \
         WHERE done_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND LIMIT ? FOR UPDATE",
    )
    .bind(micros(kept))
    .bind(limit)
    .fetch_all(&mut *transaction)
    .await?;
    let mut users: Vec<i64> = Vec::with_capacity(found.len());
    for row in found {
        users.push(row.try_get("user_id")?);
    }
    if users.is_empty() {
        transaction.rollback().await?;
        return Ok(0);
    }
    let these = ids::id_in(users.len());
    for text in [
        format!("DELETE FROM user_preferences WHERE user_{these} AND preference IS NULL"),
        format!("DELETE FROM incentive_notify_forgotten WHERE user_{these}"),
    ] {
        let mut query = sqlx::query(AssertSqlSafe(text));
        for user in ids::bound(&users) {
            query = query.bind(user);
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(u64::try_from(users.len()).unwrap_or(u64::MAX))
}

#[async_trait]
impl Forget for MySqlStore {
    async fn request_forgetting(&self, user_id: i64, by: &str) -> Result<Forgetting> {
        self.retried(|| Box::pin(request_now(&self.pool, user_id, by)))
            .await
    }

    async fn known_since(&self, users: &[i64]) -> Result<BTreeMap<i64, DateTime<Utc>>> {
        let mut known = BTreeMap::new();
        for users in ids::parts(users) {
            let mut query = sqlx::query(AssertSqlSafe(known_since_text(users.len(), "LEAST")));
            for user in [users; 4].into_iter().flat_map(ids::bound) {
                query = query.bind(user);
            }
            for row in query.fetch_all(&self.pool).await.map_err(sorted)? {
                known.insert(row.int("user_id")?, row.time("known_since")?);
            }
        }
        Ok(known)
    }

    async fn forgetting(&self, user_id: i64) -> Result<Option<Forgetting>> {
        let text = format!("SELECT {FORGETTING} FROM incentive_notify_forgotten WHERE user_id = ?");
        let row = sqlx::query(AssertSqlSafe(text))
            .bind(user_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(forgetting).transpose()
    }

    async fn next_to_forget(&self, after: i64) -> Result<Option<Forgetting>> {
        let row = sqlx::query(NEXT)
            .bind(after)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(forgetting).transpose()
    }

    async fn anonymise(&self, of: &Forgetting, which: Which, limit: u32) -> Result<u64> {
        self.retried(|| Box::pin(anonymise(&self.pool, of, which, limit)))
            .await
    }

    async fn note_erased(&self, of: &Forgetting, grace: Duration, done: bool) -> Result<bool> {
        let waited = sqlx::query(
            "SELECT user_id FROM incentive_notify_forgotten \
             WHERE user_id = ? AND as_of = ? \
             AND GREATEST(as_of, requested_at) <= UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND",
        )
        .bind(of.user_id)
        .bind(stored(of.as_of))
        .bind(micros(grace))
        .fetch_optional(&self.pool)
        .await
        .map_err(sorted)?;
        if waited.is_none() || anything_left(&self.pool, of.user_id, of.as_of).await? {
            return Ok(false);
        }
        for text in BESIDE {
            sqlx::query(text)
                .bind(of.user_id)
                .bind(stored(of.as_of))
                .execute(&self.pool)
                .await
                .map_err(sorted)?;
        }
        let noted = sqlx::query(
            "UPDATE incentive_notify_forgotten SET erased_at = UTC_TIMESTAMP(3), done_at = IF(?, UTC_TIMESTAMP(3), NULL) \
             WHERE user_id = ? AND as_of = ? AND erased_at IS NULL",
        )
        .bind(done)
        .bind(of.user_id)
        .bind(stored(of.as_of))
        .execute(&self.pool)
        .await
        .map_err(sorted)?;
        Ok(noted.rows_affected() == 1)
    }

    async fn erased(&self, limit: u32) -> Result<Vec<Forgetting>> {
        let text = format!(
            "SELECT {FORGETTING} FROM incentive_notify_forgotten FORCE INDEX (by_end) \
             WHERE done_at IS NULL AND erased_at IS NOT NULL ORDER BY user_id LIMIT ?"
        );
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(sorted)?;
        rows.iter().map(forgetting).collect()
    }

    async fn note_forgotten(&self, of: &[Forgetting]) -> Result<u64> {
        let mut noted = 0;
        for one in of {
            let done = sqlx::query(
                "UPDATE incentive_notify_forgotten SET done_at = UTC_TIMESTAMP(3) \
                 WHERE user_id = ? AND as_of = ? AND erased_at IS NOT NULL AND done_at IS NULL",
            )
            .bind(one.user_id)
            .bind(stored(one.as_of))
            .execute(&self.pool)
            .await
            .map_err(sorted)?;
            noted += done.rows_affected();
        }
        Ok(noted)
    }

    async fn look_again(&self, after: i64, limit: u32) -> Result<Option<i64>> {
        let rows = sqlx::query(
            "SELECT user_id, as_of FROM incentive_notify_forgotten \
             WHERE user_id > ? AND done_at IS NOT NULL ORDER BY user_id LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(sorted)?;
        let mut last = None;
        for row in &rows {
            let (user_id, as_of) = (row.int("user_id")?, row.time("as_of")?);
            last = Some(user_id);
            if anything_left(&self.pool, user_id, as_of).await? {
                sqlx::query(
                    "UPDATE incentive_notify_forgotten SET erased_at = NULL, done_at = NULL WHERE user_id = ?",
                )
                .bind(user_id)
                .execute(&self.pool)
                .await
                .map_err(sorted)?;
            }
        }
        Ok(last)
    }

    async fn let_go(&self, kept: Duration, limit: u32) -> Result<u64> {
        self.retried(|| Box::pin(let_go(&self.pool, kept, limit))).await
    }

    async fn waiting_to_be_forgotten(&self) -> Result<WaitingToBeForgotten> {
        let text =
            waiting_text(|time| format!("TIMESTAMPDIFF(MICROSECOND, {time}, UTC_TIMESTAMP(3)) DIV 1000"));
        let row = sqlx::query(AssertSqlSafe(text))
            .fetch_one(&self.pool)
            .await
            .map_err(|fault| StoreError::from(sorted(fault)))?;
        waiting(&row)
    }
}

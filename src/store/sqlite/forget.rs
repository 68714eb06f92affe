//! Forgetting users.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::super::columns::Columns;
use super::super::forget::{
    BESIDE, FORGETTING, NOBODY, OF_BEFORE, forgetting, known_since_text, requester, waiting, waiting_text,
};
use super::super::{Forget, Forgetting, Result, WaitingToBeForgotten, Which, ids};
use super::retention::ago;
use super::{IMMEDIATE, NOW, SqliteStore, sorted, stored};

/// Writes down that a user is to be forgotten: `as_of` is cut to now, for a record of the future would keep events out for
/// ever.
pub(super) async fn request(
    connection: &mut SqliteConnection,
    user_id: i64,
    as_of: DateTime<Utc>,
    by: &str,
) -> Result<()> {
    // What was asked before, as of the same time or a later one, stays as it is, and who has asked first while it is not
    // done.
    let text = format!(
        "INSERT INTO incentive_notify_forgotten (user_id, as_of, requested_at, requested_by) \
         VALUES (?, MIN(?, {NOW}), {NOW}, ?) ON CONFLICT (user_id) DO UPDATE SET as_of = excluded.as_of, \
         requested_at = CASE WHEN done_at IS NULL THEN requested_at ELSE excluded.requested_at END, \
         requested_by = CASE WHEN done_at IS NULL THEN requested_by ELSE excluded.requested_by END, \
         erased_at = NULL, done_at = NULL \
         WHERE excluded.as_of > incentive_notify_forgotten.as_of"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(user_id)
        .bind(stored(as_of))
        .bind(requester(by))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sorted)
}

async fn find(connection: &mut SqliteConnection, user_id: i64) -> Result<Option<Forgetting>> {
    let text = format!("SELECT {FORGETTING} FROM incentive_notify_forgotten WHERE user_id = ?");
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(user_id)
        .fetch_optional(connection)
        .await
        .map_err(sorted)?;
    row.as_ref().map(forgetting).transpose()
}

/// The ids of a user's rows that go, in their order.
async fn found(
    connection: &mut SqliteConnection,
    of: (i64, DateTime<Utc>),
    condition: &str,
    limit: u32,
) -> Result<Vec<i64>> {
    let text = format!(
        "SELECT id FROM incentive_notify_queue WHERE {OF_BEFORE} AND {condition} ORDER BY id LIMIT ?"
    );
    let (user_id, as_of) = of;
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(user_id)
        .bind(stored(as_of))
        .bind(stored(as_of))
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(sorted)?;
    rows.iter().map(|row| row.try_get("id").map_err(sorted)).collect()
}

async fn anonymise(connection: &mut SqliteConnection, rows: &[i64]) -> Result<()> {
    let these = ids::id_in(rows.len());
    let cancelled = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, {NOW}, 'cancelled', attempts, '{{}}' FROM incentive_notify_queue \
         WHERE {these} AND status = 'pending' ORDER BY id"
    );
    let reduced = format!("UPDATE incentive_notify_history SET detail = '{{}}' WHERE notification_{these}");
    let anonymised = format!(
        "UPDATE incentive_notify_queue SET user_id = {NOBODY}, event_id = 'forgotten-' || id || '-' || ?, \
         message_title = '', message_body = '', incentive_data = '{{}}', \
         updated_at = CASE status WHEN 'pending' THEN {NOW} ELSE updated_at END, \
         status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END, \
         metrics_data = json_remove(metrics_data, '$.user_timezone'), occurred_at = created_at, expires_at = NULL, \
         timezone = NULL, traceparent = NULL, last_error = NULL, digest_event_id = NULL WHERE {these}"
    );
    let anonymised = sqlx::query(AssertSqlSafe(anonymised)).bind(Uuid::new_v4().simple().to_string());
    for mut query in [
        sqlx::query(AssertSqlSafe(cancelled)),
        sqlx::query(AssertSqlSafe(reduced)),
        anonymised,
    ] {
        for id in ids::bound(rows) {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await.map_err(sorted)?;
    }
    Ok(())
}

/// What was overwritten is in the file of the write-ahead log until it begins anew.
async fn clear_log(pool: &SqlitePool) -> Result<()> {
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(pool)
        .await
        .map(drop)
        .map_err(sorted)
}

#[async_trait]
impl Forget for SqliteStore {
    async fn request_forgetting(&self, user_id: i64, by: &str) -> Result<Forgetting> {
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        // Whatever their time: what a clock that is ahead has said goes as well.
        let text = format!(
            "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES (?, {NOW}, NULL) \
             ON CONFLICT (user_id) DO UPDATE SET preference = NULL, \
             updated_at = MAX(user_preferences.updated_at, excluded.updated_at)"
        );
        sqlx::query(AssertSqlSafe(text))
            .bind(user_id)
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        let row = sqlx::query(AssertSqlSafe(format!("SELECT {NOW} AS db_now")))
            .fetch_one(&mut *transaction)
            .await
            .map_err(sorted)?;
        request(&mut transaction, user_id, row.time("db_now")?, by).await?;
        let asked = find(&mut transaction, user_id).await?;
        transaction.commit().await.map_err(sorted)?;
        asked.ok_or_else(|| sorted(sqlx::Error::RowNotFound))
    }

    async fn known_since(&self, users: &[i64]) -> Result<BTreeMap<i64, DateTime<Utc>>> {
        let mut known = BTreeMap::new();
        for users in ids::parts(users) {
            let mut query = sqlx::query(AssertSqlSafe(known_since_text(users.len(), "MIN")));
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
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        find(&mut connection, user_id).await
    }

    async fn next_to_forget(&self, after: i64) -> Result<Option<Forgetting>> {
        let text = format!(
            "SELECT {FORGETTING} FROM incentive_notify_forgotten \
             WHERE done_at IS NULL AND erased_at IS NULL AND user_id > ? ORDER BY user_id LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(text))
            .bind(after)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(forgetting).transpose()
    }

    async fn anonymise(&self, of: &Forgetting, which: Which, limit: u32) -> Result<u64> {
        // Nobody else writes meanwhile: what is found is what is changed.
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let these = found(&mut transaction, (of.user_id, of.as_of), which.condition(), limit).await?;
        if !these.is_empty() {
            anonymise(&mut transaction, &these).await?;
        }
        transaction.commit().await.map_err(sorted)?;
        Ok(u64::try_from(these.len()).unwrap_or(u64::MAX))
    }

    async fn note_erased(&self, of: &Forgetting, grace: Duration, done: bool) -> Result<bool> {
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let left = found(&mut transaction, (of.user_id, of.as_of), "TRUE", 1).await?;
        if !left.is_empty() {
            transaction.rollback().await.map_err(sorted)?;
            return Ok(false);
        }
        for text in BESIDE {
            sqlx::query(text)
                .bind(of.user_id)
                .bind(stored(of.as_of))
                .execute(&mut *transaction)
                .await
                .map_err(sorted)?;
        }
        let text = format!(
            "UPDATE incentive_notify_forgotten SET erased_at = {NOW}, done_at = CASE WHEN ? THEN {NOW} END \
             WHERE user_id = ? AND as_of = ? AND erased_at IS NULL \
             AND MAX(as_of, requested_at) <= strftime('%Y-%m-%d %H:%M:%f', 'now', ?)"
        );
        let noted = sqlx::query(AssertSqlSafe(text))
            .bind(done)
            .bind(of.user_id)
            .bind(stored(of.as_of))
            .bind(ago(grace))
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        transaction.commit().await.map_err(sorted)?;
        if noted.rows_affected() == 1 {
            clear_log(&self.pool).await?;
        }
        Ok(noted.rows_affected() == 1)
    }

    async fn erased(&self, limit: u32) -> Result<Vec<Forgetting>> {
        let text = format!(
            "SELECT {FORGETTING} FROM incentive_notify_forgotten \
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
        let text = format!(
            "UPDATE incentive_notify_forgotten SET done_at = {NOW} \
             WHERE user_id = ? AND as_of = ? AND erased_at IS NOT NULL AND done_at IS NULL"
        );
        let mut noted = 0;
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        for one in of {
            let done = sqlx::query(AssertSqlSafe(text.as_str()))
                .bind(one.user_id)
                .bind(stored(one.as_of))
                .execute(&mut *transaction)
                .await
                .map_err(sorted)?;
            noted += done.rows_affected();
        }
        transaction.commit().await.map_err(sorted)?;
        Ok(noted)
    }

    async fn look_again(&self, after: i64, limit: u32) -> Result<Option<i64>> {
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let rows = sqlx::query(
            "SELECT user_id, as_of FROM incentive_notify_forgotten \
             WHERE user_id > ? AND done_at IS NOT NULL ORDER BY user_id LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await
        .map_err(sorted)?;
        let mut last = None;
        for row in &rows {
            let (user_id, as_of) = (row.int("user_id")?, row.time("as_of")?);
            last = Some(user_id);
            if !found(&mut transaction, (user_id, as_of), "TRUE", 1)
                .await?
                .is_empty()
            {
                sqlx::query(
                    "UPDATE incentive_notify_forgotten SET erased_at = NULL, done_at = NULL WHERE user_id = ?",
                )
                .bind(user_id)
                .execute(&mut *transaction)
                .await
                .map_err(sorted)?;
            }
        }
        transaction.commit().await.map_err(sorted)?;
        Ok(last)
    }

    async fn let_go(&self, kept: Duration, limit: u32) -> Result<u64> {
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let rows = sqlx::query(
            "SELECT user_id FROM incentive_notify_forgotten \
             WHERE done_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?) ORDER BY user_id LIMIT ?",
        )
        .bind(ago(kept))
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await
        .map_err(sorted)?;
        for row in &rows {
            let user_id = row.int("user_id")?;
            for text in [
                "DELETE FROM user_preferences WHERE user_id = ? AND preference IS NULL",
                "DELETE FROM incentive_notify_forgotten WHERE user_id = ?",
            ] {
                sqlx::query(text)
                    .bind(user_id)
                    .execute(&mut *transaction)
                    .await
                    .map_err(sorted)?;
            }
        }
        transaction.commit().await.map_err(sorted)?;
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }

    async fn waiting_to_be_forgotten(&self) -> Result<WaitingToBeForgotten> {
        let text = waiting_text(|time| {
            format!("CAST(round((julianday('now') - julianday({time})) * 86400000) AS INTEGER)")
        });
        let row = sqlx::query(AssertSqlSafe(text))
            .fetch_one(&self.pool)
            .await
            .map_err(sorted)?;
        waiting(&row)
    }
}

//! Events that are made once for each reader of a segment.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::super::broadcasts::{self, MOST_RUNNING, select, stored_count};
use super::super::{
    Advance, Broadcast, BroadcastOrder, Broadcasts, NewBroadcast, Reader, Result, Started, Taken,
};
use super::{IMMEDIATE, NOW, SqliteStore, from_now, sorted};

#[async_trait]
impl Broadcasts for SqliteStore {
    async fn start_broadcast(&self, new: &NewBroadcast) -> Result<Started> {
        let text = format!(
            "INSERT INTO incentive_notify_broadcasts (name, event, segment, rate, state, started_by, expected, \
             after_user, looked_at, produced, created_at, updated_at, holder, lease_until) \
             VALUES (?, ?, ?, ?, 'running', ?, ?, 0, 0, 0, {NOW}, {NOW}, '', {NOW}) ON CONFLICT (name) DO NOTHING"
        );
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let written = sqlx::query(AssertSqlSafe(text))
            .bind(&new.name)
            .bind(&new.event)
            .bind(&new.segment)
            .bind(new.rate)
            .bind(&new.by)
            .bind(new.expected.map(stored_count))
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        let is_new = written.rows_affected() == 1;
        let found = if is_new {
            sqlx::query(AssertSqlSafe(select("WHERE id = ?"))).bind(written.last_insert_rowid())
        } else {
            sqlx::query(AssertSqlSafe(select("WHERE name = ?"))).bind(&new.name)
        };
        let row = found.fetch_one(&mut *transaction).await.map_err(sorted)?;
        transaction.commit().await.map_err(sorted)?;
        Ok(Started {
            broadcast: broadcasts::row(&row)?,
            is_new,
        })
    }

    async fn broadcast(&self, id: i64) -> Result<Option<Broadcast>> {
        let found = sqlx::query(AssertSqlSafe(select("WHERE id = ?")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        found.as_ref().map(broadcasts::row).transpose()
    }

    async fn broadcasts(&self, before: Option<i64>, limit: u32) -> Result<Vec<Broadcast>> {
        let rows = sqlx::query(AssertSqlSafe(select("WHERE id < ? ORDER BY id DESC LIMIT ?")))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(sorted)?;
        rows.iter().map(broadcasts::row).collect()
    }

    async fn order_broadcast(&self, id: i64, order: BroadcastOrder) -> Result<bool> {
        let text = format!(
            "UPDATE incentive_notify_broadcasts SET state = ?1, updated_at = {NOW}, \
             ended_at = CASE WHEN ?1 = 'stopped' THEN {NOW} END WHERE id = ?2 AND state IN ({})",
            broadcasts::states(order)
        );
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let changed = sqlx::query(AssertSqlSafe(text))
            .bind(order.leads_to().as_str())
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        transaction.commit().await.map_err(sorted)?;
        Ok(changed.rows_affected() == 1)
    }

    async fn take_broadcasts(&self, holder: &str, lease: Duration) -> Result<Taken> {
        // Without a lock: most of the time nothing is running.
        let open = sqlx::query(
            "SELECT * FROM (SELECT id, CAST((julianday('now') - julianday(updated_at)) * 86400000 AS INTEGER) AS still_for \
             FROM incentive_notify_broadcasts WHERE state = 'running' ORDER BY id LIMIT ?) UNION ALL SELECT * FROM \
             (SELECT id, NULL FROM incentive_notify_broadcasts WHERE state = 'paused' ORDER BY id LIMIT 1)",
        )
        .bind(MOST_RUNNING)
        .fetch_all(&self.pool)
        .await
        .map_err(sorted)?;
        let (mut taken, running) = broadcasts::open(&open, Duration::from_millis)?;
        if running.is_empty() {
            return Ok(taken);
        }
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let take = format!(
            "UPDATE incentive_notify_broadcasts \
             SET holder = ?1, lease_until = strftime('%Y-%m-%d %H:%M:%f', 'now', ?2) \
             WHERE id = ?3 AND state = 'running' AND (holder = ?1 OR lease_until <= {NOW}) RETURNING {}",
            broadcasts::COLUMNS
        );
        for id in running {
            let ours = sqlx::query(AssertSqlSafe(take.as_str()))
                .bind(holder.to_owned())
                .bind(from_now(lease))
                .bind(id)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(sorted)?;
            taken.ours.extend(ours.as_ref().map(broadcasts::row).transpose()?);
        }
        transaction.commit().await.map_err(sorted)?;
        Ok(taken)
    }

    async fn leave_broadcast(&self, id: i64, holder: &str) -> Result<()> {
        let text =
            format!("UPDATE incentive_notify_broadcasts SET lease_until = {NOW} WHERE id = ? AND holder = ?");
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        sqlx::query(AssertSqlSafe(text))
            .bind(id)
            .bind(holder.to_owned())
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        transaction.commit().await.map_err(sorted)
    }

    async fn advance_broadcast(&self, id: i64, holder: &str, step: &Advance) -> Result<bool> {
        let text = format!(
            "UPDATE incentive_notify_broadcasts SET after_user = ?1, looked_at = looked_at + ?2, \
             produced = produced + ?3, updated_at = {NOW}, \
             ended_at = CASE WHEN ?4 AND state = 'running' THEN {NOW} ELSE ended_at END, \
             state = CASE WHEN ?4 AND state = 'running' THEN 'done' ELSE state END \
             WHERE id = ?5 AND holder = ?6 AND after_user = ?7"
        );
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let changed = sqlx::query(AssertSqlSafe(text))
            .bind(step.to)
            .bind(stored_count(step.looked_at))
            .bind(stored_count(step.produced))
            .bind(step.is_last)
            .bind(id)
            .bind(holder.to_owned())
            .bind(step.from)
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
        transaction.commit().await.map_err(sorted)?;
        Ok(changed.rows_affected() == 1)
    }

    async fn page_of_readers(&self, after: i64, limit: u32) -> Result<Vec<Reader>> {
        let rows = sqlx::query(
            "SELECT user_id, preference FROM user_preferences WHERE user_id > ? ORDER BY user_id LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(sorted)?;
        rows.iter().map(broadcasts::reader).collect()
    }
}

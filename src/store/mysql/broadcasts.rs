//! Events that are made once for each reader of a segment.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;
use uuid::Uuid;

use super::super::broadcasts::{self, MOST_RUNNING, select, stored_count};
use super::super::columns::Columns;
use super::super::{
    Advance, Broadcast, BroadcastOrder, Broadcasts, NewBroadcast, Reader, Result, Started, Taken, micros,
};
use super::MySqlStore;
use super::error::{Answer, sorted};

/// Readers after one of them.
pub(super) const READERS: &str =
    "SELECT user_id, preference FROM user_preferences WHERE user_id > ? ORDER BY user_id LIMIT ?";

/// What is running, and for how long nothing has moved it; then one that is paused.
pub(super) const OPEN: &str = "(SELECT id, TIMESTAMPDIFF(MICROSECOND, updated_at, UTC_TIMESTAMP(3)) AS still_for \
     FROM incentive_notify_broadcasts WHERE state = 'running' ORDER BY id LIMIT ?) \
     UNION ALL (SELECT id, NULL FROM incentive_notify_broadcasts WHERE state = 'paused' ORDER BY id LIMIT 1)";

#[async_trait]
impl Broadcasts for MySqlStore {
    async fn start_broadcast(&self, new: &NewBroadcast) -> Result<Started> {
        self.retried(|| Box::pin(start(&self.pool, new))).await
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
        self.retried(|| Box::pin(give_order(&self.pool, id, order))).await
    }

    async fn take_broadcasts(&self, holder: &str, lease: Duration) -> Result<Taken> {
        self.retried(|| Box::pin(take(&self.pool, holder, lease))).await
    }

    async fn leave_broadcast(&self, id: i64, holder: &str) -> Result<()> {
        sqlx::query(
            "UPDATE incentive_notify_broadcasts SET lease_until = UTC_TIMESTAMP(3) WHERE id = ? AND holder = ?",
        )
        .bind(id)
        .bind(holder)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(|fault| sorted(fault).into())
    }

    async fn advance_broadcast(&self, id: i64, holder: &str, step: &Advance) -> Result<bool> {
        self.retried(|| Box::pin(advance(&self.pool, id, holder, step)))
            .await
    }

    async fn page_of_readers(&self, after: i64, limit: u32) -> Result<Vec<Reader>> {
        let rows = sqlx::query(READERS)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(sorted)?;
        rows.iter().map(broadcasts::reader).collect()
    }
}

async fn start(pool: &MySqlPool, new: &NewBroadcast) -> std::result::Result<Started, Answer> {
    // Tells a new row from one that was there: how many rows such a statement has changed does not.
    let mark = Uuid::new_v4().simple().to_string();
    let mut transaction = pool.begin().await?;
    let written = sqlx::query(
        "INSERT INTO incentive_notify_broadcasts (name, event, segment, rate, state, started_by, expected, after_user, \
         looked_at, produced, created_at, updated_at, holder, lease_until) \
         VALUES (?, ?, ?, ?, 'running', ?, ?, 0, 0, 0, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), ?, UTC_TIMESTAMP(3)) \
         ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
    )
    .bind(&new.name)
    .bind(&new.event)
    .bind(&new.segment)
    .bind(new.rate)
    .bind(&new.by)
    .bind(new.expected.map(stored_count))
    .bind(&mark)
    .execute(&mut *transaction)
    .await?;
    let text = format!(
        "{} WHERE id = ?",
        select("").replacen("SELECT ", "SELECT holder, ", 1)
    );
    let row = sqlx::query(AssertSqlSafe(text))
        .bind(i64::try_from(written.last_insert_id()).unwrap_or(i64::MAX))
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Started {
        is_new: row.text("holder")? == mark,
        broadcast: broadcasts::row(&row)?,
    })
}

async fn give_order(pool: &MySqlPool, id: i64, order: BroadcastOrder) -> std::result::Result<bool, Answer> {
    let text = format!(
        "UPDATE incentive_notify_broadcasts SET state = ?, updated_at = UTC_TIMESTAMP(3), \
         ended_at = IF(? = 'stopped', UTC_TIMESTAMP(3), NULL) WHERE id = ? AND state IN ({})",
        broadcasts::states(order)
    );
    let state = order.leads_to().as_str();
    let changed = sqlx::query(AssertSqlSafe(text))
        .bind(state)
        .bind(state)
        .bind(id)
        .execute(pool)
        .await?;
    Ok(changed.rows_affected() == 1)
}

async fn take(pool: &MySqlPool, holder: &str, lease: Duration) -> std::result::Result<Taken, Answer> {
    // Without a lock: most of the time nothing is running.
    let open = sqlx::query(OPEN).bind(MOST_RUNNING).fetch_all(pool).await?;
    let (mut taken, running) = broadcasts::open(&open, Duration::from_micros)?;
    if running.is_empty() {
        return Ok(taken);
    }
    let mut transaction = pool.begin().await?;
    for id in running {
        let text = select(
            "WHERE id = ? AND state = 'running' AND (holder = ? OR lease_until <= UTC_TIMESTAMP(3)) \
             FOR UPDATE SKIP LOCKED",
        );
        let free = sqlx::query(AssertSqlSafe(text))
            .bind(id)
            .bind(holder)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(free) = free else { continue };
        sqlx::query(
            "UPDATE incentive_notify_broadcasts \
             SET holder = ?, lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE id = ?",
        )
        .bind(holder)
        .bind(micros(lease))
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        taken.ours.push(broadcasts::row(&free)?);
    }
    transaction.commit().await?;
    Ok(taken)
}

async fn advance(
    pool: &MySqlPool,
    id: i64,
    holder: &str,
    step: &Advance,
) -> std::result::Result<bool, Answer> {
    // The end before the state: a later assignment sees what an earlier one has written.
    let changed = sqlx::query(
        "UPDATE incentive_notify_broadcasts SET after_user = ?, looked_at = looked_at + ?, produced = produced + ?, \
         updated_at = UTC_TIMESTAMP(3), ended_at = IF(? AND state = 'running', UTC_TIMESTAMP(3), ended_at), \
         state = IF(? AND state = 'running', 'done', state) WHERE id = ? AND holder = ? AND after_user = ?",
    )
    .bind(step.to)
    .bind(stored_count(step.looked_at))
    .bind(stored_count(step.produced))
    .bind(step.is_last)
    .bind(step.is_last)
    .bind(id)
    .bind(holder)
    .bind(step.from)
    .execute(pool)
    .await?;
    Ok(changed.rows_affected() == 1)
}

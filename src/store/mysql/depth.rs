//! How deep the queue is, counted without holding back the server's purge: READ UNCOMMITTED keeps no snapshot.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::mysql::{MySqlPool, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::super::columns::{self, Columns};
use super::super::{Backlog, Depth, DepthRow, PendingRow, Result, Status, StoreError};
use super::claim;
use super::error::{Answer, sorted};
use crate::contract::Priority;

/// See [`super::super::Store::depth`].
pub(super) async fn depth(pool: &MySqlPool) -> Result<Depth> {
    let mut connection = pool.acquire().await.map_err(sorted)?;
    counted(&mut connection).await.map_err(StoreError::from)
}

async fn counted(connection: &mut MySqlConnection) -> std::result::Result<Depth, Answer> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let counts = sqlx::query(
        "SELECT CAST(status AS CHAR) AS status, priority, COUNT(*) AS found FROM incentive_notify_queue \
         GROUP BY status, priority",
    )
    .fetch_all(&mut *transaction)
    .await?;
    let rows = counts
        .iter()
        .map(columns::depth_row)
        .collect::<Result<Vec<_>>>()?;
    let (mut due, mut oldest_due_ms) = (0, None);
    for priority in Priority::urgent_first() {
        let row = sqlx::query(
            "SELECT COUNT(*) AS due, TIMESTAMPDIFF(MICROSECOND, MIN(scheduled_at), UTC_TIMESTAMP(3)) AS oldest \
             FROM incentive_notify_queue FORCE INDEX (claim_order) \
             WHERE status = 'pending' AND priority = ? AND scheduled_at <= UTC_TIMESTAMP(3)",
        )
        .bind(priority.get())
        .fetch_one(&mut *transaction)
        .await?;
        due += columns::count(&row, "due")?;
        let oldest = row
            .int_or_null("oldest")?
            .map(|micros| u64::try_from(micros).unwrap_or(0) / 1000);
        oldest_due_ms = oldest_due_ms.max(oldest);
    }
    transaction.rollback().await?;
    Ok(Depth::new(rows, due, oldest_due_ms))
}

/// See [`super::super::Store::pending_by_type`].
pub(super) async fn pending_by_type(pool: &MySqlPool, most: u32) -> Result<Vec<PendingRow>> {
    let mut connection = pool.acquire().await.map_err(sorted)?;
    let counts = typed(&mut connection, most).await.map_err(StoreError::from)?;
    counts.iter().map(columns::pending_row).collect()
}

async fn typed(connection: &mut MySqlConnection, most: u32) -> std::result::Result<Vec<MySqlRow>, Answer> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let counts = sqlx::raw_sql(AssertSqlSafe(by_type_text(most)))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    Ok(counts)
}

/// Counts the pending rows of each priority by type. The type is in no index: so many rows are looked up, and no more.
pub(super) fn by_type_text(most: u32) -> String {
    let counts: Vec<_> = Priority::urgent_first()
        .map(|priority| {
            let priority = priority.get();
            format!(
                "SELECT {priority} AS priority, CAST(incentive_type AS CHAR) AS incentive_type, COUNT(*) AS found FROM \
                 (SELECT incentive_type FROM incentive_notify_queue FORCE INDEX (claim_order) \
                 WHERE status = 'pending' AND priority = {priority} ORDER BY scheduled_at, id LIMIT {most}) AS some \
                 GROUP BY incentive_type"
            )
        })
        .collect();
    counts.join(" UNION ALL ")
}

/// See [`super::super::Store::backlog`].
pub(super) async fn backlog(pool: &MySqlPool, exactly: u32) -> Result<Backlog> {
    let mut connection = pool.acquire().await.map_err(sorted)?;
    sampled(&mut connection, exactly).await.map_err(StoreError::from)
}

async fn sampled(connection: &mut MySqlConnection, exactly: u32) -> std::result::Result<Backlog, Answer> {
    let counts = sqlx::raw_sql(AssertSqlSafe(few_text(exactly)))
        .fetch_all(&mut *connection)
        .await?;
    let mut rows = counts
        .iter()
        .map(columns::depth_row)
        .collect::<Result<Vec<_>>>()?;
    for row in &mut rows {
        if row.rows > u64::from(exactly) {
            row.rows = row.rows.max(estimate(connection, row).await?);
        }
    }
    let mut oldest_due: BTreeMap<_, _> = Priority::urgent_first()
        .map(|priority| (priority, Duration::ZERO))
        .collect();
    for (priority, wait) in claim::waits(connection).await? {
        // Negative: so long ago.
        let age = u64::try_from(wait.saturating_neg()).unwrap_or(0);
        oldest_due.insert(priority, Duration::from_micros(age));
    }
    Ok(Backlog { rows, oldest_due })
}

/// Counts each status and priority, but stops after `exactly` rows and one.
pub(super) fn few_text(exactly: u32) -> String {
    let most = u64::from(exactly) + 1;
    let counts: Vec<_> = Status::ALL
        .into_iter()
        .flat_map(|status| Priority::urgent_first().map(move |priority| (status, priority.get())))
        .map(|(status, priority)| {
            format!(
                "SELECT '{status}' AS status, {priority} AS priority, COUNT(*) AS found FROM \
                 (SELECT 1 FROM incentive_notify_queue FORCE INDEX (claim_order) \
                 WHERE status = '{status}' AND priority = {priority} LIMIT {most}) AS some"
            )
        })
        .collect();
    counts.join(" UNION ALL ")
}

/// What the server takes the rows to be: a dive into the index at both ends of their range.
async fn estimate(connection: &mut MySqlConnection, row: &DepthRow) -> std::result::Result<u64, Answer> {
    // MySQL 9 draws a tree by default, and MariaDB has no other format.
    let text = format!(
        "EXPLAIN /*!80000 FORMAT = TRADITIONAL */ SELECT id FROM incentive_notify_queue \
         WHERE status = '{}' AND priority = {}",
        row.status,
        row.priority.get()
    );
    let plan = sqlx::raw_sql(AssertSqlSafe(text)).fetch_one(connection).await?;
    Ok(columns::count(&plan, "rows")?)
}

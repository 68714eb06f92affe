//! How deep the queue is, counted without holding back the server's purge: READ UNCOMMITTED keeps no snapshot.

use sqlx::mysql::MySqlPool;
use sqlx::{Connection, MySqlConnection};

use super::super::columns::{self, Columns};
use super::super::{Depth, Result, StoreError};
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

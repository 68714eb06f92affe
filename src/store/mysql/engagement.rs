//! Engagement, counted over the rows of a stretch of time.

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};

use super::super::columns::Columns;
use super::super::{EngagementRow, GroupBy, engagement};
use super::error::Answer;
use super::stored;

/// Ids are given in the order in which rows are stored, but for transactions that commit in another order.
const OUT_OF_ORDER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// See [`super::super::Store::engagement`].
pub(super) async fn engagement(
    pool: &MySqlPool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    by: GroupBy,
) -> Result<Vec<EngagementRow>, Answer> {
    let group = match by {
        GroupBy::IncentiveType => "CAST(incentive_type AS CHAR)",
        GroupBy::Language => "language",
        GroupBy::Variant => "COALESCE(CONCAT(CAST(incentive_type AS CHAR), '--', variant), 'unknown')",
        GroupBy::Priority => "CAST(priority AS CHAR)",
        GroupBy::Device => {
            "COALESCE(JSON_UNQUOTE(JSON_EXTRACT(metrics_data, '$.device_type')), device_type, 'unknown')"
        }
        GroupBy::Hour => "COALESCE(DATE_FORMAT(sent_at, '%H'), 'unknown')",
    };
    let text = engagement::statement(
        group,
        "TIMESTAMPDIFF(MICROSECOND, created_at, delivered_at) DIV 1000",
        "id >= ? AND id < ? AND created_at >= ? AND created_at < ?",
    );
    let mut connection = pool.acquire().await?;
    // Counting must not hold back the server's purge: READ UNCOMMITTED keeps no snapshot.
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    let first = first_id_since(&mut transaction, from - OUT_OF_ORDER).await?;
    let end = first_id_since(&mut transaction, to + OUT_OF_ORDER).await?;
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(first)
        .bind(end)
        .bind(stored(from))
        .bind(stored(to))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    let rows: Result<Vec<_>, _> = rows.iter().map(engagement::row).collect();
    Ok(rows?)
}

/// The lowest id of a row that was stored then or later, found by halves: there is no index by time. One beyond the
/// highest where there is none.
async fn first_id_since(connection: &mut MySqlConnection, time: DateTime<Utc>) -> Result<i64, Answer> {
    let ends = sqlx::query(
        "SELECT COALESCE(MIN(id), 0) AS low, COALESCE(MAX(id), 0) + 1 AS high FROM incentive_notify_queue",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (mut low, mut high): (i64, i64) = (ends.try_get("low")?, ends.try_get("high")?);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = sqlx::query(
            "SELECT id, created_at FROM incentive_notify_queue WHERE id >= ? ORDER BY id LIMIT 1",
        )
        .bind(middle)
        .fetch_optional(&mut *connection)
        .await?;
        match row {
            Some(row) if row.time("created_at")? < time => low = row.int("id")? + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

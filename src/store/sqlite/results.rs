//! Applying results.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::columns::{self, STANDING};
use super::super::{Decide, Result, Standing, Verdict, ids, short};
use super::{IMMEDIATE, NOW, habits, sorted, stored};
use crate::contract::DeliveryResult;

/// See [`super::super::Store::apply_results`].
pub(super) async fn apply(
    pool: &SqlitePool,
    results: &[DeliveryResult],
    decide: &Decide,
) -> Result<Vec<Verdict>> {
    let mut wanted: Vec<i64> = results.iter().map(|result| result.notification_id).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let before = read(&mut transaction, &wanted).await?;
    let mut after = before.clone();
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) VALUES (?, {NOW}, ?, ?, ?)"
    );
    let mut verdicts = Vec::with_capacity(results.len());
    for result in results {
        let row = after.get_mut(&result.notification_id);
        let attempt = row.as_ref().map_or(0, |row| row.attempts);
        let verdict = decide(row, result);
        if let Verdict::Applied { kind, detail, .. } = &verdict {
            sqlx::query(AssertSqlSafe(history.as_str()))
                .bind(result.notification_id)
                .bind(kind.as_str())
                .bind(attempt)
                .bind(Value::Object(detail.clone()).to_string())
                .execute(&mut *transaction)
                .await
                .map_err(sorted)?;
        }
        verdicts.push(verdict);
    }
    for (id, row) in &after {
        if before.get(id) != Some(row) {
            write(&mut transaction, row).await?;
        }
    }
    habits::learn(&mut transaction, &after).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(verdicts)
}

async fn read(connection: &mut SqliteConnection, rows: &[i64]) -> Result<BTreeMap<i64, Standing>> {
    let text = format!(
        "SELECT {STANDING}, {NOW} AS db_now FROM incentive_notify_queue WHERE {}",
        ids::id_in(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let mut found = BTreeMap::new();
    for row in query.fetch_all(connection).await.map_err(sorted)? {
        let standing = columns::standing(&row)?;
        found.insert(standing.id, standing);
    }
    Ok(found)
}

async fn write(connection: &mut SqliteConnection, row: &Standing) -> Result<()> {
    let metrics = (!row.metrics.is_empty()).then(|| Value::Object(row.metrics.clone()).to_string());
    let text = format!(
        "UPDATE incentive_notify_queue SET status = ?, scheduled_at = ?, delivered_at = ?, opened_at = ?, \
         clicked_at = ?, dismissed_at = ?, last_error = ?, metrics_data = ?, updated_at = {NOW} WHERE id = ?"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(row.status.as_str())
        .bind(stored(row.scheduled_at))
        .bind(row.delivered_at.map(stored))
        .bind(row.opened_at.map(stored))
        .bind(row.clicked_at.map(stored))
        .bind(row.dismissed_at.map(stored))
        .bind(row.last_error.as_deref().map(short))
        .bind(metrics)
        .bind(row.id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sorted)
}

//! Applying results.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::columns::{self, STANDING};
use super::super::{Decide, Standing, Verdict, ids, short};
use super::error::Answer;
use super::{habits, stored};
use crate::contract::DeliveryResult;

/// See [`super::super::Store::apply_results`].
pub(super) async fn apply(
    pool: &MySqlPool,
    results: &[DeliveryResult],
    decide: &Decide,
) -> Result<Vec<Verdict>, Answer> {
    let mut wanted: Vec<i64> = results.iter().map(|result| result.notification_id).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut transaction = pool.begin().await?;
    let before = lock(&mut transaction, &wanted).await?;
    let mut after = before.clone();
    let verdicts: Vec<_> = results
        .iter()
        .map(|result| decide(after.get_mut(&result.notification_id), result))
        .collect();
    tell(&mut transaction, results, &verdicts, &before).await?;
    for (id, row) in &after {
        if before.get(id) != Some(row) {
            write(&mut transaction, row).await?;
        }
    }
    habits::learn(&mut transaction, &after).await?;
    failpoint!("store::results_uncommitted");
    transaction.commit().await?;
    failpoint!("store::results_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(verdicts)
}

/// So many rows, locked in id order.
pub(super) fn lock_text(rows: usize) -> String {
    format!(
        "SELECT {STANDING}, UTC_TIMESTAMP(3) AS db_now FROM incentive_notify_queue FORCE INDEX (PRIMARY) \
         WHERE {} ORDER BY id FOR UPDATE",
        ids::id_in(rows)
    )
}

async fn lock(connection: &mut MySqlConnection, rows: &[i64]) -> Result<BTreeMap<i64, Standing>, Answer> {
    let mut query = sqlx::query(AssertSqlSafe(lock_text(rows.len())));
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    let mut found = BTreeMap::new();
    for row in query.fetch_all(connection).await? {
        let standing = columns::standing(&row)?;
        found.insert(standing.id, standing);
    }
    Ok(found)
}

/// Writes the history entries of the verdicts.
async fn tell(
    connection: &mut MySqlConnection,
    results: &[DeliveryResult],
    verdicts: &[Verdict],
    rows: &BTreeMap<i64, Standing>,
) -> sqlx::Result<()> {
    let entries: Vec<_> = results
        .iter()
        .zip(verdicts)
        .filter_map(|(result, verdict)| match verdict {
            Verdict::Applied { kind, detail, .. } => {
                rows.get(&result.notification_id).map(|row| (row, kind, detail))
            }
            _ => None,
        })
        .collect();
    for part in ids::parts(&entries) {
        let text = format!(
            "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) VALUES {}",
            vec!["(?, UTC_TIMESTAMP(3), ?, ?, ?)"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (row, kind, detail) in part {
            query = query
                .bind(row.id)
                .bind(kind.as_str())
                .bind(row.attempts)
                .bind(Value::Object((*detail).clone()).to_string());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write(connection: &mut MySqlConnection, row: &Standing) -> sqlx::Result<()> {
    let metrics = (!row.metrics.is_empty()).then(|| Value::Object(row.metrics.clone()).to_string());
    sqlx::query(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET status = ?, scheduled_at = ?, delivered_at = ?, opened_at = ?, \
         clicked_at = ?, dismissed_at = ?, last_error = ?, metrics_data = ? WHERE id = ?",
    )
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
}

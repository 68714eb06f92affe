//! Applying results.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::columns::{self, STANDING};
use super::super::{Decide, Standing, Verdict, ids, short};
use super::error::Answer;
use super::{habits, history, listed, written};
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
    let changed: Vec<&Standing> = after
        .iter()
        .filter(|(id, row)| before.get(id) != Some(row))
        .map(|(_, row)| row)
        .collect();
    write(&mut transaction, &changed).await?;
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
            Verdict::Applied { kind, detail, .. } => rows
                .get(&result.notification_id)
                .map(|row| history::entry(row.id, *kind, row.attempts, detail)),
            _ => None,
        })
        .collect();
    history::tell(connection, &entries).await
}

/// Takes what results change of rows from a list.
pub(super) fn write_text() -> String {
    listed::update_text(&[
        ("status", "VARCHAR(16)", "$[0][1]"),
        ("last_error", "VARCHAR(1024)", "$[0][2]"),
        ("metrics_data", "LONGTEXT", "$[0][3]"),
        ("scheduled_at", "DATETIME(3)", "$[1]"),
        ("delivered_at", "DATETIME(3)", "$[2][0]"),
        ("opened_at", "DATETIME(3)", "$[2][1]"),
        ("clicked_at", "DATETIME(3)", "$[2][2]"),
        ("dismissed_at", "DATETIME(3)", "$[2][3]"),
    ])
}

async fn write(connection: &mut MySqlConnection, rows: &[&Standing]) -> sqlx::Result<()> {
    let list: Vec<_> = rows
        .iter()
        .map(|row| {
            let metrics = (!row.metrics.is_empty()).then(|| Value::Object(row.metrics.clone()).to_string());
            (
                (
                    row.id,
                    row.status.as_str(),
                    row.last_error.as_deref().map(short),
                    metrics,
                ),
                written(row.scheduled_at),
                [row.delivered_at, row.opened_at, row.clicked_at, row.dismissed_at]
                    .map(|time| time.map(written)),
            )
        })
        .collect();
    listed::execute(connection, &write_text(), &list).await
}

//! Storing a batch of which something is decided meanwhile.

use std::collections::BTreeMap;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Row};

use super::super::admission::{self, Admission, Admitted, ReaderPlaces};
use super::super::{NewNotification, Result, bounds, ids};
use super::{IMMEDIATE, NOW, insert, sorted, stored, time_of};

/// See [`super::super::Store::insert_admitted`]. One writer at a time: nothing needs to be locked.
pub(super) async fn insert(
    pool: &SqlitePool,
    batch: &[NewNotification],
    admission: &dyn Admission,
) -> Result<Admitted> {
    bounds::check_bounds(batch)?;
    let users = admission::readers_of(batch.iter().filter(|row| admission.concerns(row)));
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let now: String = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {NOW}")))
        .fetch_one(&mut *transaction)
        .await
        .map_err(sorted)?;
    let now = time_of("now", &now)?;
    let before = readers(&mut transaction, &users).await?;
    let mut after = before.clone();
    let (mut inserted, mut fates) = (0, Vec::new());
    for row in batch {
        let new = if admission.concerns(row) && !is_known(&mut transaction, row).await? {
            let mut row = row.clone();
            let reader = after.entry(row.user_id).or_default();
            fates.push(admission.admit(&mut row, reader, now));
            insert::store(&mut transaction, &row).await?
        } else {
            insert::store(&mut transaction, row).await?
        };
        inserted += u64::from(new);
    }
    for (user, reader, until) in admission::changed(&before, after, admission.memory(), now) {
        sqlx::query(
            "INSERT INTO incentive_notify_readers (user_id, places, kept_until) VALUES (?, ?, ?) \
             ON CONFLICT (user_id) DO UPDATE SET places = excluded.places, kept_until = excluded.kept_until",
        )
        .bind(user)
        .bind(reader.places.to_json())
        .bind(stored(until))
        .execute(&mut *transaction)
        .await
        .map_err(sorted)?;
    }
    let inserted = insert::meet(&mut transaction, inserted, batch).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(Admitted {
        stored: inserted,
        fates,
    })
}

async fn readers(connection: &mut SqliteConnection, users: &[i64]) -> Result<BTreeMap<i64, ReaderPlaces>> {
    let text = format!(
        "SELECT user_id, places FROM incentive_notify_readers WHERE {}",
        ids::column_in("user_id", users.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for user in ids::bound(users) {
        query = query.bind(user);
    }
    let mut readers = BTreeMap::new();
    for row in query.fetch_all(connection).await.map_err(sorted)? {
        let places: String = row.try_get("places").map_err(sorted)?;
        readers.insert(row.try_get("user_id").map_err(sorted)?, admission::read(&places)?);
    }
    Ok(readers)
}

async fn is_known(connection: &mut SqliteConnection, row: &NewNotification) -> Result<bool> {
    let found = sqlx::query("SELECT 1 FROM incentive_notify_queue WHERE event_id = ?")
        .bind(&row.event_id)
        .fetch_optional(connection)
        .await
        .map_err(sorted)?;
    Ok(found.is_some())
}

/// See [`super::super::Store::forget_readers`].
pub(super) async fn forget(pool: &SqlitePool, limit: u32) -> Result<u64> {
    let text = format!(
        "DELETE FROM incentive_notify_readers WHERE user_id IN (SELECT user_id FROM incentive_notify_readers \
         WHERE kept_until < {NOW} ORDER BY kept_until LIMIT ?)"
    );
    let gone = sqlx::query(AssertSqlSafe(text))
        .bind(limit)
        .execute(pool)
        .await
        .map_err(sorted)?;
    Ok(gone.rows_affected())
}

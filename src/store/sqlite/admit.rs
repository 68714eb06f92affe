//! Storing a batch of which something is decided meanwhile.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::admission::{self, Admission, Admitted, Kept, KnownReader};
use super::super::columns::Columns;
use super::super::gathered;
use super::super::{NewNotification, Result, bounds, ids};
use super::{IMMEDIATE, NOW, cancel, gather, insert, sorted, stored, time_of};

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
    let mut rows: Vec<NewNotification> = batch.to_vec();
    let new = new_rows(&mut transaction, &rows, admission).await?;
    let mut before = readers(&mut transaction, &users).await?;
    let gathered = admission::asked_for(&before, new.iter().map(|index| &rows[*index]));
    for (id, row) in gather::find(&mut transaction, &gathered).await? {
        if let Some(reader) = before.get_mut(&row.user_id) {
            reader.take(id, row, now);
        }
    }
    let mut after = before.clone();
    let mut fates = Vec::with_capacity(new.len());
    for index in new {
        let row = &mut rows[index];
        let reader = after.entry(row.user_id).or_default();
        fates.push(admission.admit(row, reader, now));
    }
    let mut writes = gathered::writes(&before, &after);
    for (id, row) in &writes.rewrite {
        insert::rewrite(&mut transaction, *id, row).await?;
    }
    for (id, entry) in &writes.told {
        insert::write_history(&mut transaction, *id, std::slice::from_ref(entry)).await?;
    }
    let mut inserted = 0;
    for row in &rows {
        let part = writes.parts.remove(&row.event_id);
        inserted += u64::from(insert::store(&mut transaction, part.as_ref().unwrap_or(row)).await?);
    }
    for digest in &writes.new {
        insert::store(&mut transaction, digest).await?;
    }
    write(
        &mut transaction,
        &admission::changed(&before, &after, admission.memory(), now),
    )
    .await?;
    let stored = insert::meet(&mut transaction, inserted, batch, Some(admission)).await?;
    transaction.commit().await.map_err(sorted)?;
    Ok(Admitted {
        stored,
        fates,
        digests: u64::try_from(writes.new.len()).unwrap_or(u64::MAX),
    })
}

/// Those of which something is decided: they have no row, and were not called off before they could be gathered with others.
async fn new_rows(
    connection: &mut SqliteConnection,
    rows: &[NewNotification],
    admission: &dyn Admission,
) -> Result<Vec<usize>> {
    let gathers = rows.iter().filter(|row| admission.gathers(row));
    let events: Vec<&str> = gathers.map(|row| row.event_id.as_str()).collect();
    let called_off = cancel::waiting_for(connection, &events).await?;
    let mut seen = BTreeMap::new();
    let mut new = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let first = *seen.entry(&row.event_id).or_insert(index) == index;
        if first
            && admission.concerns(row)
            && !called_off.contains(&(row.event_id.clone(), row.user_id))
            && !is_known(connection, row).await?
        {
            new.push(index);
        }
    }
    Ok(new)
}

async fn write(connection: &mut SqliteConnection, readers: &[Kept]) -> Result<()> {
    for reader in readers {
        sqlx::query(
            "INSERT INTO incentive_notify_readers (user_id, places, gathering, kept_until) VALUES (?, ?, ?, ?) \
             ON CONFLICT (user_id) DO UPDATE SET places = excluded.places, gathering = excluded.gathering, \
             kept_until = excluded.kept_until",
        )
        .bind(reader.user_id)
        .bind(&reader.places)
        .bind(&reader.gathering)
        .bind(stored(reader.until))
        .execute(&mut *connection)
        .await
        .map_err(sorted)?;
    }
    Ok(())
}

async fn readers(connection: &mut SqliteConnection, users: &[i64]) -> Result<BTreeMap<i64, KnownReader>> {
    let text = format!(
        "SELECT user_id, places, gathering FROM incentive_notify_readers WHERE {}",
        ids::column_in("user_id", users.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for user in ids::bound(users) {
        query = query.bind(user);
    }
    let mut readers = BTreeMap::new();
    for row in query.fetch_all(connection).await.map_err(sorted)? {
        let reader = admission::read(&row.text("places")?, row.text_or_null("gathering")?.as_deref())?;
        readers.insert(row.int("user_id")?, reader);
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

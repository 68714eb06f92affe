//! Storing a batch of which something is decided meanwhile.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::admission::{self, Admission, Admitted, ReaderPlaces};
use super::super::{NewNotification, bounds, ids};
use super::error::Answer;
use super::{insert, stored};

/// See [`super::super::Store::insert_admitted`]. Whoever stores something for the same readers waits for the end of the
/// transaction: their rows are locked, in order, before anything else is looked at.
pub(super) async fn insert(
    pool: &MySqlPool,
    batch: &[NewNotification],
    admission: &dyn Admission,
) -> Result<Admitted, Answer> {
    bounds::check_bounds(batch)?;
    let mut seen: HashSet<&str> = HashSet::with_capacity(batch.len());
    let distinct = batch.iter().filter(|row| seen.insert(&row.event_id));
    let mut rows: Vec<Cow<'_, NewNotification>> = distinct.map(Cow::Borrowed).collect();
    let concerned: Vec<usize> = (0..rows.len())
        .filter(|index| admission.concerns(&rows[*index]))
        .collect();
    let users = admission::readers_of(concerned.iter().map(|index| &*rows[*index]));

    let mut transaction = pool.begin().await?;
    let (before, now) = lock(&mut transaction, &users).await?;
    let known = known(&mut transaction, &rows, &concerned).await?;
    let mut after = before.clone();
    let mut fates = Vec::with_capacity(concerned.len());
    for index in concerned {
        if !known.contains(&rows[index].event_id) {
            let row = rows[index].to_mut();
            let reader = after.entry(row.user_id).or_default();
            fates.push(admission.admit(row, reader, now));
        }
    }
    let rows: Vec<&NewNotification> = rows.iter().map(|row| &**row).collect();
    let inserted = insert::store(&mut transaction, &rows, batch.len()).await?;
    let changed = admission::changed(&before, after, admission.memory(), now);
    write(&mut transaction, &changed).await?;
    failpoint!("store::insert_uncommitted");
    transaction.commit().await?;
    failpoint!("store::insert_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(Admitted {
        stored: inserted,
        fates,
    })
}

/// So many readers, locked in order.
pub(super) fn lock_text(readers: usize) -> String {
    format!(
        "SELECT user_id, places, UTC_TIMESTAMP(3) AS db_now FROM incentive_notify_readers FORCE INDEX (PRIMARY) \
         WHERE {} ORDER BY user_id FOR UPDATE",
        ids::column_in("user_id", readers)
    )
}

/// What is kept of these users, who are given in order, and the time, once all others are done with them.
async fn lock(
    connection: &mut MySqlConnection,
    users: &[i64],
) -> Result<(BTreeMap<i64, ReaderPlaces>, DateTime<Utc>), Answer> {
    // Those whom nobody knows yet are made first: what is not there cannot be locked.
    for part in ids::parts(users) {
        let text = format!(
            "INSERT INTO incentive_notify_readers (user_id, places, kept_until) VALUES {} \
             ON DUPLICATE KEY UPDATE user_id = incentive_notify_readers.user_id",
            vec!["(?, '{}', UTC_TIMESTAMP(3))"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for user in part {
            query = query.bind(user);
        }
        query.execute(&mut *connection).await?;
    }
    let mut query = sqlx::query(AssertSqlSafe(lock_text(users.len())));
    for user in ids::bound(users) {
        query = query.bind(user);
    }
    let (mut readers, mut now) = (BTreeMap::new(), DateTime::UNIX_EPOCH);
    for row in query.fetch_all(connection).await? {
        now = row.try_get_unchecked("db_now")?;
        let places: String = row.try_get_unchecked("places")?;
        readers.insert(row.try_get_unchecked("user_id")?, admission::read(&places)?);
    }
    Ok((readers, now))
}

/// Which of these events have a row. Nobody stores another of these readers meanwhile.
async fn known(
    connection: &mut MySqlConnection,
    rows: &[Cow<'_, NewNotification>],
    which: &[usize],
) -> sqlx::Result<HashSet<String>> {
    let rows: Vec<&NewNotification> = which.iter().map(|index| &*rows[*index]).collect();
    let mut known = HashSet::new();
    for part in ids::parts(&rows) {
        known.extend(insert::known(connection, part).await?);
    }
    Ok(known)
}

async fn write(
    connection: &mut MySqlConnection,
    readers: &[(i64, ReaderPlaces, DateTime<Utc>)],
) -> sqlx::Result<()> {
    for part in ids::parts(readers) {
        let text = format!(
            "INSERT INTO incentive_notify_readers (user_id, places, kept_until) VALUES {} \
             ON DUPLICATE KEY UPDATE places = VALUES(places), kept_until = VALUES(kept_until)",
            vec!["(?, ?, ?)"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (user, reader, until) in part {
            query = query
                .bind(user)
                .bind(reader.places.to_json())
                .bind(stored(*until));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// See [`super::super::Store::forget_readers`].
pub(super) async fn forget(pool: &MySqlPool, limit: u32) -> Result<u64, Answer> {
    // Found without locks and removed by primary key, so that it waits for nobody on the way.
    let users: Vec<i64> = sqlx::query_scalar(
        "SELECT user_id FROM incentive_notify_readers WHERE kept_until < UTC_TIMESTAMP(3) ORDER BY kept_until LIMIT ?",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    if users.is_empty() {
        return Ok(0);
    }
    let text = format!(
        "DELETE FROM incentive_notify_readers WHERE {} AND kept_until < UTC_TIMESTAMP(3)",
        ids::column_in("user_id", users.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for user in ids::bound(&users) {
        query = query.bind(user);
    }
    Ok(query.execute(pool).await?.rows_affected())
}

//! Storing a batch of which something is decided meanwhile.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::admission::{self, Admission, Admitted, Kept, KnownReader};
use super::super::columns::Columns;
use super::super::gathered::{self, Writes};
use super::super::{Inserted, NewNotification, bounds, ids};
use super::error::Answer;
use super::insert::{self, Known};
use super::sizes::Rows;
use super::{cancel, gather, history, listed, written};

/// See [`super::super::Store::insert_admitted`]. Events are new but for replays: it is cheaper to be refused than to ask
/// first.
pub(super) async fn insert(
    pool: &MySqlPool,
    batch: &[NewNotification],
    admission: &dyn Admission,
    sizes: &Rows,
) -> Result<Admitted, Answer> {
    bounds::check_bounds(batch)?;
    match attempt(pool, batch, admission, Known::Refused, sizes).await {
        Err(Answer::Known(_)) => attempt(pool, batch, admission, Known::LeftOut, sizes).await,
        other => other,
    }
}

async fn attempt(
    pool: &MySqlPool,
    batch: &[NewNotification],
    admission: &dyn Admission,
    known: Known,
    sizes: &Rows,
) -> Result<Admitted, Answer> {
    let mut transaction = pool.begin().await?;
    match store(&mut transaction, batch, admission, known, sizes).await {
        Ok(admitted) => {
            failpoint!("store::insert_uncommitted");
            transaction.commit().await?;
            failpoint!("store::insert_unheard", Err(sqlx::Error::PoolTimedOut.into()));
            Ok(admitted)
        }
        Err(answer) => {
            // At once: what is locked may be asked for again by another connection.
            transaction.rollback().await?;
            Err(answer)
        }
    }
}

/// Whoever stores something for the same readers waits for the end of the transaction: their rows are locked, in order,
/// before anything else is looked at.
async fn store(
    connection: &mut MySqlConnection,
    batch: &[NewNotification],
    admission: &dyn Admission,
    known: Known,
    sizes: &Rows,
) -> Result<Admitted, Answer> {
    let mut seen: HashSet<&str> = HashSet::with_capacity(batch.len());
    let distinct = batch.iter().filter(|row| seen.insert(&row.event_id));
    let mut rows: Vec<Cow<'_, NewNotification>> = distinct.map(Cow::Borrowed).collect();
    let concerned: Vec<usize> = (0..rows.len())
        .filter(|index| admission.concerns(&rows[*index]))
        .collect();
    let users = admission::readers_of(concerned.iter().map(|index| &*rows[*index]));

    let (mut before, now) = lock(connection, &users).await?;
    let left_out = left_out(connection, &rows, &concerned, admission, known).await?;
    let new: Vec<usize> = concerned
        .into_iter()
        .filter(|index| !left_out.contains(&rows[*index].event_id))
        .collect();
    let gathered = admission::asked_for(&before, new.iter().map(|index| &*rows[*index]));
    for (id, row) in gather::lock(connection, &gathered).await? {
        if let Some(reader) = before.get_mut(&row.user_id) {
            reader.take(id, row, now);
        }
    }
    let mut after = before.clone();
    let mut fates = Vec::with_capacity(new.len());
    for index in new {
        let row = rows[index].to_mut();
        let reader = after.entry(row.user_id).or_default();
        fates.push(admission.admit(row, reader, now));
    }
    let writes = gathered::writes(&before, &after);
    let mut inserted = write_rows(connection, rows, &writes, batch.len(), admission, known, sizes).await?;
    let digests = u64::try_from(writes.new.len()).unwrap_or(u64::MAX);
    inserted.inserted -= digests;
    let changed = admission::changed(&before, &after, admission.memory(), now);
    write(connection, &changed).await?;
    Ok(Admitted {
        stored: inserted,
        fates,
        digests,
    })
}

/// Stores the rows of a batch as they came out, with the digests that tell of them.
async fn write_rows(
    connection: &mut MySqlConnection,
    mut rows: Vec<Cow<'_, NewNotification>>,
    writes: &Writes,
    of: usize,
    admission: &dyn Admission,
    known: Known,
    sizes: &Rows,
) -> Result<Inserted, Answer> {
    for row in &mut rows {
        if let Some(part) = writes.parts.get(&row.event_id) {
            *row = Cow::Owned(part.clone());
        }
    }
    insert::rewrite(connection, &writes.rewrite).await?;
    let told = writes.told.iter();
    let told: Vec<_> = told
        .map(|(id, told)| history::entry(*id, told.kind, 0, &told.detail))
        .collect();
    history::tell(connection, &told).await?;
    let rows: Vec<&NewNotification> = rows.iter().map(|row| &**row).chain(&writes.new).collect();
    insert::store(
        connection,
        &rows,
        of + writes.new.len(),
        known,
        sizes,
        Some(admission),
    )
    .await
}

/// How many readers are looked up at once: beyond a thousand MariaDB makes a join of the list.
const AT_ONCE: usize = 512;

/// So many readers, locked in order.
pub(super) fn lock_text(readers: usize) -> String {
    format!(
        "SELECT user_id, places, gathering FROM incentive_notify_readers FORCE INDEX (PRIMARY) \
         WHERE {} ORDER BY user_id FOR UPDATE",
        ids::column_in("user_id", readers)
    )
}

/// What is kept of these users, who are given in order, and the time, once all others are done with them.
async fn lock(
    connection: &mut MySqlConnection,
    users: &[i64],
) -> Result<(BTreeMap<i64, KnownReader>, DateTime<Utc>), Answer> {
    let mut readers = locked(connection, users).await?;
    let unknown = users.iter().filter(|user| !readers.contains_key(user));
    let unknown: Vec<i64> = unknown.copied().collect();
    if !unknown.is_empty() {
        // What is not there cannot be locked, and another instance may be about to make it.
        make(connection, &unknown).await?;
        readers.extend(locked(connection, &unknown).await?);
    }
    // A statement that has waited for a lock tells the time of before.
    let row = sqlx::query("SELECT UTC_TIMESTAMP(3) AS db_now")
        .fetch_one(connection)
        .await?;
    Ok((readers, row.time("db_now")?))
}

async fn locked(
    connection: &mut MySqlConnection,
    users: &[i64],
) -> Result<BTreeMap<i64, KnownReader>, Answer> {
    let mut readers = BTreeMap::new();
    for some in users.chunks(AT_ONCE) {
        let mut query = sqlx::query(AssertSqlSafe(lock_text(some.len())));
        for user in ids::bound(some) {
            query = query.bind(user);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let reader = admission::read(&row.text("places")?, row.text_or_null("gathering")?.as_deref())?;
            readers.insert(row.int("user_id")?, reader);
        }
    }
    Ok(readers)
}

/// Makes rows for users of whom nothing is known yet.
async fn make(connection: &mut MySqlConnection, users: &[i64]) -> sqlx::Result<()> {
    const MAKE: &str = "INSERT INTO incentive_notify_readers (user_id, places, kept_until) \
        SELECT new.user_id, '{}', UTC_TIMESTAMP(3) FROM JSON_TABLE(?, '$[*]' COLUMNS (\
        user_id BIGINT PATH '$' ERROR ON ERROR)) AS new \
        ON DUPLICATE KEY UPDATE user_id = incentive_notify_readers.user_id";
    listed::execute(connection, MAKE, users).await
}

/// Of which of these events nothing is decided: those that have a row, and those that were called off before they could be
/// gathered with others. Nobody stores another of these readers meanwhile.
async fn left_out(
    connection: &mut MySqlConnection,
    rows: &[Cow<'_, NewNotification>],
    which: &[usize],
    admission: &dyn Admission,
    known: Known,
) -> Result<HashSet<String>, Answer> {
    let rows: Vec<&NewNotification> = which.iter().map(|index| &*rows[*index]).collect();
    let mut left_out = HashSet::new();
    if known == Known::LeftOut {
        for part in ids::parts(&rows) {
            left_out.extend(insert::known(connection, part).await?);
        }
    }
    let gathers = rows.iter().filter(|row| admission.gathers(row));
    let events: Vec<&str> = gathers.map(|row| row.event_id.as_str()).collect();
    let called_off = cancel::waiting_for(connection, &events).await?;
    let theirs = rows
        .iter()
        .filter(|row| called_off.contains(&(row.event_id.clone(), row.user_id)));
    left_out.extend(theirs.map(|row| row.event_id.clone()));
    Ok(left_out)
}

/// Takes what is kept of readers, whose rows are there, from a list.
pub(super) const WRITE: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (user_id BIGINT PATH '$[0]' ERROR ON ERROR, \
    places MEDIUMTEXT PATH '$[1]' ERROR ON ERROR, gathering TEXT PATH '$[2]' ERROR ON ERROR, \
    kept_until DATETIME(3) PATH '$[3]' ERROR ON ERROR)) AS new \
    STRAIGHT_JOIN incentive_notify_readers FORCE INDEX (PRIMARY) ON incentive_notify_readers.user_id = new.user_id \
    SET incentive_notify_readers.places = new.places, incentive_notify_readers.gathering = new.gathering, \
    incentive_notify_readers.kept_until = new.kept_until";

async fn write(connection: &mut MySqlConnection, readers: &[Kept]) -> sqlx::Result<()> {
    let list: Vec<_> = readers
        .iter()
        .map(|reader| {
            let until = written(reader.until);
            (reader.user_id, &reader.places, &reader.gathering, until)
        })
        .collect();
    listed::execute(connection, WRITE, &list).await
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

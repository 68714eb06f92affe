//! Claiming, and when there is something to claim.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::super::columns::{self, Columns, DUE};
use super::super::pick::Pick;
use super::super::{Claimant, Claimed, Glance, ids, micros};
use super::error::Answer;
use super::{history, listed, preferences, stored, told_time, written};
use crate::contract::Priority;
use crate::schedule::SendTimePolicy;

/// The due rows of one priority: a range of `claim_order`, in its order, but for rows that another claim has locked.
pub(super) fn due_rows_text() -> String {
    format!(
        "SELECT {DUE}, UTC_TIMESTAMP(3) AS db_now FROM incentive_notify_queue FORCE INDEX (claim_order) \
         WHERE status = 'pending' AND priority = ? AND scheduled_at <= UTC_TIMESTAMP(3) \
         ORDER BY scheduled_at, id LIMIT ? FOR UPDATE SKIP LOCKED"
    )
}

/// How long each priority's next row waits, in microseconds: a dive into `claim_order` for each, without locks.
pub(super) fn waits_text() -> String {
    let dives: Vec<_> = Priority::urgent_first()
        .map(|priority| {
            let priority = priority.get();
            format!(
                "(SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), scheduled_at) \
                 FROM incentive_notify_queue FORCE INDEX (claim_order) \
                 WHERE status = 'pending' AND priority = {priority} ORDER BY scheduled_at, id LIMIT 1) AS wait_{priority}"
            )
        })
        .collect();
    format!("SELECT {}", dives.join(", "))
}

/// By priority, the microseconds to the due time of the first pending row; negative once it is due.
pub(super) async fn waits(connection: &mut MySqlConnection) -> Result<Vec<(Priority, i64)>, Answer> {
    let row = sqlx::query(AssertSqlSafe(waits_text()))
        .fetch_one(connection)
        .await?;
    let mut waits = Vec::new();
    for priority in Priority::urgent_first() {
        if let Some(wait) = row.int_or_null(&format!("wait_{}", priority.get()))? {
            waits.push((priority, wait));
        }
    }
    Ok(waits)
}

/// Looks which priorities have due rows, which costs an idle publisher one statement; then one transaction: lock, mark
/// what has expired, write what rules withhold, write the claim, mark its rows.
pub(super) async fn claim(
    pool: &MySqlPool,
    limit: u32,
    lease: Duration,
    claimant: &Claimant,
    rules: Option<&SendTimePolicy>,
) -> Result<Claimed, Answer> {
    let mut connection = pool.acquire().await?;
    let mut due = waits(&mut connection).await?;
    let next_due = due.iter().map(|(_, wait)| *wait).min();
    let nothing = Claimed {
        next_due: next_due.map(|wait| Duration::from_micros(u64::try_from(wait).unwrap_or(0))),
        ..Claimed::default()
    };
    due.retain(|(_, wait)| *wait <= 0);
    if due.is_empty() {
        return Ok(nothing);
    }
    let mut transaction = connection.begin().await?;
    let mut pick = Pick::new(limit, rules);
    for (priority, _) in due {
        pick.next_priority();
        pick_from(&mut transaction, priority, &mut pick).await?;
    }
    if pick.is_empty() {
        transaction.rollback().await?;
        return Ok(nothing);
    }
    withhold(&mut transaction, &mut pick).await?;
    let claim = match pick.to_claim() {
        Some((rows, now)) => Some(write_claim(&mut transaction, &rows, now, lease, claimant).await?),
        None => None,
    };
    failpoint!("store::claim_uncommitted");
    transaction.commit().await?;
    failpoint!("store::claim_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(pick.claimed_as(claim))
}

async fn pick_from(
    connection: &mut MySqlConnection,
    priority: Priority,
    pick: &mut Pick<'_>,
) -> Result<(), Answer> {
    while let Some(look_at) = pick.look_at() {
        let found = sqlx::query(AssertSqlSafe(due_rows_text()))
            .bind(priority.get())
            .bind(look_at)
            .fetch_all(&mut *connection)
            .await?;
        let expired = pick.take(&found)?;
        if expired.is_empty() {
            break;
        }
        mark_expired(connection, &expired).await?;
    }
    Ok(())
}

/// Evaluates rules again for those rows whose evaluation no longer holds, in one look-up, and writes those that must not be
/// sent. Where every evaluation holds, nothing is asked.
async fn withhold(connection: &mut MySqlConnection, pick: &mut Pick<'_>) -> Result<(), Answer> {
    let users = pick.users_to_look_up();
    if users.is_empty() {
        return Ok(());
    }
    let readers = preferences::look_up(connection, &users).await?;
    let withheld = pick.withhold(&readers);
    if withheld.is_empty() {
        return Ok(());
    }
    let told = withheld.iter();
    let told: Vec<_> = told
        .map(|row| history::entry(row.id, row.kind, row.attempts, &row.detail))
        .collect();
    history::tell(connection, &told).await?;
    let rows: Vec<_> = withheld
        .iter()
        .map(|row| ((row.id, row.status.as_str()), written(row.scheduled_at)))
        .collect();
    Ok(listed::execute(connection, &withhold_text(), &rows).await?)
}

/// Takes what becomes of rows that rules withhold from a list.
pub(super) fn withhold_text() -> String {
    listed::update_text(&[
        ("status", "VARCHAR(16)", "$[0][1]"),
        ("scheduled_at", "DATETIME(3)", "$[1]"),
    ])
}

async fn mark_expired(connection: &mut MySqlConnection, rows: &[i64]) -> sqlx::Result<()> {
    let history = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
         SELECT id, UTC_TIMESTAMP(3), 'expired', attempts, \
         JSON_OBJECT('rule', 'expires_at', 'expires_at', {}, 'due_at', {}) FROM incentive_notify_queue \
         WHERE {} ORDER BY id",
        told_time("expires_at"),
        told_time("scheduled_at"),
        ids::id_in(rows.len())
    );
    let mark = format!(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET status = 'expired' WHERE {}",
        ids::id_in(rows.len())
    );
    for text in [history, mark] {
        let mut query = sqlx::query(AssertSqlSafe(text));
        for id in ids::bound(rows) {
            query = query.bind(id);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// So many rows, which this transaction has locked.
pub(super) fn mark_claimed_text(rows: usize) -> String {
    format!(
        "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET status = 'processing', claim_id = ?, attempts = attempts + 1 WHERE {}",
        ids::id_in(rows)
    )
}

async fn write_claim(
    connection: &mut MySqlConnection,
    rows: &[i64],
    now: DateTime<Utc>,
    lease: Duration,
    claimant: &Claimant,
) -> sqlx::Result<i64> {
    let (transactional_id, cluster_id) = match claimant {
        Claimant::Transactional {
            transactional_id,
            cluster_id,
        } => (Some(transactional_id), Some(cluster_id)),
        Claimant::Plain => (None, None),
    };
    let written = sqlx::query(
        "INSERT INTO incentive_notify_claims \
         (transactional_id, cluster_id, notification_ids, claimed_at, lease_until) \
         VALUES (?, ?, ?, ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)",
    )
    .bind(transactional_id)
    .bind(cluster_id)
    .bind(ids::to_json(rows))
    .bind(stored(now))
    .bind(micros(lease))
    .execute(&mut *connection)
    .await?;
    let claim = i64::try_from(written.last_insert_id()).unwrap_or(i64::MAX);
    let mut query = sqlx::query(AssertSqlSafe(mark_claimed_text(rows.len()))).bind(claim);
    for id in ids::bound(rows) {
        query = query.bind(id);
    }
    query.execute(connection).await?;
    Ok(claim)
}

/// See [`super::super::Store::glance_at_claims`].
pub(super) async fn glance(pool: &MySqlPool) -> Result<Glance, Answer> {
    let row = sqlx::query(
        "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), MIN(lease_until)) AS lapse_in, COUNT(doubt) AS in_doubt \
         FROM incentive_notify_claims",
    )
    .fetch_one(pool)
    .await?;
    Ok(Glance {
        lapse_in: row
            .int_or_null("lapse_in")?
            .map(|wait| Duration::from_micros(u64::try_from(wait).unwrap_or(0))),
        in_doubt: columns::count(&row, "in_doubt")?,
    })
}

/// See [`super::super::Store::next_claim_number`]: a claim that is taken back leaves its number used.
pub(super) async fn next_number(pool: &MySqlPool) -> Result<i64, Answer> {
    let mut transaction = pool.begin().await?;
    let written = sqlx::query(
        "INSERT INTO incentive_notify_claims (notification_ids, claimed_at, lease_until) \
         VALUES ('[]', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.rollback().await?;
    Ok(i64::try_from(written.last_insert_id()).unwrap_or(i64::MAX))
}

//! Cancels that came as events, and the notifications that they meet.
//!
//! Who stores a cancel looks for its notification afterwards, and who stores notifications looks for their cancels
//! afterwards, both with locks: of two who do it at the same moment one waits for the other, and sees what it did.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::cancelling::{
    self, CancelOutcome, Digests, Orders, TARGET, Target, WAITING, Waiting, distinct, each, orders,
};
use super::super::{Retelling, ids, micros};
use super::error::Answer;
use super::{gather, history, insert, stored};
use crate::contract::Cancellation;

/// How many events of a batch are looked up at once: about as many as are sent at once (`sizes`).
const AT_ONCE: usize = 256;

/// See [`super::super::Store::cancel`].
pub(super) async fn cancel(
    pool: &MySqlPool,
    cancellations: &[Cancellation],
    retelling: &dyn Retelling,
) -> Result<Vec<CancelOutcome>, Answer> {
    let new = distinct(cancellations);
    let mut transaction = pool.begin().await?;
    for part in ids::parts(&new) {
        remember(&mut transaction, part).await?;
    }
    let mut events: Vec<&str> = new.iter().map(|cancel| cancel.event_id.as_str()).collect();
    events.dedup();
    let (mut waiting, mut outcomes) = (Vec::new(), Vec::new());
    for events in events.chunks(AT_ONCE) {
        let found = look_up(&mut transaction, events).await?;
        outcomes.extend(apply(&mut transaction, &found, Some(retelling)).await?.outcomes);
        waiting.extend(found);
    }
    failpoint!("store::cancel_uncommitted");
    transaction.commit().await?;
    failpoint!("store::cancel_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(each(cancellations, &waiting, &outcomes))
}

async fn remember(connection: &mut MySqlConnection, part: &[&Cancellation]) -> sqlx::Result<()> {
    let text = format!(
        "INSERT INTO incentive_notify_cancellations (event_id, user_id, came_at, occurred_at, reason) VALUES {} \
         ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)",
        vec!["(?, ?, UTC_TIMESTAMP(3), ?, ?)"; part.len()].join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for cancel in part {
        query = query
            .bind(&cancel.event_id)
            .bind(cancel.user_id)
            .bind(cancel.occurred_at.map(stored))
            .bind(&cancel.reason);
    }
    query.execute(connection).await.map(drop)
}

/// What the cancels of notifications that were stored just now have done: how many notifications they cancelled, and how
/// many were of other users.
pub(super) async fn meet(
    connection: &mut MySqlConnection,
    events: &[&str],
    retelling: Option<&dyn Retelling>,
) -> Result<(u64, u64), Answer> {
    let (mut cancelled, mut foreign) = (0, 0);
    for events in events.chunks(AT_ONCE) {
        let found = look_up(connection, events).await?;
        if !found.is_empty() {
            let done = apply(connection, &found, retelling).await?;
            cancelled += done.count(CancelOutcome::Cancelled);
            foreign += done.count(CancelOutcome::NotTheirs);
        }
    }
    Ok((cancelled, foreign))
}

/// The cancels of so many events that have not met their notifications: for nearly every batch there are none.
pub(super) fn look_up_text(events: usize) -> String {
    format!(
        "SELECT {WAITING} FROM incentive_notify_cancellations FORCE INDEX (PRIMARY) WHERE {} AND met_at IS NULL \
         ORDER BY event_id, user_id FOR UPDATE",
        ids::column_in("event_id", events)
    )
}

async fn look_up(connection: &mut MySqlConnection, events: &[&str]) -> Result<Vec<Waiting>, Answer> {
    let rows = with_events(&look_up_text(events.len()), events)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(cancelling::waiting).collect::<Result<_, _>>()?)
}

/// Which of these events were called off before they came, each with the user who has done it.
pub(super) async fn waiting_for(
    connection: &mut MySqlConnection,
    events: &[&str],
) -> Result<HashSet<(String, i64)>, Answer> {
    let mut waiting = HashSet::new();
    for events in events.chunks(AT_ONCE) {
        let found = look_up(connection, events).await?;
        waiting.extend(found.into_iter().map(|cancel| (cancel.event_id, cancel.user_id)));
    }
    Ok(waiting)
}

/// Which notifications there are of so many events: whoever is storing one is waited for.
pub(super) fn stored_text(events: usize) -> String {
    format!(
        "SELECT id FROM incentive_notify_queue FORCE INDEX (one_row_per_event) WHERE {} LOCK IN SHARE MODE",
        ids::column_in("event_id", events)
    )
}

/// So many notifications, locked in id order.
pub(super) fn targets_text(rows: usize) -> String {
    format!(
        "SELECT {TARGET} FROM incentive_notify_queue FORCE INDEX (PRIMARY) WHERE {} ORDER BY id FOR UPDATE",
        ids::id_in(rows)
    )
}

async fn targets(connection: &mut MySqlConnection, events: &[&str]) -> Result<Vec<Target>, Answer> {
    let rows = with_events(&stored_text(events.len()), events)
        .fetch_all(&mut *connection)
        .await?;
    let found: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get("id"))
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let rows = with_ids(&targets_text(found.len()), &found)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(cancelling::target).collect::<Result<_, _>>()?)
}

/// Does what these cancels ask for. Without a `retelling` it comes too late for what a digest tells of.
async fn apply(
    connection: &mut MySqlConnection,
    waiting: &[Waiting],
    retelling: Option<&dyn Retelling>,
) -> Result<Orders, Answer> {
    if waiting.is_empty() {
        return Ok(Orders::default());
    }
    let mut events: Vec<&str> = waiting.iter().map(|cancel| cancel.event_id.as_str()).collect();
    events.dedup();
    let targets = targets(connection, &events).await?;
    let digests = match retelling {
        Some(retelling) => {
            let open = gather::lock(connection, &cancelling::digests_of(&targets)).await?;
            Some(Digests::new(open, retelling))
        }
        None => None,
    };
    let orders = orders(waiting, &targets, digests);
    insert::rewrite(connection, &orders.rewrite).await?;
    for (set, rows) in [
        ("status = 'cancelled', digest_event_id = NULL", &orders.cancel),
        ("cancel_requested_at = UTC_TIMESTAMP(3)", &orders.mark),
    ] {
        if !rows.is_empty() {
            let text = format!(
                "UPDATE incentive_notify_queue FORCE INDEX (PRIMARY) SET {set} WHERE {}",
                ids::id_in(rows.len())
            );
            with_ids(&text, rows).execute(&mut *connection).await?;
        }
    }
    let told = orders.told.iter();
    let told: Vec<_> = told
        .map(|told| (told.id, told.kind.as_str(), told.attempt, told.detail.clone()))
        .collect();
    history::tell(connection, &told).await?;
    for (cancel, _) in waiting
        .iter()
        .zip(&orders.outcomes)
        .filter(|(_, outcome)| **outcome == CancelOutcome::NotTheirs)
    {
        sqlx::query("DELETE FROM incentive_notify_cancellations WHERE event_id = ? AND user_id = ?")
            .bind(&cancel.event_id)
            .bind(cancel.user_id)
            .execute(&mut *connection)
            .await?;
    }
    let met: Vec<&str> = orders.met.iter().map(String::as_str).collect();
    if !met.is_empty() {
        let text = format!(
            "UPDATE incentive_notify_cancellations FORCE INDEX (PRIMARY) SET met_at = UTC_TIMESTAMP(3) WHERE {}",
            ids::column_in("event_id", met.len())
        );
        with_events(&text, &met).execute(connection).await?;
    }
    Ok(orders)
}

/// A statement of [`sqlx`], with what is bound to it.
type Bound<'q> = sqlx::query::Query<'q, sqlx::MySql, sqlx::mysql::MySqlArguments>;

fn with_events<'q>(text: &str, events: &[&'q str]) -> Bound<'q> {
    ids::repeated(events).fold(sqlx::query(AssertSqlSafe(text.to_owned())), Bound::bind)
}

fn with_ids(text: &str, rows: &[i64]) -> Bound<'static> {
    ids::bound(rows).fold(sqlx::query(AssertSqlSafe(text.to_owned())), Bound::bind)
}

/// The cancels that have been kept long enough, the oldest first.
pub(super) const REMOVE: &str = "DELETE FROM incentive_notify_cancellations \
     WHERE came_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND ORDER BY came_at LIMIT ?";

/// See [`super::super::Store::remove_cancellations`].
pub(super) async fn remove(pool: &MySqlPool, kept: Duration, limit: u32) -> Result<u64, Answer> {
    let removed = sqlx::query(REMOVE)
        .bind(micros(kept))
        .bind(limit)
        .execute(pool)
        .await?;
    Ok(removed.rows_affected())
}

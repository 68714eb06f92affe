//! Cancels that came as events, and the notifications that they meet. Nobody else writes meanwhile.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::cancelling::{
    self, CancelOutcome, Digests, Orders, TARGET, Target, WAITING, Waiting, distinct, each, orders,
};
use super::super::{Result, Retelling, ids};
use super::retention::ago;
use super::{IMMEDIATE, NOW, gather, insert, sorted, stored};
use crate::contract::Cancellation;

/// How many events are looked up at once.
const AT_ONCE: usize = 512;

/// See [`super::super::Store::cancel`].
pub(super) async fn cancel(
    pool: &SqlitePool,
    cancellations: &[Cancellation],
    retelling: &dyn Retelling,
) -> Result<Vec<CancelOutcome>> {
    let new = distinct(cancellations);
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    let text = format!(
        "INSERT INTO incentive_notify_cancellations (event_id, user_id, came_at, occurred_at, reason) \
         VALUES (?, ?, {NOW}, ?, ?) ON CONFLICT (event_id, user_id) DO NOTHING"
    );
    for cancel in &new {
        sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(&cancel.event_id)
            .bind(cancel.user_id)
            .bind(cancel.occurred_at.map(stored))
            .bind(&cancel.reason)
            .execute(&mut *transaction)
            .await
            .map_err(sorted)?;
    }
    let mut events: Vec<&str> = new.iter().map(|cancel| cancel.event_id.as_str()).collect();
    events.dedup();
    let (mut waiting, mut outcomes) = (Vec::new(), Vec::new());
    for events in events.chunks(AT_ONCE) {
        let found = look_up(&mut transaction, events).await?;
        outcomes.extend(apply(&mut transaction, &found, Some(retelling)).await?.outcomes);
        waiting.extend(found);
    }
    transaction.commit().await.map_err(sorted)?;
    Ok(each(cancellations, &waiting, &outcomes))
}

/// What the cancels of notifications that were stored just now have done: how many notifications they cancelled, and how
/// many were of other users.
pub(super) async fn meet(
    connection: &mut SqliteConnection,
    events: &[&str],
    retelling: Option<&dyn Retelling>,
) -> Result<(u64, u64)> {
    let (mut cancelled, mut foreign) = (0, 0);
    for events in events.chunks(AT_ONCE) {
        let found = look_up(connection, events).await?;
        let done = apply(connection, &found, retelling).await?;
        cancelled += done.count(CancelOutcome::Cancelled);
        foreign += done.count(CancelOutcome::NotTheirs);
    }
    Ok((cancelled, foreign))
}

/// The cancels of these events that have not met their notifications.
async fn look_up(connection: &mut SqliteConnection, events: &[&str]) -> Result<Vec<Waiting>> {
    let text = format!(
        "SELECT {WAITING} FROM incentive_notify_cancellations WHERE {} AND met_at IS NULL ORDER BY event_id, user_id",
        ids::column_in("event_id", events.len())
    );
    let rows = with_events(&text, events)
        .fetch_all(connection)
        .await
        .map_err(sorted)?;
    rows.iter().map(cancelling::waiting).collect()
}

/// Which of these events were called off before they came, each with the user who has done it.
pub(super) async fn waiting_for(
    connection: &mut SqliteConnection,
    events: &[&str],
) -> Result<HashSet<(String, i64)>> {
    let mut waiting = HashSet::new();
    for events in events.chunks(AT_ONCE) {
        let found = look_up(connection, events).await?;
        waiting.extend(found.into_iter().map(|cancel| (cancel.event_id, cancel.user_id)));
    }
    Ok(waiting)
}

async fn targets(connection: &mut SqliteConnection, events: &[&str]) -> Result<Vec<Target>> {
    let text = format!(
        "SELECT {TARGET} FROM incentive_notify_queue WHERE {}",
        ids::column_in("event_id", events.len())
    );
    let rows = with_events(&text, events)
        .fetch_all(connection)
        .await
        .map_err(sorted)?;
    rows.iter().map(cancelling::target).collect()
}

/// Does what these cancels ask for. Without a `retelling` it comes too late for what a digest tells of.
async fn apply(
    connection: &mut SqliteConnection,
    waiting: &[Waiting],
    retelling: Option<&dyn Retelling>,
) -> Result<Orders> {
    if waiting.is_empty() {
        return Ok(Orders::default());
    }
    let mut events: Vec<&str> = waiting.iter().map(|cancel| cancel.event_id.as_str()).collect();
    events.dedup();
    let targets = targets(connection, &events).await?;
    let digests = match retelling {
        Some(retelling) => {
            let open = gather::find(connection, &cancelling::digests_of(&targets)).await?;
            Some(Digests::new(open, retelling))
        }
        None => None,
    };
    let orders = orders(waiting, &targets, digests);
    for (id, row) in &orders.rewrite {
        insert::rewrite(connection, *id, row).await?;
    }
    for (set, rows) in [
        (
            "status = 'cancelled', digest_event_id = NULL".to_owned(),
            &orders.cancel,
        ),
        (format!("cancel_requested_at = {NOW}"), &orders.mark),
    ] {
        let text = format!(
            "UPDATE incentive_notify_queue SET {set}, updated_at = {NOW} WHERE {}",
            ids::id_in(rows.len())
        );
        let query = ids::bound(rows).fold(sqlx::query(AssertSqlSafe(text)), Bound::bind);
        query.execute(&mut *connection).await.map_err(sorted)?;
    }
    let text = format!(
        "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) VALUES (?, {NOW}, ?, ?, ?)"
    );
    for told in &orders.told {
        sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(told.id)
            .bind(told.kind.as_str())
            .bind(told.attempt)
            .bind(&told.detail)
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    for (cancel, _) in waiting
        .iter()
        .zip(&orders.outcomes)
        .filter(|(_, outcome)| **outcome == CancelOutcome::NotTheirs)
    {
        sqlx::query("DELETE FROM incentive_notify_cancellations WHERE event_id = ? AND user_id = ?")
            .bind(&cancel.event_id)
            .bind(cancel.user_id)
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    let met: Vec<&str> = orders.met.iter().map(String::as_str).collect();
    if !met.is_empty() {
        let text = format!(
            "UPDATE incentive_notify_cancellations SET met_at = {NOW} WHERE {}",
            ids::column_in("event_id", met.len())
        );
        with_events(&text, &met)
            .execute(connection)
            .await
            .map_err(sorted)?;
    }
    Ok(orders)
}

/// A statement of [`sqlx`], with what is bound to it.
type Bound<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn with_events<'q>(text: &str, events: &[&'q str]) -> Bound<'q> {
    ids::repeated(events).fold(sqlx::query(AssertSqlSafe(text.to_owned())), Bound::bind)
}

/// See [`super::super::Store::remove_cancellations`].
pub(super) async fn remove(pool: &SqlitePool, kept: Duration, limit: u32) -> Result<u64> {
    let removed = sqlx::query(
        "DELETE FROM incentive_notify_cancellations WHERE (event_id, user_id) IN \
         (SELECT event_id, user_id FROM incentive_notify_cancellations \
         WHERE came_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?) ORDER BY came_at LIMIT ?)",
    )
    .bind(ago(kept))
    .bind(limit)
    .execute(pool)
    .await
    .map_err(sorted)?;
    Ok(removed.rows_affected())
}

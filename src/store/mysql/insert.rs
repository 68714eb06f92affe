//! Storing a batch.

use std::collections::HashSet;

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::{Inserted, NewNotification, Retelling, bounds, ids};
use super::error::Answer;
use super::sizes::{Rows, most_bytes};
use super::{cancel, history, listed, stored};

const COLUMNS: &str = "event_id, user_id, incentive_type, notification_type, priority, message_title, message_body, \
     incentive_data, occurred_at, scheduled_at, expires_at, language, variant, timezone, device_type, \
     metrics_data, traceparent, status, digest_event_id, rules_evaluated_at";
const VALUES: &str =
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, UTC_TIMESTAMP(3)), ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))";

/// See [`super::super::Store::insert`]. Events are new but for replays: it is cheaper to be refused than to ask first.
pub(super) async fn insert(
    pool: &MySqlPool,
    batch: &[NewNotification],
    sizes: &Rows,
) -> Result<Inserted, Answer> {
    bounds::check_bounds(batch)?;
    let mut seen: HashSet<&str> = HashSet::with_capacity(batch.len());
    let distinct: Vec<&NewNotification> = batch.iter().filter(|row| seen.insert(&row.event_id)).collect();
    let mut transaction = pool.begin().await?;
    let inserted = store(
        &mut transaction,
        &distinct,
        batch.len(),
        Known::LeftOut,
        sizes,
        None,
    )
    .await?;
    failpoint!("store::insert_uncommitted");
    transaction.commit().await?;
    failpoint!("store::insert_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(inserted)
}

/// What becomes of rows whose events have one already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// They are left out.
    LeftOut,
    /// The server refuses the statement that has them.
    Refused,
}

/// Stores rows of as many events, out of a batch of so many rows; `retelling` where some may be parts of digests.
pub(super) async fn store(
    connection: &mut MySqlConnection,
    distinct: &[&NewNotification],
    of: usize,
    known: Known,
    sizes: &Rows,
    retelling: Option<&dyn Retelling>,
) -> Result<Inserted, Answer> {
    let mut fresh: Vec<&NewNotification> = Vec::with_capacity(distinct.len());
    for part in sizes.parts(distinct) {
        match send(connection, part, "", sizes).await {
            Ok(()) => fresh.extend(part),
            Err(Answer::Known(_)) if known == Known::LeftOut => {
                fresh.extend(insert_unknown(connection, part, sizes).await?);
            }
            Err(answer) => return Err(answer),
        }
    }
    history::begin(connection, &fresh).await?;
    let events: Vec<&str> = distinct.iter().map(|row| row.event_id.as_str()).collect();
    let (cancelled, foreign_cancels) = cancel::meet(connection, &events, retelling).await?;
    Ok(Inserted {
        inserted: fresh.len().try_into().unwrap_or(u64::MAX),
        duplicates: (of - fresh.len()).try_into().unwrap_or(u64::MAX),
        cancelled,
        foreign_cancels,
    })
}

/// Inserts those that have no row yet, and returns them.
async fn insert_unknown<'r>(
    connection: &mut MySqlConnection,
    part: &[&'r NewNotification],
    sizes: &Rows,
) -> Result<Vec<&'r NewNotification>, Answer> {
    let known = known(connection, part).await?;
    let fresh: Vec<&NewNotification> = part
        .iter()
        .copied()
        .filter(|row| !known.contains(&row.event_id))
        .collect();
    // Fewer than were sent in one statement before.
    for part in ids::parts(&fresh) {
        // An instance that has stored the same event meanwhile is no error, and every other fault of a row is one.
        send(connection, part, " ON DUPLICATE KEY UPDATE id = id", sizes).await?;
    }
    Ok(fresh)
}

/// Inserts rows that are to go into one statement.
async fn send(
    connection: &mut MySqlConnection,
    rows: &[&NewNotification],
    on_duplicate: &str,
    sizes: &Rows,
) -> Result<(), Answer> {
    let bytes: usize = rows.iter().map(|row| most_bytes(row)).sum();
    let name = || {
        rows.first()
            .map_or_else(String::new, |row| format!("event {:?}", row.event_id))
    };
    if rows.len() == 1 {
        sizes.require_fits(bytes, &name)?;
    }
    let outcome = insert_rows(connection, rows, on_duplicate).await;
    sizes.sent(rows.len(), bytes, &name, outcome)
}

/// Which events have a row already: the count of affected rows does not tell, and a replay writes nothing this way.
pub(super) async fn known(
    connection: &mut MySqlConnection,
    part: &[&NewNotification],
) -> sqlx::Result<HashSet<String>> {
    let mut query = sqlx::query(AssertSqlSafe(known_text(part.len())));
    for row in part {
        query = query.bind(&row.event_id);
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get_unchecked(0)).collect()
}

/// Which of so many events have a row.
pub(super) fn known_text(events: usize) -> String {
    let places = vec!["?"; events].join(", ");
    format!("SELECT event_id FROM incentive_notify_queue WHERE event_id IN ({places})")
}

pub(super) async fn insert_rows(
    connection: &mut MySqlConnection,
    rows: &[&NewNotification],
    on_duplicate: &str,
) -> sqlx::Result<()> {
    let values = vec![VALUES; rows.len()].join(", ");
    let text = format!("INSERT INTO incentive_notify_queue ({COLUMNS}) VALUES {values}{on_duplicate}");
    let mut query = sqlx::query(AssertSqlSafe(text));
    for row in rows {
        query = bind(query, row);
    }
    query.execute(connection).await.map(drop)
}

/// A statement of [`sqlx`], with what is bound to it.
type Bound<'q> = sqlx::query::Query<'q, sqlx::MySql, sqlx::mysql::MySqlArguments>;

/// The values of [`COLUMNS`].
fn bind<'q>(query: Bound<'q>, row: &'q NewNotification) -> Bound<'q> {
    query
        .bind(&row.event_id)
        .bind(row.user_id)
        .bind(row.incentive_type.as_str())
        .bind(row.notification_type)
        .bind(row.priority.get())
        .bind(&row.message_title)
        .bind(&row.message_body)
        .bind(&row.incentive_data)
        .bind(stored(row.occurred_at))
        .bind(row.scheduled_at.map(stored))
        .bind(row.expires_at.map(stored))
        .bind(&row.language)
        .bind(&row.variant)
        .bind(&row.timezone)
        .bind(&row.device_type)
        .bind(row.metrics_data())
        .bind(&row.traceparent)
        .bind(row.status.as_str())
        .bind(&row.digest_event_id)
}

/// Writes over stored rows, which are locked, what may change of a row that has not left.
pub(super) async fn rewrite(
    connection: &mut MySqlConnection,
    rows: &[(i64, NewNotification)],
) -> sqlx::Result<()> {
    let list: Vec<_> = rows
        .iter()
        .map(|(id, row)| {
            (
                (id, row.priority.get(), row.status.as_str(), &row.digest_event_id),
                (&row.message_title, &row.message_body, &row.incentive_data),
                (&row.language, &row.variant, &row.timezone),
                (&row.device_type, row.metrics_data()),
            )
        })
        .collect();
    listed::execute(connection, &rewrite_text(), &list).await
}

/// Takes what may change of rows from a list.
pub(super) fn rewrite_text() -> String {
    listed::update_text(&[
        ("priority", "TINYINT", "$[0][1]"),
        ("status", "VARCHAR(16)", "$[0][2]"),
        ("digest_event_id", "VARCHAR(128)", "$[0][3]"),
        ("message_title", "VARCHAR(255)", "$[1][0]"),
        ("message_body", "TEXT", "$[1][1]"),
        ("incentive_data", "LONGTEXT", "$[1][2]"),
        ("language", "VARCHAR(35)", "$[2][0]"),
        ("variant", "VARCHAR(32)", "$[2][1]"),
        ("timezone", "VARCHAR(64)", "$[2][2]"),
        ("device_type", "VARCHAR(32)", "$[3][0]"),
        ("metrics_data", "LONGTEXT", "$[3][1]"),
    ])
}

//! Storing a batch.

use std::collections::{HashMap, HashSet};

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::super::{Beginning, Inserted, NewNotification, Retelling, bounds, ids};
use super::cancel;
use super::error::Answer;
use super::stored;

const COLUMNS: &str = "event_id, user_id, incentive_type, notification_type, priority, message_title, message_body, \
     incentive_data, occurred_at, scheduled_at, expires_at, language, variant, timezone, device_type, \
     metrics_data, traceparent, status, digest_event_id";
const VALUES: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, UTC_TIMESTAMP(3)), ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// See [`super::super::Store::insert`]. Events are new but for replays: it is cheaper to be refused than to ask first.
pub(super) async fn insert(pool: &MySqlPool, batch: &[NewNotification]) -> Result<Inserted, Answer> {
    bounds::check_bounds(batch)?;
    let mut seen: HashSet<&str> = HashSet::with_capacity(batch.len());
    let distinct: Vec<&NewNotification> = batch.iter().filter(|row| seen.insert(&row.event_id)).collect();
    let mut transaction = pool.begin().await?;
    let inserted = store(&mut transaction, &distinct, batch.len(), None).await?;
    failpoint!("store::insert_uncommitted");
    transaction.commit().await?;
    failpoint!("store::insert_unheard", Err(sqlx::Error::PoolTimedOut.into()));
    Ok(inserted)
}

/// Stores rows of as many events, out of a batch of so many rows; `retelling` where some may be parts of digests.
pub(super) async fn store(
    connection: &mut MySqlConnection,
    distinct: &[&NewNotification],
    of: usize,
    retelling: Option<&dyn Retelling>,
) -> Result<Inserted, Answer> {
    let mut inserted = 0;
    for part in ids::parts(distinct) {
        inserted += match insert_rows(connection, part, "").await {
            Ok(()) => {
                tell(connection, part).await?;
                part.len()
            }
            Err(sqlx::Error::Database(fault)) if fault.is_unique_violation() => {
                insert_unknown(connection, part).await?
            }
            Err(error) => return Err(error.into()),
        };
    }
    let events: Vec<&str> = distinct.iter().map(|row| row.event_id.as_str()).collect();
    let (cancelled, foreign_cancels) = cancel::meet(connection, &events, retelling).await?;
    Ok(Inserted {
        inserted: inserted.try_into().unwrap_or(u64::MAX),
        duplicates: (of - inserted).try_into().unwrap_or(u64::MAX),
        cancelled,
        foreign_cancels,
    })
}

/// Inserts those that have no row yet, and returns how many.
async fn insert_unknown(connection: &mut MySqlConnection, part: &[&NewNotification]) -> sqlx::Result<usize> {
    let known = known(connection, part).await?;
    let fresh: Vec<&NewNotification> = part
        .iter()
        .copied()
        .filter(|row| !known.contains(&row.event_id))
        .collect();
    for part in ids::parts(&fresh) {
        // An instance that has stored the same event meanwhile is no error, and every other fault of a row is one.
        insert_rows(connection, part, " ON DUPLICATE KEY UPDATE id = id").await?;
        tell(connection, part).await?;
    }
    Ok(fresh.len())
}

/// Writes the history of rows that begin with one, but where another instance has done so meanwhile.
async fn tell(connection: &mut MySqlConnection, rows: &[&NewNotification]) -> sqlx::Result<()> {
    let told: HashMap<&str, &[Beginning]> = rows
        .iter()
        .filter(|row| !row.beginning.is_empty())
        .map(|row| (row.event_id.as_str(), row.beginning.as_slice()))
        .collect();
    let events: Vec<&str> = told.keys().copied().collect();
    for part in ids::parts(&events) {
        let mut query = sqlx::query(AssertSqlSafe(untold_text(part.len())));
        for event in part {
            query = query.bind(event);
        }
        let mut untold: Vec<(i64, String)> = Vec::with_capacity(part.len());
        for row in query.fetch_all(&mut *connection).await? {
            untold.push((row.try_get_unchecked(0)?, row.try_get_unchecked(1)?));
        }
        untold.sort_unstable();
        let entries: Vec<(i64, &Beginning)> = untold
            .iter()
            .flat_map(|(id, event)| {
                let entries = told.get(event.as_str()).copied().unwrap_or_default();
                entries.iter().map(move |entry| (*id, entry))
            })
            .collect();
        write_history(connection, &entries).await?;
    }
    Ok(())
}

/// Writes entries, each for the history of a row that no attempt was made of.
pub(super) async fn write_history(
    connection: &mut MySqlConnection,
    entries: &[(i64, &Beginning)],
) -> sqlx::Result<()> {
    for part in ids::parts(entries) {
        let values = vec!["(?, UTC_TIMESTAMP(3), ?, 0, ?)"; part.len()].join(", ");
        let text = format!(
            "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) VALUES {values}"
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (id, entry) in part {
            query = query
                .bind(*id)
                .bind(entry.kind.as_str())
                .bind(entry.detail_text());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Which rows of so many events have no history.
pub(super) fn untold_text(events: usize) -> String {
    let places = vec!["?"; events].join(", ");
    format!(
        "SELECT q.id, q.event_id FROM incentive_notify_queue q \
         LEFT JOIN incentive_notify_history h ON h.notification_id = q.id \
         WHERE q.event_id IN ({places}) AND h.id IS NULL"
    )
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
    let set = [
        "message_title",
        "message_body",
        "incentive_data",
        "priority",
        "language",
        "variant",
        "timezone",
        "device_type",
        "metrics_data",
        "status",
        "digest_event_id",
    ]
    .map(|column| format!("{column} = VALUES({column})"))
    .join(", ");
    for part in ids::parts(rows) {
        let values = vec![VALUES.replacen('(', "(?, ", 1); part.len()].join(", ");
        let text = format!(
            "INSERT INTO incentive_notify_queue (id, {COLUMNS}) VALUES {values} ON DUPLICATE KEY UPDATE {set}"
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (id, row) in part {
            query = bind(query.bind(id), row);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

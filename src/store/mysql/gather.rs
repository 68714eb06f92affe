//! Rows that have not left, and may come to tell of more.

use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::columns::{GATHERED, gathered};
use super::super::{NewNotification, Result, ids};
use super::error::Answer;

/// How many events are looked up at once: about as many as are sent at once (`sizes`).
const AT_ONCE: usize = 256;

/// So many rows that wait, or would if somebody made them due again, and no attempt was made of, locked.
pub(super) fn lock_text(events: usize) -> String {
    format!(
        "SELECT {GATHERED} FROM incentive_notify_queue FORCE INDEX (one_row_per_event) WHERE {} \
         AND status IN ('pending', 'cancelled') AND attempts = 0 FOR UPDATE",
        ids::column_in("event_id", events)
    )
}

/// Those of these events' rows that have not left, with their ids. They do not leave meanwhile.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    events: &[&str],
) -> std::result::Result<Vec<(i64, NewNotification)>, Answer> {
    let mut found = Vec::new();
    for some in events.chunks(AT_ONCE) {
        let mut query = sqlx::query(AssertSqlSafe(lock_text(some.len())));
        for event in ids::repeated(some) {
            query = query.bind(event);
        }
        let rows = query.fetch_all(&mut *connection).await?;
        found.extend(rows.iter().map(gathered).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

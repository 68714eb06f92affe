//! Rows that have not left, and may come to tell of more. Nobody else writes meanwhile.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::columns::{GATHERED, gathered};
use super::super::{NewNotification, Result, ids};
use super::sorted;

/// Those of these events' rows that have not left, with their ids.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    events: &[&str],
) -> Result<Vec<(i64, NewNotification)>> {
    let mut found = Vec::new();
    for part in ids::parts(events) {
        let text = format!(
            "SELECT {GATHERED} FROM incentive_notify_queue WHERE {} AND status IN ('pending', 'cancelled') AND attempts = 0",
            ids::column_in("event_id", part.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for event in part {
            query = query.bind(*event);
        }
        let rows = query.fetch_all(&mut *connection).await.map_err(sorted)?;
        found.extend(rows.iter().map(gathered).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

//! What histories are told while rows are stored or changed.

use serde_json::{Map, Value};
use sqlx::MySqlConnection;

use super::super::{HistoryKind, NewNotification};
use super::listed;

/// An entry for the history of a row: the row's id, the kind, the attempt, and the detail as text.
pub(super) type Entry = (i64, &'static str, u32, String);

/// An entry.
pub(super) fn entry(id: i64, kind: HistoryKind, attempt: u32, detail: &Map<String, Value>) -> Entry {
    let detail = Value::Object(detail.clone()).to_string();
    (id, kind.as_str(), attempt, detail)
}

const OF_ROWS: &str = "INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) \
    SELECT told.id, UTC_TIMESTAMP(3), told.kind, told.attempt, told.detail FROM JSON_TABLE(?, '$[*]' COLUMNS (\
    place FOR ORDINALITY, id BIGINT PATH '$[0]' ERROR ON ERROR, kind VARCHAR(32) PATH '$[1]' ERROR ON ERROR, \
    attempt INT UNSIGNED PATH '$[2]' ERROR ON ERROR, detail LONGTEXT PATH '$[3]' ERROR ON ERROR)) AS told \
    ORDER BY told.place";

/// Writes entries, in their order.
pub(super) async fn tell(connection: &mut MySqlConnection, entries: &[Entry]) -> sqlx::Result<()> {
    listed::execute(connection, OF_ROWS, entries).await
}

/// Which entries are for rows that have none yet, each row found by its event.
pub(super) const UNTOLD: &str = "SELECT incentive_notify_queue.id, UTC_TIMESTAMP(3), told.kind, 0, told.detail \
    FROM JSON_TABLE(?, '$[*]' COLUMNS (place FOR ORDINALITY, event_id VARCHAR(128) PATH '$[0]' ERROR ON ERROR, \
    NESTED PATH '$[1][*]' COLUMNS (entry FOR ORDINALITY, kind VARCHAR(32) PATH '$[0]' ERROR ON ERROR, \
    detail LONGTEXT PATH '$[1]' ERROR ON ERROR))) AS told \
    STRAIGHT_JOIN incentive_notify_queue FORCE INDEX (one_row_per_event) ON incentive_notify_queue.event_id = told.event_id \
    LEFT JOIN incentive_notify_history FORCE INDEX (of_notification) ON incentive_notify_history.notification_id = incentive_notify_queue.id \
    WHERE incentive_notify_history.id IS NULL ORDER BY told.place, told.entry";

/// Writes what the histories of stored rows begin with, but where another instance has done so meanwhile.
pub(super) async fn begin(connection: &mut MySqlConnection, rows: &[&NewNotification]) -> sqlx::Result<()> {
    // All of a row together: what is written makes it one that has a history.
    let told: Vec<(&str, Vec<(&str, String)>)> = rows
        .iter()
        .filter(|row| !row.beginning.is_empty())
        .map(|row| {
            let entries = row.beginning.iter();
            let entries = entries.map(|entry| (entry.kind.as_str(), entry.detail_text()));
            (row.event_id.as_str(), entries.collect())
        })
        .collect();
    let text =
        format!("INSERT INTO incentive_notify_history (notification_id, at, kind, attempt, detail) {UNTOLD}");
    listed::execute(connection, &text, &told).await
}

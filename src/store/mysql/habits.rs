//! In which hours readers open.

use std::collections::BTreeMap;

use sqlx::mysql::{MySqlPool, MySqlRow};
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::habits::{COLUMNS, lessons, read, taught, wanted};
use super::super::{Habits, Standing, ids};
use super::error::Answer;
use super::stored;
use crate::schedule::Habit;

/// So many rows.
pub(super) fn look_up_text(rows: usize) -> String {
    format!(
        "SELECT {COLUMNS} FROM user_habits FORCE INDEX (PRIMARY) WHERE {}",
        ids::column_in("user_id", rows)
    )
}

/// See [`super::super::Store::habits`].
pub(super) async fn look_up(pool: &MySqlPool, users: &[i64]) -> Result<Habits, Answer> {
    let wanted = wanted(users);
    let mut query = sqlx::query(AssertSqlSafe(look_up_text(wanted.len())));
    for row in ids::bound(&wanted) {
        query = query.bind(row);
    }
    found(&query.fetch_all(pool).await?).map(Habits)
}

/// Counts the openings of these rows, in the transaction that is open.
pub(super) async fn learn(
    connection: &mut MySqlConnection,
    rows: &BTreeMap<i64, Standing>,
) -> Result<(), Answer> {
    let lessons = lessons(rows);
    let wanted: Vec<i64> = lessons.keys().copied().collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut known = lock(connection, &wanted).await?;
    if known.len() < wanted.len() {
        // A row that is not there cannot be locked, and another instance may be about to make it.
        let new = wanted.iter().filter(|row| !known.contains_key(row));
        let new: Vec<_> = new.map(|row| (*row, Habit::default())).collect();
        write(connection, &new, "user_id = user_id").await?;
        known = lock(connection, &wanted).await?;
    }
    let learned = "as_of = VALUES(as_of), hours = VALUES(hours), timezone = VALUES(timezone)";
    write(connection, &taught(known, &lessons), learned).await
}

async fn lock(connection: &mut MySqlConnection, rows: &[i64]) -> Result<BTreeMap<i64, Habit>, Answer> {
    let text = format!("{} ORDER BY user_id FOR UPDATE", look_up_text(rows.len()));
    let mut query = sqlx::query(AssertSqlSafe(text));
    for row in ids::bound(rows) {
        query = query.bind(row);
    }
    found(&query.fetch_all(connection).await?)
}

fn found(rows: &[MySqlRow]) -> Result<BTreeMap<i64, Habit>, Answer> {
    let found: Result<_, _> = rows.iter().map(read).collect();
    Ok(found?)
}

/// Stores habits; `on_duplicate` says what becomes of those that there are.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    habits: &[(i64, Habit)],
    on_duplicate: &str,
) -> Result<(), Answer> {
    for part in ids::parts(habits) {
        let text = format!(
            "INSERT INTO user_habits ({COLUMNS}) VALUES {} ON DUPLICATE KEY UPDATE {on_duplicate}",
            vec!["(?, ?, ?, ?)"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (row, habit) in part {
            query = query
                .bind(*row)
                .bind(stored(habit.as_of()))
                .bind(habit.text())
                .bind(habit.timezone());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

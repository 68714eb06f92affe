//! In which hours readers open.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::habits::{COLUMNS, lessons, read, taught, wanted};
use super::super::{Habits, Result, Standing, ids};
use super::{sorted, stored};
use crate::schedule::Habit;

/// See [`super::super::Store::habits`].
pub(super) async fn look_up(pool: &SqlitePool, users: &[i64]) -> Result<Habits> {
    let mut connection = pool.acquire().await.map_err(sorted)?;
    find(&mut connection, &wanted(users)).await.map(Habits)
}

/// Counts the openings of these rows, in the transaction that is open.
pub(super) async fn learn(connection: &mut SqliteConnection, rows: &BTreeMap<i64, Standing>) -> Result<()> {
    let lessons = lessons(rows);
    let wanted: Vec<i64> = lessons.keys().copied().collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let known = find(connection, &wanted).await?;
    let text = format!(
        "INSERT INTO user_habits ({COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE \
         SET as_of = excluded.as_of, hours = excluded.hours, timezone = excluded.timezone"
    );
    for (row, habit) in taught(known, &lessons) {
        sqlx::query(AssertSqlSafe(text.as_str()))
            .bind(row)
            .bind(stored(habit.as_of()))
            .bind(habit.text())
            .bind(habit.timezone())
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
    }
    Ok(())
}

async fn find(connection: &mut SqliteConnection, rows: &[i64]) -> Result<BTreeMap<i64, Habit>> {
    let text = format!(
        "SELECT {COLUMNS} FROM user_habits WHERE {}",
        ids::column_in("user_id", rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for row in ids::bound(rows) {
        query = query.bind(row);
    }
    let found = query.fetch_all(connection).await.map_err(sorted)?;
    found.iter().map(read).collect()
}

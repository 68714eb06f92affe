//! What readers want.

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row};

use super::super::preferences::{newest, read};
use super::super::{Preferences, Result, ids};
use super::{IMMEDIATE, sorted, stored};
use crate::contract::{Preference, PreferenceChange};

/// See [`super::super::Store::change_preferences`].
pub(super) async fn change(pool: &SqlitePool, changes: &[PreferenceChange]) -> Result<()> {
    let mut transaction = pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
    for change in newest(changes) {
        sqlx::query(
            "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES (?, ?, ?) \
             ON CONFLICT (user_id) DO UPDATE SET updated_at = excluded.updated_at, preference = excluded.preference \
             WHERE (excluded.updated_at, COALESCE(excluded.preference, '~')) \
             > (user_preferences.updated_at, COALESCE(user_preferences.preference, '~'))",
        )
        .bind(change.user_id)
        .bind(stored(change.updated_at))
        .bind(change.preference.as_ref().map(Preference::to_json))
        .execute(&mut *transaction)
        .await
        .map_err(sorted)?;
    }
    transaction.commit().await.map_err(sorted)
}

/// See [`super::super::Store::preferences`].
pub(super) async fn look_up(pool: &SqlitePool, users: &[i64]) -> Result<Preferences> {
    let text = format!(
        "SELECT user_id, preference FROM user_preferences WHERE {} AND preference IS NOT NULL",
        ids::id_in(users.len()).replacen("id", "user_id", 1)
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for user in ids::bound(users) {
        query = query.bind(user);
    }
    let mut found = Preferences::new();
    for row in query.fetch_all(pool).await.map_err(sorted)? {
        let text: String = row.try_get_unchecked("preference").map_err(sorted)?;
        found.insert(row.try_get_unchecked("user_id").map_err(sorted)?, read(&text)?);
    }
    Ok(found)
}

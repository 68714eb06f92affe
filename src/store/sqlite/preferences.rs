//! What readers want.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::columns::Columns;
use super::super::preferences::{BY_TOPIC, forgotten, newest, read};
use super::super::{Readers, Result, ids};
use super::{IMMEDIATE, forget, sorted, stored};
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
    for (user_id, as_of) in forgotten(changes) {
        forget::request(&mut transaction, user_id, as_of, BY_TOPIC).await?;
    }
    transaction.commit().await.map_err(sorted)
}

/// See [`super::super::Store::readers`].
pub(super) async fn look_up(connection: &mut SqliteConnection, users: &[i64]) -> Result<Readers> {
    let mut found = Readers::default();
    // A statement has 32,766 parameters at most, and each user is two.
    for part in ids::parts(users) {
        let these = ids::column_in("user_id", part.len());
        let text = format!(
            "SELECT user_id, preference, NULL AS forgotten_as_of FROM user_preferences \
             WHERE {these} AND preference IS NOT NULL \
             UNION ALL SELECT user_id, NULL, as_of FROM incentive_notify_forgotten WHERE {these}"
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for user in part.iter().chain(part) {
            query = query.bind(user);
        }
        for row in query.fetch_all(&mut *connection).await.map_err(sorted)? {
            let user = row.int("user_id")?;
            if let Some(text) = row.text_or_null("preference")? {
                found.preferences.insert(user, read(&text)?);
            }
            if let Some(as_of) = row.time_or_null("forgotten_as_of")? {
                found.forgotten.insert(user, as_of);
            }
        }
    }
    Ok(found)
}

//! What readers want.

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, Row};

use super::super::preferences::{newest, read};
use super::super::{Preferences, ids};
use super::error::Answer;
use super::stored;
use crate::contract::{Preference, PreferenceChange};

/// See [`super::super::Store::change_preferences`].
pub(super) async fn change(pool: &MySqlPool, changes: &[PreferenceChange]) -> Result<(), Answer> {
    let mut transaction = pool.begin().await?;
    // In the order of the users, so that two who write do not wait for each other.
    for part in ids::parts(&newest(changes)) {
        let text = format!(
            "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES {} \
             ON DUPLICATE KEY UPDATE \
             preference = IF(VALUES(updated_at) > updated_at OR (VALUES(updated_at) = updated_at \
             AND COALESCE(VALUES(preference), '~') > COALESCE(preference, '~')), VALUES(preference), preference), \
             updated_at = GREATEST(updated_at, VALUES(updated_at))",
            vec!["(?, ?, ?)"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for change in part {
            query = query
                .bind(change.user_id)
                .bind(stored(change.updated_at))
                .bind(change.preference.as_ref().map(Preference::to_json));
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Of so many users.
pub(super) fn look_up_text(users: usize) -> String {
    format!(
        "SELECT user_id, preference FROM user_preferences WHERE {} AND preference IS NOT NULL",
        ids::id_in(users).replacen("id", "user_id", 1)
    )
}

/// See [`super::super::Store::preferences`].
pub(super) async fn look_up(pool: &MySqlPool, users: &[i64]) -> Result<Preferences, Answer> {
    let mut query = sqlx::query(AssertSqlSafe(look_up_text(users.len())));
    for user in ids::bound(users) {
        query = query.bind(user);
    }
    let mut found = Preferences::new();
    for row in query.fetch_all(pool).await? {
        let text: String = row.try_get_unchecked("preference")?;
        found.insert(row.try_get_unchecked("user_id")?, read(&text)?);
    }
    Ok(found)
}

//! What readers want.

use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::columns::Columns;
use super::super::preferences::{BY_TOPIC, forgotten, newest, read};
use super::super::{Readers, ids};
use super::error::Answer;
use super::sizes::Rows;
use super::{forget, stored};
use crate::contract::{Preference, PreferenceChange};

/// See [`super::super::Store::change_preferences`].
pub(super) async fn change(
    pool: &MySqlPool,
    changes: &[PreferenceChange],
    sizes: &Rows,
) -> Result<(), Answer> {
    let mut transaction = pool.begin().await?;
    // In the order of the users, so that two who write do not wait for each other.
    let newest: Vec<_> = newest(changes)
        .into_iter()
        .map(|change| (change, change.preference.as_ref().map(Preference::to_json)))
        .collect();
    let bytes = |row: &(&PreferenceChange, Option<String>)| 64 + row.1.as_ref().map_or(0, String::len);
    for part in sizes.fitting(&newest, AT_ONCE, bytes) {
        let text = format!(
            "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES {} \
             ON DUPLICATE KEY UPDATE \
             preference = IF(VALUES(updated_at) > updated_at OR (VALUES(updated_at) = updated_at \
             AND COALESCE(VALUES(preference), '~') > COALESCE(preference, '~')), VALUES(preference), preference), \
             updated_at = GREATEST(updated_at, VALUES(updated_at))",
            vec!["(?, ?, ?)"; part.len()].join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (change, preference) in part {
            query = query
                .bind(change.user_id)
                .bind(stored(change.updated_at))
                .bind(preference);
        }
        let outcome = query.execute(&mut *transaction).await.map(drop);
        let name = || {
            part.first()
                .map_or_else(String::new, |(change, _)| format!("user {}", change.user_id))
        };
        sizes.sent(part.len(), part.iter().map(bytes).sum(), &name, outcome)?;
    }
    for (user_id, as_of) in forgotten(changes) {
        forget::request(&mut transaction, user_id, as_of, BY_TOPIC).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Of so many users, what they want and whether they were forgotten.
pub(super) fn look_up_text(users: usize) -> String {
    let these = ids::column_in("user_id", users);
    format!(
        "SELECT user_id, preference, NULL AS forgotten_as_of FROM user_preferences FORCE INDEX (PRIMARY) \
         WHERE {these} AND preference IS NOT NULL \
         UNION ALL SELECT user_id, NULL, as_of FROM incentive_notify_forgotten FORCE INDEX (PRIMARY) WHERE {these}"
    )
}

/// How many users are written or looked up at once: as many, twice, as are sent at once (`sizes`).
const AT_ONCE: usize = 512;

/// See [`super::super::Store::readers`].
pub(super) async fn look_up(connection: &mut MySqlConnection, users: &[i64]) -> Result<Readers, Answer> {
    let mut found = Readers::default();
    for users in users.chunks(AT_ONCE) {
        let mut query = sqlx::query(AssertSqlSafe(look_up_text(users.len())));
        for user in ids::bound(users).chain(ids::bound(users)) {
            query = query.bind(user);
        }
        for row in query.fetch_all(&mut *connection).await? {
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
